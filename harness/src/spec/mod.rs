//! From YAML text to scenarios: reading, checking, multiplying by axes.
//!
//! The only I/O is in [`Sources::from_dir`]; all else is pure.

mod axes;
pub mod catalogue;
mod decode;
mod error;
#[cfg(test)]
mod fuzz;
mod grammar;
pub mod model;
pub mod observations;
mod reference;
mod schema;
mod script;
mod sources;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sparring_mock_server::contract::SystemId;

pub use self::catalogue::Catalogue;
pub use self::error::{Position, SpecError};
pub use self::schema::{schema, schema_text};
pub use self::script::script;
pub use self::sources::{Source, Sources};

use self::error::Diagnostics;
use self::model::Scenario;

/// All that a folder of specifications holds.
#[derive(Debug, Clone, Default)]
pub struct Suite {
    /// The catalogues of the systems in it.
    pub catalogues: BTreeMap<SystemId, Catalogue>,
    /// The cases, ordered by file, those of one file in the order of its axes.
    pub scenarios: Vec<Arc<Scenario>>,
}

/// Reads all files; or all that is wrong with all of them.
///
/// A system without a catalogue of its own in the folder is read against the built-in one.
pub fn load(sources: &Sources) -> Result<Suite, Vec<SpecError>> {
    let mut errors = Vec::new();
    let mut suite = Suite::default();
    let files: Vec<(Place, &Source)> =
        sources.files.iter().filter_map(|file| Some((Place::of(file, &mut errors)?, file))).collect();
    for (place, file) in files.iter().filter(|(place, _)| place.role == FileRole::Catalogue) {
        suite
            .catalogues
            .extend(kept(Catalogue::parse(&file.path, &file.text), &mut errors).map(|one| (place.system, one)));
    }
    let scenarios: Vec<&(Place, &Source)> =
        files.iter().filter(|(place, _)| place.role == FileRole::Scenario).collect();
    add_built_in(&mut suite, &scenarios, &files, &mut errors);
    for (place, file) in scenarios {
        // A catalogue that could not be read has been reported; its scenarios would all fail on unknown ids.
        if let Some(catalogue) = suite.catalogues.get(&place.system) {
            let read = parse_as(&file.id, &file.path, &file.text, place.system, catalogue);
            suite.scenarios.extend(kept(read, &mut errors).into_iter().flatten().map(Arc::new));
        }
    }
    if suite.scenarios.is_empty() && errors.is_empty() {
        errors.push(SpecError::about(
            &sources.origin,
            "holds no scenario: expected <system>/<area>/<name>.yaml below it",
        ));
    }
    if errors.is_empty() { Ok(suite) } else { Err(errors) }
}

/// Reads one file. Its id is its path from the folder of the system on, without extension.
pub fn parse(file: &str, text: &str, system: SystemId, catalogue: &Catalogue) -> Result<Vec<Scenario>, Vec<SpecError>> {
    let path = file.replace('\\', "/");
    let path = path.strip_suffix(".yaml").unwrap_or(&path);
    let marker = format!("{}/", system.name());
    let start = if path.starts_with(&marker) { Some(0) } else { path.rfind(&format!("/{marker}")).map(|at| at + 1) };
    parse_as(&path[start.unwrap_or(0)..], file, text, system, catalogue)
}

fn parse_as(
    id: &str,
    file: &str,
    text: &str,
    system: SystemId,
    catalogue: &Catalogue,
) -> Result<Vec<Scenario>, Vec<SpecError>> {
    let mut diagnostics = Diagnostics::new(file, text);
    let mut scenarios = Vec::new();
    if let Some(tree) = tree::parse(&mut diagnostics) {
        for combination in axes::combinations(tree.get("axes"), &mut diagnostics) {
            let tree = axes::put_in(&tree, &combination, &mut diagnostics);
            let id = format!("{id}{}", combination.suffix());
            scenarios.extend(decode::scenario(&tree, (id, file), system, catalogue, &mut diagnostics));
        }
    }
    diagnostics.finish().map(|()| scenarios)
}

fn kept<T>(read: Result<T, Vec<SpecError>>, errors: &mut Vec<SpecError>) -> Option<T> {
    read.map_err(|mut found| errors.append(&mut found)).ok()
}

/// Where a file stands in the layout.
#[derive(Debug, Clone, Copy)]
struct Place {
    system: SystemId,
    role: FileRole,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileRole {
    Contract,
    Catalogue,
    Scenario,
}

impl Place {
    fn of(file: &Source, errors: &mut Vec<SpecError>) -> Option<Self> {
        let (system, rest) = file.id.split_once('/').unwrap_or((&file.id, ""));
        let Some(system) = SystemId::from_name(system) else {
            let known = SystemId::ALL.map(SystemId::name).join(", ");
            let mut error = SpecError::about(&file.path, format!("`{system}` is no system"));
            error.help = Some(format!("files stand below the folder of their system: {known}"));
            errors.push(error);
            return None;
        };
        let role = match rest {
            "system" => FileRole::Contract,
            "requirements" => FileRole::Catalogue,
            _ if rest.contains('/') => FileRole::Scenario,
            _ => {
                let message = "a scenario stands in the folder of its area: <system>/<area>/<name>.yaml";
                errors.push(SpecError::about(&file.path, message));
                return None;
            }
        };
        Some(Self { system, role })
    }
}

/// Catalogues for the systems that have scenarios and bring none.
fn add_built_in(
    suite: &mut Suite,
    scenarios: &[&(Place, &Source)],
    files: &[(Place, &Source)],
    errors: &mut Vec<SpecError>,
) {
    let brought = |system| files.iter().any(|(place, _)| place.system == system && place.role == FileRole::Catalogue);
    let missing: BTreeSet<SystemId> =
        scenarios.iter().map(|(place, _)| place.system).filter(|system| !brought(*system)).collect();
    for system in missing {
        let id = format!("{}/requirements", system.name());
        match Sources::built_in().files.into_iter().find(|file| file.id == id) {
            Some(file) => {
                let read = kept(Catalogue::parse(&file.path, &file.text), errors);
                suite.catalogues.extend(read.map(|catalogue| (system, catalogue)));
            }
            None => errors.push(SpecError::about(format!("{id}.yaml"), "is missing")),
        }
    }
}

#[cfg(test)]
mod tests;

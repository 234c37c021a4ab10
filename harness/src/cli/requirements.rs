//! `sparring requirements`: which requirement is checked where, and with which verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::args::RequirementsArguments;
use super::exit::{self, Exit, Failure};
use super::specs;
use crate::judge::{Coverage, Outcome};
use crate::plan;
use crate::report::requirements::{RequirementRow, RequirementTable};
use crate::report::results::Results;
use crate::report::terminal::Look;
use crate::spec::Suite;
use crate::spec::catalogue::Requirement;
use crate::spec::model::Scenario;

/// Runs the command.
pub(super) fn requirements(arguments: &RequirementsArguments) -> Result<Exit, Failure> {
    let suite = specs::load(arguments.specs.as_deref())?;
    for system in &arguments.systems {
        specs::known_system(&suite, system)?;
    }
    let results = arguments.results.as_deref().map(read).transpose()?;
    let verdicts = results.map(|results| verdicts(&results, &suite)).unwrap_or_default();
    let chosen = |name: &str| arguments.systems.is_empty() || arguments.systems.iter().any(|system| system == name);
    let catalogues = suite.catalogues.iter().filter(|(system, _)| chosen(system.name()));
    let requirements = catalogues.flat_map(|(_, catalogue)| catalogue.requirements.values());
    let table = RequirementTable {
        clients: verdicts.keys().cloned().collect(),
        requirements: requirements.map(|requirement| row(requirement, &suite, &verdicts)).collect(),
    };
    let mut out = std::io::stdout().lock();
    exit::printed(table.write(arguments.format, Look::stdout(), &mut out))
}

/// Verdicts by client and requirement.
type Verdicts = BTreeMap<String, BTreeMap<String, Outcome>>;

fn read(path: &Path) -> Result<Results, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::usage(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    serde_json::from_str(&text).map_err(|error| wrong(&error))
}

fn verdicts(results: &Results, suite: &Suite) -> Verdicts {
    let infos = specs::requirement_infos(suite);
    let mut coverage: BTreeMap<String, Coverage> = BTreeMap::new();
    for case in &results.cases {
        coverage.entry(case.client.clone()).or_default().add(&case.checks, &infos);
    }
    let outcomes = |coverage: &Coverage| {
        coverage.requirements().iter().map(|(id, covered)| (id.clone(), covered.outcome)).collect()
    };
    coverage.iter().map(|(client, coverage)| (client.clone(), outcomes(coverage))).collect()
}

fn row(requirement: &Requirement, suite: &Suite, verdicts: &Verdicts) -> RequirementRow {
    let naming: Vec<&Scenario> = suite
        .scenarios
        .iter()
        .map(AsRef::as_ref)
        .filter(|scenario| plan::requirements(scenario).contains(requirement.id.as_str()))
        .collect();
    let files: BTreeSet<&str> = naming.iter().map(|scenario| file_id(&scenario.id)).collect();
    let first_of = |file: &str| naming.iter().find(|scenario| file_id(&scenario.id) == file);
    let checks =
        files.iter().filter_map(|file| first_of(file)).map(|scenario| plan::checks(scenario, &requirement.id)).sum();
    let verdict = |(client, outcomes): (&String, &BTreeMap<String, Outcome>)| {
        Some((client.clone(), *outcomes.get(&requirement.id)?))
    };
    RequirementRow {
        id: requirement.id.clone(),
        level: requirement.level,
        party: requirement.party.name().to_owned(),
        text: requirement.text.clone(),
        checks,
        scenarios: files.into_iter().map(str::to_owned).collect(),
        verdicts: verdicts.iter().filter_map(verdict).collect(),
        untested: requirement.untested.clone(),
    }
}

/// The id of the file that a case came from.
fn file_id(case: &str) -> &str {
    case.split_once('[').map_or(case, |(file, _)| file)
}

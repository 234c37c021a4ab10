//! The files that a suite is made of: from a folder, or those that were compiled in.
//!
//! Knows the layout and nothing of what stands in the files.

use std::fs;
use std::path::Path;

use super::error::SpecError;

include!(concat!(env!("OUT_DIR"), "/specs.rs"));

/// A list of files.
#[derive(Debug, Clone)]
pub struct Sources {
    /// What the files were taken from, for messages.
    pub origin: String,
    /// The files, ordered by their ids.
    pub files: Vec<Source>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its place below the folder without extension, parts joined by `/`: the id of a scenario.
    pub id: String,
    /// Its path as it stands in messages.
    pub path: String,
    /// What it holds.
    pub text: String,
}

impl Sources {
    /// The specifications of this repository, which were compiled in.
    pub fn built_in() -> Self {
        let files = BUILT_IN.iter().map(|(path, text)| Source {
            id: path.trim_end_matches(EXTENSION).to_owned(),
            path: format!("specs/{path}"),
            text: (*text).to_owned(),
        });
        Self { origin: "specs".to_owned(), files: files.collect() }
    }

    /// All YAML files below a folder.
    pub fn from_dir(folder: &Path) -> Result<Self, Vec<SpecError>> {
        let mut files = Vec::new();
        let mut errors = Vec::new();
        collect(folder, "", &mut files, &mut errors);
        files.sort_by(|a: &Source, b| a.id.cmp(&b.id));
        let origin = folder.display().to_string();
        if errors.is_empty() { Ok(Self { origin, files }) } else { Err(errors) }
    }
}

const EXTENSION: &str = ".yaml";

fn collect(folder: &Path, place: &str, files: &mut Vec<Source>, errors: &mut Vec<SpecError>) {
    let failed = |path: &Path, error: std::io::Error| {
        SpecError::about(path.display().to_string(), format!("failed to read: {error}"))
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return errors.push(failed(folder, error)),
    };
    for entry in entries {
        let path = match entry {
            Ok(entry) => entry.path(),
            Err(error) => {
                errors.push(failed(folder, error));
                continue;
            }
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let place = if place.is_empty() { name.clone() } else { format!("{place}/{name}") };
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(&path, &place, files, errors);
        } else if let Some(id) = place.strip_suffix(EXTENSION) {
            match fs::read_to_string(&path) {
                Ok(text) => files.push(Source { id: id.to_owned(), path: path.display().to_string(), text }),
                Err(error) => errors.push(failed(&path, error)),
            }
        } else if name.ends_with(".yml") {
            errors.push(SpecError::about(path.display().to_string(), "scenario files end in .yaml"));
        }
    }
}

//! The files that a suite is made of: from a folder, or those that were compiled in.
//!
//! Knows the layout and nothing of what stands in the files.

use std::fs::{self, DirEntry};
use std::io;
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
            id: path.trim_end_matches(".yaml").to_owned(),
            path: format!("specs/{path}"),
            text: (*text).to_owned(),
        });
        Self { origin: "specs".to_owned(), files: files.collect() }
    }

    /// All YAML files below a folder.
    pub fn from_dir(folder: &Path) -> Result<Self, Vec<SpecError>> {
        let mut walk = Walk { root: folder, files: Vec::new(), errors: Vec::new() };
        walk.folder(folder);
        let Walk { mut files, mut errors, .. } = walk;
        files.sort_by(|a, b| a.id.cmp(&b.id));
        errors.sort_by(|a, b| a.file.cmp(&b.file));
        let origin = folder.display().to_string();
        if errors.is_empty() { Ok(Self { origin, files }) } else { Err(errors) }
    }
}

/// A walk through a folder, and what it has found.
struct Walk<'f> {
    root: &'f Path,
    files: Vec<Source>,
    errors: Vec<SpecError>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path) {
        match fs::read_dir(folder) {
            Ok(entries) => entries.for_each(|entry| self.entry(folder, entry)),
            Err(error) => self.failed(folder, &error),
        }
    }

    fn entry(&mut self, folder: &Path, entry: io::Result<DirEntry>) {
        let path = match &entry {
            Ok(entry) => entry.path(),
            Err(error) => return self.failed(folder, error),
        };
        // Links to folders are not followed: they could lead back here.
        let is_folder = entry.is_ok_and(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let extension = path.extension().unwrap_or_default();
        if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
            return;
        }
        if is_folder {
            self.folder(&path);
        } else if extension == "yaml" {
            self.file(&path);
        } else if extension == "yml" {
            self.errors.push(SpecError::about(path.display().to_string(), "scenario files end in .yaml"));
        }
    }

    fn file(&mut self, path: &Path) {
        match fs::read_to_string(path) {
            Ok(text) => {
                let place = path.strip_prefix(self.root).unwrap_or(path).with_extension("");
                let parts: Vec<_> = place.iter().map(|part| part.to_string_lossy()).collect();
                self.files.push(Source { id: parts.join("/"), path: path.display().to_string(), text });
            }
            Err(error) => self.failed(path, &error),
        }
    }

    fn failed(&mut self, path: &Path, error: &io::Error) {
        self.errors.push(SpecError::about(path.display().to_string(), format!("failed to read: {error}")));
    }
}

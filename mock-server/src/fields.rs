//! Takes the fields of a map one by one and keeps every error.
//!
//! For input that people write: unknown keys are errors with a suggestion. Knows nothing of what the keys mean.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::values::{FieldError, ValueError, parse_duration};

/// A map that is being read.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    errors: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    /// Begins to read.
    pub(crate) fn new(map: &'a Map<String, Value>) -> Self {
        Self { map, errors: Vec::new() }
    }

    /// The value of a key as it stands.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name)
    }

    /// Keeps an error.
    pub(crate) fn refuse(&mut self, error: FieldError) {
        self.errors.push(error);
    }

    /// Takes a value that `read` understands; `expected` says what that is. None if it is absent or wrong.
    pub(crate) fn take<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.map.get(name)?;
        let taken = read(value);
        if taken.is_none() {
            self.refuse(FieldError::new(name, value, expected));
        }
        taken
    }

    /// Takes a duration.
    pub(crate) fn duration(&mut self, name: &str) -> Option<Duration> {
        let value = self.map.get(name)?;
        let read = value.as_str().map_or(Err(ValueError::Duration), parse_duration);
        read.map_err(|error| self.refuse(FieldError::new(name, value, error.to_string()))).ok()
    }

    /// Takes a text that is not empty.
    pub(crate) fn text(&mut self, name: &str, expected: &str) -> Option<String> {
        self.take(name, expected, |value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned))
    }

    /// Takes a map.
    pub(crate) fn map(&mut self, name: &str) -> Option<&'a Map<String, Value>> {
        self.take(name, "a map", Value::as_object)
    }

    /// Keeps an error for each key that is none of `known`.
    pub(crate) fn refuse_unknown(&mut self, what: &str, known: &[&str]) {
        let unknown = self.map.keys().filter(|key| !known.contains(&key.as_str()));
        let errors = unknown.map(|key| FieldError::unknown(key, key, what, known.iter().copied()));
        self.errors.extend(errors);
    }

    /// Every error there was.
    pub(crate) fn into_errors(self) -> Vec<FieldError> {
        self.errors
    }
}

/// An error about a key that is not there.
pub(crate) fn missing(name: &str, expected: impl Into<String>) -> FieldError {
    FieldError { path: name.to_owned(), found: "nothing".to_owned(), expected: expected.into(), suggestion: None }
}

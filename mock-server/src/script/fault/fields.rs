//! Takes the fields of a flat map one by one and keeps every error.
//!
//! Knows nothing of faults or rules: who reads says which keys exist.

use serde_json::{Map, Value};

use super::param::{Kind, Param};
use crate::values::FieldError;

/// A map that is being read.
#[derive(Debug)]
pub(in crate::script) struct Fields<'a> {
    map: &'a Map<String, Value>,
    errors: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    /// Begins to read.
    pub(in crate::script) fn new(map: &'a Map<String, Value>) -> Self {
        Self { map, errors: Vec::new() }
    }

    /// The value of a key as it stands.
    pub(in crate::script) fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name)
    }

    /// Keeps an error.
    pub(in crate::script) fn refuse(&mut self, error: FieldError) {
        self.errors.push(error);
    }

    /// Takes a parameter; none if it is wrong, or missing without default.
    pub(super) fn take<T: Param>(&mut self, name: &str, default: Option<T>) -> Option<T> {
        let Some(value) = self.map.get(name) else {
            return default.or_else(T::absent).or_else(|| {
                self.refuse(missing(name, T::KIND.expected()));
                None
            });
        };
        T::read(value).or_else(|| {
            self.refuse(wrong(name, value, T::KIND));
            None
        })
    }

    /// Takes a value that `read` understands; `expected` says what that is.
    pub(in crate::script) fn take_with<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.map.get(name)?;
        let taken = read(value);
        if taken.is_none() {
            self.refuse(FieldError::new(name, value, expected));
        }
        taken
    }

    /// Keeps an error for each key that is none of `known`.
    pub(in crate::script) fn refuse_unknown(&mut self, what: &str, known: &[&str]) {
        let unknown = self.map.keys().filter(|key| !known.contains(&key.as_str()));
        let errors = unknown.map(|key| FieldError::unknown(key, key, what, known.iter().copied()));
        self.errors.extend(errors);
    }

    /// Every error there was.
    pub(in crate::script) fn into_errors(self) -> Vec<FieldError> {
        self.errors
    }
}

/// An error about a key that is not there.
pub(in crate::script) fn missing(name: &str, expected: impl Into<String>) -> FieldError {
    FieldError { path: name.to_owned(), found: "nothing".to_owned(), expected: expected.into(), suggestion: None }
}

fn wrong(name: &str, value: &Value, kind: Kind) -> FieldError {
    match (kind, value.as_str()) {
        (Kind::Choice(words), Some(text)) => FieldError::unknown(name, text, "one of", words.iter().copied()),
        _ => FieldError::new(name, value, kind.expected()),
    }
}

//! What reports quote that results do not hold: the lines of scenario files and the sentences of the catalogue.

use crate::spec::model::Level;

/// Where reports look up what they quote. Whatever is not found is left out.
pub trait Library {
    /// The YAML of a case's step as it was written, from the step's first line on.
    fn step(&self, case: &str, step: usize) -> Option<&str>;

    /// A requirement of the catalogue.
    fn requirement(&self, id: &str) -> Option<Quote<'_>>;

    /// How a contradiction of the document is read.
    fn reading(&self, contradiction: &str) -> Option<&str>;
}

/// A requirement as reports quote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote<'a> {
    /// How binding it is.
    pub level: Level,
    /// The sentence.
    pub text: &'a str,
}

/// The library of those who have none: for results read back from a file.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLibrary;

impl Library for NoLibrary {
    fn step(&self, _: &str, _: usize) -> Option<&str> {
        None
    }

    fn requirement(&self, _: &str) -> Option<Quote<'_>> {
        None
    }

    fn reading(&self, _: &str) -> Option<&str> {
        None
    }
}

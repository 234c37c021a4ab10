//! What is wrong with a file, and where.
//!
//! Plain data: how an error looks on a terminal is decided elsewhere.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use sparring_mock_server::values::closest;

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{}{message}", Place(.position.as_ref()))]
pub struct SpecError {
    /// The file as it was given.
    pub file: String,
    /// Its whole text; empty where the file or folder as such is meant.
    pub text: Arc<str>,
    /// Where in the text; none where the file or folder as such is meant.
    pub position: Option<Position>,
    /// What is wrong: the value, and what was expected.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// A place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

struct Place<'a>(Option<&'a Position>);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(position) => write!(f, "{}:{}: ", position.line, position.column),
            None => f.write_str(" "),
        }
    }
}

impl SpecError {
    /// An error about a file or folder as such.
    pub fn about(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), text: "".into(), position: None, message: message.into(), help: None }
    }
}

/// Bytes of a text, start inclusive, end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Line and column of a byte of a text, both from 1, the column in characters.
pub(super) fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(byte)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Collects the errors of one file.
#[derive(Debug)]
pub(super) struct Diagnostics {
    file: String,
    text: Arc<str>,
    errors: Vec<(Span, String, Option<String>)>,
}

impl Diagnostics {
    pub(super) fn new(file: &str, text: &str) -> Self {
        Self { file: file.to_owned(), text: text.into(), errors: Vec::new() }
    }

    pub(super) fn text(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    pub(super) fn error(&mut self, span: Span, message: impl Into<String>) {
        self.errors.push((span, message.into(), None));
    }

    pub(super) fn error_with_help(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.errors.push((span, message.into(), Some(help.into())));
    }

    /// An error about a name that is none of `known`: suggests the closest, or lists them.
    pub(super) fn unknown<'k>(&mut self, span: Span, what: &str, name: &str, known: impl IntoIterator<Item = &'k str>) {
        let help = choices(name, &known.into_iter().collect::<Vec<_>>());
        self.errors.push((span, format!("`{name}` is no {what}"), help));
    }

    /// All errors in the order of the file, each once; none if there are none.
    pub(super) fn finish(mut self) -> Result<(), Vec<SpecError>> {
        // Combinations of axes repeat what is wrong with the parts that they share.
        self.errors.sort();
        self.errors.dedup();
        if self.errors.is_empty() {
            return Ok(());
        }
        Err(std::mem::take(&mut self.errors).into_iter().map(|error| self.located(error)).collect())
    }

    fn located(&self, (span, message, help): (Span, String, Option<String>)) -> SpecError {
        let (line, column) = line_and_column(&self.text, span.start);
        let position = Some(Position { span: span.start..span.end, line, column });
        SpecError { file: self.file.clone(), text: self.text(), position, message, help }
    }
}

/// How many names are listed before the list says more than it helps.
const LISTED: usize = 16;

pub(super) fn choices(name: &str, known: &[&str]) -> Option<String> {
    match closest(name, known.iter().copied()) {
        Some(close) => Some(format!("did you mean `{close}`?")),
        None if known.is_empty() => None,
        None if known.len() > LISTED => Some(format!("known are {}, …", known[..LISTED].join(", "))),
        None => Some(format!("known: {}", known.join(", "))),
    }
}

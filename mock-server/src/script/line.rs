//! Reads a rule from the words of a command line: `silent-auth attempts=1-2`.
//!
//! A word is the fault's id or `key=value`, the value a YAML scalar or flow value. Spaces stand inside quotes and
//! brackets only.

use serde_json::{Map, Value};

use super::rule::Rule;
use crate::values::FieldError;

/// Why a line is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// A word is not of its form.
    #[error("`{word}`: expected {expected}")]
    Word {
        /// The word.
        word: String,
        /// What should have stood there.
        expected: &'static str,
    },
    /// A key stands there twice.
    #[error("`{key}` is given twice")]
    Twice {
        /// The key.
        key: String,
    },
    /// The words are well-formed, but they are no rule.
    #[error("{}", join(.0))]
    Fields(Vec<FieldError>),
}

fn join(errors: &[FieldError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

impl Rule {
    /// Reads a rule from the words of a command line.
    pub fn parse_line(line: &str) -> Result<Self, LineError> {
        let mut words = split(line)?.into_iter();
        let id = words.next().unwrap_or_default();
        let mut map = Map::from_iter([("fault".to_owned(), Value::String(id.to_owned()))]);
        for word in words {
            let (key, value) = parse_word(word)?;
            if map.insert(key.to_owned(), value).is_some() {
                return Err(LineError::Twice { key: key.to_owned() });
            }
        }
        Self::read(&map).map_err(LineError::Fields)
    }
}

fn parse_word(word: &str) -> Result<(&str, Value), LineError> {
    let error = |expected| LineError::Word { word: word.to_owned(), expected };
    let (key, text) = word.split_once('=').ok_or_else(|| error("a word such as attempts=1-2"))?;
    let value = serde_saphyr::from_str(text).map_err(|_| error("a YAML value behind the equals sign"))?;
    Ok((key, value))
}

/// Splits at spaces outside quotes and brackets.
fn split(line: &str) -> Result<Vec<&str>, LineError> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let end = word_end(rest)
            .ok_or_else(|| LineError::Word { word: rest.to_owned(), expected: "an end to its quotes and brackets" })?;
        let (word, behind) = rest.split_at(end);
        words.push(word);
        rest = behind.trim_start();
    }
    Ok(words)
}

/// Where the first word ends; none if it ends inside quotes or brackets.
fn word_end(text: &str) -> Option<usize> {
    let mut depth = 0_u32;
    let mut quote = None;
    let mut escaped = false;
    let mut before = '=';
    for (index, c) in text.char_indices() {
        match quote {
            Some('"') if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            // An apostrophe inside a word is no quote.
            None if matches!(c, '"' | '\'') && "=[{,: ".contains(before) => quote = Some(c),
            None if matches!(c, '[' | '{') => depth += 1,
            None if matches!(c, ']' | '}') => depth = depth.saturating_sub(1),
            None if c.is_whitespace() && depth == 0 => return Some(index),
            _ => {}
        }
        before = c;
    }
    (depth == 0 && quote.is_none()).then_some(text.len())
}

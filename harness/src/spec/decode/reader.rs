//! Reading of single values, with the error message of each.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use sparring_mock_server::values::{NumberRange, ValueError, parse_duration};

use super::Decoder;
use crate::spec::error::Span;
use crate::spec::tree::{Entry, Node, Yaml};

/// The entry of a key.
pub(super) fn find<'n>(entries: &'n [Entry], key: &str) -> Option<&'n Entry> {
    entries.iter().find(|entry| entry.key == key)
}

impl Decoder<'_> {
    /// Reports that the value of a key is not what it should be.
    pub(super) fn expected(&mut self, entry: &Entry, expected: impl Display) {
        self.expected_at(&entry.value, &format!("`{}`", entry.key), expected);
    }

    /// Reports that a value is not what it should be; silent about what was reported before.
    pub(super) fn expected_at(&mut self, node: &Node, what: &str, expected: impl Display) {
        if !node.is_broken() {
            self.diagnostics.error(node.span, format!("{what}: expected {expected}, found {}", node.shown()));
        }
    }

    /// The entries of a map; none of anything else.
    pub(super) fn map<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Entry] {
        node.as_map().unwrap_or_else(|| {
            self.expected_at(node, what, "a map");
            &[]
        })
    }

    /// Reports keys that are not known.
    pub(super) fn known_keys<'k>(&mut self, entries: &[Entry], what: &str, known: impl IntoIterator<Item = &'k str>) {
        let known: Vec<&str> = known.into_iter().collect();
        for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            self.diagnostics.unknown(entry.key_span, what, &entry.key, known.iter().copied());
        }
    }

    /// The items of a list.
    pub(super) fn list<'n>(&mut self, entry: &'n Entry) -> Option<&'n [Node]> {
        let items = entry.value.as_list();
        if items.is_none() {
            self.expected(entry, "a list");
        }
        items
    }

    /// Text; a number or a word such as `true` has to be quoted to be one.
    pub(super) fn text(&mut self, entry: &Entry) -> Option<String> {
        self.text_at(&entry.value, &format!("`{}`", entry.key))
    }

    /// Text without a key of its own.
    pub(super) fn text_at(&mut self, node: &Node, what: &str) -> Option<String> {
        if let Some(text) = node.as_text() {
            return Some(text.to_owned());
        }
        match node.scalar_text() {
            Some(text) => {
                let message = format!("{what}: expected text, found {}", node.shown());
                self.diagnostics.error_with_help(node.span, message, format!("quote it: \"{text}\""));
            }
            None => self.expected_at(node, what, "text"),
        }
        None
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, entry: &Entry) -> Vec<String> {
        let what = format!("`{}`", entry.key);
        self.list(entry).unwrap_or_default().iter().filter_map(|node| self.text_at(node, &what)).collect()
    }

    /// True or false.
    pub(super) fn flag(&mut self, entry: &Entry) -> Option<bool> {
        if let Yaml::Bool(flag) = entry.value.value {
            return Some(flag);
        }
        self.expected(entry, "true or false");
        None
    }

    /// A whole number that is not negative.
    pub(super) fn whole(&mut self, entry: &Entry) -> Option<u64> {
        let number = as_whole(&entry.value);
        if number.is_none() {
            self.expected(entry, "a whole number");
        }
        number
    }

    /// A duration with its unit.
    pub(super) fn duration(&mut self, entry: &Entry) -> Option<Duration> {
        let read = entry.value.as_text().map_or(Err(ValueError::Duration), parse_duration);
        read.map_err(|error| self.expected(entry, error)).ok()
    }

    /// A range of durations.
    pub(super) fn range<T: FromStr<Err = ValueError>>(&mut self, entry: &Entry, expected: ValueError) -> Option<T> {
        let read = entry.value.as_text().map_or(Err(expected), str::parse);
        read.map_err(|error| self.expected(entry, error)).ok()
    }

    /// One of a few words.
    pub(super) fn word(&mut self, entry: &Entry, words: &[&str]) -> Option<String> {
        let text = self.text(entry)?;
        if words.contains(&text.as_str()) {
            return Some(text);
        }
        self.diagnostics.unknown(entry.value.span, &format!("value of `{}`", entry.key), &text, words.iter().copied());
        None
    }

    /// Reports a name that is none of those known.
    pub(super) fn unknown<'k>(&mut self, span: Span, what: &str, name: &str, known: impl IntoIterator<Item = &'k str>) {
        self.diagnostics.unknown(span, what, name, known);
    }
}

/// A whole number that is not negative.
pub(super) fn as_whole(node: &Node) -> Option<u64> {
    if let Yaml::Number(number) = &node.value { number.as_u64() } else { None }
}

/// A number or a range of numbers.
pub(super) fn as_number_range(node: &Node) -> Option<NumberRange> {
    as_whole(node).map(NumberRange::exactly).or_else(|| node.as_text()?.parse().ok())
}

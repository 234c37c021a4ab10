//! Patterns: what a field of an observation may be (scenario language, section 3).

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;
use sparring_mock_server::values::ValueError;

use super::Decoder;
use super::reader::as_number_range;
use crate::spec::grammar::OPERATORS;
use crate::spec::model::{JsonType, Pattern, Piece, Place, Reference};
use crate::spec::observations::Kind;
use crate::spec::reference::{self, Part};
use crate::spec::tree::{Entry, Node, Yaml};

impl Decoder<'_> {
    /// The pattern of the observation's own key, where `any` matches all.
    pub(super) fn own_pattern(&mut self, entry: &Entry, kind: Kind) -> Pattern {
        if entry.value.as_text() == Some("any") { Pattern::Any } else { self.pattern(entry, kind) }
    }

    /// The pattern of a field that holds values of a kind.
    pub(super) fn pattern(&mut self, entry: &Entry, kind: Kind) -> Pattern {
        self.pattern_at(&entry.value, &format!("`{}`", entry.key), kind)
    }

    fn pattern_at(&mut self, node: &Node, what: &str, kind: Kind) -> Pattern {
        match &node.value {
            Yaml::Broken => Pattern::Any,
            Yaml::Text(text) if reference::occurs_in(text) => self.reference(node, text),
            Yaml::Map(entries) if entries.iter().any(|entry| entry.key.starts_with('$')) => {
                self.operator(node, entries, what, kind)
            }
            _ => self.plain(node, what, kind),
        }
    }

    fn plain(&mut self, node: &Node, what: &str, kind: Kind) -> Pattern {
        let pattern = match kind {
            Kind::Number => as_number_range(node).map(Pattern::Number).ok_or(ValueError::NumberRange.to_string()),
            Kind::Ratio => ratio(node).ok_or("a number or a range of numbers, such as 1.5, 1.5-3 or 1.5+".to_owned()),
            Kind::Duration => {
                let range = node.as_text().and_then(|text| text.parse().ok());
                range.map(Pattern::Duration).ok_or(ValueError::DurationRange.to_string())
            }
            Kind::Flag if !matches!(node.value, Yaml::Bool(_)) => Err("true or false".to_owned()),
            Kind::Text => return self.text_pattern(node, what),
            Kind::Word(words) => return self.word_pattern(node, what, words),
            Kind::Name(names) => {
                self.check_name(node, names);
                Ok(Pattern::Equal(node.to_json()))
            }
            Kind::Texts | Kind::Headers => return self.texts_pattern(node, what, kind),
            Kind::Payload | Kind::Flag => return self.payload(node, what),
        };
        pattern.unwrap_or_else(|expected| {
            self.expected_at(node, what, expected);
            Pattern::Any
        })
    }

    fn text_pattern(&mut self, node: &Node, what: &str) -> Pattern {
        if matches!(node.value, Yaml::Null) {
            let message = format!("{what}: expected text, found `null`");
            self.diagnostics.error_with_help(node.span, message, "a field that is not there is {$absent: true}");
            return Pattern::Any;
        }
        self.text_at(node, what).map_or(Pattern::Any, |text| Pattern::Equal(Value::String(text)))
    }

    fn word_pattern(&mut self, node: &Node, what: &str, words: &[&str]) -> Pattern {
        match node.as_text() {
            Some(text) if words.contains(&text) => {}
            Some(text) => self.unknown(node.span, &format!("value of {what}"), text, words.iter().copied()),
            None => self.expected_at(node, what, words.join(" or ")),
        }
        Pattern::Equal(node.to_json())
    }

    fn texts_pattern(&mut self, node: &Node, what: &str, kind: Kind) -> Pattern {
        let entries = self.map(node, what);
        Pattern::Map(self.members(entries, kind))
    }

    /// The members of a map of patterns.
    fn members(&mut self, entries: &[Entry], kind: Kind) -> BTreeMap<String, Pattern> {
        let mut members = BTreeMap::new();
        for entry in entries {
            if kind == Kind::Headers && entry.key.chars().any(char::is_uppercase) {
                let message = format!("header names are in lower case, found `{}`", entry.key);
                let help = format!("write `{}`", entry.key.to_lowercase());
                self.diagnostics.error_with_help(entry.key_span, message, help);
            }
            let inner = if kind == Kind::Payload { Kind::Payload } else { Kind::Text };
            members.insert(entry.key.clone(), self.pattern(entry, inner));
        }
        members
    }

    fn payload(&mut self, node: &Node, what: &str) -> Pattern {
        match &node.value {
            Yaml::List(items) => {
                Pattern::List(items.iter().map(|item| self.pattern_at(item, what, Kind::Payload)).collect())
            }
            Yaml::Map(entries) => Pattern::Map(self.members(entries, Kind::Payload)),
            _ => Pattern::Equal(node.to_json()),
        }
    }

    /// A map of one key that begins with `$`.
    fn operator(&mut self, node: &Node, entries: &[Entry], what: &str, kind: Kind) -> Pattern {
        let [entry] = entries else {
            let message = format!("{what}: a pattern that begins with `$` stands alone in its map");
            self.diagnostics.error(node.span, message);
            return Pattern::Any;
        };
        if let Some(wanted) = unfit(&entry.key, kind) {
            self.diagnostics.error(entry.key_span, format!("{what}: `{}` is for {wanted}", entry.key));
            return Pattern::Any;
        }
        match entry.key.as_str() {
            "$type" => self.json_type(entry),
            "$match" => self.regex(entry),
            "$range" => self.ratio_range(entry),
            "$not" => Pattern::Not(Box::new(self.pattern_at(&entry.value, what, kind))),
            "$any_of" => self.any_of(entry, what, kind),
            "$exact" => self.exact(entry, kind),
            "$absent" => {
                if !matches!(entry.value.value, Yaml::Bool(true)) {
                    self.expected(entry, "true");
                }
                Pattern::Absent
            }
            other => {
                self.unknown(entry.key_span, "pattern", other, OPERATORS.iter().map(|operator| operator.name));
                Pattern::Any
            }
        }
    }

    fn json_type(&mut self, entry: &Entry) -> Pattern {
        let Some(name) = self.word(entry, &JSON_TYPES.map(|(name, _)| name)) else { return Pattern::Any };
        let found = JSON_TYPES.iter().find(|(known, _)| *known == name);
        found.map_or(Pattern::Any, |(_, json_type)| Pattern::Type(*json_type))
    }

    fn regex(&mut self, entry: &Entry) -> Pattern {
        let Some(text) = self.text(entry) else { return Pattern::Any };
        match Regex::new(&text) {
            Ok(regex) => Pattern::Match(regex),
            Err(error) => {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                self.diagnostics.error(entry.value.span, format!("`$match`: not a regular expression: {reason}"));
                Pattern::Any
            }
        }
    }

    fn ratio_range(&mut self, entry: &Entry) -> Pattern {
        ratio(&entry.value).unwrap_or_else(|| {
            self.expected(entry, "a number or a range of numbers, such as 3, 1-2.5 or 4+");
            Pattern::Any
        })
    }

    fn any_of(&mut self, entry: &Entry, what: &str, kind: Kind) -> Pattern {
        let items = self.list(entry).unwrap_or_default();
        if items.is_empty() && entry.value.as_list().is_some() {
            self.expected(entry, "at least one pattern");
        }
        Pattern::AnyOf(items.iter().map(|item| self.pattern_at(item, what, kind)).collect())
    }

    fn exact(&mut self, entry: &Entry, kind: Kind) -> Pattern {
        if entry.value.as_text().is_some_and(reference::occurs_in) {
            let help = "write each member with a reference of its own";
            self.diagnostics.error_with_help(entry.value.span, "`$exact`: a reference cannot stand for the map", help);
            return Pattern::Any;
        }
        let entries = self.map(&entry.value, "`$exact`");
        Pattern::Exact(self.members(entries, kind))
    }

    fn reference(&mut self, node: &Node, text: &str) -> Pattern {
        // Malformed references have been reported where the axes were put in.
        let parts = reference::parts(text).unwrap_or_default();
        for part in &parts {
            if let Part::Reference(target) = part {
                self.check_reference(target, node.span);
            }
        }
        if let [Part::Reference(target)] = parts.as_slice() {
            return Pattern::Reference(Reference::Whole(place(target)));
        }
        let pieces = parts.iter().map(|part| match part {
            Part::Literal(text) => Piece::Literal((*text).to_owned()),
            Part::Reference(target) => Piece::Place(place(target)),
        });
        Pattern::Reference(Reference::Text(pieces.collect()))
    }
}

fn place(target: &reference::Target<'_>) -> Place {
    Place { name: target.name.to_owned(), path: target.path.iter().map(|&step| step.to_owned()).collect() }
}

/// What a pattern is for, if that is not what the field holds.
fn unfit(operator: &str, kind: Kind) -> Option<&'static str> {
    let fits = match operator {
        "$match" => matches!(kind, Kind::Text | Kind::Word(_) | Kind::Name(_) | Kind::Payload),
        "$range" => matches!(kind, Kind::Number | Kind::Ratio | Kind::Payload),
        "$exact" => matches!(kind, Kind::Texts | Kind::Headers | Kind::Payload),
        _ => true,
    };
    match operator {
        _ if fits => None,
        "$match" => Some("text"),
        "$range" => Some("numbers; a duration takes its range as it is, such as 9s-11s"),
        _ => Some("maps"),
    }
}

/// A number or a range of numbers with fractions.
fn ratio(node: &Node) -> Option<Pattern> {
    if let Yaml::Number(number) = &node.value {
        let value = number.as_f64()?;
        return Some(Pattern::Range { min: value, max: Some(value) });
    }
    let text = node.as_text()?;
    if let Some(min) = text.strip_suffix('+') {
        return Some(Pattern::Range { min: decimal(min)?, max: None });
    }
    let (min, max) = text.split_once('-').unwrap_or((text, text));
    let (min, max) = (decimal(min)?, decimal(max)?);
    (min <= max).then_some(Pattern::Range { min, max: Some(max) })
}

fn decimal(text: &str) -> Option<f64> {
    let plain = text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains(['e', 'E']);
    plain.then(|| text.parse().ok()).flatten()
}

pub(in crate::spec) const JSON_TYPES: [(&str, JsonType); 7] = [
    ("string", JsonType::String),
    ("integer", JsonType::Integer),
    ("number", JsonType::Number),
    ("boolean", JsonType::Boolean),
    ("object", JsonType::Object),
    ("array", JsonType::Array),
    ("null", JsonType::Null),
];

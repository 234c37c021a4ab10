//! References in patterns: `${name.field}` is replaced by the value it leads to, as a pattern of its own.
//!
//! Knows how to follow a path through a record; which record a name stands for is for the caller to say.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::spec::model::{Pattern, Piece, Place, Reference};
use crate::trace::Observed;

/// Why a reference could not be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lost {
    /// It leads nowhere.
    Nowhere(String),
    /// The step that should have given it could not be seen.
    Unseen,
}

/// Finds the value at a place.
pub(super) type Lookup<'a> = dyn Fn(&Place) -> Result<Value, Lost> + 'a;

/// The pattern with its references replaced.
pub(super) fn resolve(pattern: &Pattern, lookup: &Lookup<'_>) -> Result<Pattern, Lost> {
    Ok(match pattern {
        Pattern::Reference(reference) => as_pattern(follow(reference, lookup)?),
        Pattern::Map(map) => Pattern::Map(resolve_map(map, lookup)?),
        Pattern::Exact(map) => Pattern::Exact(resolve_map(map, lookup)?),
        Pattern::List(list) => Pattern::List(resolve_list(list, lookup)?),
        Pattern::AnyOf(list) => Pattern::AnyOf(resolve_list(list, lookup)?),
        Pattern::Not(inner) => Pattern::Not(Box::new(resolve(inner, lookup)?)),
        _ => pattern.clone(),
    })
}

/// Each pattern of a map, resolved.
pub(super) fn resolve_map(
    map: &BTreeMap<String, Pattern>,
    lookup: &Lookup<'_>,
) -> Result<BTreeMap<String, Pattern>, Lost> {
    map.iter().map(|(key, pattern)| Ok((key.clone(), resolve(pattern, lookup)?))).collect()
}

/// Inside a list, a reference to a list is spliced.
fn resolve_list(list: &[Pattern], lookup: &Lookup<'_>) -> Result<Vec<Pattern>, Lost> {
    let mut resolved = Vec::with_capacity(list.len());
    for pattern in list {
        match (pattern, resolve(pattern, lookup)?) {
            (Pattern::Reference(_), Pattern::List(mut spliced)) => resolved.append(&mut spliced),
            (_, pattern) => resolved.push(pattern),
        }
    }
    Ok(resolved)
}

fn follow(reference: &Reference, lookup: &Lookup<'_>) -> Result<Value, Lost> {
    match reference {
        Reference::Whole(place) => lookup(place),
        Reference::Text(pieces) => {
            let text: Result<String, Lost> = pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Literal(text) => Ok(text.clone()),
                    Piece::Place(place) => Ok(as_text(lookup(place)?)),
                })
                .collect();
            text.map(Value::String)
        }
    }
}

fn as_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// A value as it would be understood if it stood in the scenario: a map stands for a map with at least these keys.
fn as_pattern(value: Value) -> Pattern {
    match value {
        Value::Object(map) => Pattern::Map(map.into_iter().map(|(key, value)| (key, as_pattern(value))).collect()),
        Value::Array(list) => Pattern::List(list.into_iter().map(as_pattern).collect()),
        scalar => Pattern::Equal(scalar),
    }
}

/// The value at the end of a path through a record. The first part is the observation's own key or a field.
pub(super) fn walk(observed: &Observed, place: &Place) -> Result<Value, Lost> {
    let nowhere = || Lost::Nowhere(written(place));
    let Some((first, rest)) = place.path.split_first() else { return Ok(observed.value.clone()) };
    let start = if first == observed.key.name() { Some(&observed.value) } else { observed.fields.get(first) };
    rest.iter().try_fold(start.ok_or_else(nowhere)?, |value, part| part_of(value, part).ok_or_else(nowhere)).cloned()
}

fn part_of<'v>(value: &'v Value, part: &str) -> Option<&'v Value> {
    match value {
        Value::Object(map) => map.get(part),
        Value::Array(list) => list.get(part.parse::<usize>().ok()?),
        _ => None,
    }
}

/// A place as it was written.
pub(super) fn written(place: &Place) -> String {
    let parts: Vec<&str> = std::iter::once(&place.name).chain(&place.path).map(String::as_str).collect();
    format!("${{{}}}", parts.join("."))
}

/// The arguments of an action with their references replaced; the error names the one that leads nowhere.
pub(super) fn arguments(args: &Map<String, Value>, lookup: &Lookup<'_>) -> Result<Map<String, Value>, String> {
    args.iter().map(|(name, value)| Ok((name.clone(), argument(value, lookup)?))).collect()
}

fn argument(value: &Value, lookup: &Lookup<'_>) -> Result<Value, String> {
    match value {
        Value::String(text) => text_argument(text, lookup),
        Value::Object(map) => arguments(map, lookup).map(Value::Object),
        Value::Array(list) => list_argument(list, lookup),
        _ => Ok(value.clone()),
    }
}

fn list_argument(list: &[Value], lookup: &Lookup<'_>) -> Result<Value, String> {
    let mut resolved = Vec::with_capacity(list.len());
    for value in list {
        match (value, argument(value, lookup)?) {
            (Value::String(_), Value::Array(mut spliced)) => resolved.append(&mut spliced),
            (_, value) => resolved.push(value),
        }
    }
    Ok(Value::Array(resolved))
}

fn text_argument(text: &str, lookup: &Lookup<'_>) -> Result<Value, String> {
    let pieces = pieces(text);
    let lost = |lost| match lost {
        Lost::Nowhere(place) => place,
        Lost::Unseen => text.to_owned(),
    };
    match pieces.as_slice() {
        [Piece::Place(place)] => lookup(place).map_err(lost),
        _ => follow(&Reference::Text(pieces), lookup).map_err(lost),
    }
}

/// A text, cut at its references.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, place, after)) = next_place(rest) {
        if !before.is_empty() {
            pieces.push(Piece::Literal(before.to_owned()));
        }
        pieces.push(Piece::Place(place));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest.to_owned()));
    }
    pieces
}

fn next_place(text: &str) -> Option<(&str, Place, &str)> {
    let (before, rest) = text.split_once("${")?;
    let (inside, after) = rest.split_once('}')?;
    let mut parts = inside.split('.').map(str::to_owned);
    let name = parts.next()?;
    Some((before, Place { name, path: parts.collect() }, after))
}

//! Whether a value fits a pattern, and if not, where and why (scenario language, section 3).
//!
//! References must have been resolved. Knows nothing of steps or lanes.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::bounds::{Favour, Gauge};
use super::words;
use crate::spec::model::{JsonType, Pattern};

/// Compares values with patterns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fit {
    /// How durations are compared.
    pub(super) gauge: Gauge,
    /// In whose favour.
    pub(super) favour: Favour,
}

/// The first place in which a value does not fit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Misfit {
    pub(super) path: String,
    pub(super) expected: String,
    pub(super) found: String,
}

impl Fit {
    /// Whether the value fits; none stands for a field that is not there.
    pub(super) fn fits(self, pattern: &Pattern, value: Option<&Value>) -> bool {
        self.misfit(pattern, value, "").is_none()
    }

    /// The first place in which the value at `path` does not fit.
    pub(super) fn misfit(self, pattern: &Pattern, value: Option<&Value>, path: &str) -> Option<Misfit> {
        match pattern {
            Pattern::Map(wanted) => match value {
                Some(Value::Object(map)) => self.map_misfit(wanted, map, path),
                _ => Some(self.wrong(pattern, value, path)),
            },
            Pattern::Exact(wanted) => match value {
                Some(Value::Object(map)) => self.exact_misfit(wanted, map, path),
                _ => Some(self.wrong(pattern, value, path)),
            },
            Pattern::List(wanted) => match value {
                Some(Value::Array(list)) if list.len() == wanted.len() => self.list_misfit(wanted, list, path),
                _ => Some(self.wrong(pattern, value, path)),
            },
            _ => (!self.scalar_fits(pattern, value)).then(|| self.wrong(pattern, value, path)),
        }
    }

    fn wrong(self, pattern: &Pattern, value: Option<&Value>, path: &str) -> Misfit {
        let found = words::value(value, path);
        Misfit { path: path.to_owned(), expected: words::pattern(pattern, path, Some(self)), found }
    }

    fn map_misfit(self, wanted: &BTreeMap<String, Pattern>, map: &Map<String, Value>, path: &str) -> Option<Misfit> {
        wanted.iter().find_map(|(key, pattern)| self.misfit(pattern, map.get(key), &join(path, key)))
    }

    fn exact_misfit(self, wanted: &BTreeMap<String, Pattern>, map: &Map<String, Value>, path: &str) -> Option<Misfit> {
        self.map_misfit(wanted, map, path).or_else(|| {
            let (key, value) = map.iter().find(|(key, _)| !wanted.contains_key(*key))?;
            let path = join(path, key);
            Some(Misfit { expected: "nothing".to_owned(), found: words::value(Some(value), &path), path })
        })
    }

    fn list_misfit(self, wanted: &[Pattern], list: &[Value], path: &str) -> Option<Misfit> {
        let pairs = wanted.iter().zip(list).enumerate();
        pairs
            .into_iter()
            .find_map(|(place, (pattern, value))| self.misfit(pattern, Some(value), &join(path, &place.to_string())))
    }

    /// The patterns that a value fits as a whole or not at all.
    fn scalar_fits(self, pattern: &Pattern, value: Option<&Value>) -> bool {
        match (pattern, value) {
            (Pattern::Not(inner), _) => !Self { favour: self.favour.turned(), ..self }.fits(inner, value),
            (Pattern::AnyOf(inner), _) => inner.iter().any(|pattern| self.fits(pattern, value)),
            (Pattern::Absent, _) => value.is_none(),
            (Pattern::Any, Some(_)) => true,
            (Pattern::Equal(wanted), Some(value)) => equal(wanted, value),
            (Pattern::Number(range), Some(value)) => number(value).is_some_and(|number| {
                number >= as_float(range.min) && range.max.is_none_or(|max| number <= as_float(max))
            }),
            (Pattern::Range { min, max }, Some(value)) => {
                number(value).is_some_and(|number| number >= *min && max.is_none_or(|max| number <= max))
            }
            (Pattern::Duration(range), Some(value)) => value
                .as_i64()
                .is_some_and(|micros| self.gauge.span(*range, self.favour).outside(micros, micros).is_none()),
            (Pattern::Type(kind), Some(value)) => has_type(*kind, value),
            (Pattern::Match(expression), Some(value)) => value.as_str().is_some_and(|text| expression.is_match(text)),
            // Nothing else fits what is not there; maps and lists are compared by their parts; a reference that nobody
            // resolved fits nothing.
            (_, None) | (Pattern::Map(_) | Pattern::List(_) | Pattern::Exact(_) | Pattern::Reference(_), Some(_)) => {
                false
            }
        }
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64()
}

#[expect(clippy::cast_precision_loss, reason = "ordinals and counts are far below 2^52")]
fn as_float(number: u64) -> f64 {
    number as f64
}

/// Equality of scalars; a number is the same however it is written.
fn equal(wanted: &Value, value: &Value) -> bool {
    wanted == value || matches!((wanted, value), (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64())
}

fn has_type(kind: JsonType, value: &Value) -> bool {
    match kind {
        JsonType::String => value.is_string(),
        JsonType::Integer => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0),
        JsonType::Number => value.is_number(),
        JsonType::Boolean => value.is_boolean(),
        JsonType::Object => value.is_object(),
        JsonType::Array => value.is_array(),
        JsonType::Null => value.is_null(),
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

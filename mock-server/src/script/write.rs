//! Writes rules: as flat maps, and as the words of a command line.
//!
//! What is written reads back as the same rule.

use std::fmt;

use serde_json::{Map, Value, json};

use super::fault::exact;
use super::rule::{Rule, When};
use crate::values::NumberRange;

/// The flat map of a rule, without what goes without saying.
pub(super) fn to_map(rule: &Rule) -> Map<String, Value> {
    let common = [
        ("fault", Some(json!(rule.fault.id()))),
        ("attempts", rule.attempts.map(attempts)),
        ("who", rule.who.as_ref().map(|who| json!(who))),
        ("when", (!rule.when.is_empty()).then(|| when(&rule.when))),
        ("on", rule.on.as_ref().map(|on| json!(on))),
        ("after", (!rule.after.is_zero()).then(|| json!(exact(rule.after)))),
        ("for", rule.lasts.map(|lasts| json!(exact(lasts)))),
        ("times", rule.times.map(|times| json!(times))),
        ("probability", rule.probability.map(|chance| json!(chance))),
    ];
    let common = common.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    common.chain(rule.fault.params()).collect()
}

/// One attempt is a number: as a text, it would need quotes on a command line.
fn attempts(range: NumberRange) -> Value {
    if range.max == Some(range.min) { json!(range.min) } else { json!(range.to_string()) }
}

fn when(when: &When) -> Value {
    let texts = [("token", &when.token), ("transport", &when.transport), ("user", &when.user), ("path", &when.path)];
    let mut map: Map<String, Value> =
        texts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), json!(text.as_ref()?)))).collect();
    if !when.header.is_empty() {
        map.insert("header".to_owned(), json!(when.header));
    }
    Value::Object(map)
}

impl fmt::Display for Rule {
    /// Writes the words that [`Rule::parse_line`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.fault.id())?;
        self.to_map().iter().filter(|(key, _)| *key != "fault").try_for_each(|(key, value)| match value {
            Value::String(text) if is_plain(text) => write!(f, " {key}={text}"),
            _ => write!(f, " {key}={}", in_yaml(value)),
        })
    }
}

/// A value as JSON that is YAML too, which takes fewer characters as they stand.
fn in_yaml(value: &Value) -> String {
    let refused = |c: char| c.is_control() || "\u{2028}\u{2029}\u{feff}\u{fffe}\u{ffff}".contains(c);
    // Outside of texts JSON has none of them.
    let written = |c: char| if refused(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    value.to_string().chars().map(written).collect()
}

/// Whether a text can stand without quotes: it must read back as a text and as one word.
fn is_plain(text: &str) -> bool {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "_-+./".contains(c);
    let is_text = || serde_saphyr::from_str::<Value>(text).is_ok_and(|value| value == *text);
    text.chars().all(harmless) && is_text()
}

//! A rule that shows how a fault is written: one that was observed, or else one with everything that must be given.
//!
//! Knows nothing of how it is shown.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::script::fault::{Kind, ParamInfo, Presence, Selects};
use sparring_mock_server::script::{FaultInfo, Rule};

use super::observed::Observed;
use super::systems;
use crate::report::words;

/// A rule and a system that takes it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Example {
    /// The system.
    pub(super) system: SystemId,
    /// The words after `--fault`.
    pub(super) line: String,
    /// The same, read.
    pub(super) rule: Rule,
}

/// The example of a fault. Every fault has one: the tests see to it.
pub(super) fn example(info: &FaultInfo, observed: &Observed) -> Option<Example> {
    let mut seen = observed.of(info.id).into_iter().flat_map(|meeting| &meeting.seen);
    let seen = seen.find_map(|seen| Example::of(SystemId::from_name(&seen.system)?, seen.rule.clone()));
    seen.or_else(|| systems(info).into_iter().find_map(|system| Example::of(system, line(info, system))))
}

impl Example {
    /// The rule as it stands in a scenario or in a script file.
    pub(super) fn yaml(&self) -> String {
        let member = |(key, value): (String, Value)| format!("{key}: {}", plain(&value));
        format!("{{{}}}", self.rule.to_map().into_iter().map(member).collect::<Vec<_>>().join(", "))
    }

    fn of(system: SystemId, line: String) -> Option<Self> {
        let rule = Rule::parse_line(&line).ok().filter(|rule| rule.check(system).is_empty())?;
        Some(Self { system, line, rule })
    }
}

/// Text without quotes where it reads as itself, which a number of attempts need not.
fn plain(value: &Value) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "_-+./".contains(c);
    match value {
        Value::String(text) if !text.is_empty() && text.chars().all(harmless) && !is_word(text) => text.clone(),
        other => words::flow(other),
    }
}

/// Whether YAML takes it for something other than text or a number.
fn is_word(text: &str) -> bool {
    serde_saphyr::from_str::<Value>(text).is_ok_and(|value| value.is_null() || value.is_boolean())
}

/// A line with everything that must be given.
fn line(info: &FaultInfo, system: SystemId) -> String {
    let mut line = info.id.to_owned();
    if info.keys.selects == Selects::Attempts {
        line.push_str(" attempts=1-2");
    }
    if info.keys.on.is_required() {
        let sent = system.contract().events.sent.first().map_or("hello", |event| event.name.as_str());
        // Writing to a string cannot fail.
        let _ = write!(line, " on={sent}");
    }
    for param in info.params.iter().filter(|param| param.presence == Presence::Required) {
        let value = sample(param);
        let _ = write!(line, " {}={}", param.name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    line
}

/// A value that a required parameter takes.
fn sample(param: &ParamInfo) -> Value {
    match param.kind {
        Kind::Duration => "2s".into(),
        Kind::Count => 2.into(),
        Kind::Bytes => 1000.into(),
        Kind::Code => 1011.into(),
        Kind::Status => 503.into(),
        Kind::Flag => true.into(),
        Kind::Choice(words) => words.first().copied().into(),
        Kind::Choices(words) => json!([words.first()]),
        Kind::Names => json!(["CONNECT", "session_created"]),
        Kind::Headers | Kind::Members => json!({}),
        Kind::Text | Kind::Octets | Kind::Payload => "text".into(),
        Kind::Time => "2025-01-01T00:00:00Z".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use sparring_mock_server::script::{Fault, read_rules};

    #[rstest]
    #[case("half-open after=1s attempts=1", "{fault: half-open, attempts: 1, after: 1s}")]
    #[case("latency delay=20ms attempts=2+", "{fault: latency, attempts: 2+, delay: 20ms}")]
    #[case("rest-malformed body='no: \"JSON\"'", r#"{fault: rest-malformed, body: "no: \"JSON\""}"#)]
    fn yaml(#[case] line: &str, #[case] expected: &str) {
        assert_eq!(
            Example::of(SystemId::Digitwin, line.to_owned()).map(|example| example.yaml()).as_deref(),
            Some(expected)
        );
    }

    #[test]
    fn both_forms_of_every_example_are_the_same_rule() {
        for info in Fault::catalogue() {
            let example = example(info, Observed::built_in()).unwrap_or_else(|| panic!("{} has no example", info.id));
            let value = serde_saphyr::from_str(&format!("- {}", example.yaml())).expect("it is YAML");
            assert_eq!(read_rules(&value), Ok(vec![example.rule]), "{}", example.line);
        }
    }
}

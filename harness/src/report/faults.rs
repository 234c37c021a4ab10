//! The fault catalogue as text and JSON, from the definitions that also read the rules.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::script::fault::{OnKey, ParamInfo, Presence, Selects, Span};
use sparring_mock_server::script::{Fault, FaultInfo};
use sparring_mock_server::values;

/// All faults by layer, one line each.
pub fn all() -> String {
    let mut text = String::new();
    let mut family = "";
    for info in Fault::catalogue() {
        if info.family != family {
            family = info.family;
            let _ = writeln!(text, "{}{family}", if text.is_empty() { "" } else { "\n" });
        }
        let _ = writeln!(text, "  {:<30} {}", info.id, first_sentence(info.summary));
    }
    let _ = writeln!(text, "\n`sparring faults ID` explains one.");
    text
}

/// One fault, whole; none if there is none of this id.
pub fn one(id: &str) -> Option<String> {
    let info = Fault::describe(id)?;
    let mut text = format!("{} ({})\n\n{}\n", info.id, info.family, info.summary);
    if !info.params.is_empty() {
        text.push_str("\nParameters\n");
        for param in &info.params {
            let _ = writeln!(text, "  {:<16} {}; {}", param.name, param.kind.expected(), presence(param));
            let _ = writeln!(text, "  {:<16} {}", "", param.doc);
        }
    }
    text.push_str("\nCommon keys, all optional unless said otherwise\n");
    for key in keys(info) {
        let needed = if key == "on" && info.keys.on == OnKey::Sent { "; required" } else { "" };
        let _ = writeln!(text, "  {key:<16} {}{needed}", meaning(key));
    }
    let _ = writeln!(text, "\nSystems\n  {}", systems(info).join(", "));
    let _ = writeln!(text, "\nExample\n  sparring serve {} --fault '{}'", systems(info).first()?, example(info));
    Some(text)
}

/// All faults as JSON.
pub fn all_as_json() -> String {
    lines(&Value::Array(Fault::catalogue().iter().map(value).collect()))
}

/// One fault as JSON; none if there is none of this id.
pub fn one_as_json(id: &str) -> Option<String> {
    Fault::describe(id).map(|info| lines(&value(info)))
}

/// The id that is closest to a wrong one, if one is close.
pub fn closest(id: &str) -> Option<String> {
    values::closest(id, Fault::ids())
}

fn lines(value: &Value) -> String {
    format!("{value:#}\n")
}

fn value(info: &FaultInfo) -> Value {
    json!({
        "id": info.id,
        "layer": info.family,
        "summary": info.summary,
        "params": info.schema(),
        "keys": keys(info),
        "systems": systems(info),
    })
}

fn first_sentence(text: &str) -> &str {
    text.split_inclusive(". ").next().unwrap_or(text).trim_end_matches(['.', ' '])
}

fn presence(param: &ParamInfo) -> String {
    match &param.presence {
        Presence::Required => "required".to_owned(),
        Presence::Optional => "optional".to_owned(),
        Presence::Default(value) => {
            format!("default {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        }
    }
}

/// The common keys that mean something for a fault.
fn keys(info: &FaultInfo) -> Vec<&'static str> {
    let mut keys = vec!["after", "times", "probability"];
    keys.extend(match info.keys.selects {
        Selects::Nobody => &[][..],
        Selects::Actors => &["who"],
        Selects::Requests => &["who", "when"],
        Selects::Attempts => &["who", "attempts", "when"],
    });
    if info.keys.on != OnKey::Refused {
        keys.push("on");
    }
    if info.keys.lasts != Span::Refused {
        keys.push("for");
    }
    keys
}

/// What a common key says.
fn meaning(key: &str) -> &'static str {
    match key {
        "attempts" => "connection attempts on which it works, from 1: 3, 1-2 or 4+",
        "when" => "connections on which it works: {token: guest}; also by transport, user, path or header",
        "who" => "the client on which it works; in scenarios only",
        "on" => "the event or packet that it is about, such as session_created or CONNECT",
        "after" => "how much later it begins: 250ms, 1.5s, 2m or 1h",
        "for" => "how long it lasts",
        "times" => "how often it happens at most",
        "probability" => "its chance each time, from 0 to 1",
        _ => "",
    }
}

fn systems(info: &FaultInfo) -> Vec<&'static str> {
    SystemId::ALL.into_iter().filter(|system| info.applies_to(*system)).map(SystemId::name).collect()
}

/// A rule with everything that must be given.
fn example(info: &FaultInfo) -> String {
    let mut rule = info.id.to_owned();
    if info.keys.selects == Selects::Attempts {
        rule.push_str(" attempts=1-2");
    }
    if info.keys.on == OnKey::Sent {
        rule.push_str(" on=session_created");
    }
    for param in info.params.iter().filter(|param| param.presence == Presence::Required) {
        let value = sample(param);
        let _ = write!(rule, " {}={}", param.name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    rule
}

/// A value that a required parameter takes.
fn sample(param: &ParamInfo) -> Value {
    use sparring_mock_server::script::fault::Kind;
    match param.kind {
        Kind::Duration => "2s".into(),
        Kind::Count => 2.into(),
        Kind::Status => 503.into(),
        Kind::Flag => true.into(),
        Kind::Choice(words) => words.first().copied().into(),
        Kind::Choices(words) => json!([words.first()]),
        Kind::Names => json!(["CONNECT", "session_created"]),
        Kind::Headers | Kind::Members => json!({}),
        Kind::Text | Kind::Payload => "text".into(),
        Kind::Time => "2025-01-01T00:00:00Z".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sparring_mock_server::script::Rule;

    #[test]
    fn every_example_is_a_rule_that_its_systems_take() {
        for info in Fault::catalogue() {
            let line = example(info);
            let rule = Rule::parse_line(&line);
            assert!(rule.is_ok(), "{line}: {rule:?}");
        }
    }

    #[test]
    fn every_fault_can_be_listed_and_explained() {
        let unexplained = |info: &FaultInfo| keys(info).into_iter().any(|key| meaning(key).is_empty());
        assert!(!Fault::catalogue().iter().any(unexplained));
        let all = all();
        for id in Fault::ids() {
            assert!(all.contains(id), "{id}");
            assert!(one(id).is_some_and(|text| text.contains("Example")), "{id}");
        }
        assert_eq!(one("wombat"), None);
    }
}

//! Faults for programs.
//!
//! The members are an interface: they are added to, not renamed.

use std::io::{self, Write};

use serde_json::{Map, Value, json};
use sparring_mock_server::script::fault::{ParamInfo, Presence};

use super::example::{self, Example};
use super::observed::{Meeting, Observation, Observed};
use super::{Explained, keys, names, systems};

/// Writes all as a list.
pub fn all(faults: &[Explained<'_>], observed: &Observed, writer: &mut dyn Write) -> io::Result<()> {
    lines(&faults.iter().map(|fault| value(fault, observed)).collect(), writer)
}

/// Writes one as a map.
pub fn one(fault: &Explained<'_>, observed: &Observed, writer: &mut dyn Write) -> io::Result<()> {
    lines(&value(fault, observed), writer)
}

fn lines(value: &Value, writer: &mut dyn Write) -> io::Result<()> {
    writeln!(writer, "{value:#}")
}

fn value(fault: &Explained<'_>, observed: &Observed) -> Value {
    let info = fault.info;
    let meeting = observed.of(info.id);
    json!({
        "id": info.id,
        "layer": info.family,
        "summary": info.summary,
        "stages": info.stages.iter().map(|stage| stage.name()).collect::<Vec<_>>(),
        "parameters": info.params.iter().map(parameter).collect::<Vec<_>>(),
        "keys": keys::keys(info),
        "systems": names(&systems(info)),
        "example": example::example(info, observed).map(|example| example_value(&example)),
        "requirements": fault.requirements.iter().map(|demand| demand.id).collect::<Vec<_>>(),
        "observed": meeting.map(|meeting| seen(meeting, observed)),
        "unseen": meeting.and_then(|meeting| meeting.unseen.as_ref()),
    })
}

fn parameter(param: &ParamInfo) -> Value {
    let mut members = Map::from_iter([
        ("name".to_owned(), param.name.into()),
        ("kind".to_owned(), param.kind.name().into()),
        ("expected".to_owned(), param.kind.expected().into()),
        ("schema".to_owned(), param.kind.schema()),
        ("required".to_owned(), (param.presence == Presence::Required).into()),
        ("doc".to_owned(), param.doc.into()),
    ]);
    if let Presence::Default(value) = &param.presence {
        members.insert("default".to_owned(), value.clone());
    }
    Value::Object(members)
}

fn example_value(example: &Example) -> Value {
    json!({"system": example.system.name(), "line": example.line, "rule": example.rule.to_map()})
}

fn seen(meeting: &Meeting, observed: &Observed) -> Vec<Value> {
    let value = |seen: &Observation| {
        json!({
            "client": seen.client,
            "version": observed.clients.get(&seen.client),
            "system": seen.system,
            "rule": seen.rule,
            "setup": seen.setup,
            "reports": seen.reports,
            "note": seen.note,
        })
    };
    meeting.seen.iter().map(value).collect()
}

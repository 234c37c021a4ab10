//! JSON Schema of a rule, from the same descriptions as the errors.
//!
//! One alternative for each fault, so that an editor offers its own parameters and no other fault's.

use serde_json::{Map, Value, json};

use super::fault::{Fault, FaultInfo, Keys, Kind, OnKey, Presence, Selects, Span};
use super::rule::Rule;

impl Rule {
    /// JSON Schema of a rule's flat map, for every fault there is.
    pub fn schema() -> Value {
        json!({"oneOf": Fault::catalogue().iter().map(alternative).collect::<Vec<_>>()})
    }
}

fn alternative(info: &FaultInfo) -> Value {
    let mut properties = Map::from_iter([("fault".to_owned(), json!({"const": info.id}))]);
    properties.extend(common(info.keys));
    properties.extend(info.schema());
    let mut required = vec!["fault"];
    required.extend(info.keys.on.is_required().then_some("on"));
    required.extend(info.params.iter().filter(|param| param.presence == Presence::Required).map(|param| param.name));
    json!({
        "type": "object",
        "title": info.id,
        "description": info.summary,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// The common keys that mean something for such a fault.
fn common(keys: Keys) -> Map<String, Value> {
    let selects = keys.selects;
    let text = || json!({"type": "string", "minLength": 1});
    let range = || json!({"type": ["integer", "string"], "minimum": 1, "pattern": r"^\d+(-\d+|\+)?$"});
    let all = [
        ("attempts", selects == Selects::Attempts, range()),
        ("who", selects != Selects::Nobody, text()),
        ("when", matches!(selects, Selects::Requests | Selects::Attempts), when()),
        ("on", keys.on != OnKey::Refused, text()),
        ("after", true, Kind::Duration.schema()),
        ("for", keys.lasts != Span::Refused, Kind::Duration.schema()),
        ("times", true, Kind::Count.schema()),
        ("probability", true, json!({"type": "number", "minimum": 0, "maximum": 1})),
    ];
    all.into_iter().filter(|(_, taken, _)| *taken).map(|(key, _, schema)| (key.to_owned(), schema)).collect()
}

fn when() -> Value {
    let text = json!({"type": "string", "minLength": 1});
    json!({
        "type": "object",
        "minProperties": 1,
        "additionalProperties": false,
        "properties": {
            "token": text,
            "transport": {"enum": ["polling", "websocket"]},
            "user": text,
            "path": {"type": "string", "pattern": "^/"},
            "header": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    })
}

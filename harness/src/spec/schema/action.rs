//! Actions of probe and mock with their arguments in the JSON Schema.

use serde_json::{Map, Value, json};
use sparring_mock_server::script::Fault;

use super::super::grammar::{ActionShape, Argument, MINTED, PROBE_ACTIONS, SERVER_ACTIONS, TRANSPORTS, VerbName};
use super::{definition, or_reference};

/// The names of actions.
pub(super) fn names(shapes: &[ActionShape]) -> Value {
    let one = |shape: &ActionShape| json!({"const": shape.name, "description": shape.about});
    let names: Vec<Value> = shapes.iter().map(one).collect();
    or_reference(json!({"oneOf": names}))
}

/// For each action of a verb the arguments that it takes; none for verbs whose arguments are open.
pub(super) fn arguments(verb: VerbName) -> Option<Value> {
    let shapes: &[ActionShape] = match verb {
        VerbName::Probe => &PROBE_ACTIONS,
        VerbName::Server => &SERVER_ACTIONS,
        _ => return None,
    };
    Some(shapes.iter().map(|shape| case(verb, shape)).collect())
}

fn case(verb: VerbName, shape: &ActionShape) -> Value {
    let properties = shape.arguments.iter().map(|(name, kind)| ((*name).to_owned(), argument(*kind)));
    let with = or_reference(json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties.collect::<Map<_, _>>(),
    }));
    json!({"if": {"properties": {verb.name(): {"const": shape.name}}}, "then": {"properties": {"with": with}}})
}

fn argument(kind: Argument) -> Value {
    let plain = match kind {
        Argument::Any => return json!({}),
        Argument::Rules => return definition("rules"),
        Argument::Duration => return definition("duration"),
        Argument::Map => json!({"type": "object"}),
        Argument::Text | Argument::Event | Argument::Endpoint => json!({"type": "string"}),
        Argument::Flag => json!({"type": "boolean"}),
        Argument::Number => json!({"type": "integer", "minimum": 0}),
        Argument::Moment => json!({"type": "string", "format": "date-time"}),
        Argument::Transport => json!({"enum": TRANSPORTS}),
        Argument::Transports => transports(),
        Argument::Fault => json!({"enum": Fault::ids().collect::<Vec<_>>()}),
        Argument::Hex => json!({"type": "string", "pattern": "^[0-9A-Fa-f\\s]*$"}),
    };
    let minted = json!({"type": "object", "required": [MINTED], "properties": {MINTED: definition("token")}});
    json!({"anyOf": [plain, definition("reference"), minted]})
}

pub(super) fn transports() -> Value {
    json!({"type": "array", "items": {"enum": TRANSPORTS}})
}

//! Observations and patterns in the JSON Schema.

use serde_json::{Map, Value, json};
use sparring_mock_server::script::Fault;

use super::super::decode::JSON_TYPES;
use super::super::grammar::OPERATORS;
use super::super::model::Key;
use super::super::observations::{Kind, Names, Shape, shape};
use super::{definition, described, or_reference};

/// One observation of any kind.
pub(super) fn schema() -> Value {
    json!({"oneOf": Key::ALL.map(|key| observation(&shape(key), false))})
}

/// Several, of which one is enough.
pub(super) fn alternatives() -> Value {
    let branches = Key::ALL.map(|key| observation(&shape(key), true));
    json!({
        "type": "object",
        "required": ["any_of"],
        "additionalProperties": false,
        "properties": {"any_of": {
            "description": "Observations, one of which is enough.",
            "type": "array",
            "minItems": 1,
            "items": or_reference(json!({"oneOf": branches})),
        }},
    })
}

fn observation(shape: &Shape, branch: bool) -> Value {
    let own = json!({"anyOf": [{"const": "any"}, own(shape)]});
    let mut properties = Map::from_iter([(shape.key.name().to_owned(), described(own, shape.about))]);
    properties.extend(shape.fields().map(|field| (field.name.to_owned(), described(pattern(field.kind), field.about))));
    if branch {
        let about = "Contradiction id that a pass by this branch is reported under.";
        properties.insert("deviation".to_owned(), described(json!({"type": "string"}), about));
    }
    json!({
        "type": "object",
        "required": [shape.key.name()],
        "additionalProperties": false,
        "properties": properties,
    })
}

/// The value of the observation's key; states may be a run.
fn own(shape: &Shape) -> Value {
    let one = pattern(shape.value);
    if shape.key != Key::State {
        return one;
    }
    json!({"anyOf": [one, {"type": "array", "minItems": 1, "items": one}]})
}

fn pattern(kind: Kind) -> Value {
    let plain = match kind {
        Kind::Number => definition("numberRange"),
        Kind::Ratio => definition("ratio"),
        Kind::Duration => definition("durationRange"),
        Kind::Text => json!({"type": "string"}),
        Kind::Word(words) => or_reference(json!({"enum": words})),
        Kind::Name(names) => name(names),
        Kind::Flag => definition("flag"),
        Kind::Texts | Kind::Headers => return texts(kind),
        Kind::Payload => return definition("payload"),
    };
    json!({"anyOf": [plain, definition("operator")]})
}

fn name(names: Names) -> Value {
    match names {
        Names::Fault => or_reference(json!({"enum": Fault::ids().collect::<Vec<_>>()})),
        _ => json!({"type": "string"}),
    }
}

fn texts(kind: Kind) -> Value {
    let names = if kind == Kind::Headers { r"^(\$|[^A-Z]*$)" } else { "" };
    let member = json!({"anyOf": [{"type": "string"}, definition("operator")]});
    let map = json!({"type": "object", "propertyNames": {"pattern": names}, "additionalProperties": member});
    json!({"anyOf": [definition("operator"), definition("reference"), map]})
}

/// What stands for any JSON: patterns at any depth.
pub(super) fn payload() -> Value {
    json!({"anyOf": [
        {"type": ["string", "number", "boolean", "null"]},
        {"type": "array", "items": definition("payload")},
        {
            "type": "object",
            "propertyNames": {"pattern": r"^([^$]|$)"},
            "additionalProperties": definition("payload"),
        },
        definition("operator"),
    ]})
}

/// A map of one key that begins with `$`.
pub(super) fn operator() -> Value {
    let properties = OPERATORS.iter().map(|one| (one.name.to_owned(), described(operand(one.name), one.about)));
    json!({
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": false,
        "properties": properties.collect::<Map<_, _>>(),
    })
}

fn operand(operator: &str) -> Value {
    match operator {
        "$type" => json!({"enum": JSON_TYPES.map(|(name, _)| name)}),
        "$match" => json!({"type": "string", "format": "regex"}),
        "$range" => definition("ratio"),
        "$any_of" => json!({"type": "array", "minItems": 1, "items": definition("payload")}),
        "$exact" => json!({"type": "object", "additionalProperties": definition("payload")}),
        "$absent" => json!({"const": true}),
        _ => definition("payload"),
    }
}

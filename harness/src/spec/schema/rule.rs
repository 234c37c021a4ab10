//! Fault rules in the JSON Schema: each fault with its own parameters.

use serde_json::{Map, Value, json};
use sparring_mock_server::script::fault::{FaultInfo, Presence};
use sparring_mock_server::script::{COMMON_KEYS, Fault};

use super::{definition, described, or_reference};

/// A rule: the common keys, then those of its fault.
pub(super) fn schema() -> Value {
    let ids: Vec<&str> = Fault::ids().collect();
    let cases: Vec<Value> = Fault::catalogue().iter().map(case).collect();
    let common = COMMON_KEYS.into_iter().filter(|key| *key != "fault");
    let mut properties = Map::new();
    properties.insert("fault".to_owned(), described(or_reference(json!({"enum": ids})), "What goes wrong."));
    properties.extend(common.map(|key| (key.to_owned(), common_key(key))));
    json!({"type": "object", "required": ["fault"], "properties": properties, "allOf": cases})
}

fn case(info: &FaultInfo) -> Value {
    let open = COMMON_KEYS.into_iter().map(|key| (key.to_owned(), json!(true)));
    let own = info.schema().into_iter().map(|(name, schema)| (name, or_reference(schema)));
    let required = info.params.iter().filter(|param| param.presence == Presence::Required).map(|param| param.name);
    let mut then = json!({
        "description": info.summary,
        "properties": open.chain(own).collect::<Map<_, _>>(),
        "additionalProperties": false,
    });
    let required: Vec<&str> = required.collect();
    if let Some(members) = then.as_object_mut().filter(|_| !required.is_empty()) {
        members.insert("required".to_owned(), json!(required));
    }
    json!({"if": {"properties": {"fault": {"const": info.id}}}, "then": then})
}

fn common_key(key: &str) -> Value {
    match key {
        "attempts" => described(definition("numberRange"), "Attempts on which it is armed, counted for each actor."),
        "who" => described(json!({"type": "string"}), "Actor; default all."),
        "when" => described(or_reference(when()), "All of these must hold."),
        "on" => described(json!({"type": "string"}), "Message that triggers it, or to which it applies."),
        "after" => described(definition("duration"), "Delay from the trigger, or from the stage that arms it."),
        "for" => described(definition("duration"), "Time after which it undoes itself."),
        "times" => described(or_reference(json!({"type": "integer", "minimum": 1})), "Most firings for each actor."),
        "probability" => {
            let chance = or_reference(json!({"type": "number", "minimum": 0, "maximum": 1}));
            described(chance, "Chance of each firing, drawn from the run's seed.")
        }
        _ => json!({}),
    }
}

fn when() -> Value {
    let text = json!({"type": "string"});
    json!({
        "type": "object",
        "minProperties": 1,
        "additionalProperties": false,
        "properties": {
            "token": text,
            "transport": or_reference(json!({"enum": super::grammar::TRANSPORTS})),
            "user": text,
            "path": text,
            "header": {"type": "object", "additionalProperties": text},
        },
    })
}

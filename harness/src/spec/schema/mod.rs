//! The JSON Schema of scenario files, for editors: built from the tables that the reader uses.
//!
//! It knows no system, so that names are open in it; the reader checks them.

mod action;
mod observation;
mod rule;

use serde_json::{Map, Value, json};

use super::grammar::{self, Keyword, MODIFIERS, VerbName};

/// The schema as it stands in `specs/scenario.schema.json`.
pub fn schema_text() -> String {
    let mut text = serde_json::to_string_pretty(&schema()).expect("a JSON value can be written as JSON");
    text.push('\n');
    text
}

/// The schema, draft 2020-12.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Sparring scenario",
        "description": "A setting, and steps that act on a client or server and check what it does.",
        "type": "object",
        "required": ["title", "steps"],
        "additionalProperties": false,
        "properties": keywords(&grammar::FILE, file_key),
        "$defs": definitions(),
    })
}

fn definitions() -> Value {
    json!({
        "reference": {"description": "A reference, alone or inside a text.", "type": "string", "pattern": r"\$\{.+\}"},
        "duration": or_reference(json!({"type": "string", "pattern": DURATION})),
        "durationRange": or_reference(json!({"type": "string", "pattern": duration_range()})),
        "numberRange": or_reference(json!({"anyOf": [
            {"type": "integer", "minimum": 0},
            {"type": "string", "pattern": r"^\d+(-\d+|\+)?$"},
        ]})),
        "ratio": or_reference(json!({"anyOf": [{"type": "number"}, {"type": "string", "pattern": RATIO}]})),
        "flag": or_reference(json!({"type": "boolean"})),
        "name": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
        "names": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]},
        "operator": observation::operator(),
        "payload": observation::payload(),
        "token": token(),
        "given": given(),
        "clients": actors(&grammar::CLIENT),
        "probes": actors(&grammar::PROBE),
        "rule": rule::schema(),
        "rules": {"type": "array", "items": or_reference(json!({"$ref": "#/$defs/rule"}))},
        "observation": observation::schema(),
        "step": {"oneOf": VerbName::ALL.map(step)},
    })
}

const DURATION: &str = r"^\d+(\.\d{1,9})?(ms|s|m|h)$";
const RATIO: &str = r"^\d+(\.\d+)?(-\d+(\.\d+)?|\+)?$";

fn duration_range() -> String {
    let one = DURATION.trim_start_matches('^').trim_end_matches('$');
    format!(r"^{one}(-{one}|\+)?$")
}

/// What may be replaced by the value of an axis or of a record.
fn or_reference(schema: Value) -> Value {
    Value::Object(Map::from_iter([("anyOf".to_owned(), Value::Array(vec![schema, definition("reference")]))]))
}

fn definition(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}

/// The schema with a description.
fn described(schema: Value, about: &str) -> Value {
    let mut members = Map::from_iter([("description".to_owned(), json!(about))]);
    match schema {
        Value::Object(map) => members.extend(map),
        other => members.extend([("allOf".to_owned(), json!([other]))]),
    }
    Value::Object(members)
}

fn keywords(keywords: &[Keyword], schema: fn(&str) -> Value) -> Value {
    let properties = keywords.iter().map(|one| (one.name.to_owned(), described(schema(one.name), one.about)));
    Value::Object(properties.collect())
}

fn file_key(key: &str) -> Value {
    match key {
        "title" => json!({"type": "string", "pattern": "[^.]$"}),
        "tags" => json!({"type": "array", "items": {"type": "string"}}),
        "given" => definition("given"),
        "axes" => json!({"type": "object", "additionalProperties": {"anyOf": [
            {"type": "array", "minItems": 1, "items": {"type": ["string", "number", "boolean", "null"]}},
            {"type": "object", "minProperties": 1},
        ]}}),
        "limit" => definition("duration"),
        "steps" => json!({"type": "array", "minItems": 1, "items": or_reference(definition("step"))}),
        _ => json!({"type": "string"}),
    }
}

fn given() -> Value {
    json!({"type": "object", "additionalProperties": false, "properties": keywords(&grammar::GIVEN, given_key)})
}

fn given_key(key: &str) -> Value {
    match key {
        "token" => definition("token"),
        "clients" => definition("clients"),
        "probes" => definition("probes"),
        "server" => or_reference(definition("rules")),
        "clock" => or_reference(json!({
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": false,
            "properties": {
                "freeze": or_reference(json!({"type": "string", "format": "date-time"})),
                "offset": definition("duration"),
            },
        })),
        _ => or_reference(json!({"type": "object"})),
    }
}

fn actors(keys: &[Keyword]) -> Value {
    let actor = json!({"type": "object", "additionalProperties": false, "properties": keywords(keys, actor_key)});
    let actors = json!({
        "type": "object",
        "minProperties": 1,
        "propertyNames": definition("name"),
        "additionalProperties": or_reference(actor),
    });
    or_reference(actors)
}

fn actor_key(key: &str) -> Value {
    match key {
        "token" => definition("token"),
        "count" => or_reference(json!({"type": "integer", "minimum": 1, "maximum": grammar::MAX_COUNT})),
        "options" => or_reference(json!({"type": "object"})),
        "headers" => or_reference(json!({"type": "object", "additionalProperties": {"type": "string"}})),
        "transports" => or_reference(action::transports()),
        _ => json!({"type": "string"}),
    }
}

fn token() -> Value {
    let text = json!({"type": "string"});
    let map = or_reference(json!({"type": "object"}));
    json!({"anyOf": [
        {"type": "string"},
        {"type": "object", "additionalProperties": false, "required": ["literal"], "properties": {"literal": text}},
        {
            "type": "object",
            "additionalProperties": false,
            "required": ["kind"],
            "properties": {
                "kind": text,
                "age": definition("duration"),
                "expires_in": definition("duration"),
                "claims": map,
                "header": map,
                "malformed": text,
                "suffix": text,
            },
        },
    ]})
}

/// A step of one verb: the verb, and the modifiers that it takes.
fn step(verb: VerbName) -> Value {
    let modifiers = verb.modifiers().map(|one| (one.name.to_owned(), described(modifier(one.name), one.about)));
    let mut properties = Map::from_iter([(verb.name().to_owned(), described(verb_value(verb), verb.about()))]);
    properties.extend(modifiers);
    let mut schema = json!({
        "type": "object",
        "required": [verb.name()],
        "additionalProperties": false,
        "properties": properties,
    });
    if let (Some(cases), Some(members)) = (action::arguments(verb), schema.as_object_mut()) {
        members.insert("allOf".to_owned(), cases);
    }
    schema
}

fn verb_value(verb: VerbName) -> Value {
    match verb {
        VerbName::Client => json!({"type": "string"}),
        VerbName::Probe => action::names(&grammar::PROBE_ACTIONS),
        VerbName::Server => action::names(&grammar::SERVER_ACTIONS),
        VerbName::Expect => json!({"anyOf": [definition("observation"), observation::alternatives()]}),
        VerbName::Never => definition("observation"),
        VerbName::Wait => definition("duration"),
    }
}

fn modifier(name: &str) -> Value {
    debug_assert!(MODIFIERS.iter().any(|modifier| modifier.name == name), "{name} is in the table");
    match name {
        "who" => definition("names"),
        "with" | "where" => or_reference(json!({"type": "object"})),
        "as" | "since" | "until" => definition("name"),
        "within" | "for" => definition("duration"),
        "after" => definition("durationRange"),
        "times" => definition("numberRange"),
        "optional" | "unordered" | "eventually" => definition("flag"),
        "req" => or_reference(json!({"type": "array", "minItems": 1, "items": {"type": "string"}})),
        "level" => json!({"enum": ["must", "should"]}),
        _ => json!({"type": "string"}),
    }
}

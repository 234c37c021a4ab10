//! Reads rules: from flat maps, from script files and from the words of a command line.
//!
//! Every error of a rule is found at once. Knows nothing of files or systems.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::fault::{Fault, Keys, OnKey, Selects, Span};
use super::rule::{Rule, When};
use crate::fields::{Fields, missing};
use crate::journal::Transport;
use crate::values::{FieldError, NumberRange, ValueError};

/// Keys that every rule can have, as far as its fault allows.
pub const COMMON_KEYS: [&str; 9] = ["fault", "attempts", "who", "when", "on", "after", "for", "times", "probability"];

const WHEN_KEYS: [&str; 5] = ["token", "transport", "user", "path", "header"];

impl Rule {
    /// Reads a rule from its flat map; all that is wrong with it at once.
    pub fn read(map: &Map<String, Value>) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::new(map);
        let fault = read_fault(&mut fields);
        let rule = Self {
            attempts: read_attempts(&mut fields),
            who: fields.text("who", "the name of an actor"),
            when: read_when(&mut fields),
            on: fields.text("on", "the name of an event, message or packet"),
            after: fields.duration("after").unwrap_or_default(),
            lasts: fields.duration("for"),
            times: fields.take("times", "a whole number from 1", |value| value.as_u64().filter(|n| *n > 0)),
            probability: fields.take("probability", "a number from 0 to 1", chance),
            // Stands in until the errors have been looked at; a fault that was not read is an error.
            fault: fault.clone().unwrap_or(Fault::SilentAuth(super::fault::SilentAuth {})),
        };
        if fault.is_some() {
            refuse_useless(&rule, &mut fields);
        }
        let errors = fields.into_errors();
        if errors.is_empty() { Ok(rule) } else { Err(errors) }
    }
}

/// Reads a script: a list of flat maps.
pub fn read_rules(value: &Value) -> Result<Vec<Rule>, Vec<FieldError>> {
    let Some(list) = value.as_array() else {
        return Err(vec![FieldError::new("", value, "a list of rules")]);
    };
    let mut rules = Vec::new();
    let mut errors = Vec::new();
    for (index, value) in list.iter().enumerate() {
        match read_value(value) {
            Ok(rule) => rules.push(rule),
            Err(found) => errors.extend(found.into_iter().map(|error| error.under(&format!("[{index}]")))),
        }
    }
    if errors.is_empty() { Ok(rules) } else { Err(errors) }
}

fn read_value(value: &Value) -> Result<Rule, Vec<FieldError>> {
    match value.as_object() {
        Some(map) => Rule::read(map),
        None => Err(vec![FieldError::new("", value, "a map with the key `fault`")]),
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn chance(value: &Value) -> Option<f64> {
    value.as_f64().filter(|chance| (0.0..=1.0).contains(chance))
}

fn read_fault(fields: &mut Fields<'_>) -> Option<Fault> {
    let Some(value) = fields.get("fault") else {
        fields.refuse(missing("fault", "the id of a fault"));
        return None;
    };
    let Some(info) = value.as_str().and_then(Fault::describe) else {
        fields.refuse(match value.as_str() {
            Some(id) => FieldError::unknown("fault", id, "one of", Fault::ids()),
            None => FieldError::new("fault", value, "the id of a fault"),
        });
        return None;
    };
    let known: Vec<&str> = COMMON_KEYS.into_iter().chain(info.params.iter().map(|param| param.name)).collect();
    fields.refuse_unknown(&format!("a key of {}", info.id), &known);
    Fault::read(info.id, fields)
}

fn read_attempts(fields: &mut Fields<'_>) -> Option<NumberRange> {
    let from_one = |range: &NumberRange| range.min > 0;
    let expected = format!("{}; attempts are counted from 1", ValueError::NumberRange);
    fields.take("attempts", &expected, |value| match value {
        Value::Number(number) => number.as_u64().map(NumberRange::exactly).filter(from_one),
        Value::String(text) => text.parse().ok().filter(from_one),
        _ => None,
    })
}

fn read_when(fields: &mut Fields<'_>) -> When {
    let Some(value) = fields.get("when") else {
        return When::default();
    };
    let Some(map) = value.as_object().filter(|map| !map.is_empty()) else {
        fields.refuse(FieldError::new("when", value, "a map of token, transport, user, path and header"));
        return When::default();
    };
    let mut inner = Fields::new(map);
    inner.refuse_unknown("one of", &WHEN_KEYS);
    let when = When {
        token: inner.text("token", "a kind of token, such as jwt, guest or none"),
        transport: read_transport(&mut inner),
        user: inner.text("user", "the id of a user"),
        path: inner
            .take("path", "a path that begins with a slash", |value| text(value).filter(|path| path.starts_with('/'))),
        header: inner.take("header", "a map of header fields and their texts", headers).unwrap_or_default(),
    };
    for error in inner.into_errors() {
        fields.refuse(error.under("when"));
    }
    when
}

fn read_transport(fields: &mut Fields<'_>) -> Option<String> {
    let names = [Transport::Polling.name(), Transport::Websocket.name()];
    fields.take("transport", "polling or websocket", |value| text(value).filter(|name| names.contains(&name.as_str())))
}

fn headers(value: &Value) -> Option<BTreeMap<String, String>> {
    let field = |(name, value): (&String, &Value)| Some((name.to_ascii_lowercase(), value.as_str()?.to_owned()));
    value.as_object()?.iter().map(field).collect()
}

/// Refuses common keys that mean nothing for the fault, and asks for those that it needs.
fn refuse_useless(rule: &Rule, fields: &mut Fields<'_>) {
    let id = rule.fault.id();
    let Keys { on, lasts, .. } = rule.fault.info().keys;
    let selects = rule.can_select();
    let mut refuse = |key: &str, why: String| {
        if let Some(value) = fields.get(key) {
            fields.refuse(FieldError::new(key, value, format!("no `{key}`: {why}")));
        }
    };
    let early = format!("{id} works before a request has been read");
    if selects == Selects::Nobody {
        refuse("who", format!("{id} concerns the whole server"));
    }
    if matches!(selects, Selects::Nobody | Selects::Actors) {
        refuse("attempts", early.clone());
        refuse("when", early);
    }
    if selects == Selects::Requests {
        refuse("attempts", format!("{id} concerns requests that belong to no attempt"));
    }
    if on == OnKey::Refused {
        refuse("on", format!("no message starts {id}"));
    }
    if lasts == Span::Refused {
        refuse("for", format!("{id} cannot be undone"));
    }
    if on.is_required() && fields.get("on").is_none() {
        fields.refuse(missing("on", format!("the event to which {id} applies")));
    }
}

//! What a record costs in memory, roughly: enough for a bound that no traffic can get round.
//!
//! Counts what grows with the traffic; the fixed size of a record stands for the rest.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Answer, Attempt, Entry, LogEntry, Message, Record, Request, StoredEntry};

/// What each member of a map costs beside its texts.
const MEMBER: usize = 64;

impl Entry {
    /// What a record of this entry weighs, in bytes.
    pub(super) fn weight(&self) -> usize {
        let grown = match self {
            Self::Attempt(Attempt { path, query, headers, token, .. }) => {
                path.len() + texts(query) + texts(headers) + text(token.as_deref())
            }
            Self::Request(Request { path, query, headers, body, .. }) => {
                path.len() + texts(query) + texts(headers) + value(body)
            }
            Self::Answer(Answer { headers, body, .. }) => texts(headers) + value(body),
            Self::Received(message) | Self::Sent(message) => packet(message),
            Self::Ping(heartbeat) | Self::Pong(heartbeat) => heartbeat.payload.len(),
            Self::Closed(closed) => text(closed.reason.as_deref()),
            Self::Fault(fault) => fault.fault.len(),
            Self::Log(LogEntry { message, fields, .. }) => message.len() + members(fields),
            Self::Stored(StoredEntry { key, value: stored, .. }) => key.len() + value(stored),
        };
        size_of::<Record>() + grown
    }
}

fn packet(message: &Message) -> usize {
    let Message { name, data, args, raw, token, reason, .. } = message;
    let texts = name.len() + raw.len() + text(token.as_deref()) + text(reason.as_deref());
    texts + data.as_ref().map_or(0, value) + args.iter().map(value).sum::<usize>()
}

fn text(text: Option<&str>) -> usize {
    text.map_or(0, str::len)
}

fn texts(map: &BTreeMap<String, String>) -> usize {
    map.iter().map(|(key, value)| MEMBER + key.len() + value.len()).sum()
}

fn members(map: &Map<String, Value>) -> usize {
    map.iter().map(|(key, inner)| MEMBER + key.len() + value(inner)).sum()
}

fn value(json: &Value) -> usize {
    let grown = match json {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(value).sum(),
        Value::Object(map) => members(map),
    };
    size_of::<Value>() + grown
}

//! Turns what the mock, the probes and the adapters say into records of one form, with the fields that follow from
//! other records.
//!
//! Incremental: each line becomes a record when it comes, and never changes afterwards. Knows nothing of steps.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Map, Value, json};
use sparring_mock_server::journal::{self, Actor, Entry, LogEntry, Message, Moment, StoredEntry};

use super::history::{History, micros};
use super::record::{Observed, Record, What};
use crate::spec::model::{Key, Subject};

/// When an adapter's line was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The moment, in document time.
    pub at: Moment,
    /// How much earlier it may really have been: the reading's lateness, for a line without a stamp of its own.
    pub slack: Duration,
}

impl From<Moment> for Stamp {
    fn from(at: Moment) -> Self {
        Self { at, slack: Duration::ZERO }
    }
}

/// How an action ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// Well, with what it returned.
    Done(Option<Value>),
    /// With `timeout`, `refused` or `failed`.
    Error(String),
}

/// The merge stage for one case.
#[derive(Debug)]
pub struct Merger {
    subject: Subject,
    histories: HashMap<Actor, History>,
    /// The newest moment in each client lane: a lane's moments never run backwards, whatever an adapter's clock does.
    newest: HashMap<Actor, Moment>,
}

impl Merger {
    /// A merger for a case with this subject.
    pub fn new(subject: Subject) -> Self {
        Self { subject, histories: HashMap::new(), newest: HashMap::new() }
    }

    /// A record of the mock. In a client scenario it stands in the wire lane; in a probe scenario, where the probe
    /// writes that lane, only faults do, and the mock's log and store make the client lane.
    pub fn journal(&mut self, record: &journal::Record) -> Option<Record> {
        match (self.subject, &record.entry) {
            (Subject::Server, Entry::Log(entry)) => Some(self.logged(record, entry)),
            (Subject::Server, Entry::Stored(entry)) => Some(self.stored(record, entry)),
            (Subject::Server, Entry::Fault(_)) | (Subject::Client, _) => self.wire(record),
            (Subject::Server, _) => None,
        }
    }

    /// A record that a probe wrote of its own connection, in the server's words.
    pub fn probe(&mut self, record: &journal::Record) -> Option<Record> {
        self.wire(record)
    }

    /// A record of the wire lane.
    fn wire(&mut self, record: &journal::Record) -> Option<Record> {
        let mut derived = self.histories.entry(record.actor.clone()).or_default().derive(record);
        let (key, value, mut fields) = observed(&record.entry)?;
        fields.append(&mut derived);
        if let Some(connection) = record.connection {
            fields.insert("connection".to_owned(), connection.into());
        }
        if let Some(transport) = record.transport {
            fields.insert("transport".to_owned(), transport.name().into());
        }
        let what = What::Observed(Observed { key, value, fields, slack_us: 0 });
        Some(Record { at: record.at, actor: record.actor.clone(), what })
    }

    fn logged(&mut self, record: &journal::Record, entry: &LogEntry) -> Record {
        let level = json!(entry.level);
        let level = level.as_str().unwrap_or_default();
        self.log(&record.actor, record.at.into(), level, &entry.message, entry.fields.clone())
    }

    fn stored(&mut self, record: &journal::Record, entry: &StoredEntry) -> Record {
        let ttl = entry.ttl_s.map(|seconds| micros(Duration::from_secs(seconds)));
        let fields = present([("value", Some(entry.value.clone())), ("ttl", ttl)]);
        self.client(&record.actor, record.at.into(), Key::Stored, &entry.key, fields)
    }

    /// The client changed its state.
    pub fn state(&mut self, actor: &Actor, stamp: Stamp, from: Option<&str>, to: &str) -> Record {
        self.client(actor, stamp, Key::State, to, present([("from", from.map(Value::from))]))
    }

    /// The client told its application of an event.
    pub fn event(&mut self, actor: &Actor, stamp: Stamp, name: &str, data: Option<Value>) -> Record {
        self.client(actor, stamp, Key::Event, name, present([("data", data)]))
    }

    /// The client stored, cleared or read a token.
    pub fn token(&mut self, actor: &Actor, stamp: Stamp, op: &str, kind: Option<&str>, prefix: Option<&str>) -> Record {
        let fields = present([("kind", kind.map(Value::from)), ("prefix", prefix.map(Value::from))]);
        self.client(actor, stamp, Key::Token, op, fields)
    }

    /// The subject wrote a line to its log.
    pub fn log(
        &mut self,
        actor: &Actor,
        stamp: Stamp,
        level: &str,
        message: &str,
        fields: Map<String, Value>,
    ) -> Record {
        let fields = present([
            ("level", Some(level.into())),
            ("message", Some(message.into())),
            ("fields", Some(Value::Object(fields))),
        ]);
        self.client(actor, stamp, Key::Log, message, fields)
    }

    /// An action step of this name was answered.
    pub fn result(&mut self, actor: &Actor, stamp: Stamp, step: &str, ending: Ending) -> Record {
        let ok = matches!(ending, Ending::Done(_));
        let (value, error) = match ending {
            Ending::Done(value) => (value, None),
            Ending::Error(error) => (None, Some(Value::from(error))),
        };
        let fields = present([("ok", Some(ok.into())), ("value", value), ("error", error)]);
        self.client(actor, stamp, Key::Result, step, fields)
    }

    /// The runner took an action step for this actor; `at` is just before the action.
    pub fn acted(actor: &Actor, at: Moment, step: usize) -> Record {
        Record { at, actor: actor.clone(), what: What::Acted { step } }
    }

    /// The action of this step was refused as unsupported.
    pub fn unsupported(actor: &Actor, at: Moment, step: usize) -> Record {
        Record { at, actor: actor.clone(), what: What::Unsupported { step } }
    }

    fn client(&mut self, actor: &Actor, stamp: Stamp, key: Key, value: &str, fields: Map<String, Value>) -> Record {
        let newest = self.newest.entry(actor.clone()).or_insert(stamp.at);
        *newest = stamp.at.max(*newest);
        let slack_us = u64::try_from(stamp.slack.as_micros()).unwrap_or(u64::MAX);
        let what = What::Observed(Observed { key, value: value.into(), fields, slack_us });
        Record { at: *newest, actor: actor.clone(), what }
    }

    /// Brings the records of a case, in the order in which they came, into the order of a trace.
    pub fn trace(mut records: Vec<Record>) -> Vec<Record> {
        // The sort is stable, and moments of a lane never run backwards: each lane keeps its order.
        records.sort_by_key(|record| record.at);
        records
    }
}

/// Kind, value and own fields of a wire entry; none for what is no wire record.
fn observed(entry: &Entry) -> Option<(Key, Value, Map<String, Value>)> {
    Some(match entry {
        Entry::Attempt(attempt) => (Key::Attempt, attempt.number.into(), attempt_fields(attempt)),
        Entry::Request(request) => (Key::Request, request.name.as_str().into(), request_fields(request)),
        Entry::Answer(answer) => (Key::Answer, answer.name.as_str().into(), answer_fields(answer)),
        Entry::Received(message) => (Key::Received, message.name.as_str().into(), message_fields(message, true)),
        Entry::Sent(message) => (Key::Sent, message.name.as_str().into(), message_fields(message, false)),
        Entry::Ping(beat) => (Key::Ping, beat.ordinal.into(), present([("payload", Some(json!(beat.payload)))])),
        Entry::Pong(beat) => (Key::Pong, beat.ordinal.into(), present([("payload", Some(json!(beat.payload)))])),
        Entry::Closed(closed) => (Key::Closed, json!(closed.by), closed_fields(closed)),
        Entry::Fault(fault) => {
            let fields = present([("rule", Some(json!(fault.rule))), ("phase", Some(json!(fault.phase)))]);
            (Key::Fault, fault.fault.as_str().into(), fields)
        }
        Entry::Log(_) | Entry::Stored(_) => return None,
    })
}

fn attempt_fields(attempt: &journal::Attempt) -> Map<String, Value> {
    present([
        ("path", Some(json!(attempt.path))),
        ("query", Some(json!(attempt.query))),
        ("headers", Some(json!(attempt.headers))),
        ("token", attempt.token.as_ref().map(|token| json!(token))),
        ("token_kind", attempt.token_kind.as_ref().map(|kind| json!(kind))),
    ])
}

fn request_fields(request: &journal::Request) -> Map<String, Value> {
    present([
        ("method", Some(json!(request.method))),
        ("path", Some(json!(request.path))),
        ("query", Some(json!(request.query))),
        ("headers", Some(json!(request.headers))),
        ("body", Some(request.body.clone()).filter(|body| !body.is_null())),
    ])
}

fn answer_fields(answer: &journal::Answer) -> Map<String, Value> {
    present([
        ("status", Some(json!(answer.status))),
        ("headers", Some(json!(answer.headers))),
        ("body", Some(answer.body.clone()).filter(|body| !body.is_null())),
    ])
}

fn message_fields(message: &Message, token: bool) -> Map<String, Value> {
    present([
        ("data", message.data.clone()),
        ("args", Some(json!(message.args))),
        ("raw", Some(json!(message.raw))),
        ("binary", Some(message.binary.into())),
        ("ack", Some(message.ack.into())),
        ("id", message.id.map(Value::from)),
        ("token", message.token.as_ref().filter(|_| token).map(|token| json!(token))),
        ("token_kind", message.token_kind.as_ref().filter(|_| token).map(|kind| json!(kind))),
        ("code", message.code.map(Value::from)),
        ("reason", message.reason.as_ref().map(|reason| json!(reason))),
    ])
}

fn closed_fields(closed: &journal::Closed) -> Map<String, Value> {
    present([
        ("code", closed.code.map(Value::from)),
        ("reason", closed.reason.as_ref().map(|reason| json!(reason))),
        ("clean", Some(closed.clean.into())),
    ])
}

/// The fields that are there.
fn present<const N: usize>(fields: [(&str, Option<Value>); N]) -> Map<String, Value> {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

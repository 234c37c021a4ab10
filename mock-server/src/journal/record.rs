//! One record of the wire lane, and its kinds.
//!
//! Fields that follow from other records (waits, gaps, open connections) are not here: whoever reads the journal
//! derives them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Moment;

/// Whose traffic it is: a client under test or a probe.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor(Arc<str>);

impl Actor {
    /// The actor of this name.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How the bytes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// HTTP long-polling (Engine.IO).
    Polling,
    /// RFC 6455.
    Websocket,
}

impl Transport {
    /// The name in requests and observations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::Websocket => "websocket",
        }
    }
}

/// A thing that happened, and when, to whom, on which connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Place in the journal, from 0 without gaps.
    pub seq: u64,
    /// When.
    pub at: Moment,
    /// To whom.
    pub actor: Actor,
    /// Ordinal of the actor's connection, from 1; none for REST requests and the like.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub connection: Option<u32>,
    /// How it travelled, where that applies.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub transport: Option<Transport>,
    /// What.
    pub entry: Entry,
}

/// The kinds of record. Names are the observations of the scenario language, section 4.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// The head of an Engine.IO handshake without `sid`, or of a plain WebSocket upgrade, has been read.
    Attempt(Attempt),
    /// The head of any other request has been read.
    Request(Request),
    /// A response head has been sent.
    Answer(Answer),
    /// A whole message has come in.
    Received(Arc<Message>),
    /// A whole message has gone out; all who get a broadcast share it.
    Sent(Arc<Message>),
    /// The server's heartbeat ping has gone out.
    Ping(Heartbeat),
    /// The answer to a ping has come in.
    Pong(Heartbeat),
    /// The connection has ended.
    Closed(Closed),
    /// A rule has fired or has been undone.
    Fault(FaultEntry),
    /// A line of the server's own log.
    Log(LogEntry),
    /// A key in the server's store was written.
    Stored(StoredEntry),
}

/// See [`Entry::Attempt`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Ordinal of the attempt for this actor, from 1; its connection has the same.
    pub number: u32,
    /// Path without query.
    pub path: String,
    /// Query parameters, decoded.
    pub query: BTreeMap<String, String>,
    /// Header fields, names in lower case; several of one name joined by `, `.
    pub headers: BTreeMap<String, String>,
    /// The token, where the request itself carries it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub token: Option<String>,
    /// Its kind by its look.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub token_kind: Option<String>,
}

/// See [`Entry::Request`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Endpoint name, `polling`, `upgrade`, `preflight`, or the path.
    pub name: String,
    /// HTTP method.
    pub method: String,
    /// Path without query.
    pub path: String,
    /// Query parameters, decoded.
    pub query: BTreeMap<String, String>,
    /// Header fields, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body of a REST request: JSON if it is, else a string; null if there is none or it is not kept.
    pub body: Value,
}

/// See [`Entry::Answer`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// As the request's name, or `handshake` for an attempt over polling; `upgrade` for any WebSocket upgrade.
    pub name: String,
    /// HTTP status.
    pub status: u16,
    /// Header fields, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// JSON if the body is, else a string; null if there is none or it is not kept.
    pub body: Value,
    /// When the head of the request had been read.
    pub asked: Moment,
}

/// See [`Entry::Received`] and [`Entry::Sent`]. Packets are in capitals: `OPEN`, `CLOSE`, `UPGRADE`, `NOOP`, `CONNECT`,
/// `DISCONNECT`, `CONNECT_ERROR`, `ACK`; all else is the name of an event or message.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Event or message name, or packet.
    pub name: String,
    /// First argument or payload; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub data: Option<Value>,
    /// All arguments of an event.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub args: Vec<Value>,
    /// The packet as it stood on the wire, shortened where it is very long.
    pub raw: String,
    /// Whether it came as binary.
    pub binary: bool,
    /// Whether it asks for an acknowledgement.
    pub ack: bool,
    /// Acknowledgement id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<u64>,
    /// The token of a `CONNECT` or authentication message: exactly what was sent, if it is a string.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub token: Option<String>,
    /// `jwt`, `guest` or `none`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub token_kind: Option<String>,
    /// Close code of a `CLOSE`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<u16>,
    /// Close reason of a `CLOSE`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// See [`Entry::Ping`] and [`Entry::Pong`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Ordinal on its connection, from 1. A pong has the ordinal of the newest ping before it.
    pub ordinal: u32,
    /// Payload as text.
    pub payload: String,
}

/// See [`Entry::Closed`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Closed {
    /// Who ended it.
    pub by: Closer,
    /// Close code, where one was sent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<u16>,
    /// Close reason, where one was sent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Whether the protocol's own close came first.
    pub clean: bool,
}

/// Who ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Closer {
    /// The subject, by its protocol or by ending the stream.
    Client,
    /// The server.
    Server,
    /// Neither: a fault below the protocol.
    Network,
}

/// See [`Entry::Fault`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultEntry {
    /// Fault id of the catalogue.
    pub fault: String,
    /// Index of the rule in the script, from 0.
    pub rule: usize,
    /// Whether it fired or was undone.
    pub phase: FaultPhase,
}

/// Which end of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultPhase {
    /// It took effect.
    Fired,
    /// It was undone.
    Undone,
}

/// See [`Entry::Log`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// How grave.
    pub level: LogLevel,
    /// The text.
    pub message: String,
    /// Structured fields.
    pub fields: Map<String, Value>,
}

/// How grave a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the four names say it")]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

/// See [`Entry::Stored`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredEntry {
    /// The key.
    pub key: String,
    /// Its value.
    pub value: Value,
    /// Seconds until it expires by itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ttl_s: Option<u64>,
}

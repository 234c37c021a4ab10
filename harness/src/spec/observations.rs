//! The observations and their fields: which there are, and what each holds (scenario language, section 4).
//!
//! The one table behind the reader, the JSON Schema and the matcher.

use super::model::Key;

/// What a value or field holds, which says how a pattern for it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number: a range may stand.
    Number,
    /// A number with a fraction, such as `growth`: a range of decimals may stand.
    Ratio,
    /// A duration: a range may stand.
    Duration,
    /// Any text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// The name of something that the system or the scenario declares.
    Name(Names),
    /// True or false.
    Flag,
    /// A map of texts.
    Texts,
    /// A map of header fields: names in lower case, values texts.
    Headers,
    /// Any JSON.
    Payload,
}

/// What can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// States of the document.
    State,
    /// Events, messages and packets on the wire.
    Message,
    /// Events that a client tells its application.
    LocalEvent,
    /// Fault ids.
    Fault,
    /// Endpoint names, `polling`, `upgrade`, `preflight`, paths.
    Request,
    /// The same and `handshake`.
    Answer,
    /// Token kinds and `none`.
    TokenKind,
    /// Named action steps of the scenario.
    ActionStep,
}

/// A field of an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its key.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What it means.
    pub about: &'static str,
}

/// An observation: what its value holds and which fields it has.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Its key.
    pub key: Key,
    /// What its value holds.
    pub value: Kind,
    /// When such a record is made.
    pub about: &'static str,
    /// The fields of its own.
    own: &'static [Field],
}

impl Shape {
    /// All its fields, those that every record of its lane has included.
    pub fn fields(&self) -> impl Iterator<Item = &'static Field> + use<> {
        let common: &[Field] = if self.key.lane() == super::model::Lane::Wire { &COMMON } else { &[] };
        self.own.iter().chain(common)
    }

    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields().find(|field| field.name == name)
    }
}

/// The shape of an observation.
pub fn shape(key: Key) -> Shape {
    let (value, own, about): (Kind, &'static [Field], &'static str) = match key {
        Key::Attempt => {
            (Kind::Number, &ATTEMPT, "the head of a handshake without sid, or of an upgrade, has been read")
        }
        Key::Request => (Kind::Name(Names::Request), &REQUEST, "the head of any other request has been read"),
        Key::Answer => (Kind::Name(Names::Answer), &ANSWER, "a response head has been sent"),
        Key::Received => (Kind::Name(Names::Message), &RECEIVED, "the server has received a whole message"),
        Key::Sent => (Kind::Name(Names::Message), &SENT, "the server has sent a whole message"),
        Key::Ping => (Kind::Number, &PING, "the server's heartbeat ping has gone out"),
        Key::Pong => (Kind::Number, &PONG, "the answer to a ping has come in"),
        Key::Closed => (Kind::Word(&["client", "server", "network"]), &CLOSED, "the connection has ended"),
        Key::Fault => (Kind::Name(Names::Fault), &FAULT, "a rule has fired or has been undone"),
        Key::State => (Kind::Name(Names::State), &STATE, "the client has changed its state"),
        Key::Event => (Kind::Name(Names::LocalEvent), &EVENT, "the client has told its application of something"),
        Key::Token => (Kind::Word(&["stored", "cleared", "read"]), &TOKEN, "the client has used its token storage"),
        Key::Log => (Kind::Text, &LOG, "a line has been logged; the value is part of its message"),
        Key::Stored => (Kind::Text, &STORED, "the server has written a key of its store"),
        Key::Result => (Kind::Name(Names::ActionStep), &RESULT, "the adapter has answered an action"),
    };
    Shape { key, value, about, own }
}

/// What a field of an observation holds; none if it has no such field.
pub fn kind(key: Key, field: &str) -> Option<Kind> {
    shape(key).field(field).map(|field| field.kind)
}

const fn field(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, about }
}

const TOKEN_KIND: Field = field("token_kind", Kind::Name(Names::TokenKind), "the kind of the token, by its look");
const DATA: Field = field("data", Kind::Payload, "first argument or payload");
const ARGS: Field = field("args", Kind::Payload, "all arguments");
const RAW: Field = field("raw", Kind::Text, "the packet as it stood on the wire");
const BINARY: Field = field("binary", Kind::Flag, "whether it was binary");
const ACK: Field = field("ack", Kind::Flag, "whether it asks for an acknowledgement");
const ID: Field = field("id", Kind::Number, "acknowledgement id");
const SAME_GAP: Field = field("gap", Kind::Duration, "since the last of this name");
const CODE: Field = field("code", Kind::Number, "close code");
const REASON: Field = field("reason", Kind::Text, "close reason");
const QUERY: Field = field("query", Kind::Texts, "query parameters, decoded");
const HEADERS: Field = field("headers", Kind::Headers, "header fields, names in lower case");
const PATH: Field = field("path", Kind::Text, "path without query");
const PAYLOAD: Field = field("payload", Kind::Text, "payload as text");
const BODY: Field = field("body", Kind::Payload, "JSON if it is, else text");

const COMMON: [Field; 2] = [
    field("connection", Kind::Number, "ordinal of the actor's connection"),
    field("transport", Kind::Word(&["polling", "websocket"]), "how it travelled"),
];

const ATTEMPT: [Field; 9] = [
    PATH,
    QUERY,
    HEADERS,
    field("token", Kind::Text, "the token, where the request carries it"),
    TOKEN_KIND,
    field("wait", Kind::Duration, "since the end of the previous attempt or of its connection"),
    field("gap", Kind::Duration, "since the previous attempt"),
    field("growth", Kind::Ratio, "`wait` over the previous `wait`"),
    field("open", Kind::Number, "connections open now, this one included"),
];

const REQUEST: [Field; 5] = [field("method", Kind::Text, "HTTP method"), PATH, QUERY, HEADERS, BODY];

const ANSWER: [Field; 4] =
    [field("status", Kind::Number, "HTTP status"), HEADERS, BODY, field("delay", Kind::Duration, "since the request")];

const RECEIVED: [Field; 11] = [
    DATA,
    ARGS,
    RAW,
    BINARY,
    ACK,
    ID,
    SAME_GAP,
    field("token", Kind::Text, "the token of a CONNECT or authentication message"),
    TOKEN_KIND,
    CODE,
    REASON,
];

const SENT: [Field; 9] = [DATA, ARGS, RAW, BINARY, ACK, ID, SAME_GAP, CODE, REASON];

const PING: [Field; 2] = [PAYLOAD, field("gap", Kind::Duration, "since the previous ping")];

const PONG: [Field; 2] = [PAYLOAD, field("delay", Kind::Duration, "since its ping")];

const CLOSED: [Field; 4] = [
    CODE,
    REASON,
    field("clean", Kind::Flag, "whether the protocol's own close came first"),
    field("lasted", Kind::Duration, "how long the connection stood"),
];

const FAULT: [Field; 2] = [
    field("rule", Kind::Number, "index of the rule"),
    field("phase", Kind::Word(&["fired", "undone"]), "which end of the fault"),
];

const STATE: [Field; 1] = [field("from", Kind::Name(Names::State), "the state before")];

const EVENT: [Field; 1] = [field("data", Kind::Payload, "what the application was given")];

const TOKEN: [Field; 2] = [
    field("kind", Kind::Name(Names::TokenKind), "the kind of the token"),
    field("prefix", Kind::Text, "its first ten characters"),
];

const LOG: [Field; 3] = [
    field("level", Kind::Word(&["debug", "info", "warn", "error"]), "how grave"),
    field("message", Kind::Text, "the whole message"),
    field("fields", Kind::Payload, "structured fields"),
];

const STORED: [Field; 2] =
    [field("value", Kind::Payload, "what was stored"), field("ttl", Kind::Duration, "until it expires by itself")];

const RESULT: [Field; 3] = [
    field("ok", Kind::Flag, "whether the action succeeded"),
    field("value", Kind::Payload, "what it returned"),
    field("error", Kind::Word(&["timeout", "refused", "failed"]), "why it did not succeed"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_the_trace() {
        let mut names: Vec<&str> = Key::ALL
            .into_iter()
            .flat_map(|key| shape(key).fields())
            .filter(|field| field.kind == Kind::Duration)
            .map(|field| field.name)
            .collect();
        names.sort_unstable();
        names.dedup();
        let mut expected = crate::trace::Observed::DURATIONS;
        expected.sort_unstable();
        assert_eq!(names, expected);
    }

    #[test]
    fn no_field_is_named_twice() {
        for key in Key::ALL {
            let mut names: Vec<&str> = shape(key).fields().map(|field| field.name).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{key:?}");
        }
    }
}

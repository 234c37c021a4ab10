//! The adapter protocol, version 1, as types (`harness/clients/README.md`).
//!
//! Pure: lines in, messages out. Knows nothing of processes or cases.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sparring_mock_server::journal::Moment;

/// The protocol's version.
pub(super) const VERSION: u64 = 1;

/// The longest line that is read; what is longer is an error of the adapter.
pub(super) const MAX_LINE_BYTES: usize = 1024 * 1024;

/// What an adapter says of itself in answer to `initialize`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// Version of the protocol that it speaks.
    pub protocol: u64,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The library that it drives.
    pub library: Library,
    /// Systems that it has a client for.
    pub systems: Vec<String>,
    /// Actions that it can do.
    pub actions: Vec<String>,
    /// What it reports: `states`, `events`, `tokens`, `logs`.
    pub exposes: Vec<String>,
    /// What the documents leave to the client.
    #[serde(default)]
    pub declarations: Map<String, Value>,
    /// How many sessions it can serve at once; none means no limit of its own.
    #[serde(default)]
    pub max_sessions: Option<usize>,
}

/// The library under a client.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Library {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A line from an adapter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Incoming {
    /// The answer to the request of this id.
    Answer(u64, Result<Value, RpcError>),
    /// Something that happened in a session.
    Notice(Notice),
    /// The adapter's own timers fired late.
    Late {
        /// When.
        at: Moment,
        /// By how many milliseconds.
        by_ms: f64,
    },
}

/// The error of an answer.
#[derive(Debug, Clone, PartialEq, Deserialize, thiserror::Error)]
#[error("{message} (code {code})")]
pub struct RpcError {
    /// JSON-RPC error code.
    pub code: i64,
    /// Its text.
    #[serde(default)]
    pub message: String,
    /// More about it.
    #[serde(default)]
    pub data: Value,
}

impl RpcError {
    /// The code for an action that the client does not do.
    pub const UNSUPPORTED: i64 = -32001;
}

/// A notification about a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// Which session.
    pub session: String,
    /// When, by the adapter's clock; none if the stamp is missing or no moment.
    pub at: Option<Moment>,
    /// What.
    pub what: NoticeKind,
}

/// The kinds of notification.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "method", content = "params", rename_all = "lowercase")]
#[expect(missing_docs, reason = "the fields are those of the protocol's table")]
pub enum NoticeKind {
    State {
        #[serde(default)]
        from: Option<String>,
        to: String,
    },
    Event {
        name: String,
        #[serde(default)]
        data: Option<Value>,
    },
    Token {
        op: String,
        #[serde(default)]
        kind: Option<String>,
        #[serde(default)]
        prefix: Option<String>,
    },
    Log {
        level: String,
        message: String,
        #[serde(default)]
        fields: Map<String, Value>,
    },
}

/// Why a line is no message of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum LineError {
    /// Not JSON: kept as log, never fatal.
    #[error("not JSON: {0}")]
    Rubbish(String),
    /// JSON, and not what the protocol allows here.
    #[error("{problem} in `{line}`")]
    Protocol {
        /// What is wrong with it.
        problem: String,
        /// The line, shortened.
        line: String,
    },
}

/// Reads one line.
pub(super) fn read(line: &str) -> Result<Incoming, LineError> {
    let value: Value = serde_json::from_str(line).map_err(|_| LineError::Rubbish(shorten(line)))?;
    let wrong = |problem: String| LineError::Protocol { problem, line: shorten(line) };
    let Value::Object(message) = value else { return Err(LineError::Rubbish(shorten(line))) };
    if message.get("method").is_some() { notice(message).map_err(wrong) } else { answer(&message).map_err(wrong) }
}

fn answer(message: &Map<String, Value>) -> Result<Incoming, String> {
    let id = message.get("id").and_then(Value::as_u64).ok_or("neither `method` nor a numeric `id`")?;
    match (message.get("result"), message.get("error")) {
        (Some(result), None) => Ok(Incoming::Answer(id, Ok(result.clone()))),
        (None, Some(error)) => {
            let error = RpcError::deserialize(error).map_err(|error| format!("`error`: {error}"))?;
            Ok(Incoming::Answer(id, Err(error)))
        }
        _ => Err("an answer has either `result` or `error`".to_owned()),
    }
}

fn notice(mut message: Map<String, Value>) -> Result<Incoming, String> {
    let params = message.get("params").and_then(Value::as_object).ok_or("`params` is not an object")?;
    let stamp = params.get("at").and_then(Value::as_f64);
    let at = stamp.and_then(Moment::from_millis);
    if message["method"] == "late" {
        let by_ms = params.get("by").and_then(Value::as_f64).ok_or("`by` is not a number")?;
        return Ok(Incoming::Late { at: at.ok_or("`at` is no moment")?, by_ms });
    }
    let session = params.get("session").and_then(Value::as_str).ok_or("`session` is not a string")?.to_owned();
    message.retain(|key, _| key == "method" || key == "params");
    let what = NoticeKind::deserialize(Value::Object(message)).map_err(|error| error.to_string())?;
    Ok(Incoming::Notice(Notice { session, at, what }))
}

/// Writes a request as a line.
pub(super) fn request(id: u64, method: &str, params: &Value) -> String {
    let mut line = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string();
    line.push('\n');
    line
}

/// A line as it stands in messages.
pub(super) fn shorten(line: &str) -> String {
    match line.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::answer(r#"{"jsonrpc":"2.0","id":3,"result":{"value":null}}"#)]
    #[case::refusal(r#"{"jsonrpc":"2.0","id":3,"error":{"code":-32001,"message":"no","data":{"action":"send"}}}"#)]
    #[case::state(r#"{"method":"state","params":{"session":"s1","at":1733547600000.25,"from":"a","to":"b"}}"#)]
    #[case::event(r#"{"method":"event","params":{"session":"s1","at":1,"name":"x","data":{"y":1}}}"#)]
    #[case::token(r#"{"method":"token","params":{"session":"s1","at":1,"op":"read","kind":null,"prefix":""}}"#)]
    #[case::log(r#"{"method":"log","params":{"session":"s1","level":"info","message":"m"}}"#)]
    #[case::late(r#"{"method":"late","params":{"at":1,"by":12.5}}"#)]
    fn good_lines(#[case] line: &str) {
        assert!(read(line).is_ok(), "{:?}", read(line));
    }

    #[rstest]
    #[case("hello", "not JSON: hello")]
    #[case("[1]", "not JSON: [1]")]
    #[case(r#"{"id":1}"#, "an answer has either `result` or `error` in `{\"id\":1}`")]
    #[case(r#"{"result":1}"#, "neither `method` nor a numeric `id` in `{\"result\":1}`")]
    #[case(r#"{"method":"state","params":{"to":"b"}}"#, "`session` is not a string in")]
    #[case(r#"{"method":"state","params":{"session":"s1"}}"#, "missing field `to` in")]
    #[case(r#"{"method":"wombat","params":{"session":"s1"}}"#, "unknown variant `wombat`")]
    #[case(r#"{"method":"state","params":7}"#, "`params` is not an object")]
    fn bad_lines(#[case] line: &str, #[case] message: &str) {
        let error = read(line).expect_err("the line is wrong").to_string();
        assert!(error.starts_with(message), "{error}");
    }

    #[test]
    fn a_stamp_that_is_no_moment_is_no_stamp() {
        let line = r#"{"method":"state","params":{"session":"s1","at":-5,"to":"b"}}"#;
        assert!(matches!(read(line), Ok(Incoming::Notice(Notice { at: None, .. }))));
    }
}

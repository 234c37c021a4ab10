//! JSON-RPC as the adapter protocol uses it: errors, the fields of a request, answers that come later.
//!
//! Knows nothing of methods, systems or actions.

use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use crate::net::Base;

/// An error answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct RpcError {
    code: i32,
    message: String,
    data: Option<Value>,
}

impl RpcError {
    fn new(code: i32, message: String, data: Option<Value>) -> Self {
        Self { code, message, data }
    }

    pub(crate) fn invalid_request() -> Self {
        Self::new(-32600, "not a JSON-RPC 2.0 request".to_owned(), None)
    }

    pub(crate) fn unknown_method(method: &str) -> Self {
        Self::new(-32601, format!("unknown method: {method}"), None)
    }

    pub(crate) fn bad_field(field: &str, expected: &str) -> Self {
        Self::new(-32602, format!("{field}: expected {expected}"), Some(json!({"field": field})))
    }

    pub(crate) fn unsupported(action: &str) -> Self {
        Self::new(-32001, format!("unsupported action: {action}"), Some(json!({"action": action})))
    }

    pub(crate) fn no_session(session: &str) -> Self {
        Self::new(-32002, format!("no such session: {session}"), Some(json!({"session": session})))
    }

    /// `kind` is one of the protocol's three words: `timeout`, `refused`, `failed`.
    pub(crate) fn failed(kind: &str, message: &str) -> Self {
        Self::new(-32003, format!("action failed: {message}"), Some(json!({"error": kind})))
    }

    fn into_json(self) -> Value {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(data) = self.data {
            error["data"] = data;
        }
        error
    }
}

/// Typed access to the members of a map, with the error that names the field.
pub(crate) trait Field {
    fn text(&self, name: &str) -> Result<&str, RpcError>;
    fn text_or_null(&self, name: &str) -> Result<Option<String>, RpcError>;
    fn integer(&self, name: &str) -> Result<i64, RpcError>;
    fn map(&self, name: &str) -> Result<Map<String, Value>, RpcError>;
    fn base(&self, name: &str) -> Result<Base, RpcError>;
}

impl Field for Map<String, Value> {
    fn text(&self, name: &str) -> Result<&str, RpcError> {
        let text = self.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or_else(|| RpcError::bad_field(name, "string"))
    }

    fn text_or_null(&self, name: &str) -> Result<Option<String>, RpcError> {
        match self.get(name) {
            Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            _ => Err(RpcError::bad_field(name, "string or null")),
        }
    }

    fn integer(&self, name: &str) -> Result<i64, RpcError> {
        self.get(name).and_then(Value::as_i64).ok_or_else(|| RpcError::bad_field(name, "integer"))
    }

    fn map(&self, name: &str) -> Result<Map<String, Value>, RpcError> {
        self.get(name).and_then(Value::as_object).cloned().ok_or_else(|| RpcError::bad_field(name, "map"))
    }

    fn base(&self, name: &str) -> Result<Base, RpcError> {
        let text = self.get(name).and_then(Value::as_str).ok_or_else(|| RpcError::bad_field(name, "url"))?;
        text.parse().map_err(|error: crate::net::BaseError| RpcError::bad_field(name, &error.to_string()))
    }
}

/// Where lines for standard output go, in order.
#[derive(Debug, Clone)]
pub(crate) struct Output(mpsc::UnboundedSender<String>);

impl Output {
    pub(crate) fn new(lines: mpsc::UnboundedSender<String>) -> Self {
        Self(lines)
    }

    pub(crate) fn notify(&self, method: &str, params: &Value) {
        self.write(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn write(&self, message: &Value) {
        // When nobody reads any more, there is nobody left to report to.
        let _ = self.0.send(message.to_string());
    }
}

/// An answer that is owed. Dropped unanswered, it answers that the action failed.
#[derive(Debug)]
pub(crate) struct Pending {
    id: Option<Value>,
    output: Output,
}

impl Pending {
    /// An answer to the request of this id; without id nothing is written.
    pub(crate) fn new(id: Option<Value>, output: Output) -> Self {
        Self { id, output }
    }

    pub(crate) fn answer(mut self, result: Result<Value, RpcError>) {
        self.write(result);
    }

    fn write(&mut self, result: Result<Value, RpcError>) {
        let Some(id) = self.id.take() else { return };
        self.output.write(&match result {
            Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            Err(error) => json!({"jsonrpc": "2.0", "id": id, "error": error.into_json()}),
        });
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.write(Err(RpcError::failed("failed", "the session has ended")));
    }
}

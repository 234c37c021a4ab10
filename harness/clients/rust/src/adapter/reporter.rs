//! The notifications of one session, stamped and named.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::rpc::Output;

/// Milliseconds since the Unix epoch by the wall clock, with a fraction.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1_000.0
}

/// Tells what a client reports of itself.
#[derive(Debug, Clone)]
pub(crate) struct Reporter {
    session: String,
    output: Output,
}

impl Reporter {
    pub(crate) fn new(session: &str, output: Output) -> Self {
        Self { session: session.to_owned(), output }
    }

    pub(crate) fn state(&self, from: &str, to: &str) {
        self.tell("state", json!({"from": from, "to": to}));
    }

    pub(crate) fn event(&self, name: &str, data: &Value) {
        self.tell("event", json!({"name": name, "data": data}));
    }

    pub(crate) fn token(&self, op: &str, kind: &str, token: &str) {
        let prefix: String = token.chars().take(10).collect();
        self.tell("token", json!({"op": op, "kind": kind, "prefix": prefix}));
    }

    pub(crate) fn log(&self, level: &str, message: &str, fields: &Value) {
        self.tell("log", json!({"level": level, "message": message, "fields": fields}));
    }

    fn tell(&self, method: &str, mut params: Value) {
        params["session"] = json!(self.session);
        params["at"] = json!(now());
        self.output.notify(method, &params);
    }
}

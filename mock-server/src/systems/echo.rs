//! The reference systems: whatever comes in goes back.
//!
//! Of use to any client, whatever its application. Knows no tokens and no sessions.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};
use socketioxide::extract::AckSender;

use super::{Peer, System, Task};
use crate::engine::conn::Conn;
use crate::engine::packet::Packet;
use crate::plain::{Client, client};

/// See the module.
pub(crate) struct Echo;

fn nothing() -> Task {
    Box::pin(std::future::ready(()))
}

impl System for Echo {
    fn join(self: Arc<Self>, _peer: Peer, _auth: Option<Value>) -> Task {
        nothing()
    }

    fn event(self: Arc<Self>, peer: Peer, event: String, data: Option<Value>, ack: AckSender) -> Task {
        // Fails when the client asked for no acknowledgement, or is gone.
        let _ = ack.send(&data);
        peer.emit_soon_unchecked(&event, data.as_ref());
        nothing()
    }

    fn message(self: Arc<Self>, client: Client, message: Packet) -> Task {
        let name = if message.is_plain() { message.name() } else { String::new() };
        match name.as_str() {
            "PING" => client.pass(client::text(&json!({"type": "PONG"}))),
            "broadcast" => client.broadcast(&message),
            _ => client.pass(message),
        }
        nothing()
    }

    fn left(self: Arc<Self>, _conn: Arc<Conn>) -> Task {
        nothing()
    }

    fn refusal(&self, operation: &str, error: &str) -> (String, Value) {
        ("error".to_owned(), json!({"event": operation, "error": error}))
    }

    fn verdict(&self, _conn: &Conn) -> Option<(String, Value)> {
        None
    }

    fn rest(&self, _endpoint: &str, _body: &Value) -> (StatusCode, Value) {
        (StatusCode::NOT_FOUND, Value::Null)
    }

    fn revoke(self: Arc<Self>, _conn: Arc<Conn>) -> Task {
        nothing()
    }

    fn clear(&self) {}

    fn forget(self: Arc<Self>) -> Task {
        nothing()
    }
}

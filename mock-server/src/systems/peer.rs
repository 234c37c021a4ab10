//! A connected client as an honest system has it.
//!
//! Knows nothing of what is said; every event that a system sends goes through [`Peer::emit`].

use std::sync::Arc;

use serde_json::{Value, json};
use socketioxide::extract::SocketRef;

use crate::engine::conn::Conn;
use crate::engine::gate::Gate;
use crate::engine::{mail, perform};
use crate::journal::LogLevel;
use crate::script::fault::DisconnectVia;
use crate::script::{Firing, Stage};

/// See the module.
#[derive(Clone)]
pub(crate) struct Peer {
    /// The gate through which it came.
    pub(crate) gate: Arc<Gate>,
    /// Its connection.
    pub(crate) conn: Arc<Conn>,
    /// Socket.IO's handle.
    pub(crate) socket: SocketRef,
}

impl Peer {
    /// Comes to a stage, right behind a message where there is one; returns the rules that the system has to obey.
    pub(crate) async fn stage(&self, stage: Stage, behind: Option<&str>) -> Vec<Firing> {
        self.gate.stage(stage, &self.conn, behind).await
    }

    /// Sends an event that the contract has, and waits until it has left.
    pub(crate) async fn emit(&self, event: &str, payload: &Value) {
        let before = self.conn.left(event);
        self.emit_soon(event, payload);
        self.conn.until(|conn| conn.left(event) > before || conn.is_over()).await;
    }

    /// Sends an event that the contract has.
    pub(crate) fn emit_soon(&self, event: &str, payload: &Value) {
        self.gate.shared.check(&self.conn, event, payload);
        self.emit_soon_unchecked(event, Some(payload));
    }

    /// Sends an event that a rule or a live action asks for, whatever the contract says.
    pub(crate) fn emit_soon_unchecked(&self, event: &str, payload: Option<&Value>) {
        mail::emit(&self.socket, event, payload);
    }

    /// Sends a `DISCONNECT`. The transport is left to the client, as by the official server.
    pub(crate) async fn disconnect(&self) {
        perform::disconnect(&self.conn, false).await;
    }

    /// Ends the connection without a word of the application.
    pub(crate) async fn leave(&self, via: DisconnectVia) {
        perform::leave(&self.conn, via).await;
    }

    /// Writes an error into the server's log, with what a thrown exception would carry.
    pub(crate) fn log_exception(&self, message: &str, error: &str) {
        let stack = format!("Error: {error}\n    at handleConnection (server)");
        let fields = json!({"error": error, "stack": stack, "socketId": self.socket.id.to_string()});
        self.gate.shared.log(&self.conn.actor, Some(self.conn.number()), LogLevel::Error, message, fields);
    }
}

//! A client of a plain WebSocket as an honest system has it.
//!
//! Knows nothing of what is said. What a system says of its own accord goes through [`Client::send`], which holds it
//! against the contract.

use std::sync::Arc;

use serde_json::Value;

use super::message;
use crate::engine::conn::Conn;
use crate::engine::gate::Gate;
use crate::engine::packet::Packet;
use crate::script::{Firing, Stage};

/// See the module.
#[derive(Clone)]
pub(crate) struct Client {
    /// The gate through which it came.
    pub(crate) gate: Arc<Gate>,
    /// Its connection.
    pub(crate) conn: Arc<Conn>,
}

impl Client {
    /// Whoever is at the other end of this connection.
    pub(crate) fn new(gate: &Arc<Gate>, conn: &Arc<Conn>) -> Self {
        Self { gate: Arc::clone(gate), conn: Arc::clone(conn) }
    }

    /// Comes to a stage; returns the rules that the system has to obey.
    pub(crate) async fn stage(&self, stage: Stage) -> Vec<Firing> {
        self.gate.stage(stage, &self.conn, None).await
    }

    /// Sends a message that the contract has, whole as it is, under the name that the contract has for it.
    pub(crate) fn send(&self, name: &str, message: &Value) {
        self.gate.shared.check(&self.conn, name, message);
        self.pass(message::whole(message));
    }

    /// Sends a message that a rule or a client asks for, whatever the contract says.
    pub(crate) fn pass(&self, message: Packet) {
        self.conn.post(message);
    }

    /// Sends a message to every client that is there, this one among them.
    pub(crate) fn broadcast(&self, message: &Packet) {
        for conn in self.gate.shared.sessions() {
            conn.post(message.clone());
        }
    }

    /// Takes leave with a close frame, behind what waits to be sent.
    pub(crate) fn close(&self, code: Option<u16>, reason: &str) {
        self.conn.close(code, reason);
    }
}

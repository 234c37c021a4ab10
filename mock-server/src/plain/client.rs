//! A client of a plain WebSocket as an honest system has it.
//!
//! Knows nothing of what is said. What a system says of its own accord goes through [`Client::send`], which holds it
//! against the contract.

use std::sync::Arc;

use serde_json::Value;

use crate::engine::conn::{Conn, Ending};
use crate::engine::gate::Gate;
use crate::engine::packet::Packet;
use crate::engine::perform::{self, End};
use crate::journal::Closer;
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
        self.pass(text(message));
    }

    /// The same, and waits until it has left.
    pub(crate) async fn send_off(&self, name: &str, message: &Value) {
        let before = self.conn.left(name);
        self.send(name, message);
        self.conn.until(|conn| conn.left(name) > before || conn.is_over()).await;
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
    pub(crate) fn close(&self, code: u16, reason: &str) {
        self.conn.set_farewell(code, reason);
        let reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
        self.conn.end(Ending { code: Some(code), reason, ..Ending::by(Closer::Server, true) });
    }

    /// Ends the TCP connection without a close frame.
    pub(crate) fn cut(&self) {
        perform::end_wire(&self.conn, End::Cut);
    }
}

/// A JSON value as a message.
pub(crate) fn text(message: &Value) -> Packet {
    Packet::Text(message.to_string().into())
}

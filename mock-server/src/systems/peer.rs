//! A connected client as an honest system has it.
//!
//! Knows nothing of what is said; every event that a system sends goes through [`Peer::emit`] or one of its siblings.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::engine::conn::{Conn, Ending};
use crate::engine::gate::Gate;
use crate::engine::perform::{self, End};
use crate::journal::{Closer, LogLevel};
use crate::script::fault::DisconnectVia;
use crate::script::{Firing, Stage};
use crate::socket_io::{self, AckError, Args, Audience, Member};

/// See the module.
#[derive(Clone)]
pub(crate) struct Peer {
    /// The gate through which it came.
    pub(crate) gate: Arc<Gate>,
    /// Its connection.
    pub(crate) conn: Arc<Conn>,
    /// What it is in Socket.IO.
    pub(crate) member: Arc<Member>,
}

impl Peer {
    /// A client that is this member.
    pub(crate) fn new(gate: &Arc<Gate>, member: Arc<Member>) -> Self {
        Self { gate: Arc::clone(gate), conn: Arc::clone(&member.conn), member }
    }

    /// Comes to a stage, right behind a message where there is one; returns the rules that the system has to obey.
    pub(crate) async fn stage(&self, stage: Stage, behind: Option<&str>) -> Vec<Firing> {
        self.gate.stage(stage, &self.conn, behind).await
    }

    /// Its id, which an event in one of its own rooms can name.
    pub(crate) fn id(&self) -> &str {
        &self.member.id
    }

    // To this client.

    /// Sends an event that the contract has, and waits until it has left.
    pub(crate) async fn emit(&self, event: &str, payload: &Value) {
        let before = self.conn.left(event);
        self.emit_soon(event, payload);
        self.conn.until(|conn| conn.left(event) > before || conn.is_over()).await;
    }

    /// Sends an event that the contract has.
    pub(crate) fn emit_soon(&self, event: &str, payload: &Value) {
        self.emit_all(event, &payload.into());
    }

    /// Sends an event that the contract has, with any number of arguments.
    pub(crate) fn emit_all(&self, event: &str, args: &Args) {
        self.check(event, args);
        self.member.emit(event, args);
    }

    /// Sends an event that a rule or a live action asks for, whatever the contract says.
    pub(crate) fn emit_soon_unchecked(&self, event: &str, payload: Option<&Value>) {
        self.member.emit(event, &Args::maybe(payload.cloned()));
    }

    /// Sends an event that the contract has, and waits for the client's acknowledgement.
    pub(crate) async fn emit_with_ack(&self, event: &str, args: &Args, timeout: Duration) -> Result<Args, AckError> {
        self.check(event, args);
        self.member.ask(event, args, timeout).await
    }

    // To others in its namespace.

    /// Enters a room.
    pub(crate) fn enter(&self, room: &str) {
        self.member.enter(room);
    }

    /// Leaves a room.
    pub(crate) fn exit(&self, room: &str) {
        self.member.exit(room);
    }

    /// Sends an event that the contract has to all of an audience, of which it may be one.
    pub(crate) fn broadcast(&self, audience: Audience<'_>, event: &str, args: &Args) {
        self.check(event, args);
        self.member.namespace.broadcast(audience, event, args);
    }

    fn check(&self, event: &str, args: &Args) {
        self.gate.shared.check(&self.conn, event, args.first().unwrap_or(&Value::Null));
    }

    // The end.

    /// Sends a `DISCONNECT`. The transport is left to the client, as by the official server.
    pub(crate) fn disconnect(&self) {
        socket_io::dismiss(&self.gate, &self.member);
    }

    /// Ends the connection without a word of the application.
    pub(crate) fn leave(&self, via: DisconnectVia) {
        match via {
            DisconnectVia::SocketIo => self.disconnect(),
            DisconnectVia::Tcp => perform::end_wire(&self.conn, End::Cut),
            DisconnectVia::CloseFrame => self.conn.end(Ending::by(Closer::Server, true)),
        }
    }

    /// Writes an error into the server's log, with what a thrown exception would carry.
    pub(crate) fn log_exception(&self, message: &str, error: &str) {
        let stack = format!("Error: {error}\n    at handleConnection (server)");
        let fields = json!({"error": error, "stack": stack, "socketId": self.id()});
        self.gate.shared.log(&self.conn.actor, Some(self.conn.number()), LogLevel::Error, message, fields);
    }
}

//! How a socket is told that its token is not good: by an error, then a `DISCONNECT`, or as the switch has it.
//!
//! Knows nothing of why.

use serde_json::{Value, json};

use super::{Chatgenius, Peer};
use crate::journal::LogLevel;
use crate::server::lock;
use crate::systems::ConnectRefusal;

impl Chatgenius {
    /// Sends an authentication failure, then disconnects.
    pub(super) fn reject(&self, peer: &Peer) {
        self.count_rejection(peer);
        match self.shared.switch("auth_failure") {
            "bare-disconnect" => {}
            "exception" => {
                peer.emit_soon("exception", &json!({"status": "error", "message": self.text("forbidden")}));
            }
            _ => peer.emit_soon("error", &self.authentication_error(None)),
        }
        peer.disconnect();
    }

    /// The same before the `CONNECT` is acknowledged.
    pub(super) fn connect_refusal(&self, peer: &Peer) -> ConnectRefusal {
        self.count_rejection(peer);
        ConnectRefusal { message: self.text("authentication").to_owned(), data: None }
    }

    /// The payload of an authentication failure; without a message it has the contract's.
    pub(super) fn authentication_error(&self, message: Option<&str>) -> Value {
        json!({"message": message.unwrap_or_else(|| self.text("authentication"))})
    }

    fn count_rejection(&self, peer: &Peer) {
        let rejected = {
            let mut state = lock(&self.state);
            state.rejected += 1;
            state.rejected
        };
        let fields = json!({"failedAttempts": rejected, "socketId": peer.id()});
        let conn = &peer.conn;
        self.shared.log(&conn.actor, Some(conn.number()), LogLevel::Warn, "Authentication failed", fields);
    }
}

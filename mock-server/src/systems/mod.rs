//! The honest systems: what each document's server does, over the parts that all of them share.
//!
//! A system does what its document says and knows nothing of transports. At each stage it asks for the rules once,
//! through its [`Peer`], and obeys those that are its to obey.

pub(crate) mod chatgenius;
pub(crate) mod digitwin;
pub(crate) mod echo;
mod peer;

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use crate::engine::conn::Conn;
use crate::engine::http::Reply;
use crate::engine::packet::Packet;
use crate::plain::Client;
use crate::script::{Fault, Stage};
use crate::socket_io::{Ack, Args};

pub(crate) use peer::Peer;

/// A future that a system hands out. It is begun at once, in the task that asks for it; what is left of it when it has
/// to wait goes on beside everything else.
pub(crate) type Task<T = ()> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Whether a client gets the WebSocket that it asks for; if not, what it is answered.
pub(crate) type Admission = Task<Result<(), Reply>>;

/// Why a client is not let into a namespace, as its `CONNECT_ERROR` says it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ConnectRefusal {
    /// The message.
    pub(crate) message: String,
    /// More about it.
    pub(crate) data: Option<Value>,
}

impl ConnectRefusal {
    /// As it is sent.
    pub(crate) fn payload(&self) -> Value {
        let mut error = json!({"message": self.message});
        if let Some(data) = &self.data {
            error["data"] = data.clone();
        }
        error
    }
}

/// Nothing to do.
pub(crate) fn nothing() -> Task {
    Box::pin(ready(()))
}

/// An honest server. What a system's protocol does not have, its implementation leaves out.
pub(crate) trait System: Send + Sync {
    // Socket.IO.

    /// The namespaces that clients can join.
    fn namespaces(&self) -> &[&'static str] {
        &["/"]
    }

    /// A client wants to join, and says this as `auth`; it has been told nothing yet.
    fn greet(self: Arc<Self>, _peer: Peer, _auth: Value) -> Task<Result<(), ConnectRefusal>> {
        Box::pin(ready(Ok(())))
    }

    /// A client has been told that it is connected, and gave this as `auth`.
    fn join(self: Arc<Self>, _peer: Peer, _auth: Value) -> Task {
        nothing()
    }

    /// A client has sent an event, and may want it acknowledged.
    fn event(self: Arc<Self>, _peer: Peer, _name: String, _args: Args, _ack: Option<Ack>) -> Task {
        nothing()
    }

    /// A client is no longer connected, by whoever's doing; its transport may go on.
    fn left(self: Arc<Self>, _peer: Peer) -> Task {
        nothing()
    }

    // Protocols without events.

    /// A client of a protocol without events has sent a message: text, or bytes.
    fn message(self: Arc<Self>, _client: Client, _message: Packet) -> Task {
        nothing()
    }

    /// A client asks for a WebSocket; it has been answered nothing yet. Refuses it by another answer.
    fn admit(self: Arc<Self>, _client: Client) -> Admission {
        Box::pin(ready(Ok(())))
    }

    /// A plain WebSocket is open.
    fn opened(self: Arc<Self>, client: Client) -> Task {
        Box::pin(async move { drop(client.stage(Stage::Ready).await) })
    }

    // All.

    /// A fault of the whole server that only the system can carry out begins, or ends.
    fn afflict(&self, _fault: &Fault, _begins: bool) {}

    /// The event and payload by which an operation is refused.
    fn refusal(&self, operation: &str, error: &str) -> (String, Value);

    /// The event and payload that would make this connection's session known.
    fn verdict(&self, _conn: &Conn) -> Option<(String, Value)> {
        None
    }

    /// The answer of a REST endpoint.
    fn rest(&self, _endpoint: &str, _body: &Value) -> (StatusCode, Value) {
        (StatusCode::NOT_FOUND, Value::Null)
    }

    /// Takes the session of this connection away.
    fn revoke(self: Arc<Self>, _conn: Arc<Conn>) -> Task {
        nothing()
    }

    /// Lets go of all connections, as a process that ends.
    fn clear(&self) {}

    /// Forgets what is stored.
    fn forget(self: Arc<Self>) -> Task {
        nothing()
    }
}

//! The honest systems: what each document's server does, over the parts that all of them share.
//!
//! A system does what its document says and knows nothing of transports. At each stage it asks for the rules once,
//! through its [`Peer`], and obeys those that are its to obey.

pub(crate) mod digitwin;
pub(crate) mod echo;
mod peer;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::StatusCode;
use serde_json::Value;
use socketioxide::extract::AckSender;

use crate::engine::conn::Conn;
use crate::engine::http::Reply;
use crate::engine::packet::Packet;
use crate::plain::Client;
use crate::script::Stage;

pub(crate) use peer::Peer;

/// A future that a system hands out.
pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Whether a client gets the WebSocket that it asks for; if not, what it is answered.
pub(crate) type Admission = Pin<Box<dyn Future<Output = Result<(), Reply>> + Send>>;

/// An honest server of Socket.IO.
pub(crate) trait System: Send + Sync {
    /// A client has been told that it is connected, and gave this as `auth`.
    fn join(self: Arc<Self>, peer: Peer, auth: Option<Value>) -> Task;

    /// A client has sent an event.
    fn event(self: Arc<Self>, peer: Peer, event: String, data: Option<Value>, ack: AckSender) -> Task;

    /// A client of a protocol without events has sent a message: text, or bytes.
    fn message(self: Arc<Self>, _client: Client, _message: Packet) -> Task {
        Box::pin(std::future::ready(()))
    }

    /// A client asks for a WebSocket; it has been answered nothing yet. Refuses it by another answer.
    fn admit(self: Arc<Self>, _client: Client) -> Admission {
        Box::pin(std::future::ready(Ok(())))
    }

    /// A plain WebSocket is open.
    fn opened(self: Arc<Self>, client: Client) -> Task {
        Box::pin(async move { drop(client.stage(Stage::Ready).await) })
    }

    /// A client is no longer connected, by whoever's doing; its transport may go on.
    fn left(self: Arc<Self>, conn: Arc<Conn>) -> Task;

    /// The event and payload by which an operation is refused.
    fn refusal(&self, operation: &str, error: &str) -> (String, Value);

    /// The event and payload that would make this connection's session known.
    fn verdict(&self, conn: &Conn) -> Option<(String, Value)>;

    /// The answer of a REST endpoint.
    fn rest(&self, endpoint: &str, body: &Value) -> (StatusCode, Value);

    /// Takes the session of this connection away.
    fn revoke(self: Arc<Self>, conn: Arc<Conn>) -> Task;

    /// Lets go of all connections, as a process that ends.
    fn clear(&self);

    /// Forgets what is stored.
    fn forget(self: Arc<Self>) -> Task;
}

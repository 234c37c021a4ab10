//! The place to watch a connection's traffic from. Watching changes nothing.

use http::{HeaderMap, Method};
use tokio::time::Instant;

use super::{End, Packet, Transport};
use crate::net::Reply;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To open a session, over either transport.
    Handshake,
    /// To fetch packets, or to bring some.
    Poll,
    /// To move an open session to WebSocket.
    Upgrade,
}

/// A request that is about to be written.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What for.
    pub purpose: Purpose,
    /// The transport it belongs to.
    pub transport: Transport,
    /// Method.
    pub method: Method,
    /// Path and query.
    pub target: String,
    /// Header fields.
    pub headers: HeaderMap,
    /// When.
    pub at: Instant,
}

/// Watches a connection. Every method does nothing unless it is overridden.
pub trait Tap: Send + Sync {
    /// A request is about to be written.
    fn asked(&self, asked: &Asked) {
        let _ = asked;
    }

    /// The answer to a request has come.
    fn answered(&self, asked: &Asked, reply: &Reply) {
        let _ = (asked, reply);
    }

    /// A packet has come from the server.
    fn received(&self, transport: Transport, packet: &Packet) {
        let _ = (transport, packet);
    }

    /// A packet is about to be written.
    fn sent(&self, transport: Transport, packet: &Packet) {
        let _ = (transport, packet);
    }

    /// The connection has ended.
    fn ended(&self, transport: Transport, end: &End) {
        let _ = (transport, end);
    }
}

/// Watches nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoTap;

impl Tap for NoTap {}

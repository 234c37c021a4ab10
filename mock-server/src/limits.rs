//! How much of anything the mock takes or holds: what keeps a hostile client from harming the others.
//!
//! All of it is far beyond what an honest client needs. Whoever exceeds a limit loses its own request or session, which
//! the journal shows; nobody else notices. The listener's limit is the kernel's: while file descriptors are used up, new
//! connections wait in the backlog and everything that is open goes on.
//!
//! | what | limit | beyond it |
//! | --- | --- | --- |
//! | head of a request | [`HEAD`] bytes | `431` |
//! | time for a TLS handshake | [`Limits::head_time`] | the TCP connection ends |
//! | time for a head, also on an idle connection | [`Limits::head_time`] | the TCP connection ends |
//! | body, message or frame of Engine.IO | [`MESSAGE`] bytes | `413`; close code 1009 |
//! | message of a plain WebSocket | [`PLAIN_MESSAGE`] bytes | close code 1009 |
//! | time for a body | [`Limits::body_time`] | `408`, and the session of a post ends |
//! | packets that wait for a client | [`OUTBOX`] packets, [`OUTBOX_BYTES`] bytes | the session ends |
//! | rooms of a Socket.IO client, bytes of a room's name | [`ROOMS`], [`ROOM`] | it does not enter |
//! | packets that wait for the client of a WebSocket | [`BACKLOG`] packets | it is not read from until it has read |
//! | sessions | [`Limits::sessions`] | handshakes are answered `503` |
//! | a session whose client has gone silent | its heartbeat | the session ends |
//! | a WebSocket that does not take its last bytes | [`FAREWELL`] | the TCP connection ends |

use std::time::Duration;

/// Bytes of a request's head.
pub const HEAD: usize = 64 * 1_024;

/// Bytes of a body or message: the official server's default, and what the open packet says.
pub const MESSAGE: usize = 1_000_000;

/// Bytes of a message of a plain WebSocket.
pub const PLAIN_MESSAGE: usize = 1_048_576;

/// Packets that wait for the client of a WebSocket, from which on nothing is read from it.
pub const BACKLOG: usize = 1_024;

/// Bytes of a body that is too large which are still read, so that its client gets to read the answer.
pub const SPILL: usize = 8 * MESSAGE;

/// Time for that.
pub const SPILL_TIME: Duration = Duration::from_secs(10);

/// Rooms that a member of a Socket.IO namespace can be in.
pub const ROOMS: usize = 1_024;

/// Bytes of a room's name.
pub const ROOM: usize = 1_024;

/// Packets that wait for a client to fetch or read them.
pub const OUTBOX: usize = 65_536;

/// Bytes of them.
pub const OUTBOX_BYTES: usize = 16 * MESSAGE;

/// Time for a WebSocket whose session is over to take its last bytes and to answer the close.
pub const FAREWELL: Duration = Duration::from_secs(5);

/// The limits that a mock can be given others for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Time from the opening of a TCP connection, or from the last answer, until a whole head has come. The official
    /// server's runtime has the same default.
    pub head_time: Duration,
    /// Time from the head of a request until its whole body has come. The official server's runtime has the same
    /// default.
    pub body_time: Duration,
    /// Engine.IO sessions of the mock.
    pub sessions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head_time: Duration::from_secs(60), body_time: Duration::from_secs(300), sessions: 65_536 }
    }
}

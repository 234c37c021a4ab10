//! Engine.IO and HTTP: what every Socket.IO system of the mock stands on.
//!
//! A session's packets meet here whatever carries them: long-polling, a WebSocket, or one after the other. So this is
//! where they are written into the journal and where packet faults work. What the messages say is for the protocol above
//! (`socket_io`). Knows nothing of tokens, verdicts or the documents; rules it obeys, but does not select.
//!
//! ```text
//! gate ── polling / websocket ── conn (outbox, records) ── mail (rules) ── socket_io
//!                                  └── heart
//! ```

mod amend;
pub(crate) mod attempt;
pub(crate) mod carry;
pub(crate) mod conn;
mod cors;
pub(crate) mod departure;
mod distort;
mod frame;
pub(crate) mod gate;
mod heart;
pub(crate) mod http;
mod keepalive;
pub(crate) mod mail;
mod obstacle;
mod official;
pub(crate) mod packet;
pub(crate) mod parcel;
pub(crate) mod perform;
mod polling;
mod session;
pub(crate) mod shelf;
mod traffic;
mod visit;
mod websocket;

/// Longest message or body that is taken: the official server's default.
pub(crate) const LARGEST: usize = crate::limits::MESSAGE;

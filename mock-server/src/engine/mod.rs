//! Engine.IO and HTTP in front of socketioxide: what every Socket.IO system of the mock stands on.
//!
//! A session's packets meet here whatever carries them: long-polling, a WebSocket, or one after the other. So this is
//! where they are written into the journal and where packet faults work. socketioxide gets each session through a
//! WebSocket in memory (`bridge`) and does what is Socket.IO's: namespaces, events, acknowledgements. Knows nothing of
//! tokens, verdicts or the documents; rules it obeys, but does not select.
//!
//! ```text
//! gate ── polling / websocket ── conn (outbox, records) ── bridge ── socketioxide
//!                                  └── heart
//! ```

mod amend;
pub(crate) mod attempt;
mod bridge;
pub(crate) mod conn;
mod cors;
pub(crate) mod departure;
mod frame;
pub(crate) mod gate;
mod heart;
pub(crate) mod http;
mod join;
pub(crate) mod mail;
mod obstacle;
pub(crate) mod packet;
pub(crate) mod perform;
mod polling;
mod session;
mod talk;
mod traffic;
mod visit;
mod websocket;

/// Longest message or body that is taken: the official server's default.
pub(crate) const LARGEST: usize = crate::limits::MESSAGE;

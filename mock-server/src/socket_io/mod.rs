//! Socket.IO over Engine.IO: namespaces, events, acknowledgements, rooms.
//!
//! ```text
//! mail ── session (decoder, who is in) ── connect ── the system's `greet`, `join`
//!             └── event, ack, leave         └── hub (namespaces, rooms, broadcast) ── mail
//! ```
//!
//! A client's packet is taken where it comes in: decoded, judged by the rules, handed to the system, without another
//! task in between. Without rules all is as the official server has it. Knows nothing of transports, tokens or what the
//! events mean.

mod ack;
mod connect;
mod faults;
mod hub;
mod member;
mod official;
pub(crate) mod packet;
mod session;

pub(crate) use ack::Ack;
pub(crate) use faults::alter;
pub(crate) use hub::{Audience, Hub};
pub(crate) use member::{AckError, Member};
pub(crate) use packet::Args;
pub(crate) use session::{Sockets, acknowledge, act, dismiss, leave, reject};

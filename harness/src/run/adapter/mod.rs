//! Adapters: programs that drive a client for us and tell what it says of itself.
//!
//! The protocol is in `harness/clients/README.md`. What an adapter does wrong is never held against its client.

pub mod check;
#[cfg(test)]
mod fuzz;
mod listener;
mod process;
mod protocol;

pub use process::{Adapter, Answer, Ended, Heard, Launch, LaunchError, Session, SessionSetup};
pub use protocol::{Hello, Library, Notice, NoticeKind, RpcError};

//! The load: many clients in one thread, by raw frames.
//!
//! A client costs one read for what it hears and one write for what it says, and everything that is said was encoded
//! before. Knows nothing of who serves.

mod client;
mod crowd;
mod frame;

use std::io;

pub(crate) use crowd::Crowd;

/// What clients say to a server, and what they must hear. Messages are text.
#[derive(Debug)]
pub(crate) struct Dialect {
    /// Path and query of the upgrade.
    pub(crate) target: &'static str,
    /// What makes a client ready after the upgrade.
    pub(crate) opening: &'static [Step],
    /// A message that may come at any time, and its answer.
    pub(crate) heartbeat: Option<(&'static str, &'static str)>,
    /// What comes back.
    pub(crate) echo: &'static str,
    /// How it begins when it comes back.
    pub(crate) echoed: &'static str,
    /// What goes to everybody, the speaker too.
    pub(crate) spread: &'static str,
    /// How it begins when it reaches everybody.
    pub(crate) heard: &'static str,
}

/// A step of the opening.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// Waits for a message that begins so; others are passed over.
    Hear(&'static str),
    /// Sends a message.
    Say(&'static str),
}

/// Why the load could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// The network failed.
    #[error("the load generator: {0}")]
    Io(#[from] io::Error),
    /// A server does not take a client.
    #[error("a client was refused: {0}")]
    Refused(String),
    /// A server let go of a client.
    #[error("a client was dropped")]
    Dropped,
    /// A server does not answer.
    #[error("a server has said nothing for {} s", PATIENCE.as_secs())]
    Silent,
}

impl From<nix::errno::Errno> for LoadError {
    fn from(errno: nix::errno::Errno) -> Self {
        Self::Io(errno.into())
    }
}

/// How long clients wait for anything at all.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

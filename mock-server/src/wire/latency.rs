//! Latency: how long each direction's bytes are on their way.
//!
//! Knows nothing of sockets or frames.

use std::time::Duration;

/// Delays every byte, and keeps their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// The mean delay of each direction that is delayed.
    pub delay: Duration,
    /// Each write is delayed by up to this much less or more.
    pub jitter: Duration,
    /// What is delayed.
    pub direction: Direction,
    /// Start of the row of random numbers behind the jitter.
    pub seed: u64,
}

/// Which bytes, seen from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the peer.
    In,
    /// To the peer.
    Out,
    /// All.
    Both,
}

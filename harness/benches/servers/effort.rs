//! How much is measured: enough for figures that hold, or a minute's worth.

use std::time::Duration;

/// The size of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Rounds in which the contenders take turns; one more before them warms up and does not count.
    pub(crate) rounds: usize,
    /// How long a stream of messages is measured.
    pub(crate) messages: Duration,
    /// How long handshakes are measured.
    pub(crate) handshakes: Duration,
    /// How often idle connections are weighed.
    pub(crate) weighings: usize,
    /// How many idle connections, as far as the limit of open files allows.
    pub(crate) idle: usize,
    /// How often each server is started for the sake of it.
    pub(crate) starts: usize,
}

impl Effort {
    /// The quick one or the thorough one.
    pub(crate) fn of(quick: bool) -> Self {
        if quick { QUICK } else { THOROUGH }
    }
}

const THOROUGH: Effort = Effort {
    rounds: 7,
    messages: Duration::from_millis(700),
    handshakes: Duration::from_millis(500),
    weighings: 3,
    idle: 10_000,
    starts: 11,
};

const QUICK: Effort = Effort {
    rounds: 3,
    messages: Duration::from_millis(300),
    handshakes: Duration::from_millis(200),
    weighings: 1,
    idle: 10_000,
    starts: 5,
};

//! The figures that a document's monitoring asks for, counted from the journal's records as they are written.
//!
//! `watch` sees each record and keeps what is under way; `figures` holds the counters and says how they are written
//! down. Nothing else counts: what is not in the journal is not in the figures. Knows nothing of who reads them.

mod figures;
mod watch;

use std::time::Duration;

use crate::contract::{Contract, Protocol};

pub(crate) use watch::{Progress, Watch};

/// Beyond which times an attempt counts as timed out, and a first response as a cold start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// An attempt without a verdict after this time has timed out.
    pub verdict: Duration,
    /// A first response that takes longer than this is that of a cold start.
    pub first_response: Duration,
}

impl Limits {
    /// Those of a system: the time that its document gives a session, else 10 s, and 3 s for a first response, which is
    /// the longest that a whole connection takes without a cold start.
    pub fn of(contract: &Contract) -> Self {
        let verdict = contract.timers.get("session_timeout").map_or(Duration::from_secs(10), |timer| timer.value);
        Self { verdict, first_response: Duration::from_secs(3) }
    }
}

/// By what a connection is known to be established or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Milestones {
    /// The message that establishes it; none where the upgrade itself does.
    established: Option<&'static str>,
    /// The message by which it is refused.
    refused: Option<&'static str>,
}

impl Milestones {
    /// The verdicts that the contract has, else those of its protocol.
    fn of(contract: &Contract) -> Self {
        let sends = |name: &&str| contract.events.sent.iter().any(|event| event.name == *name);
        let (established, refused) = match contract.transport.protocol {
            Protocol::SocketIo => (Some("CONNECT"), Some("CONNECT_ERROR")),
            Protocol::EngineIo => (Some("OPEN"), None),
            Protocol::WebSocket => (None, None),
        };
        Self {
            established: Some("session_created").filter(sends).or(established),
            refused: Some("auth_error").filter(sends).or(refused),
        }
    }
}

#[cfg(test)]
mod tests;

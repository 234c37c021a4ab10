//! What rules do to the control frames of a connection's WebSocket: answers that are withheld.
//!
//! Knows nothing of frames.

use super::Conn;
use crate::script::Firing;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Controls {
    /// Pings are not answered.
    unponged: bool,
    /// The client's close is not answered before this rule lets it be.
    stall: Option<Firing>,
}

impl Conn {
    /// From now on the client's pings are answered, or they are not.
    pub(crate) fn answer_pings(&self, answer: bool) {
        self.state().controls.unponged = !answer;
    }

    /// Whether the client's pings are answered.
    pub(crate) fn answers_pings(&self) -> bool {
        !self.state().controls.unponged
    }

    /// From now on this rule stands between the client's close and its answer, or none does.
    pub(crate) fn stall_close(&self, firing: Option<Firing>) {
        self.state().controls.stall = firing;
    }

    /// The rule that stands between the client's close and its answer.
    pub(crate) fn stalled_close(&self) -> Option<Firing> {
        self.state().controls.stall.clone()
    }
}

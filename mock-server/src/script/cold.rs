//! Whether the instance behind a `cold-start` rule is up.
//!
//! The one fault whose effect on a request depends on the requests before it, whoever made them.

use std::time::Duration;

use super::fault::ColdStart;
use crate::journal::Moment;

/// The instance behind one rule.
#[derive(Debug, Default)]
pub(super) struct ColdState {
    /// When the instance is up, or came up; none before the first request.
    up: Option<Moment>,
    /// The newest request.
    last: Option<Moment>,
}

impl ColdState {
    /// How long a request that comes now has to wait; none if the instance is up.
    ///
    /// Where the instance is cold, `starts` says whether that matters: if not, it is up at once.
    pub(super) fn wait(&mut self, fault: &ColdStart, now: Moment, starts: impl FnOnce() -> bool) -> Option<Duration> {
        if self.is_cold(fault, now) {
            self.up = Some(if starts() { now + fault.delay } else { now });
        }
        self.last = Some(now);
        self.up.map(|up| up.since(now)).filter(|wait| !wait.is_zero())
    }

    fn is_cold(&self, fault: &ColdStart, now: Moment) -> bool {
        let idle = self.last.zip(fault.idle).is_some_and(|(last, idle)| now.since(last) >= idle);
        self.up.is_none_or(|up| idle && up <= now)
    }
}

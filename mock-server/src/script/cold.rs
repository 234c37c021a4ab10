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
    pub(super) fn wait(&mut self, fault: &ColdStart, now: Moment) -> Option<Duration> {
        let idle = self.last.zip(fault.idle).is_some_and(|(last, idle)| now.since(last) >= idle);
        if idle && self.up.is_some_and(|up| up <= now) {
            self.up = None;
        }
        self.last = Some(now);
        let up = *self.up.get_or_insert(now + fault.delay);
        (up > now).then(|| up.since(now))
    }
}

//! What has passed a `rate-limit` rule within its window.
//!
//! Like a cold start, its effect on one depends on those before it. Knows nothing of how a refusal looks.

use std::collections::{HashMap, VecDeque};

use super::Subject;
use super::fault::{RateLimit, RateScope, RateVia};
use crate::journal::{Actor, Moment};

/// Those who are counted for one rule.
#[derive(Debug, Default)]
pub(super) struct LimitState {
    passed: HashMap<Whose, VecDeque<Moment>>,
    /// At how many of them those are swept out that have been quiet.
    full: usize,
}

/// Whose doings are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Whose {
    Socket(Actor, Option<u32>),
    User(String),
    Address(Actor),
}

impl Whose {
    fn of(fault: &RateLimit, subject: &Subject<'_>) -> Self {
        let socket = || Self::Socket(subject.actor.clone(), subject.connection);
        match (fault.via, fault.scope) {
            (RateVia::Http, _) | (_, RateScope::Address) => Self::Address(subject.actor.clone()),
            (_, RateScope::Socket) => socket(),
            (_, RateScope::User) => subject.user.map_or_else(socket, |user| Self::User(user.to_owned())),
        }
    }
}

impl LimitState {
    /// Whether one that comes now is above the limit; if not, it counts. `refuses` says whether that matters.
    pub(super) fn refuses(
        &mut self,
        fault: &RateLimit,
        subject: &Subject<'_>,
        now: Moment,
        refuses: impl FnOnce() -> bool,
    ) -> bool {
        self.sweep(fault, now);
        let passed = self.passed.entry(Whose::of(fault, subject)).or_default();
        while passed.front().is_some_and(|first| now.since(*first) >= fault.window) {
            passed.pop_front();
        }
        if passed.len() >= fault.limit.get() as usize {
            return refuses();
        }
        passed.push_back(now);
        false
    }

    fn sweep(&mut self, fault: &RateLimit, now: Moment) {
        if self.passed.len() > self.full {
            self.passed.retain(|_, passed| passed.back().is_some_and(|last| now.since(*last) < fault.window));
            self.full = (2 * self.passed.len()).max(64);
        }
    }
}

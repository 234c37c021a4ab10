//! How long to wait before the next attempt, and when to give up. Knows nothing of sockets, states or tokens.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::options::Options;

/// Exponential backoff: base, base times factor, and so on up to the cap.
#[derive(Debug)]
pub(super) struct Backoff {
    base: Duration,
    factor: f64,
    cap: Duration,
    failures: i32,
}

impl Backoff {
    pub(super) fn new(options: &Options) -> Self {
        Self { base: options.backoff_base, factor: options.backoff_factor, cap: options.backoff_cap, failures: 0 }
    }

    pub(super) fn next(&mut self) -> Duration {
        let seconds = self.base.as_secs_f64() * self.factor.powi(self.failures);
        self.failures = self.failures.saturating_add(1);
        // What is too long for a duration is longer than the cap.
        Duration::try_from_secs_f64(seconds).map_or(self.cap, |wait| wait.min(self.cap))
    }

    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

/// The reconnect guard with the sliding window of reading DT-X-05: no eleventh within 60 s of the first of ten.
#[derive(Debug)]
pub(super) struct Guard {
    limit: usize,
    window: Duration,
    recent: VecDeque<Instant>,
    first: Option<Instant>,
    count: usize,
}

/// What a reconnection is logged with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recorded {
    pub(super) attempt: usize,
    pub(super) elapsed: Duration,
}

/// What a tripped guard is logged with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tripped {
    pub(super) count: usize,
    pub(super) duration: Duration,
}

impl Guard {
    pub(super) fn new(options: &Options) -> Self {
        let (limit, window) = (options.guard_limit, options.guard_window);
        Self { limit, window, recent: VecDeque::new(), first: None, count: 0 }
    }

    /// What tripping it would be blamed on; none while one more reconnection is allowed.
    pub(super) fn tripped(&self, now: Instant) -> Option<Tripped> {
        if self.recent.len() < self.limit {
            return None;
        }
        let duration = self.recent.front().map_or(Duration::ZERO, |oldest| now - *oldest);
        (duration < self.window).then_some(Tripped { count: self.limit.saturating_add(1), duration })
    }

    pub(super) fn record(&mut self, now: Instant) -> Recorded {
        let first = *self.first.get_or_insert(now);
        self.recent.push_back(now);
        if self.recent.len() > self.limit {
            self.recent.pop_front();
        }
        self.count += 1;
        Recorded { attempt: self.count, elapsed: now - first }
    }

    pub(super) fn reset(&mut self) {
        self.recent.clear();
        self.first = None;
        self.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_start_anew() {
        let mut backoff = Backoff::new(&Options::default());
        let waits: Vec<u64> = (0..7).map(|_| backoff.next().as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!((0..5_000).map(|_| backoff.next()).max(), Some(Duration::from_secs(30)));
        assert_eq!(backoff.next().as_secs(), 30);
        backoff.reset();
        assert_eq!(backoff.next().as_secs(), 1);
    }

    /// How many reconnections are allowed when one is asked for every `gap`, of fifteen.
    fn allowed(gap: Duration) -> usize {
        let mut guard = Guard::new(&Options::default());
        let start = Instant::now();
        (0..15_u32)
            .map(|index| start + gap * index)
            .take_while(|now| guard.tripped(*now).is_none().then(|| guard.record(*now)).is_some())
            .count()
    }

    #[test]
    fn the_guard_slides() {
        assert_eq!(allowed(Duration::ZERO), 10);
        assert_eq!(allowed(Duration::from_millis(5_999)), 10);
        assert_eq!(allowed(Duration::from_secs(6)), 15);
        assert_eq!(allowed(Duration::from_secs(7)), 15);
    }
}

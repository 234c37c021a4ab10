//! When a byte last passed, over however many connections.
//!
//! Knows nothing of what is done with connections that are quiet.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::pace::YEAR;

/// Notes when a byte passes, either way, on all connections that are given a clone of it.
#[derive(Debug, Clone)]
pub struct Activity(Arc<Notes>);

#[derive(Debug)]
struct Notes {
    born: Instant,
    /// Nanoseconds from its birth to the last byte.
    last: AtomicU64,
}

impl Default for Activity {
    fn default() -> Self {
        Self(Arc::new(Notes { born: Instant::now(), last: AtomicU64::new(0) }))
    }
}

impl Activity {
    /// Resolves when no byte has passed for so long.
    pub async fn quiet_for(&self, idle: Duration) {
        loop {
            let last = self.last();
            sleep_until(self.0.born + Duration::from_nanos(last) + idle.min(YEAR)).await;
            if self.last() == last {
                return;
            }
        }
    }

    /// A byte has passed.
    pub(super) fn note(&self) {
        let now = u64::try_from(self.0.born.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.0.last.fetch_max(now, Ordering::Relaxed);
    }

    fn last(&self) -> u64 {
        self.0.last.load(Ordering::Relaxed)
    }
}

/// Whether they are the same activity, and not only alike.
impl PartialEq for Activity {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Activity {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn every_byte_puts_it_off() {
        let (activity, idle) = (Activity::default(), Duration::from_secs(10));
        let noting = activity.clone();
        tokio::spawn(async move {
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_secs(9)).await;
                noting.note();
            }
        });
        activity.quiet_for(idle).await;
        assert_eq!(activity.0.born.elapsed().as_secs(), 27 + 10);
    }
}

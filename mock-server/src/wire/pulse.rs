//! When a byte last passed, over however many connections.
//!
//! Knows nothing of what is done with connections that are quiet.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::pace::YEAR;

/// Beats with every byte that passes, either way, on all connections that are given a clone of it.
#[derive(Debug, Clone)]
pub struct Pulse(Arc<Beats>);

#[derive(Debug)]
struct Beats {
    born: Instant,
    /// Nanoseconds from its birth to the last beat.
    last: AtomicU64,
}

impl Default for Pulse {
    fn default() -> Self {
        Self(Arc::new(Beats { born: Instant::now(), last: AtomicU64::new(0) }))
    }
}

impl Pulse {
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
    pub(super) fn beat(&self) {
        let now = u64::try_from(self.0.born.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.0.last.fetch_max(now, Ordering::Relaxed);
    }

    fn last(&self) -> u64 {
        self.0.last.load(Ordering::Relaxed)
    }
}

/// Whether they are the same pulse, not only equal ones.
impl PartialEq for Pulse {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Pulse {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn every_beat_puts_it_off() {
        let (pulse, idle) = (Pulse::default(), Duration::from_secs(10));
        let beating = pulse.clone();
        tokio::spawn(async move {
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_secs(9)).await;
                beating.beat();
            }
        });
        pulse.quiet_for(idle).await;
        assert_eq!(pulse.0.born.elapsed().as_secs(), 27 + 10);
    }
}

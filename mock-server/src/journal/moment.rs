//! Moments in document time: one clock for harness, mock and adapters.
//!
//! Knows nothing of warp: a process that runs under a faster clock sees faster moments.

use std::fmt;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A moment in document time: microseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(u64);

/// Pairs the monotonic clock with the wall clock once, so that moments never run backwards.
fn anchor() -> (Instant, Duration) {
    static ANCHOR: OnceLock<(Instant, Duration)> = OnceLock::new();
    *ANCHOR.get_or_init(|| {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (Instant::now(), wall)
    })
}

impl Moment {
    /// Now.
    pub fn now() -> Self {
        let (start, wall) = anchor();
        Self::after_epoch(wall + start.elapsed())
    }

    /// The moment this long after the Unix epoch.
    pub fn after_epoch(duration: Duration) -> Self {
        // 2^64 microseconds are half a million years.
        Self(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
    }

    /// The moment of an adapter's stamp, milliseconds since the Unix epoch; none if that is no moment at all.
    pub fn from_millis(millis: f64) -> Option<Self> {
        Duration::try_from_secs_f64(millis / 1_000.0).ok().map(Self::after_epoch)
    }

    /// Time since the Unix epoch.
    pub fn since_epoch(self) -> Duration {
        Duration::from_micros(self.0)
    }

    /// Time from `earlier` to this moment; zero if it is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Sleeps until this moment; returns at once if it has passed.
    pub async fn reached(self) {
        tokio::time::sleep(self.since(Self::now())).await;
    }
}

impl std::ops::Add<Duration> for Moment {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self::after_epoch(self.since_epoch().saturating_add(duration))
    }
}

impl std::ops::Sub<Duration> for Moment {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self::after_epoch(self.since_epoch().saturating_sub(duration))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

//! How late the harness itself is: a timer that is due all the time, and how far it overshoots.
//!
//! A case in which the harness was later than a bound allows is not held against the subject. Knows nothing of cases.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sparring_mock_server::journal::Moment;

/// Real time between two looks: short enough that no stall which matters falls between them.
const PERIOD: Duration = Duration::from_millis(2);
/// What a timer of the runtime needs anyway, in real time: its resolution is a millisecond.
const USUAL: Duration = Duration::from_millis(1);
/// How many overshoots are remembered.
const KEPT: usize = 100_000;

/// Watches the lateness of this process until it is dropped.
#[derive(Debug)]
pub struct Watch {
    slips: Arc<Mutex<VecDeque<Slip>>>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Debug, Clone, Copy)]
struct Slip {
    due: Moment,
    by: Duration,
}

impl Watch {
    /// Starts watching. `speed` is the number of seconds of document time in a real second.
    pub fn start(speed: u32) -> Self {
        let slips = Arc::new(Mutex::new(VecDeque::new()));
        let task = tokio::spawn(watch(Arc::clone(&slips), speed));
        Self { slips, task }
    }

    /// The worst overshoot between two moments, in document time; zero if every timer was on time.
    pub fn worst(&self, from: Moment, to: Moment) -> Duration {
        let slips = self.slips.lock().unwrap_or_else(PoisonError::into_inner);
        let inside = slips.iter().filter(|slip| slip.due <= to && slip.due + slip.by >= from);
        inside.map(|slip| slip.by).max().unwrap_or_default()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn watch(slips: Arc<Mutex<VecDeque<Slip>>>, speed: u32) {
    let usual = USUAL * speed;
    loop {
        let due = Moment::now() + PERIOD * speed;
        due.reached().await;
        let by = Moment::now().since(due).saturating_sub(usual);
        if by.is_zero() {
            continue;
        }
        let mut slips = slips.lock().unwrap_or_else(PoisonError::into_inner);
        if slips.len() == KEPT {
            slips.pop_front();
        }
        slips.push_back(Slip { due, by });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_blocked_runtime_is_noticed() {
        let watch = Watch::start(1);
        let from = Moment::now();
        tokio::time::sleep(Duration::from_millis(15)).await;
        // A runtime with one thread cannot serve its timers meanwhile.
        let busy = std::time::Instant::now();
        while busy.elapsed() < Duration::from_millis(80) {}
        tokio::time::sleep(Duration::from_millis(15)).await;
        let worst = watch.worst(from, Moment::now());
        assert!(worst >= Duration::from_millis(50), "{worst:?}");
        assert_eq!(
            watch.worst(Moment::now() + Duration::from_secs(1), Moment::now() + Duration::from_secs(2)),
            Duration::ZERO
        );
    }
}

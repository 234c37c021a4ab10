//! The lane on which bytes wait for their time.
//!
//! A lane keeps order: nothing leaves it before what entered earlier. Knows nothing of sockets or frames.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::time::{Instant, Sleep, sleep_until};

use super::latency::Delays;
use super::pace::{Pace, YEAR};

/// What travels on a lane.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cargo {
    Bytes(Bytes),
    /// End of stream.
    Fin,
    /// The stream broke.
    Broken(io::ErrorKind),
}

/// A queue in which each entry has its time. Without delays and pace, all that is in it is due.
#[derive(Default)]
pub(super) struct Lane {
    queue: VecDeque<(Option<Instant>, Cargo)>,
    size: usize,
    /// Boxed: random numbers take room that most lanes never need.
    delays: Option<Box<Delays>>,
    pace: Option<Box<Pace>>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Lane {
    /// Sets the delays of what comes from now on.
    pub(super) fn set_delays(&mut self, delays: Option<Delays>) {
        self.delays = delays.map(Box::new);
    }

    /// Sets the pace at which bytes leave from now on.
    pub(super) fn set_pace(&mut self, pace: Option<Pace>) {
        self.pace = pace.map(Box::new);
    }

    /// Whether nothing is on it and nothing will be held up.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.delays.is_none() && self.pace.is_none()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether whoever fills it should wait.
    pub(super) fn is_full(&self) -> bool {
        self.size >= self.pace.as_ref().map_or(FULL, |pace| pace.room().min(FULL))
    }

    pub(super) fn push(&mut self, cargo: Cargo) {
        self.push_later(cargo, Duration::ZERO);
    }

    /// What takes longer than the delays say by so much.
    pub(super) fn push_later(&mut self, cargo: Cargo, by: Duration) {
        if let Cargo::Bytes(bytes) = &cargo {
            if bytes.is_empty() {
                return;
            }
            self.size += bytes.len();
        }
        let delay = self.delays.as_mut().map(|delays| delays.next());
        let timed = delay.is_some() || self.pace.is_some() || !by.is_zero();
        let own = timed.then(|| Instant::now() + delay.unwrap_or_default().saturating_add(by).min(YEAR));
        let before = self.queue.back().and_then(|(due, _)| *due);
        self.queue.push_back((own.max(before), cargo));
    }

    /// The first entry, once its time has come, and how many of its bytes may leave.
    pub(super) fn poll_front(&mut self, cx: &mut Context<'_>) -> Poll<(&mut Cargo, usize)> {
        let Some((due, cargo)) = self.queue.front_mut() else { return Poll::Pending };
        let (due, most) = match (&mut self.pace, &*cargo) {
            (Some(pace), Cargo::Bytes(bytes)) => {
                let piece = pace.next_piece(due.unwrap_or_else(Instant::now), bytes.len());
                (Some(piece.leaves), piece.size)
            }
            (None, Cargo::Bytes(bytes)) => (*due, bytes.len()),
            (_, Cargo::Fin | Cargo::Broken(_)) => (*due, 0),
        };
        if let Some(due) = due
            && due > Instant::now()
        {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
            if timer.deadline() != due {
                timer.as_mut().reset(due);
            }
            ready!(timer.as_mut().poll(cx));
        }
        Poll::Ready((cargo, most))
    }

    /// Takes the first entry, or as many bytes off it as may leave.
    pub(super) fn take_front(&mut self, most: usize) -> Option<Cargo> {
        if let Some((_, Cargo::Bytes(bytes))) = self.queue.front() {
            let taken = bytes.slice(..most);
            self.advance(most);
            return Some(Cargo::Bytes(taken));
        }
        self.queue.pop_front().map(|(_, cargo)| cargo)
    }

    /// Takes bytes off the first entry, and the entry itself when none are left.
    pub(super) fn advance(&mut self, size: usize) {
        if let Some((_, Cargo::Bytes(bytes))) = self.queue.front_mut() {
            bytes.advance(size);
            self.size -= size;
            if let Some(pace) = &mut self.pace {
                pace.left(size);
            }
            if bytes.is_empty() {
                self.queue.pop_front();
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.queue.clear();
        self.size = 0;
    }
}

/// Bytes on a lane from which on it takes no more.
const FULL: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::super::{Direction, Latency};
    use super::*;

    #[tokio::test]
    async fn a_shorter_delay_does_not_overtake() {
        let lane = &mut Lane::default();
        let latency = |millis| Latency {
            delay: Duration::from_millis(millis),
            jitter: Duration::ZERO,
            direction: Direction::Both,
            seed: 0,
        };
        let start = Instant::now();
        for (millis, text) in [(30, "a"), (0, "b"), (20, "c")] {
            lane.set_delays(latency(millis).inward());
            lane.push(Cargo::Bytes(text.into()));
        }
        lane.set_delays(None);
        lane.push(Cargo::Fin);
        for expected in ["a", "b", "c"] {
            let most = std::future::poll_fn(|cx| lane.poll_front(cx).map(|(_, most)| most)).await;
            assert!(start.elapsed() >= Duration::from_millis(30));
            assert_eq!(lane.take_front(most), Some(Cargo::Bytes(expected.into())));
        }
        assert_eq!(lane.take_front(0), Some(Cargo::Fin));
        assert!(lane.is_idle());
    }

    #[tokio::test]
    async fn a_delay_beyond_all_clocks_does_no_harm() {
        let latency = Latency { delay: Duration::MAX, jitter: Duration::MAX, direction: Direction::Both, seed: 0 };
        let mut lane = Lane::default();
        lane.set_delays(latency.outward());
        lane.push_later(Cargo::Fin, Duration::MAX);
        assert!(!lane.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_can_take_longer_than_what_goes_before_it() {
        let mut lane = Lane::default();
        lane.push(Cargo::Bytes("a".into()));
        lane.push_later(Cargo::Fin, Duration::from_secs(3));
        let start = Instant::now();
        std::future::poll_fn(|cx| lane.poll_front(cx).map(|_| ())).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        lane.advance(1);
        std::future::poll_fn(|cx| lane.poll_front(cx).map(|_| ())).await;
        assert_eq!(start.elapsed(), Duration::from_secs(3));
    }
}

//! Latency, and the lane on which bytes wait for their time.
//!
//! A lane keeps order: nothing leaves it before what entered earlier. Knows nothing of sockets or frames.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::{Instant, Sleep, sleep_until};

/// Delays every byte, and keeps their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// The mean delay of each direction that is delayed.
    pub delay: Duration,
    /// Each portion is delayed by up to this much less or more.
    pub jitter: Duration,
    /// What is delayed.
    pub direction: Direction,
    /// Start of the row of random numbers behind the jitter.
    pub seed: u64,
}

/// Which bytes, seen from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the peer.
    In,
    /// To the peer.
    Out,
    /// All.
    Both,
}

impl Latency {
    /// How long the peer's first bytes are on their way; none if they are not delayed. For those that were read before
    /// the latency was known.
    pub fn first_inward(&self) -> Option<Duration> {
        self.inward().map(|mut delays| delays.next())
    }

    /// The delays of bytes from the peer.
    pub(super) fn inward(&self) -> Option<Delays> {
        (self.direction != Direction::Out).then(|| self.delays(self.seed))
    }

    /// The delays of bytes to the peer.
    pub(super) fn outward(&self) -> Option<Delays> {
        // Both directions together must not draw the same numbers.
        (self.direction != Direction::In).then(|| self.delays(!self.seed))
    }

    fn delays(&self, seed: u64) -> Delays {
        let shortest = self.delay.saturating_sub(self.jitter);
        let longest = self.delay.saturating_add(self.jitter);
        Delays { shortest, longest, random: StdRng::seed_from_u64(seed) }
    }
}

/// A row of delays.
pub(super) struct Delays {
    shortest: Duration,
    longest: Duration,
    random: StdRng,
}

impl Delays {
    fn next(&mut self) -> Duration {
        self.random.random_range(self.shortest..=self.longest)
    }
}

/// What travels on a lane.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cargo {
    Bytes(Bytes),
    /// End of stream.
    Fin,
    /// The stream broke.
    Broken(io::ErrorKind),
}

/// A queue in which each entry has its time. Without delays, all that is in it is due.
#[derive(Default)]
pub(super) struct Lane {
    queue: VecDeque<(Option<Instant>, Cargo)>,
    size: usize,
    /// Boxed: random numbers take room that most lanes never need.
    delays: Option<Box<Delays>>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Lane {
    /// Sets the delays of what comes from now on.
    pub(super) fn set_delays(&mut self, delays: Option<Delays>) {
        self.delays = delays.map(Box::new);
    }

    /// Whether nothing is on it and nothing will be delayed.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.delays.is_none()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether whoever fills it should wait.
    pub(super) fn is_full(&self) -> bool {
        self.size >= FULL
    }

    pub(super) fn push(&mut self, cargo: Cargo) {
        if let Cargo::Bytes(bytes) = &cargo {
            if bytes.is_empty() {
                return;
            }
            self.size += bytes.len();
        }
        let own = self.delays.as_mut().map(|delays| later(Instant::now(), delays.next()));
        let before = self.queue.back().and_then(|(due, _)| *due);
        self.queue.push_back((own.max(before), cargo));
    }

    /// The first entry, once its time has come.
    pub(super) fn poll_front(&mut self, cx: &mut Context<'_>) -> Poll<&mut Cargo> {
        let Some((due, cargo)) = self.queue.front_mut() else { return Poll::Pending };
        if let Some(due) = *due
            && due > Instant::now()
        {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
            if timer.deadline() != due {
                timer.as_mut().reset(due);
            }
            ready!(timer.as_mut().poll(cx));
        }
        Poll::Ready(cargo)
    }

    /// Takes the first entry.
    pub(super) fn pop(&mut self) -> Option<Cargo> {
        let (_, cargo) = self.queue.pop_front()?;
        if let Cargo::Bytes(bytes) = &cargo {
            self.size -= bytes.len();
        }
        Some(cargo)
    }

    /// Takes bytes off the first entry, and the entry itself when none are left.
    pub(super) fn advance(&mut self, size: usize) {
        if let Some((_, Cargo::Bytes(bytes))) = self.queue.front_mut() {
            bytes.advance(size);
            self.size -= size;
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

/// A moment so far off that the clock cannot show it is as good as a year.
fn later(now: Instant, delay: Duration) -> Instant {
    const YEAR: Duration = Duration::from_hours(365 * 24);
    now + delay.min(YEAR)
}

/// Bytes on a lane from which on it takes no more.
const FULL: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::array;

    use super::*;

    fn draw(seed: u64, direction: fn(&Latency) -> Option<Delays>) -> [Duration; 100] {
        let (delay, jitter) = (Duration::from_millis(100), Duration::from_millis(40));
        let latency = Latency { delay, jitter, direction: Direction::Both, seed };
        let mut delays = direction(&latency).unwrap();
        array::from_fn(|_| delays.next())
    }

    #[test]
    fn delays_are_spread_around_the_mean() {
        let drawn = draw(1, Latency::inward);
        let range = Duration::from_millis(60)..=Duration::from_millis(140);
        assert!(drawn.iter().all(|delay| range.contains(delay)), "{drawn:?}");
        let short = drawn.iter().filter(|delay| **delay < Duration::from_millis(100)).count();
        assert!((20..80).contains(&short), "{short} of 100 are shorter than the mean");
    }

    #[test]
    fn a_seed_gives_the_same_delays_again() {
        assert_eq!(draw(1, Latency::inward), draw(1, Latency::inward));
        assert_ne!(draw(1, Latency::inward), draw(2, Latency::inward));
        assert_ne!(draw(1, Latency::inward), draw(1, Latency::outward));
    }

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
            std::future::poll_fn(|cx| lane.poll_front(cx).map(|_| ())).await;
            assert!(start.elapsed() >= Duration::from_millis(30));
            assert_eq!(lane.pop(), Some(Cargo::Bytes(expected.into())));
        }
        assert_eq!(lane.pop(), Some(Cargo::Fin));
        assert!(lane.is_idle());
    }

    #[tokio::test]
    async fn a_delay_beyond_all_clocks_does_no_harm() {
        let latency = Latency { delay: Duration::MAX, jitter: Duration::MAX, direction: Direction::Both, seed: 0 };
        let mut lane = Lane::default();
        lane.set_delays(latency.outward());
        lane.push(Cargo::Fin);
        assert!(!lane.is_empty());
    }
}

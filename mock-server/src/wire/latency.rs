//! Latency: how long each portion of bytes is on its way.
//!
//! Knows nothing of where bytes wait meanwhile.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

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
    pub(super) fn next(&mut self) -> Duration {
        self.random.random_range(self.shortest..=self.longest)
    }
}

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
}

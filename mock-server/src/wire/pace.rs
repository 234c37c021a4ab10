//! Bandwidth and slicing: how fast, and in what pieces, bytes leave.
//!
//! Bytes are paced as they leave, not as they come, so that the number of pieces costs nothing. A late timer is made up
//! for by the next piece. Knows nothing of where bytes wait.

use std::num::NonZeroU64;
use std::time::Duration;

use tokio::time::Instant;

use super::Direction;

/// What shapes the traffic of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shape {
    /// How many bytes pass in a second.
    pub bandwidth: Option<Bandwidth>,
    /// In what pieces bytes leave.
    pub slices: Option<Slices>,
    /// How long the end of the stream to the peer is on its way, after the layer above has ended it.
    pub slow_close: Option<Duration>,
}

/// A limit on how fast bytes pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bandwidth {
    /// Bytes in a second, in each direction for itself.
    pub rate: NonZeroU64,
    /// Which bytes.
    pub direction: Direction,
}

/// Cuts what goes to the peer into pieces, each sent by a write of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slices {
    /// The most bytes of a piece.
    pub size: NonZeroU64,
    /// The least time from one piece to the next.
    pub gap: Duration,
}

impl Shape {
    /// The pace of bytes to the peer.
    pub(super) fn outward(&self) -> Option<Pace> {
        Pace::new(self.rate(Direction::Out), self.slices)
    }

    /// The pace of bytes from the peer.
    pub(super) fn inward(&self) -> Option<Pace> {
        Pace::new(self.rate(Direction::In), None)
    }

    fn rate(&self, direction: Direction) -> Option<NonZeroU64> {
        let bandwidth =
            self.bandwidth.filter(|bandwidth| [direction, Direction::Both].contains(&bandwidth.direction))?;
        Some(bandwidth.rate)
    }
}

/// The pace of one direction.
pub(super) struct Pace {
    rate: Option<NonZeroU64>,
    slices: Option<Slices>,
    /// When the piece before is through.
    free: Option<Instant>,
    piece: Option<Piece>,
}

/// The bytes that leave next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) leaves: Instant,
    pub(super) size: usize,
}

impl Pace {
    fn new(rate: Option<NonZeroU64>, slices: Option<Slices>) -> Option<Self> {
        (rate.is_some() || slices.is_some()).then_some(Self { rate, slices, free: None, piece: None })
    }

    /// The piece at the front of a portion that could leave from `ready` on, were it not for the pace.
    pub(super) fn next_piece(&mut self, ready: Instant, portion: usize) -> Piece {
        if let Some(piece) = self.piece {
            return piece;
        }
        let size = portion.min(self.most());
        let begins = self.free.map_or(ready, |free| free.max(ready));
        let leaves = begins + self.duration(size);
        let gap = self.slices.map_or(Duration::ZERO, |slices| slices.gap.min(YEAR));
        self.free = Some(leaves + gap);
        *self.piece.insert(Piece { leaves, size })
    }

    /// So many bytes of the piece have left.
    pub(super) fn left(&mut self, size: usize) {
        self.piece = self.piece.map(|piece| Piece { size: piece.size - size, ..piece }).filter(|piece| piece.size > 0);
    }

    /// Bytes that may wait before whoever sends them feels the pace.
    pub(super) fn room(&self) -> usize {
        self.rate.map_or(usize::MAX, |rate| usize::try_from(rate.get() / 4).unwrap_or(usize::MAX).max(LEAST_ROOM))
    }

    fn most(&self) -> usize {
        match (self.slices, self.rate) {
            (Some(slices), _) => usize::try_from(slices.size.get()).unwrap_or(usize::MAX),
            // A hundredth of a second's worth, so that bytes flow and do not come in lumps.
            (None, Some(rate)) => usize::try_from(rate.get() / 100).unwrap_or(usize::MAX).max(1),
            (None, None) => usize::MAX,
        }
    }

    fn duration(&self, size: usize) -> Duration {
        let Some(rate) = self.rate else { return Duration::ZERO };
        let nanos = size as u128 * 1_000_000_000 / u128::from(rate.get());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)).min(YEAR)
    }
}

/// A moment so far off that the clock cannot show it is as good as a year.
pub(super) const YEAR: Duration = Duration::from_hours(365 * 24);

/// Bytes that may wait at the slowest pace.
const LEAST_ROOM: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// When each piece of 10 bytes leaves, in ms, and its size.
    #[rstest]
    #[case::rate(Some(1_000), None, &[(10, 10)])]
    #[case::slow_rate(Some(100), None, &[(10, 1), (20, 1), (30, 1)])]
    #[case::slices(None, Some((4, 0)), &[(0, 4), (0, 4), (0, 2)])]
    #[case::slices_with_gaps(None, Some((4, 5)), &[(0, 4), (5, 4), (10, 2)])]
    #[case::both(Some(1_000), Some((4, 5)), &[(4, 4), (13, 4), (20, 2)])]
    fn pieces(#[case] rate: Option<u64>, #[case] slices: Option<(u64, u64)>, #[case] expected: &[(u64, usize)]) {
        let slices =
            slices.map(|(size, gap)| Slices { size: NonZeroU64::new(size).unwrap(), gap: Duration::from_millis(gap) });
        let mut pace = Pace::new(rate.and_then(NonZeroU64::new), slices).unwrap();
        let (start, mut portion) = (Instant::now(), 10);
        for (at, size) in expected {
            let piece = pace.next_piece(start, portion);
            assert_eq!((piece.leaves - start, piece.size), (Duration::from_millis(*at), *size));
            assert_eq!(pace.next_piece(start, portion), piece, "asked again, it is the same");
            pace.left(piece.size);
            portion -= piece.size;
        }
    }

    #[test]
    fn what_has_waited_long_enough_leaves_at_once() {
        let mut pace = Pace::new(NonZeroU64::new(1_000), None).unwrap();
        let start = Instant::now();
        pace.next_piece(start, 10);
        pace.left(10);
        let later = start + Duration::from_secs(1);
        assert_eq!(pace.next_piece(later, 5).leaves, later + Duration::from_millis(5));
    }
}

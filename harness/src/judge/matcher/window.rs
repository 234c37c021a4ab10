//! Windows: what a `never`, or an `expect` that counts, sees between two points of one actor's lane.
//!
//! A window is looked at once, when all that can lie inside it has come. It sees records whether taken or not.

use sparring_mock_server::journal::Moment;
use sparring_mock_server::values::NumberRange;

use super::lane::{Entry, Player};
use super::point::Point;
use super::sight::Sight;
use crate::judge::verdict::Mismatch;
use crate::judge::words;

use super::hunt::Problem;

/// A window of one check for one actor.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) step: usize,
    pub(super) player: usize,
    pub(super) start: Point,
    pub(super) end: End,
    pub(super) sight: Sight,
    /// How many there must be; none forbids all.
    pub(super) count: Option<NumberRange>,
}

/// Where a window ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// At this moment, which is inside.
    At(Moment),
    /// At the record of this step, which is outside.
    Step(usize),
    /// With the case.
    Case,
}

/// Where it ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ended<'p> {
    At(Moment),
    Before(&'p Point),
}

/// What a window held.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) records: Vec<usize>,
    pub(super) problem: Option<Problem>,
}

impl Window {
    /// What it holds.
    pub(super) fn held(&self, player: &Player, ended: Ended<'_>) -> Held {
        let entries = &player.lane(self.sight.lane()).entries;
        let inside = |index: &usize| {
            self.has_begun(*index, &entries[*index]) && !self.has_ended(*index, &entries[*index], ended)
        };
        let selected = |index: &usize| self.sight.selects(0, &entries[*index]);
        let records: Vec<usize> = (0..entries.len()).filter(inside).filter(selected).collect();
        let problem = match self.count {
            None => records.first().map(|index| self.forbidden(&entries[*index])),
            Some(range) => miscounted(range, &records).or_else(|| self.misfit(&records, entries)),
        };
        Held { records, problem }
    }

    fn has_begun(&self, index: usize, entry: &Entry) -> bool {
        match self.start.record.filter(|spot| (spot.player, spot.lane) == (self.player, self.sight.lane())) {
            Some(spot) => index > spot.index,
            None => entry.at >= self.start.at,
        }
    }

    fn has_ended(&self, index: usize, entry: &Entry, ended: Ended<'_>) -> bool {
        let point = match ended {
            Ended::At(at) => return entry.at > at,
            Ended::Before(point) => point,
        };
        match point.record.filter(|spot| (spot.player, spot.lane) == (self.player, self.sight.lane())) {
            Some(spot) => index >= spot.index,
            None => entry.at >= point.at,
        }
    }

    fn forbidden(&self, entry: &Entry) -> Problem {
        let elapsed = words::time(self.start.to(entry.at));
        let observed = format!("{} {elapsed} after {}", words::record(&entry.observed), self.start.label);
        Problem { mismatch: Mismatch::Forbidden, observed }
    }

    fn misfit(&self, records: &[usize], entries: &[Entry]) -> Option<Problem> {
        let misfit = records.iter().find_map(|index| self.sight.misfit(&entries[*index]))?;
        let observed = words::misfit(&misfit);
        let mismatch = Mismatch::Field { path: misfit.path, expected: misfit.expected, found: misfit.found };
        Some(Problem { mismatch, observed })
    }
}

fn miscounted(range: NumberRange, records: &[usize]) -> Option<Problem> {
    let found = records.len() as u64;
    let observed = || format!("{} in the window, expected {range}", words::count(found, "record"));
    (!range.contains(found)).then(|| Problem { mismatch: Mismatch::Count { found }, observed: observed() })
}

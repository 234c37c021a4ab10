//! Points in time that others are counted from: what a step leaves behind for the steps after it.

use std::collections::HashMap;
use std::time::Duration;

use sparring_mock_server::journal::Moment;

use crate::spec::model::Lane;

/// A reference.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) at: Moment,
    /// How much earlier it may really have been.
    pub(super) slack: Duration,
    /// The record that it is, if it is one.
    pub(super) record: Option<Spot>,
    /// The record whose fields a reference by name leads to.
    pub(super) named: Option<Spot>,
    /// How it is called in texts.
    pub(super) label: String,
}

/// A record's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) player: usize,
    pub(super) lane: Lane,
    pub(super) index: usize,
}

impl Point {
    /// A moment that is no record.
    pub(super) fn moment(at: Moment, label: impl Into<String>) -> Self {
        Self { at, slack: Duration::ZERO, record: None, named: None, label: label.into() }
    }

    /// Microseconds from here to `at`.
    pub(super) fn to(&self, at: Moment) -> i64 {
        let micros = |moment: Moment| i64::try_from(moment.since_epoch().as_micros()).unwrap_or(i64::MAX);
        micros(at) - micros(self.at)
    }
}

/// What a step has left behind.
#[derive(Debug, Default)]
pub(super) enum Mark {
    /// Nothing yet, or nothing ever: it is passed over.
    #[default]
    Nothing,
    /// It was not observable.
    Unseen,
    /// A point for each of its actors.
    Points(HashMap<usize, Point>),
}

impl Mark {
    /// The actor's own point, else the latest.
    pub(super) fn point(&self, player: usize) -> Option<&Point> {
        match self {
            Self::Points(points) => points.get(&player).or_else(|| {
                // Of several at the same moment, that of the first actor, so that the answer is always the same.
                points.iter().max_by_key(|(player, point)| (point.at, std::cmp::Reverse(**player))).map(|(_, p)| p)
            }),
            Self::Nothing | Self::Unseen => None,
        }
    }
}

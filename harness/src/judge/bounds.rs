//! Bounds in time: how far a written one reaches once it is widened (scenario language, section 6).
//!
//! Knows nothing of records; [`Gauge`] is made for one kind of record and applied to spans of time.

use std::time::Duration;

use sparring_mock_server::contract::Tolerance;
use sparring_mock_server::values::DurationRange;

/// By how much bounds on one kind of record are widened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gauge {
    /// 5 ms x speed.
    pub(super) allowance: Duration,
    /// What a single duration gets besides.
    pub(super) tolerance: Tolerance,
}

/// In whose favour doubt about time is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Favour {
    /// What is asked for: the bounds are widened.
    Fitting,
    /// What is forbidden, so that fitting is held against the subject: the bounds are narrowed by the same.
    Missing,
}

impl Favour {
    pub(super) fn turned(self) -> Self {
        match self {
            Self::Fitting => Self::Missing,
            Self::Missing => Self::Fitting,
        }
    }
}

/// A span of time in signed microseconds, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) min: Option<i64>,
    pub(super) max: Option<i64>,
}

/// Where a time lies outside of a span, and by how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outside {
    Early(Duration),
    Late(Duration),
}

impl Span {
    /// None if the time is inside.
    pub(super) fn outside(self, earliest: i64, latest: i64) -> Option<Outside> {
        match self {
            Self { min: Some(min), .. } if latest < min => Some(Outside::Early(distance(latest, min))),
            Self { max: Some(max), .. } if earliest > max => Some(Outside::Late(distance(earliest, max))),
            _ => None,
        }
    }

    /// What both spans hold.
    pub(super) fn and(self, other: Self) -> Self {
        let tighter = |a: Option<i64>, b: Option<i64>, pick: fn(i64, i64) -> i64| match (a, b) {
            (Some(a), Some(b)) => Some(pick(a, b)),
            (a, b) => a.or(b),
        };
        Self { min: tighter(self.min, other.min, i64::max), max: tighter(self.max, other.max, i64::min) }
    }
}

fn distance(a: i64, b: i64) -> Duration {
    Duration::from_micros(a.abs_diff(b))
}

/// Microseconds of a duration; the very long ones are all the same.
pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}

impl Gauge {
    /// The span of a written range.
    pub(super) fn span(self, range: DurationRange, favour: Favour) -> Span {
        let (min, max) = match range {
            DurationRange::Nominal(value) => (self.tolerance.earliest(value), Some(self.tolerance.latest(value))),
            DurationRange::Between(min, max) => (min, Some(max)),
            DurationRange::AtLeast(min) => (min, None),
        };
        let wider = match favour {
            Favour::Fitting => micros(self.allowance),
            Favour::Missing => -micros(self.allowance),
        };
        Span { min: Some(micros(min) - wider), max: max.map(|max| micros(max) + wider) }
    }

    /// The span of "at most this long after". What came before the reference is too early, unless `before` allows it.
    pub(super) fn within(self, limit: Duration, before: bool) -> Span {
        let latest = micros(self.tolerance.latest(limit)) + micros(self.allowance);
        Span { min: (!before).then(|| -micros(self.allowance)), max: Some(latest) }
    }
}

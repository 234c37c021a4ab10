//! How an `expect` without window looks for its record in the lanes of one actor (scenario language, section 6).
//!
//! A hunt depends on nothing but the order inside each lane and on moments, never on when a record was fed: so it ends
//! the same on-line and on the finished trace.

mod runs;

use std::time::Duration;

use sparring_mock_server::journal::Moment;

use crate::judge::bounds::{Outside, Span};
use crate::judge::matcher::lane::{Entry, Player, Track};
use crate::judge::matcher::point::Point;
use crate::judge::matcher::sight::Sight;
use crate::judge::verdict::Mismatch;
use crate::judge::words;
use crate::spec::model::{Expect, Key, Lane, Times};

/// After the end of its bounds a check has failed; for this long its record is still taken, so that the verdict can
/// say how late it was and the case can go on from it.
const SHORTEST_PATIENCE: Duration = Duration::from_secs(2);
const LONGEST_PATIENCE: Duration = Duration::from_secs(10);

/// How long something may still be found on a connection that had ended before the search began.
const AFTERMATH: Duration = Duration::from_secs(2);

/// The search of one `expect` for one actor.
#[derive(Debug)]
pub(super) struct Hunt {
    pub(super) reference: Point,
    pub(super) sights: Vec<Sight>,
    manner: Manner,
    allowance: Duration,
    total: u64,
    left: u64,
    /// Nothing behind this moment is taken, for this reason.
    cutoff: Moment,
    why: Why,
    /// How far the lanes have been looked through.
    wire: usize,
    client: usize,
    /// Behind the states that `eventually` has passed over, by sight.
    passed: Vec<usize>,
    /// A record that counts unless an earlier one comes in another lane.
    candidate: Option<Moment>,
    problem: Option<Problem>,
    deviation: Option<String>,
}

/// The modifiers that change the search.
#[derive(Debug, Clone, Copy)]
struct Manner {
    optional: bool,
    unordered: bool,
    eventually: bool,
}

/// Why nothing more can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Its bounds have passed.
    Bound,
    /// The case is at its limit.
    Limit,
    /// The connection that it names has ended.
    Closed(u64),
    /// The case was cut off: the subject ended.
    Exit,
}

/// What is wrong with a record that was found.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) mismatch: Mismatch,
    pub(super) observed: String,
}

/// How a hunt ended.
#[derive(Debug)]
pub(super) enum Decision {
    /// With a record.
    Taken { spot: (Lane, usize), problem: Option<Problem>, deviation: Option<String> },
    /// Optional, and not there.
    Skipped { at: Moment },
    /// Without.
    Missing { at: Moment, why: Why, found: u64 },
}

/// What one course of the search yields: the wire lane, the client lane, or its states.
enum Yield {
    /// These records fit; they are taken together, and the last is judged.
    Fit { lane: Lane, records: Vec<usize>, sight: usize },
    /// This state contradicts the run at this place.
    Contradiction { record: usize, sight: usize, step: usize },
    /// The next record does not fit an optional step.
    Unfit(Moment),
    /// Nothing will come.
    Nothing(Moment, Why),
    /// Not known yet.
    Open,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    Wire,
    Client,
    States,
}

impl Hunt {
    /// A hunt that begins now.
    pub(super) fn new(expect: &Expect, sights: Vec<Sight>, reference: Point, player: &Player, limit: Moment) -> Self {
        let manner = Manner { optional: expect.optional, unordered: expect.unordered, eventually: expect.eventually };
        let start = |track: &Track| if manner.unordered { 0 } else { track.cursor };
        let total = match expect.times {
            Times::Each(number) => number,
            Times::Counted(..) => 1,
        };
        let allowance = sights.first().map_or(Duration::ZERO, |sight| sight.gauge.allowance);
        let passed = vec![0; sights.len()];
        let (wire, client) = (start(&player.wire), start(&player.client));
        let mut hunt = Self {
            reference,
            sights,
            manner,
            allowance,
            total,
            left: total,
            cutoff: limit,
            why: Why::Limit,
            wire,
            client,
            candidate: None,
            passed,
            problem: None,
            deviation: None,
        };
        hunt.bound();
        if let Some(connection) = hunt.connection()
            && let Some(index) = player.wire.end_of(connection).filter(|index| *index < wire)
        {
            hunt.outlived(connection, player.wire.entries[index].at);
        }
        hunt
    }

    /// The end of its bounds, from the reference.
    pub(super) fn latest(&self) -> Option<i64> {
        let ends: Option<Vec<i64>> = self.sights.iter().map(|sight| sight.span?.max).collect();
        ends?.into_iter().max()
    }

    /// The moment up to which all must have come before it can be decided without a further record.
    pub(super) fn wake(&self) -> Moment {
        self.candidate.unwrap_or(self.cutoff)
    }

    /// Whether it may end without a record.
    pub(super) fn may_skip(&self) -> bool {
        self.manner.optional && self.found() == 0
    }

    /// How many records it has taken.
    pub(super) fn found(&self) -> u64 {
        self.total - self.left
    }

    fn bound(&mut self) {
        let Some(latest) = self.latest() else { return };
        let latest = Duration::from_micros(u64::try_from(latest).unwrap_or(0));
        let patience = (latest / 4).clamp(SHORTEST_PATIENCE, LONGEST_PATIENCE);
        // What is optional is not late but skipped.
        let patience = if self.manner.optional { Duration::ZERO } else { patience };
        self.end_by(self.reference.at + latest + patience, Why::Bound);
    }

    fn end_by(&mut self, at: Moment, why: Why) {
        if at < self.cutoff {
            self.cutoff = at;
            self.why = why;
        }
    }

    /// The connection had ended before the search began: little more can come on it.
    fn outlived(&mut self, connection: u64, ended: Moment) {
        self.end_by(ended.max(self.reference.at) + AFTERMATH, Why::Closed(connection));
    }

    /// The connection that all its sights name.
    fn connection(&self) -> Option<u64> {
        let mut named = self.sights.iter().map(|sight| sight.connection().filter(|_| sight.lane() == Lane::Wire));
        let first = named.next()??;
        named.all(|other| other == Some(first)).then_some(first)
    }

    /// Looks on. None: it depends on what comes.
    pub(super) fn pursue(&mut self, player: &mut Player, horizon: Moment) -> Option<Decision> {
        loop {
            match self.next(player, horizon) {
                Yield::Open => return None,
                Yield::Unfit(at) => return Some(Decision::Skipped { at }),
                Yield::Nothing(at, _) if self.may_skip() => {
                    return Some(Decision::Skipped { at });
                }
                Yield::Nothing(at, why) => return Some(Decision::Missing { at, why, found: self.found() }),
                Yield::Contradiction { record, sight, step } => {
                    return Some(self.contradicted(player, record, sight, step));
                }
                Yield::Fit { lane, records, sight } => {
                    let spot = self.take(player, lane, &records, sight);
                    if self.left == 0 {
                        return Some(self.taken(player, spot, sight));
                    }
                }
            }
        }
    }

    /// The earliest that any course yields. A record counts only once no other course can have an earlier one.
    fn next(&mut self, player: &Player, horizon: Moment) -> Yield {
        let mut courses = vec![Course::Wire, Course::Client, Course::States];
        courses.retain(|course| self.has(*course));
        let mut best: Option<(Moment, Yield)> = None;
        let mut nothing: Option<(Moment, Why)> = None;
        let mut open = Vec::new();
        for course in courses {
            match self.explore(course, player, horizon) {
                Yield::Open => open.push(course),
                Yield::Nothing(at, why) => nothing = nothing.max_by_moment((at, why)),
                found => {
                    let at = moment_of(&found, player);
                    if best.as_ref().is_none_or(|(earliest, _)| at < *earliest) {
                        best = Some((at, found));
                    }
                }
            }
        }
        let waits = |at: Moment| open.iter().any(|course| !track(*course, player).is_complete(at, horizon));
        self.candidate = best.as_ref().map(|(at, _)| *at);
        match (best, nothing) {
            (Some((at, _)), _) if waits(at) => Yield::Open,
            (Some((_, found)), _) => found,
            (None, Some((at, why))) if open.is_empty() => Yield::Nothing(at, why),
            (None, _) => Yield::Open,
        }
    }

    fn has(&self, course: Course) -> bool {
        self.sights.iter().any(|sight| self.course(sight) == course)
    }

    fn course(&self, sight: &Sight) -> Course {
        match sight.lane() {
            Lane::Wire => Course::Wire,
            Lane::Client if sight.key == Key::State && !self.manner.unordered => Course::States,
            Lane::Client => Course::Client,
        }
    }

    fn explore(&mut self, course: Course, player: &Player, horizon: Moment) -> Yield {
        match course {
            Course::Wire => self.scan(Lane::Wire, &player.wire, horizon),
            Course::Client => self.scan(Lane::Client, &player.client, horizon),
            Course::States => self.states(&player.client, horizon),
        }
    }

    /// Looks through a lane for the first record that a sight selects.
    fn scan(&mut self, lane: Lane, track: &Track, horizon: Moment) -> Yield {
        let connection = self.connection();
        loop {
            let index = *self.position(lane);
            let Some(entry) = track.entries.get(index) else { break };
            if entry.at > self.cutoff {
                return Yield::Nothing(self.cutoff, self.why);
            }
            let ended =
                connection.filter(|_| entry.observed.key == Key::Closed && entry.observed.connection() == connection);
            let passed = track.is_before_action(index) || (self.manner.unordered && entry.taken);
            if passed {
                if let Some(connection) = ended {
                    self.outlived(connection, entry.at);
                }
            } else if let Some(sight) = self.selecting(lane, entry) {
                return Yield::Fit { lane, records: vec![index], sight };
            } else if self.may_skip() {
                return Yield::Unfit(entry.at);
            } else if let Some(connection) = ended {
                return Yield::Nothing(entry.at, Why::Closed(connection));
            }
            *self.position(lane) += 1;
        }
        if horizon > self.cutoff { Yield::Nothing(self.cutoff, self.why) } else { Yield::Open }
    }

    fn position(&mut self, lane: Lane) -> &mut usize {
        match lane {
            Lane::Wire => &mut self.wire,
            Lane::Client => &mut self.client,
        }
    }

    /// The sight that selects the record: the first that also judges it right, else the first.
    fn selecting(&self, lane: Lane, entry: &Entry) -> Option<usize> {
        let selects = |index: &usize| {
            let sight = &self.sights[*index];
            sight.lane() == lane && sight.length() == 1 && sight.selects(0, entry)
        };
        let all: Vec<usize> = (0..self.sights.len()).filter(selects).collect();
        all.iter().find(|index| self.sights[**index].misfit(entry).is_none()).or(all.first()).copied()
    }

    /// Takes the records and keeps what is wrong with the last.
    fn take(&mut self, player: &mut Player, lane: Lane, records: &[usize], sight: usize) -> (Lane, usize) {
        let last = records.last().copied().unwrap_or_default();
        if self.course(&self.sights[sight]) == Course::States {
            runs::take_states(player, last);
        } else {
            player.lane_mut(lane).take(last, !self.manner.unordered);
            *self.position(lane) = last + 1;
        }
        self.left = self.left.saturating_sub(1);
        let entry = &player.lane(lane).entries[last];
        if self.problem.is_none() {
            self.problem = self.sights[sight].misfit(entry).map(|misfit| Problem {
                observed: words::misfit(&misfit),
                mismatch: Mismatch::Field { path: misfit.path, expected: misfit.expected, found: misfit.found },
            });
        }
        self.deviation = self.deviation.take().or_else(|| self.sights[sight].deviation.clone());
        (lane, last)
    }

    fn taken(&mut self, player: &Player, spot: (Lane, usize), sight: usize) -> Decision {
        let entry = &player.lane(spot.0).entries[spot.1];
        let problem = self.problem.take().or_else(|| self.untimely(entry, self.sights[sight].span));
        Decision::Taken { spot, problem, deviation: self.deviation.take() }
    }

    fn untimely(&self, entry: &Entry, span: Option<Span>) -> Option<Problem> {
        let elapsed = self.reference.to(entry.at);
        let micros = crate::judge::bounds::micros;
        let outside = span?.outside(elapsed - micros(entry.slack()), elapsed + micros(self.reference.slack))?;
        let observed = words::untimely(&words::record(&entry.observed), elapsed, &self.reference.label, outside);
        let mismatch = match outside {
            Outside::Early(by) => Mismatch::Early { by },
            Outside::Late(by) => Mismatch::Late { by },
        };
        Some(Problem { mismatch, observed })
    }
}

fn track(course: Course, player: &Player) -> &Track {
    match course {
        Course::Wire => &player.wire,
        Course::Client | Course::States => &player.client,
    }
}

fn moment_of(found: &Yield, player: &Player) -> Moment {
    match found {
        Yield::Fit { lane, records, .. } => player.lane(*lane).entries[records.last().copied().unwrap_or_default()].at,
        Yield::Contradiction { record, .. } => player.client.entries[*record].at,
        Yield::Unfit(at) | Yield::Nothing(at, _) => *at,
        Yield::Open => Moment::after_epoch(Duration::ZERO),
    }
}

/// Of two ends of a search the later, which is the one that ended it.
trait Later {
    fn max_by_moment(self, other: (Moment, Why)) -> Self;
}

impl Later for Option<(Moment, Why)> {
    fn max_by_moment(self, other: (Moment, Why)) -> Self {
        Some(self.filter(|(at, _)| *at >= other.0).unwrap_or(other))
    }
}

//! The two lanes of an actor: its records in order, which of them were taken, and where a search begins.
//!
//! Only stores and indexes. What is searched for is for the hunts and windows to say.

use std::collections::HashMap;
use std::time::Duration;

use sparring_mock_server::journal::Moment;

use crate::spec::model::{Key, Lane, Role};
use crate::trace::Observed;

/// Adapters may stamp in whole milliseconds, so that what an action caused may seem to come just before it.
const STAMP_GRAIN: Duration = Duration::from_millis(1);

/// A record in its lane.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) at: Moment,
    /// Place among all records fed.
    pub(super) place: usize,
    pub(super) observed: Observed,
    pub(super) taken: bool,
}

impl Entry {
    /// How much earlier than its moment it may have happened.
    pub(super) fn slack(&self) -> Duration {
        Duration::from_micros(self.observed.slack_us)
    }
}

/// One lane of one actor.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) entries: Vec<Entry>,
    /// Behind the last record taken in order.
    pub(super) cursor: usize,
    /// The actor's last action: what came before is passed over.
    floor: Option<Moment>,
    /// By how much a moment may be too early through coarse stamps.
    grain: Duration,
    /// Where each connection ended.
    closed: HashMap<u64, usize>,
    /// Places of state records, and how many of them from the start are surely taken.
    states: Vec<usize>,
    states_taken: usize,
}

impl Track {
    fn new(grain: Duration) -> Self {
        Self {
            entries: Vec::new(),
            cursor: 0,
            floor: None,
            grain,
            closed: HashMap::new(),
            states: Vec::new(),
            states_taken: 0,
        }
    }

    fn push(&mut self, at: Moment, place: usize, observed: Observed) {
        let index = self.entries.len();
        match (observed.key, observed.connection()) {
            (Key::Closed, Some(connection)) => drop(self.closed.entry(connection).or_insert(index)),
            (Key::State, _) => self.states.push(index),
            _ => {}
        }
        // A lane's moments never run backwards; a source that breaks this must not make order depend on luck.
        let at = self.entries.last().map_or(at, |last| last.at.max(at));
        self.entries.push(Entry { at, place, observed, taken: false });
    }

    /// Whether everything up to this moment has come: the lane has gone on, or `horizon` is behind it.
    pub(super) fn is_complete(&self, until: Moment, horizon: Moment) -> bool {
        horizon > until || self.entries.last().is_some_and(|last| last.at > until)
    }

    /// Whether this record came before the actor's last action.
    pub(super) fn is_before_action(&self, index: usize) -> bool {
        self.floor.is_some_and(|floor| self.entries[index].at + self.grain < floor)
    }

    /// Where a connection ended, if it did.
    pub(super) fn end_of(&self, connection: u64) -> Option<usize> {
        self.closed.get(&connection).copied()
    }

    /// Places of the states from this place on that were not taken yet.
    pub(super) fn states_left(&self, from: usize) -> impl Iterator<Item = usize> + '_ {
        let start = self.states.partition_point(|index| *index < from).max(self.states_taken);
        self.states[start..].iter().copied().filter(|index| !self.entries[*index].taken)
    }

    /// Places of all states.
    pub(super) fn states(&self) -> &[usize] {
        &self.states
    }

    /// The last record up to a moment.
    pub(super) fn last_until(&self, until: Moment) -> Option<&Entry> {
        let end = self.entries.partition_point(|entry| entry.at <= until);
        end.checked_sub(1).map(|index| &self.entries[index])
    }

    /// Takes a record; in order, the cursor moves behind it.
    pub(super) fn take(&mut self, index: usize, in_order: bool) {
        self.entries[index].taken = true;
        if in_order {
            self.cursor = self.cursor.max(index + 1);
        }
        let taken = |place: &&usize| self.entries[**place].taken;
        self.states_taken += self.states[self.states_taken..].iter().take_while(taken).count();
    }
}

/// An actor and its lanes.
#[derive(Debug)]
pub(super) struct Player {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) wire: Track,
    pub(super) client: Track,
}

impl Player {
    pub(super) fn new(name: &str, role: Role) -> Self {
        Self { name: name.to_owned(), role, wire: Track::new(Duration::ZERO), client: Track::new(STAMP_GRAIN) }
    }

    pub(super) fn lane(&self, lane: Lane) -> &Track {
        match lane {
            Lane::Wire => &self.wire,
            Lane::Client => &self.client,
        }
    }

    pub(super) fn lane_mut(&mut self, lane: Lane) -> &mut Track {
        match lane {
            Lane::Wire => &mut self.wire,
            Lane::Client => &mut self.client,
        }
    }

    pub(super) fn push(&mut self, at: Moment, place: usize, observed: Observed) {
        self.lane_mut(observed.lane()).push(at, place, observed);
    }

    /// An action moves both cursors up to its own moment.
    pub(super) fn act(&mut self, at: Moment) {
        for lane in [&mut self.wire, &mut self.client] {
            lane.floor = Some(at);
        }
    }
}

//! The beginning of a step: references and names are resolved, and each actor gets its task.

use serde_json::Value;
use sparring_mock_server::values::DurationRange;

use super::hunt::Hunt;
use super::point::{Mark, Point};
use super::sight::Sight;
use super::window::{End, Window};
use super::{Matcher, NOBODY, State, Task};
use crate::judge::bounds::{Favour, Gauge};
use crate::judge::resolve::{Lookup, Lost, walk, written};
use crate::spec::model::{Branch, Expect, Key, Never, Observation, Place, Step, Times, Verb, Window as Span};

impl<'a> Matcher<'a> {
    /// The tasks of the current step.
    pub(super) fn begin(&mut self) -> Vec<Task> {
        let step = &self.scenario.steps[self.current];
        let actors = self.concerned(step);
        let task = |player: usize, state: State| Task { player, state };
        match &step.verb {
            Verb::Client(_) | Verb::Probe(_) | Verb::Server(_) => {
                actors.into_iter().map(|player| task(player, State::Acting)).collect()
            }
            Verb::Wait(time) => {
                let reference = self.reference(step, NOBODY).unwrap_or_else(|_| self.previous(step, NOBODY));
                vec![task(NOBODY, State::Waiting(reference.at + *time, "the end of the wait"))]
            }
            Verb::Expect(expect) => {
                actors.into_iter().map(|player| task(player, self.begin_expect(step, expect, player))).collect()
            }
            Verb::Never(never) => {
                actors.into_iter().map(|player| task(player, self.begin_never(step, never, player))).collect()
            }
        }
    }

    /// The actors of a step; one that names none concerns all.
    pub(super) fn concerned(&self, step: &Step) -> Vec<usize> {
        if step.who.is_empty() {
            return (0..self.players.len()).collect();
        }
        step.who.iter().filter_map(|actor| self.by_actor.get(actor).copied()).collect()
    }

    fn begin_expect(&mut self, step: &'a Step, expect: &'a Expect, player: usize) -> State {
        match self.prepare_expect(step, expect, player) {
            Ok(state) => state,
            Err(lost) => self.lost(step, player, &lost),
        }
    }

    fn begin_never(&mut self, step: &'a Step, never: &'a Never, player: usize) -> State {
        match self.prepare_never(step, never, player) {
            Ok(state) => state,
            Err(lost) => self.lost(step, player, &lost),
        }
    }

    fn prepare_expect(&mut self, step: &Step, expect: &Expect, player: usize) -> Result<State, Lost> {
        self.visible(player, expect.branches.iter().map(|branch| branch.observation.key))?;
        let reference = self.reference(step, player)?;
        let sights = self.sights(expect, player)?;
        let Times::Counted(range, window) = &expect.times else {
            let hunt = Hunt::new(expect, sights, reference, &self.players[player], self.limit());
            return Ok(State::Hunting(Box::new(hunt)));
        };
        let end = self.window_end(window, &reference);
        // Counting is done for one observation: the parser refuses alternatives beside a window.
        let Some(sight) = sights.into_iter().next() else { return Ok(State::Done(None)) };
        let window = Window { step: step.index, player, start: reference, end, sight, count: Some(*range) };
        match end {
            End::At(at) => Ok(State::Counting(Box::new(window), at)),
            End::Step(_) | End::Case => {
                self.windows.push(window);
                Ok(State::Done(None))
            }
        }
    }

    fn prepare_never(&mut self, step: &Step, never: &Never, player: usize) -> Result<State, Lost> {
        self.visible(player, [never.observation.key])?;
        let start = self.reference(step, player)?;
        let gauge = self.gauge(never.observation.key);
        let sight = Sight::forbidden(&never.observation, gauge, &|place| self.lookup(player, place))?;
        let end = never.window.as_ref().map_or(End::Case, |window| self.window_end(window, &start));
        self.windows.push(Window { step: step.index, player, start, end, sight, count: None });
        Ok(match end {
            End::At(at) => State::Waiting(at, "the end of the window"),
            End::Step(_) | End::Case => State::Done(None),
        })
    }

    fn window_end(&self, window: &Span, start: &Point) -> End {
        match window {
            Span::For(time) => End::At(start.at + *time),
            Span::Until(name) => self.named(name).map_or(End::Case, End::Step),
        }
    }

    /// What an `expect` looks for, with its bounds.
    fn sights(&self, expect: &Expect, player: usize) -> Result<Vec<Sight>, Lost> {
        let lookup = |place: &Place| self.lookup(player, place);
        expect.branches.iter().map(|branch| self.sight(expect, branch, &lookup)).collect()
    }

    fn sight(&self, expect: &Expect, branch: &Branch, lookup: &Lookup<'_>) -> Result<Sight, Lost> {
        let gauge = self.gauge(branch.observation.key);
        let mut sight = Sight::expected(branch, gauge, lookup)?;
        let within = expect.within.map(|limit| gauge.within(limit, expect.unordered));
        let after = expect.after.map(|range: DurationRange| gauge.span(range, Favour::Fitting));
        sight.span = match (within, after) {
            (Some(within), Some(after)) => Some(within.and(after)),
            (within, after) => within.or(after),
        };
        Ok(sight)
    }

    /// What an `expect` looks for in the words of the scenario, for one that never began.
    pub(super) fn unresolved_sights(&self, expect: &Expect) -> Vec<Sight> {
        expect.branches.iter().filter_map(|branch| self.sight(expect, branch, &as_written).ok()).collect()
    }

    /// See [`Self::unresolved_sights`].
    pub(super) fn unresolved_sight(&self, observation: &Observation) -> Option<Sight> {
        Sight::forbidden(observation, self.gauge(observation.key), &as_written).ok()
    }

    fn gauge(&self, key: Key) -> Gauge {
        let tolerance = self.setting.tolerance(self.scenario.subject, key);
        Gauge { allowance: self.setting.allowance(), tolerance }
    }

    /// A check of which one alternative cannot be seen cannot be judged.
    fn visible(&self, player: usize, keys: impl IntoIterator<Item = Key>) -> Result<(), Lost> {
        let exposes = self.setting.exposes.of(self.players[player].role);
        if keys.into_iter().all(|key| exposes.shows(key)) { Ok(()) } else { Err(Lost::Unseen) }
    }

    fn lost(&mut self, step: &'a Step, player: usize, lost: &Lost) -> State {
        match lost {
            Lost::Unseen => {
                self.judge_unseen(step, player);
                State::Unseen
            }
            Lost::Nowhere(place) => {
                self.judge_nowhere(step, player, place);
                State::Missing(self.reached, super::How::Blocked)
            }
        }
    }

    /// The point that a step's times count from.
    fn reference(&self, step: &Step, player: usize) -> Result<Point, Lost> {
        let Some(name) = &step.since else { return Ok(self.previous(step, player)) };
        match self.named(name).map(|index| &self.marks[index]) {
            Some(Mark::Unseen) if is_timed(step) => Err(Lost::Unseen),
            Some(Mark::Unseen) => Ok(self.previous(step, player)),
            Some(mark) => mark.point(player).cloned().ok_or_else(|| Lost::Nowhere(name.clone())),
            None => Err(Lost::Nowhere(name.clone())),
        }
    }

    /// The point of the step before; those that left none are passed over.
    fn previous(&self, step: &Step, player: usize) -> Point {
        let before = self.marks[..step.index].iter().rev().find_map(|mark| mark.point(player));
        before.cloned().unwrap_or_else(|| Point::moment(self.setting.start, "the start of the case"))
    }

    /// The step of this name.
    pub(super) fn named(&self, name: &str) -> Option<usize> {
        self.scenario.steps.iter().rposition(|step| step.name.as_deref() == Some(name))
    }

    /// The value that a reference leads to for this actor.
    pub(super) fn lookup(&self, player: usize, place: &Place) -> Result<Value, Lost> {
        let nowhere = || Lost::Nowhere(written(place));
        let mark = &self.marks[self.named(&place.name).ok_or_else(nowhere)?];
        if matches!(mark, Mark::Unseen) {
            return Err(Lost::Unseen);
        }
        let spot = mark.point(player).and_then(|point| point.named).ok_or_else(nowhere)?;
        walk(&self.players[spot.player].lane(spot.lane).entries[spot.index].observed, place)
    }
}

/// A reference as it was written, where it cannot be followed yet.
#[expect(clippy::unnecessary_wraps, reason = "it stands in for a look-up, which can fail")]
fn as_written(place: &Place) -> Result<Value, Lost> {
    Ok(Value::String(written(place)))
}

/// Whether anything in a step depends on its reference.
fn is_timed(step: &Step) -> bool {
    match &step.verb {
        Verb::Expect(expect) => {
            let counted = matches!(expect.times, Times::Counted(..));
            expect.within.is_some() || expect.after.is_some() || expect.eventually || counted
        }
        Verb::Never(_) | Verb::Wait(_) => true,
        Verb::Client(_) | Verb::Probe(_) | Verb::Server(_) => false,
    }
}

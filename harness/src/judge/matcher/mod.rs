//! The one matcher: the runner feeds it records as they come, the judge feeds it the finished trace.
//!
//! Every decision depends only on the order inside a lane and on moments, and is taken only once all that it depends
//! on must have come. So it does not matter when a record is fed, as long as it is not later than the setting's grace,
//! and both uses reach the same verdicts.
//!
//! [`begin`] makes the tasks of a step, [`hunt`] and [`window`] look through the lanes, [`close`] judges what stays
//! open until the end of the case.

mod begin;
mod close;
mod hunt;
mod lane;
mod point;
mod sight;
mod states;
mod verdicts;
mod window;

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Map, Value};
use sparring_mock_server::journal::{Actor, Moment};

use self::hunt::{Decision, Hunt, Why};
use self::lane::Player;
use self::point::{Mark, Point, Spot};
use self::window::{Ended, Window};
use super::resolve;
use super::setting::Setting;
use super::verdict::{CheckVerdict, Judgement};
use super::words;
use crate::spec::model::{Lane, Scenario, Verb};
use crate::trace::{Record, What};

/// The smallest step of a clock.
const TICK: Duration = Duration::from_micros(1);

/// The actor of steps that concern none, such as `wait`.
const NOBODY: usize = usize::MAX;

/// What the runner is to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Perform the action of this step now, for all its actors, and feed an [`Acted`](What::Acted) record for each,
    /// with the moment just *before* the action, so that its effects come behind it. Said once.
    Act(usize),
    /// Nothing to do before this moment, unless a record comes.
    Wake(Moment),
    /// Only a record helps: an action that was given out has not been reported yet.
    Records,
    /// The case has ended.
    Finished,
}

/// Takes records and tells when steps are due and what became of the checks.
#[derive(Debug)]
pub struct Matcher<'a> {
    scenario: &'a Scenario,
    setting: &'a Setting,
    players: Vec<Player>,
    by_actor: HashMap<Actor, usize>,
    /// Number of records fed.
    fed: usize,
    /// When each step was taken, by actor.
    acted: Vec<HashMap<usize, Moment>>,
    /// The first step that was refused as unsupported, and when.
    refused: Option<(usize, Moment)>,
    /// The step that is under way, its tasks once it has begun, and whether its action was given out.
    current: usize,
    tasks: Option<Vec<Task>>,
    given_out: bool,
    /// What each step has left behind.
    marks: Vec<Mark>,
    /// Windows that are judged at the end.
    windows: Vec<Window>,
    verdicts: Vec<Judged>,
    /// The latest moment that a finished step has reached.
    reached: Moment,
    ending: Option<Ending>,
}

/// A verdict and the actor it is for.
#[derive(Debug)]
struct Judged {
    player: usize,
    verdict: CheckVerdict,
}

/// What a step waits for, for one actor.
#[derive(Debug)]
struct Task {
    player: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The action must be reported.
    Acting,
    /// A record must be found.
    Hunting(Box<Hunt>),
    /// Records must be counted until this moment.
    Counting(Box<Window>, Moment),
    /// Time must pass.
    Waiting(Moment, &'static str),
    /// Done, with the point that it leaves behind.
    Done(Option<Point>),
    /// It was not observable.
    Unseen,
    /// A check without a record: the case ends.
    Missing(Moment, How),
}

/// How and when the case ended.
#[derive(Debug, Clone, Copy)]
struct Ending {
    at: Moment,
    how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// All steps are done.
    Completed,
    /// A check found no record.
    Blocked,
    /// This step was refused as unsupported.
    Refused(usize),
    /// The case was still waiting at its limit.
    Limit,
    /// The case was cut off from outside.
    Exit,
}

impl<'a> Matcher<'a> {
    /// A matcher at the first step.
    pub fn new(scenario: &'a Scenario, setting: &'a Setting) -> Self {
        let actors = &scenario.given.actors;
        let steps = scenario.steps.len();
        Self {
            scenario,
            setting,
            players: actors.iter().map(|spec| Player::new(spec.actor.name(), spec.role)).collect(),
            by_actor: actors.iter().enumerate().map(|(index, spec)| (spec.actor.clone(), index)).collect(),
            fed: 0,
            acted: vec![HashMap::new(); steps],
            refused: None,
            current: 0,
            tasks: None,
            given_out: false,
            marks: std::iter::repeat_with(Mark::default).take(steps).collect(),
            windows: Vec::new(),
            verdicts: Vec::new(),
            reached: setting.start,
            ending: None,
        }
    }

    /// Takes a record. Those of one lane must come in the lane's order; they may come late by the setting's grace.
    pub fn feed(&mut self, record: Record) {
        let place = self.fed;
        self.fed += 1;
        let player = self.by_actor.get(&record.actor).copied();
        match (record.what, player) {
            (What::Observed(observed), Some(player)) => self.players[player].push(record.at, place, observed),
            (What::Observed(_), None) => {}
            (What::Acted { step }, player) => {
                if let Some(acted) = self.acted.get_mut(step) {
                    acted.entry(player.unwrap_or(NOBODY)).or_insert(record.at);
                }
            }
            (What::Unsupported { step }, _) => {
                if self.refused.is_none_or(|(first, _)| step < first) {
                    self.refused = Some((step, record.at));
                }
            }
        }
    }

    /// What is to be done at this moment. Call it again when it says so and after each record.
    pub fn due(&mut self, now: Moment) -> Due {
        let grace = self.setting.grace;
        self.advance(now, now - grace);
        if let Some(ending) = self.ending {
            // What came before the end may still be on its way.
            let complete = ending.at + grace + TICK;
            return if now >= complete { Due::Finished } else { Due::Wake(complete) };
        }
        let refusal = self.refusal().map(|ending| ending.at + grace + TICK);
        let tasks = self.tasks.as_deref().unwrap_or_default();
        if refusal.is_none() && tasks.iter().any(|task| matches!(task.state, State::Acting)) {
            if self.given_out {
                return Due::Records;
            }
            self.given_out = true;
            return Due::Act(self.current);
        }
        let wakes = tasks.iter().filter_map(|task| task.wake(grace)).chain(refusal);
        let limit = self.limit() + grace + TICK;
        Due::Wake(wakes.min().unwrap_or(limit).min(limit))
    }

    /// The arguments of an action for one of its actors, references replaced; an error names the reference that leads
    /// nowhere.
    pub fn resolve(&self, actor: &Actor, args: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        let player = self.by_actor.get(actor).copied().unwrap_or(NOBODY);
        resolve::arguments(args, &|place| self.lookup(player, place))
    }

    /// The verdicts, for a case that was watched until `end`.
    pub fn finish(mut self, end: Moment) -> Judgement {
        self.advance(end, end);
        if self.ending.is_none() {
            self.cut(end, How::Exit);
        }
        self.close()
    }

    /// When the case is at its limit.
    fn limit(&self) -> Moment {
        self.setting.start + self.scenario.limit
    }

    /// Takes all steps that are due: `now` is the time, and all that happened before `horizon` has been fed.
    fn advance(&mut self, now: Moment, horizon: Moment) {
        while self.ending.is_none() {
            if self.current == self.scenario.steps.len() {
                self.ending = Some(Ending { at: self.reached, how: How::Completed });
            } else if self.work(now, horizon) {
                self.complete();
            } else if let Some(ending) = self.refusal().filter(|ending| horizon > ending.at) {
                self.ending = Some(ending);
            } else if horizon > self.limit() {
                self.cut(self.limit(), How::Limit);
            } else {
                break;
            }
        }
    }

    /// The end of the case by a refused action, once all steps before it are done. Those behind it are still taken up
    /// to its moment: a case that had ended before is not ended by it.
    fn refusal(&self) -> Option<Ending> {
        let (step, at) = self.refused.filter(|(step, _)| self.current >= *step)?;
        Some(Ending { at, how: How::Refused(step) })
    }

    /// Works at the current step; true if it is done for all its actors.
    fn work(&mut self, now: Moment, horizon: Moment) -> bool {
        let mut tasks = match self.tasks.take() {
            Some(tasks) => tasks,
            None => self.begin(),
        };
        for task in &mut tasks {
            if let Some(state) = self.progress(task, now, horizon) {
                task.state = state;
            }
        }
        let done = tasks.iter().all(Task::is_over);
        self.tasks = Some(tasks);
        done
    }

    /// The task's next state, if it changes.
    fn progress(&mut self, task: &mut Task, now: Moment, horizon: Moment) -> Option<State> {
        let player = task.player;
        match &mut task.state {
            State::Acting => self.acted_at(player).map(|at| self.has_acted(player, at)),
            State::Waiting(until, label) => (now >= *until).then(|| State::Done(Some(Point::moment(*until, *label)))),
            State::Hunting(hunt) => {
                let decision = hunt.pursue(&mut self.players[player], horizon)?;
                Some(self.decided(player, hunt, decision))
            }
            State::Counting(window, end) => {
                let complete = self.players[player].lane(window.sight.lane()).is_complete(*end, horizon);
                complete.then(|| self.counted(window, *end))
            }
            State::Done(_) | State::Unseen | State::Missing(..) => None,
        }
    }

    /// When the current step was taken for this actor. An action that names no actor is reported once for all.
    fn acted_at(&self, player: usize) -> Option<Moment> {
        let acted = &self.acted[self.current];
        let anyone = || acted.values().min().filter(|_| self.scenario.steps[self.current].who.is_empty());
        acted.get(&player).or_else(anyone).copied()
    }

    fn has_acted(&mut self, player: usize, at: Moment) -> State {
        if let Some(player) = self.players.get_mut(player) {
            player.act(at);
        }
        let label = match &self.scenario.steps[self.current].verb {
            Verb::Client(action) | Verb::Probe(action) => format!("the {} action", action.name),
            Verb::Server(action) => format!("the server's {}", action.name),
            _ => String::new(),
        };
        State::Done(Some(Point::moment(at, label)))
    }

    fn decided(&mut self, player: usize, hunt: &Hunt, decision: Decision) -> State {
        let step = &self.scenario.steps[self.current];
        match decision {
            Decision::Taken { spot, problem, deviation } => {
                self.judge_taken(step, player, hunt, spot, problem, deviation);
                State::Done(Some(self.landmark(player, spot)))
            }
            Decision::Skipped { at } => {
                self.reached = self.reached.max(at);
                self.judge_skipped(step, player, hunt, at);
                State::Done(None)
            }
            Decision::Missing { at, why, found } => {
                self.judge_missing(step, player, hunt, at, why, found);
                State::Missing(at, if why == Why::Limit { How::Limit } else { How::Blocked })
            }
        }
    }

    /// A window of counted records has ended: they are taken, and judged.
    fn counted(&mut self, window: &Window, end: Moment) -> State {
        let step = &self.scenario.steps[self.current];
        let held = window.held(&self.players[window.player], Ended::At(end));
        let lane = self.players[window.player].lane_mut(window.sight.lane());
        for record in &held.records {
            lane.take(*record, true);
        }
        let empty = held.records.is_empty() && held.problem.is_some();
        let last = held.records.last().map(|index| (window.sight.lane(), *index));
        self.judge_window(step, window, held);
        if empty {
            return State::Missing(end, How::Blocked);
        }
        let mut point = Point::moment(end, "the end of the window");
        // Its name stands for the last record, but what follows counts from the end of the window.
        point.named = last.map(|(lane, index)| Spot { player: window.player, lane, index });
        State::Done(Some(point))
    }

    /// A record as a point for the steps after it.
    fn landmark(&self, player: usize, (lane, index): (Lane, usize)) -> Point {
        let entry = &self.players[player].lane(lane).entries[index];
        let spot = Some(Spot { player, lane, index });
        let label = words::landmark(&entry.observed);
        Point { at: entry.at, slack: entry.slack(), record: spot, named: spot, label }
    }

    /// The current step is done for all its actors.
    fn complete(&mut self) {
        let tasks = self.tasks.take().unwrap_or_default();
        let mut points = HashMap::new();
        let mut unseen = false;
        for task in tasks {
            match task.state {
                State::Done(Some(point)) => {
                    self.reached = self.reached.max(point.at);
                    points.insert(task.player, point);
                }
                State::Unseen => unseen = true,
                State::Missing(at, how) => self.block(at, how),
                _ => {}
            }
        }
        self.marks[self.current] = match (points.is_empty(), unseen) {
            (false, _) => Mark::Points(points),
            (true, true) => Mark::Unseen,
            (true, false) => Mark::Nothing,
        };
        self.current += 1;
        self.given_out = false;
    }

    /// A check without a record ends the case; of several, the last.
    fn block(&mut self, at: Moment, how: How) {
        let earlier = self.ending.filter(|ending| ending.at >= at);
        self.ending = earlier.or(Some(Ending { at: at.max(self.reached), how }));
    }

    /// Ends the case in the midst of a step.
    fn cut(&mut self, at: Moment, how: How) {
        for task in self.tasks.take().unwrap_or_default() {
            let step = &self.scenario.steps[self.current];
            match task.state {
                State::Hunting(hunt) if hunt.may_skip() => self.judge_skipped(step, task.player, &hunt, at),
                State::Hunting(hunt) => {
                    self.judge_missing(step, task.player, &hunt, at, Why::Exit, hunt.found());
                }
                State::Counting(window, _) => {
                    let held = window.held(&self.players[window.player], Ended::At(at));
                    self.judge_window(step, &window, held);
                }
                _ => {}
            }
        }
        self.ending = Some(Ending { at, how });
    }
}

impl Task {
    fn is_over(&self) -> bool {
        matches!(self.state, State::Done(_) | State::Unseen | State::Missing(..))
    }

    /// When to look at it again if no record comes.
    fn wake(&self, grace: Duration) -> Option<Moment> {
        match &self.state {
            State::Hunting(hunt) => Some(hunt.wake() + grace + TICK),
            State::Counting(_, end) => Some(*end + grace + TICK),
            State::Waiting(until, _) => Some(*until),
            _ => None,
        }
    }
}

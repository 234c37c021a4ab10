//! From decisions to verdicts: outcome, level and words of each check.

use sparring_mock_server::journal::Moment;

use super::hunt::{Hunt, Problem, Why};
use super::sight::Sight;
use super::window::{End, Held, Window};
use super::{Judged, Matcher};
use crate::judge::verdict::{CheckVerdict, Mismatch, Outcome};
use crate::judge::words;
use crate::secrets;
use crate::spec::model::{Claim, Expect, Lane, Level, Step, Times, Verb, Window as Span};

/// What a verdict says besides outcome and place.
#[derive(Debug, Default)]
pub(super) struct Finding {
    pub(super) expected: String,
    pub(super) observed: String,
    pub(super) mismatch: Option<Mismatch>,
    pub(super) record: Option<usize>,
    pub(super) at: Option<Moment>,
}

impl Matcher<'_> {
    pub(super) fn judge_taken(
        &mut self,
        step: &Step,
        player: usize,
        hunt: &Hunt,
        spot: (Lane, usize),
        problem: Option<Problem>,
        branch: Option<String>,
    ) {
        let entry = &self.players[player].lane(spot.0).entries[spot.1];
        let (outcome, deviation) = match (&problem, branch) {
            (Some(_), _) => self.failure(step),
            (None, Some(id)) => (Outcome::Deviation, Some(id)),
            (None, None) => (Outcome::Pass, None),
        };
        let as_expected =
            || format!("{} after {}", words::record(&entry.observed), words::time(hunt.reference.to(entry.at)));
        let (observed, mismatch) = match problem {
            Some(problem) => (problem.observed, Some(problem.mismatch)),
            None => (as_expected(), None),
        };
        let expected = expected_by(step, hunt);
        let finding = Finding { expected, observed, mismatch, record: Some(entry.place), at: Some(entry.at) };
        self.say(step, player, outcome, deviation, finding);
    }

    pub(super) fn judge_skipped(&mut self, step: &Step, player: usize, hunt: &Hunt, at: Moment) {
        let expected = expected_by(step, hunt);
        let finding = Finding { expected, observed: words::SKIPPED.to_owned(), at: Some(at), ..Finding::default() };
        self.say(step, player, Outcome::Pass, None, finding);
    }

    pub(super) fn judge_missing(&mut self, step: &Step, player: usize, hunt: &Hunt, at: Moment, why: Why, found: u64) {
        let lane = hunt.sights.first().map_or(Lane::Wire, Sight::lane);
        let last = self.players[player].lane(lane).last_until(at);
        let until = match (why, hunt.latest()) {
            (Why::Bound, Some(latest)) => format!("until {}", words::time(latest)),
            (Why::Closed(connection), _) => format!("before connection {connection} ended"),
            (Why::Exit, _) => "until the subject ended".to_owned(),
            (Why::Limit | Why::Bound, _) => {
                format!("until the limit of {}", words::duration(self.scenario.limit))
            }
        };
        let nothing = words::nothing(&until, last.map(|entry| &entry.observed));
        let observed =
            if found == 0 { nothing } else { format!("only {}, then {nothing}", words::count(found, "record")) };
        let mismatch = Some(if found == 0 { Mismatch::Missing } else { Mismatch::Count { found } });
        let record = last.map(|entry| entry.place);
        let expected = expected_by(step, hunt);
        let (outcome, deviation) = self.failure(step);
        self.say(step, player, outcome, deviation, Finding { expected, observed, mismatch, record, at: Some(at) });
    }

    /// The verdict of a window that has ended.
    pub(super) fn judge_window(&mut self, step: &Step, window: &Window, held: Held) {
        let finding = self.window_finding(step, window, held);
        let (outcome, deviation) = if finding.mismatch.is_some() { self.failure(step) } else { (Outcome::Pass, None) };
        self.say(step, window.player, outcome, deviation, finding);
    }

    fn window_finding(&self, step: &Step, window: &Window, held: Held) -> Finding {
        let entries = &self.players[window.player].lane(window.sight.lane()).entries;
        let seen = if window.count.is_none() { held.records.first() } else { held.records.last() };
        let entry = seen.map(|index| &entries[*index]);
        let number = held.records.len() as u64;
        let (observed, mismatch) = match held.problem {
            Some(problem) => (problem.observed, Some(problem.mismatch)),
            None if window.count.is_none() => ("nothing of the kind".to_owned(), None),
            None => (words::count(number, "record"), None),
        };
        let (record, at) = (entry.map(|entry| entry.place), entry.map(|entry| entry.at));
        Finding { expected: self.expected_in(step, window), observed, mismatch, record, at }
    }

    pub(super) fn judge_unseen(&mut self, step: &Step, player: usize) {
        let hidden = match &step.verb {
            Verb::Expect(expect) => expect.branches.iter().any(|branch| !self.sees(player, branch.observation.key)),
            Verb::Never(never) => !self.sees(player, never.observation.key),
            _ => false,
        };
        let observed = if hidden { words::UNSEEN } else { words::UNSEEN_REFERENCE };
        self.judge_without_record(step, player, Outcome::NotObservable, observed);
    }

    fn sees(&self, player: usize, key: crate::spec::model::Key) -> bool {
        self.setting.exposes.of(self.players[player].role).shows(key)
    }

    pub(super) fn judge_nowhere(&mut self, step: &Step, player: usize, place: &str) {
        let (outcome, deviation) = self.failure(step);
        let finding = Finding {
            expected: self.expected_unresolved(step),
            observed: format!("{place} leads nowhere"),
            mismatch: Some(Mismatch::Reference { place: place.to_owned() }),
            ..Finding::default()
        };
        self.say(step, player, outcome, deviation, finding);
    }

    /// A check that was never looked at.
    pub(super) fn judge_without_record(&mut self, step: &Step, player: usize, outcome: Outcome, observed: &str) {
        let expected = self.expected_unresolved(step);
        let finding = Finding { expected, observed: observed.to_owned(), ..Finding::default() };
        self.say(step, player, outcome, None, finding);
    }

    /// What a failure of this check counts as: a deviation if the step says so, or if all that it is for rests on
    /// readings. Where only some of it does, each requirement gets its own (see `coverage`).
    fn failure(&self, step: &Step) -> (Outcome, Option<String>) {
        let Some(claim) = claim(step) else { return (Outcome::Fail, None) };
        if let Some(id) = &claim.deviation {
            return (Outcome::Deviation, Some(id.clone()));
        }
        let reading = |id: &String| self.setting.requirements.get(id).and_then(|info| info.reading.clone());
        let readings: Option<Vec<String>> = claim.requirements.iter().map(reading).collect();
        match readings.and_then(|readings| readings.into_iter().next()) {
            Some(id) => (Outcome::Deviation, Some(id)),
            None => (Outcome::Fail, None),
        }
    }

    /// The level of the strictest requirement.
    pub(super) fn level(&self, requirements: &[String], otherwise: Option<Level>) -> Level {
        let level = |id: &String| self.setting.requirements.get(id).map_or(Level::Must, |info| info.level);
        let should = match requirements {
            [] => otherwise == Some(Level::Should),
            _ => requirements.iter().all(|id| level(id) == Level::Should),
        };
        if should { Level::Should } else { Level::Must }
    }

    fn say(&mut self, step: &Step, player: usize, outcome: Outcome, deviation: Option<String>, finding: Finding) {
        let claim = claim(step);
        let requirements = claim.map(|claim| claim.requirements.clone()).unwrap_or_default();
        let verdict = CheckVerdict {
            step: Some(step.index),
            line: step.line,
            actor: self.players.get(player).map(|player| player.name.clone()).unwrap_or_default(),
            level: self.level(&requirements, claim.and_then(|claim| claim.level)),
            requirements,
            outcome,
            deviation,
            expected: secrets::cut(&finding.expected).into_owned(),
            observed: secrets::cut(&finding.observed).into_owned(),
            mismatch: finding.mismatch,
            record: finding.record,
            at: finding.at,
        };
        self.verdicts.push(Judged { player, verdict });
    }

    fn expected_in(&self, step: &Step, window: &Window) -> String {
        let ending = match window.end {
            End::At(at) => {
                let length = words::duration(at.since(window.start.at));
                format!("for {length} after {}", window.start.label)
            }
            End::Step(index) => {
                format!("until {}", self.scenario.steps[index].name.as_deref().unwrap_or("a later step"))
            }
            End::Case => "until the end of the case".to_owned(),
        };
        let what = window.sight.words();
        match (window.count, &step.verb) {
            (Some(range), _) => words::expectation(
                &[format!("{what}{}", window.sight.judged_words())],
                &format!("{range} times"),
                &ending,
            ),
            (None, _) => words::absence(&what, &ending),
        }
    }

    /// What a check asks for, where its references were never resolved.
    fn expected_unresolved(&self, step: &Step) -> String {
        match &step.verb {
            Verb::Expect(expect) => {
                let landmark = step.since.as_deref().unwrap_or("the step before");
                expectation(expect, &self.unresolved_sights(expect), landmark)
            }
            Verb::Never(never) => {
                let window = match &never.window {
                    Some(Span::For(time)) => format!("for {}", words::duration(*time)),
                    Some(Span::Until(name)) => format!("until {name}"),
                    None => "until the end of the case".to_owned(),
                };
                let sight = self.unresolved_sight(&never.observation);
                words::absence(&sight.map(|sight| sight.words()).unwrap_or_default(), &window)
            }
            _ => String::new(),
        }
    }
}

fn expected_by(step: &Step, hunt: &Hunt) -> String {
    match &step.verb {
        Verb::Expect(expect) => expectation(expect, &hunt.sights, &hunt.reference.label),
        _ => String::new(),
    }
}

fn expectation(expect: &Expect, sights: &[Sight], landmark: &str) -> String {
    let alternatives: Vec<String> =
        sights.iter().map(|sight| format!("{}{}", sight.words(), sight.judged_words())).collect();
    let times = match &expect.times {
        Times::Each(1) => String::new(),
        Times::Each(number) => format!("{number} times"),
        Times::Counted(range, _) => format!("{range} times"),
    };
    let span = sights.first().and_then(|sight| sight.span);
    let timing = match (expect.within, expect.after) {
        (_, Some(range)) => words::after(range, landmark, span),
        (Some(limit), None) => words::within(limit, landmark, span),
        (None, None) => String::new(),
    };
    words::expectation(&alternatives, &times, &timing)
}

/// What a check is for; none for what is no check.
pub(super) fn claim(step: &Step) -> Option<&Claim> {
    match &step.verb {
        Verb::Expect(expect) => Some(&expect.claim),
        Verb::Never(never) => Some(&never.claim),
        Verb::Client(_) | Verb::Probe(_) | Verb::Server(_) | Verb::Wait(_) => None,
    }
}

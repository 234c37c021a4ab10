//! What is always checked of the states of a client: transitions that the contract forbids, states that it does not
//! know, states reported twice, and states left over at the end (scenario language, section 6).

use std::collections::BTreeSet;

use sparring_mock_server::journal::Moment;

use super::lane::Entry;
use super::{How, Judged, Matcher};
use crate::judge::verdict::{CheckVerdict, Mismatch, Outcome};
use crate::judge::words;
use crate::spec::model::{Expect, Key, Role, Verb};

impl Matcher<'_> {
    /// Checks the states of all clients up to the end of the case.
    pub(super) fn judge_states(&mut self, at: Moment, how: How) {
        for player in 0..self.players.len() {
            let role = self.players[player].role;
            if role == Role::Client && self.setting.exposes.of(role).states {
                self.judge_transitions(player, at);
                if how == How::Completed && self.is_strict(player) {
                    self.judge_leftover(player, at);
                }
            }
        }
    }

    /// Each unexpected transition is told once, however often it comes.
    fn judge_transitions(&mut self, player: usize, end: Moment) {
        let track = &self.players[player].client;
        let mut from = self.setting.contract.states.initial.clone();
        let mut told = BTreeSet::new();
        let mut found = Vec::new();
        for entry in track.states().iter().map(|index| &track.entries[*index]).take_while(|entry| entry.at <= end) {
            let to = entry.observed.value.as_str().unwrap_or_default().to_owned();
            if let Some(requirement) = self.broken_by(&from, &to)
                && told.insert((from.clone(), to.clone()))
            {
                found.push(self.unexpected(player, requirement, &from, &to, entry));
            }
            from = to;
        }
        self.verdicts.append(&mut found);
    }

    /// The requirement that a transition breaks, if it breaks one.
    fn broken_by(&self, from: &str, to: &str) -> Option<&str> {
        let states = &self.setting.contract.states;
        let requirements = &states.requirements;
        if !states.names.iter().any(|name| name == to) {
            return Some(&requirements.unknown);
        }
        if from == to {
            return Some(&requirements.repeated);
        }
        let forbidden = states.forbidden.get(from).is_some_and(|targets| targets.iter().any(|name| name == to));
        forbidden.then_some(requirements.forbidden.as_str())
    }

    fn unexpected(&self, player: usize, requirement: &str, from: &str, to: &str, entry: &Entry) -> Judged {
        let requirements = vec![requirement.to_owned()];
        let known = self.setting.contract.states.names.iter().any(|name| name == to);
        let observed = match (known, from == to) {
            (false, _) => format!("unexpected state {to}, which the document does not know"),
            (true, true) => format!("unexpected transition {from} → {to}: the state was reported twice"),
            (true, false) => format!("unexpected transition {from} → {to}"),
        };
        let reading = self.setting.requirements.get(requirement).and_then(|info| info.reading.clone());
        let verdict = CheckVerdict {
            outcome: if reading.is_some() { Outcome::Deviation } else { Outcome::Fail },
            deviation: reading,
            level: self.level(&requirements, None),
            requirements,
            expected: "only the document's states and transitions".to_owned(),
            observed,
            mismatch: Some(Mismatch::Transition { from: from.to_owned(), to: to.to_owned() }),
            record: Some(entry.place),
            at: Some(entry.at),
            ..self.of_lane(player)
        };
        Judged { player, verdict }
    }

    /// States that nobody expected, reported before the end. A state at the very end may belong behind it.
    fn judge_leftover(&mut self, player: usize, end: Moment) {
        let track = &self.players[player].client;
        let before_end = |index: &usize| track.entries[*index].at + self.setting.allowance() < end;
        let left: Vec<usize> = track.states_left(0).filter(before_end).collect();
        let Some(first) = left.first().map(|index| &track.entries[*index]) else { return };
        let names: Vec<&str> = left.iter().filter_map(|index| track.entries[*index].observed.value.as_str()).collect();
        let verdict = CheckVerdict {
            outcome: Outcome::Fail,
            expected: "no state left at the end of the case".to_owned(),
            observed: format!("{} left: {}", words::count(left.len() as u64, "state"), names.join(", ")),
            mismatch: Some(Mismatch::Leftover),
            record: Some(first.place),
            at: Some(first.at),
            ..self.of_lane(player)
        };
        self.verdicts.push(Judged { player, verdict });
    }

    /// A verdict about the state lane as such.
    fn of_lane(&self, player: usize) -> CheckVerdict {
        CheckVerdict {
            step: None,
            line: 0,
            actor: self.players[player].name.clone(),
            requirements: Vec::new(),
            level: self.level(&[], None),
            outcome: Outcome::Pass,
            deviation: None,
            expected: String::new(),
            observed: String::new(),
            mismatch: None,
            record: None,
            at: None,
        }
    }

    /// Whether the scenario expects any state of this actor.
    fn is_strict(&self, player: usize) -> bool {
        let of_state = |expect: &Expect| expect.branches.iter().any(|branch| branch.observation.key == Key::State);
        self.scenario.steps.iter().any(|step| match &step.verb {
            Verb::Expect(expect) => of_state(expect) && self.concerned(step).contains(&player),
            _ => false,
        })
    }
}

//! The strict state lane: the next state must be the one expected, unless `eventually` passes over it.

use sparring_mock_server::journal::Moment;

use super::{Course, Decision, Hunt, Problem, Yield};
use crate::judge::matcher::lane::{Entry, Player, Track};
use crate::judge::verdict::Mismatch;
use crate::spec::model::Lane;

/// How far a run of states is there.
enum Run {
    Complete(Vec<usize>),
    Broken { record: usize, step: usize },
    Partial { beyond: bool },
}

impl Hunt {
    /// Looks at the states that were not taken yet: the next must be the one expected.
    pub(super) fn states(&mut self, track: &Track, horizon: Moment) -> Yield {
        let of_states = |index: &usize| self.course(&self.sights[*index]) == Course::States;
        let sights: Vec<usize> = (0..self.sights.len()).filter(of_states).collect();
        let runs: Vec<(usize, Run)> = sights.into_iter().map(|sight| (sight, self.run(sight, track))).collect();
        if let Some(found) = self.best_run(&runs, track) {
            return found;
        }
        let partial = runs.iter().find_map(|(_, run)| match run {
            Run::Partial { beyond } => Some(*beyond),
            _ => None,
        });
        match partial {
            Some(beyond) if beyond || horizon > self.cutoff => Yield::Nothing(self.cutoff, self.why),
            Some(_) => Yield::Open,
            None => self.broken(&runs, track),
        }
    }

    fn best_run(&self, runs: &[(usize, Run)], track: &Track) -> Option<Yield> {
        let complete = runs.iter().filter_map(|(sight, run)| match run {
            Run::Complete(records) => Some((*sight, records)),
            _ => None,
        });
        let complete: Vec<(usize, &Vec<usize>)> = complete.collect();
        let right = |(sight, records): &&(usize, &Vec<usize>)| {
            records.last().is_some_and(|last| self.sights[*sight].misfit(&track.entries[*last]).is_none())
        };
        let (sight, records) = complete.iter().find(right).or(complete.first())?;
        Some(Yield::Fit { lane: Lane::Client, records: (*records).clone(), sight: *sight })
    }

    /// No run can be completed: the one that came furthest is told. Beside observations of other kinds, a state that
    /// does not fit only rules out its branch.
    fn broken(&self, runs: &[(usize, Run)], track: &Track) -> Yield {
        let broken = runs.iter().filter_map(|(sight, run)| match run {
            Run::Broken { record, step } => Some((*sight, *record, *step)),
            _ => None,
        });
        let furthest = broken.rev().max_by_key(|(_, record, _)| *record);
        let Some((sight, record, step)) = furthest else { return Yield::Open };
        let at = track.entries[record].at;
        if self.may_skip() && step == 0 {
            return Yield::Unfit(at);
        }
        if runs.len() < self.sights.len() {
            return Yield::Nothing(at, self.why);
        }
        Yield::Contradiction { record, sight, step }
    }

    fn run(&mut self, index: usize, track: &Track) -> Run {
        let sight = &self.sights[index];
        let mut records = Vec::with_capacity(sight.length());
        for place in track.states_left(self.passed[index]) {
            let entry = &track.entries[place];
            if entry.at > self.cutoff {
                return Run::Partial { beyond: true };
            }
            let step = records.len();
            let fits = sight.selects(step, entry);
            if self.manner.eventually && step == 0 && (!fits || self.is_before_reference(entry)) {
                self.passed[index] = place + 1;
                continue;
            }
            if !fits {
                return Run::Broken { record: place, step };
            }
            records.push(place);
            if records.len() == sight.length() {
                return Run::Complete(records);
            }
        }
        Run::Partial { beyond: false }
    }

    fn is_before_reference(&self, entry: &Entry) -> bool {
        entry.at + self.allowance + self.reference.slack < self.reference.at
    }

    /// The contradicting state is the record that was found: the case goes on from it.
    pub(super) fn contradicted(&mut self, player: &mut Player, record: usize, sight: usize, step: usize) -> Decision {
        take_states(player, record);
        let found = player.client.entries[record].observed.value.as_str().unwrap_or_default().to_owned();
        let expected = self.sights[sight].value_words(step);
        let observed = format!("state {found} instead of {expected}");
        let problem =
            self.problem.take().unwrap_or(Problem { mismatch: Mismatch::State { expected, found }, observed });
        Decision::Taken { spot: (Lane::Client, record), problem: Some(problem), deviation: None }
    }
}

/// All states up to this one are taken or passed over.
pub(super) fn take_states(player: &mut Player, last: usize) {
    let states: Vec<usize> = player.client.states_left(0).take_while(|index| *index <= last).collect();
    for index in states {
        player.client.take(index, true);
    }
}

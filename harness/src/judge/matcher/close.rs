//! The end of a case: windows that were open are judged, checks that were not reached are told, and the whole is
//! weighed.

use std::collections::HashSet;

use super::point::Mark;
use super::verdicts::claim;
use super::window::{End, Ended, Held, Window};
use super::{Ending, How, Matcher};
use crate::judge::verdict::{CaseOutcome, Judgement, Mismatch, Outcome};
use crate::judge::words;

/// How a window stood when the case ended.
enum Standing<'p> {
    /// It had ended there.
    Ended(Ended<'p>),
    /// It was closed with the case, before its own end.
    Open(Ended<'p>),
    /// Its end could not be seen.
    Unseen,
}

impl Matcher<'_> {
    /// The verdicts of an ended case.
    pub(super) fn close(mut self) -> Judgement {
        let ending = self.ending.unwrap_or(Ending { at: self.reached, how: How::Exit });
        let ending = self.refusal().filter(|refusal| self.was_refused(refusal, ending)).unwrap_or(ending);
        for window in std::mem::take(&mut self.windows) {
            self.close_window(&window, ending);
        }
        self.judge_unreached(ending);
        if let How::Refused(step) = ending.how {
            self.withdraw_behind(step);
        }
        self.judge_states(ending.at, ending.how);
        self.weigh(ending)
    }

    /// Whether a refusal came before the case ended, and not for a step that it never reached.
    fn was_refused(&self, refusal: &Ending, ending: Ending) -> bool {
        let reached = matches!(refusal.how, How::Refused(step) if self.current > step);
        reached && refusal.at <= ending.at
    }

    fn close_window(&mut self, window: &Window, ending: Ending) {
        let step = &self.scenario.steps[window.step];
        let player = &self.players[window.player];
        let (held, open) = match self.standing(window, ending) {
            Standing::Unseen => return self.judge_unseen(step, window.player),
            Standing::Ended(ended) => (window.held(player, ended), false),
            Standing::Open(ended) => (window.held(player, ended), true),
        };
        if !open || is_decided(window, &held) {
            self.judge_window(step, window, held);
        } else if matches!(ending.how, How::Refused(_)) {
            self.judge_without_record(step, window.player, Outcome::Unsupported, words::UNSUPPORTED);
        } else {
            self.judge_without_record(step, window.player, Outcome::NotReached, words::NOT_REACHED);
        }
    }

    fn standing(&self, window: &Window, ending: Ending) -> Standing<'_> {
        let with_case = Ended::At(ending.at);
        let completed = ending.how == How::Completed;
        match window.end {
            End::At(at) if at <= ending.at => Standing::Ended(Ended::At(at)),
            End::Step(step) if matches!(ending.how, How::Refused(refused) if step > refused) => {
                Standing::Open(with_case)
            }
            End::Step(step) if matches!(self.marks[step], Mark::Unseen) => Standing::Unseen,
            End::Step(step) => match self.marks[step].point(window.player) {
                Some(point) => Standing::Ended(Ended::Before(point)),
                None if completed => Standing::Ended(with_case),
                None => Standing::Open(with_case),
            },
            End::Case if completed => Standing::Ended(with_case),
            End::At(_) | End::Case => Standing::Open(with_case),
        }
    }

    /// Checks without a verdict: those behind the end of the case.
    fn judge_unreached(&mut self, ending: Ending) {
        let judged: HashSet<(Option<usize>, usize)> =
            self.verdicts.iter().map(|judged| (judged.verdict.step, judged.player)).collect();
        let (outcome, why) = match ending.how {
            How::Refused(_) => (Outcome::Unsupported, words::UNSUPPORTED),
            How::Limit => (Outcome::NotReached, words::LIMIT),
            How::Exit => (Outcome::NotReached, words::CUT_OFF),
            How::Blocked | How::Completed => (Outcome::NotReached, words::NOT_REACHED),
        };
        for step in self.scenario.steps.iter().filter(|step| claim(step).is_some()) {
            for player in self.concerned(step) {
                if !judged.contains(&(Some(step.index), player)) {
                    self.judge_without_record(step, player, outcome, why);
                }
            }
        }
    }

    /// Nothing behind a refused action has ground, whatever was seen: what came may have other causes, and what did
    /// not come could not.
    fn withdraw_behind(&mut self, refused: usize) {
        let steps = &self.scenario.steps;
        let behind = |step: Option<usize>| step.is_some_and(|step| step > refused);
        self.verdicts.retain(|judged| !behind(judged.verdict.step));
        for step in steps.iter().filter(|step| step.index > refused && claim(step).is_some()) {
            for player in self.concerned(step) {
                self.judge_without_record(step, player, Outcome::Unsupported, words::UNSUPPORTED);
            }
        }
    }

    /// All verdicts in order, and the worst of them.
    fn weigh(mut self, ending: Ending) -> Judgement {
        self.verdicts.sort_by_key(|judged| (judged.verdict.step.unwrap_or(usize::MAX), judged.player));
        let checks: Vec<_> = self.verdicts.into_iter().map(|judged| judged.verdict).collect();
        let worst = checks.iter().map(|check| CaseOutcome::from(check.outcome)).max().unwrap_or(CaseOutcome::Pass);
        let outcome = if ending.how == How::Limit { worst.max(CaseOutcome::Timeout) } else { worst };
        Judgement { checks, outcome }
    }
}

/// Whether what a window held before its end decides it already: too little may still become enough.
fn is_decided(window: &Window, held: &Held) -> bool {
    match held.problem.as_ref().map(|problem| &problem.mismatch) {
        None => false,
        Some(Mismatch::Count { found }) => window.count.is_some_and(|range| range.max.is_some_and(|max| *found > max)),
        Some(_) => true,
    }
}

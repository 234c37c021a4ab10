//! The one matcher: the runner feeds it records as they come, the judge feeds it the finished trace.

use sparring_mock_server::journal::Moment;

use super::setting::Setting;
use super::verdict::{CaseOutcome, Judgement};
use crate::spec::model::Scenario;
use crate::trace::Record;

/// What the runner is to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Perform the action of this step now, for all its actors, and feed an [`Acted`](crate::trace::What::Acted)
    /// record for each, with the moment just *before* the action, so that its effects come behind it. Said once.
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
}

impl<'a> Matcher<'a> {
    /// A matcher at the first step.
    pub fn new(scenario: &'a Scenario, setting: &'a Setting) -> Self {
        Self { scenario, setting }
    }

    /// Takes a record. Those of one lane must come in the lane's order.
    pub fn feed(&mut self, record: Record) {
        let _ = record;
    }

    /// What is to be done at this moment.
    pub fn due(&mut self, now: Moment) -> Due {
        let _ = (now, self.setting.grace, &self.scenario.steps);
        Due::Finished
    }

    /// The verdicts, for a case that was watched until `end`.
    pub fn finish(self, end: Moment) -> Judgement {
        let _ = end;
        Judgement { checks: Vec::new(), outcome: CaseOutcome::Pass }
    }
}

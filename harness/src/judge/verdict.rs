//! What the judge says: an outcome for each check, for each case and for each requirement.
//!
//! "The client is wrong", "it could not be seen", "the client does not do that" and "we were at fault" never merge.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sparring_mock_server::journal::Moment;

use crate::spec::model::Level;

/// The outcome of one check. Worse ones compare greater (scenario language, section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Selected, judged right, in time.
    Pass,
    /// The attachment does not show that lane or field.
    NotObservable,
    /// An action on which it depends was refused as unsupported.
    Unsupported,
    /// An earlier check took no record, so that this one has no ground.
    NotReached,
    /// It failed, and rests on a reading of a contradiction.
    Deviation,
    /// Contradicted, out of bounds, or not there when decided.
    Fail,
}

/// A check and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CheckVerdict {
    /// Index of the step, from 0; none for the checks of the state lane that are always on.
    pub step: Option<usize>,
    /// Line in the scenario file; 0 where there is no step.
    pub line: usize,
    /// Actor it was judged for.
    pub actor: String,
    /// Requirement ids.
    pub requirements: Vec<String>,
    /// Level of the strictest of them.
    pub level: Level,
    /// What became of it.
    pub outcome: Outcome,
    /// Contradiction id behind a deviation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deviation: Option<String>,
    /// What was expected, in words.
    #[serde(rename = "expected_text")]
    pub expected: String,
    /// What was observed, in words that name what is wrong.
    #[serde(rename = "observed_text")]
    pub observed: String,
    /// Why it failed, typed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mismatch: Option<Mismatch>,
    /// Place in the trace (index of the record) that decided it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record: Option<usize>,
    /// When it was decided.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "Option<u64>")]
    pub at: Option<Moment>,
}

/// The ways in which a check fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Mismatch {
    /// Nothing that fits came.
    Missing,
    /// A field has a wrong value.
    Field {
        /// Its path.
        path: String,
        /// What it should have been.
        expected: String,
        /// What it was.
        found: String,
    },
    /// It came too early.
    Early {
        /// By how much, beyond all tolerance.
        by: Duration,
    },
    /// It came too late.
    Late {
        /// By how much, beyond all tolerance.
        by: Duration,
    },
    /// The number of records in the window is wrong.
    Count {
        /// How many there were.
        found: u64,
    },
    /// A record that must not come came.
    Forbidden,
    /// The next state was another.
    State {
        /// The one expected.
        expected: String,
        /// The one reported.
        found: String,
    },
    /// A state transition that the contract forbids.
    Transition {
        /// The state left.
        from: String,
        /// The state entered.
        to: String,
    },
    /// States were left over at the end of the case.
    Leftover,
    /// A reference leads nowhere.
    Reference {
        /// As written.
        place: String,
    },
}

impl Mismatch {
    /// Whether a late harness could have caused it, so that the case must be tried again before it is held against the
    /// subject. A wrong value may be one that was right a moment before; a transition that the contract forbids at all
    /// times, or a reference that leads nowhere, has nothing to do with time.
    pub fn may_come_of_lateness(&self) -> bool {
        !matches!(self, Self::Reference { .. } | Self::Transition { .. })
    }
}

/// The outcome of a case: its worst check, or what kept it from being judged. Worse ones compare greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CaseOutcome {
    /// All checks passed.
    Pass,
    /// The worst check could not be seen.
    NotObservable,
    /// The worst check depends on an action that the client does not do.
    Unsupported,
    /// The harness measured its own lateness, and it exceeds what a failed check allows.
    Inconclusive,
    /// The worst check was not reached.
    NotReached,
    /// The worst check is a deviation.
    Deviation,
    /// A check failed.
    Fail,
    /// The case ended at its limit while a check waited.
    Timeout,
    /// The client's process ended in mid-case.
    Crash,
    /// The adapter broke its protocol.
    AdapterError,
    /// The mock broke its own contract outside a fault, or the runner failed.
    HarnessError,
}

impl From<Outcome> for CaseOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Pass => Self::Pass,
            Outcome::NotObservable => Self::NotObservable,
            Outcome::Unsupported => Self::Unsupported,
            Outcome::NotReached => Self::NotReached,
            Outcome::Deviation => Self::Deviation,
            Outcome::Fail => Self::Fail,
        }
    }
}

/// What became of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// A verdict for each check and actor, in the order of the steps; then those of the state lane.
    pub checks: Vec<CheckVerdict>,
    /// The case's outcome.
    pub outcome: CaseOutcome,
}

impl Judgement {
    /// The same where only must-requirements count: other checks keep their outcomes and decide nothing. A case that
    /// did not come to its end stays as it is.
    #[must_use]
    pub fn of_musts(mut self) -> Self {
        let musts = self.checks.iter().filter(|check| check.level == Level::Must);
        let worst = musts.map(|check| check.outcome).max().unwrap_or(Outcome::Pass);
        let doubtful = self.outcome == CaseOutcome::Inconclusive && worst >= Outcome::Deviation;
        if self.outcome < CaseOutcome::Timeout && !doubtful {
            self.outcome = worst.into();
        }
        self
    }

    /// The same after a run in which the harness was later than bounds allow: failures that lateness can explain make
    /// the case inconclusive, unless something else failed too. The checks keep their outcomes.
    #[must_use]
    pub fn doubting_time(mut self) -> Self {
        let failed = |check: &&CheckVerdict| check.outcome >= Outcome::Deviation;
        // A deviation without mismatch passed by a branch that is told as one; lateness may have led it there.
        let excused = |check: &CheckVerdict| check.mismatch.as_ref().is_none_or(Mismatch::may_come_of_lateness);
        let mut failures = self.checks.iter().filter(failed).peekable();
        let doubtful = self.outcome <= CaseOutcome::Timeout && failures.peek().is_some() && failures.all(excused);
        if doubtful {
            self.outcome = CaseOutcome::Inconclusive;
        }
        self
    }
}

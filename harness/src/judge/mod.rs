//! From a scenario and a trace to verdicts.

mod bounds;
mod coverage;
mod matcher;
mod pattern;
mod resolve;
mod setting;
mod verdict;
mod words;

use std::time::Duration;

use sparring_mock_server::journal::Moment;

use crate::spec::model::Scenario;
use crate::trace::Record;

pub use coverage::{Coverage, Covered};
pub use matcher::{Due, Matcher};
pub use setting::{Exposed, Exposes, RequirementInfo, Setting};
pub use verdict::{CaseOutcome, CheckVerdict, Judgement, Mismatch, Outcome};

/// Judges a finished trace. `end` is when the runner stopped; `lateness` how late the harness itself was, in document
/// time.
pub fn judge(scenario: &Scenario, setting: &Setting, trace: &[Record], end: Moment, lateness: Duration) -> Judgement {
    let mut matcher = Matcher::new(scenario, setting);
    for record in trace {
        matcher.feed(record.clone());
    }
    let judgement = matcher.finish(end);
    if lateness > setting.allowance() { judgement.doubting_time() } else { judgement }
}

#[cfg(test)]
mod tests;

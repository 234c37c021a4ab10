//! From a scenario and a trace to verdicts.

mod verdict;

pub use verdict::{CaseOutcome, CheckVerdict, Mismatch, Outcome};

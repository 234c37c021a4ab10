//! What the checks of all cases say about each requirement (scenario language, section 7).
//!
//! Folds verdicts of one client at a time; which requirements exist, and which are untested, is for the catalogue.

use std::collections::BTreeMap;

use super::setting::RequirementInfo;
use super::verdict::{CheckVerdict, Outcome};

/// What became of a requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covered {
    /// The worst of its checks; `not-observable` yields where another check could be seen.
    pub outcome: Outcome,
    /// The contradiction behind a deviation.
    pub deviation: Option<String>,
    /// How many checks named it.
    pub checks: usize,
}

/// The requirements that one client's checks have named.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    requirements: BTreeMap<String, Covered>,
}

impl Coverage {
    /// Adds the checks of a case.
    pub fn add(&mut self, checks: &[CheckVerdict], catalogue: &BTreeMap<String, RequirementInfo>) {
        for check in checks {
            for id in &check.requirements {
                let (outcome, deviation) = outcome_for(check, catalogue.get(id));
                self.count(id, outcome, deviation);
            }
        }
    }

    /// Requirements by id.
    pub fn requirements(&self) -> &BTreeMap<String, Covered> {
        &self.requirements
    }

    fn count(&mut self, id: &str, outcome: Outcome, deviation: Option<String>) {
        match self.requirements.get_mut(id) {
            None => {
                self.requirements.insert(id.to_owned(), Covered { outcome, deviation, checks: 1 });
            }
            Some(covered) => {
                covered.checks += 1;
                if is_worse(outcome, covered.outcome) {
                    covered.outcome = outcome;
                    covered.deviation = deviation;
                }
            }
        }
    }
}

/// What a check says about one of its requirements: a failure of one that rests on a reading is a deviation, even where
/// the check fails for its others; a check's own deviation concerns all of them.
fn outcome_for(check: &CheckVerdict, requirement: Option<&RequirementInfo>) -> (Outcome, Option<String>) {
    let reading = requirement.and_then(|info| info.reading.clone());
    match (check.outcome, reading) {
        (Outcome::Fail, Some(id)) => (Outcome::Deviation, Some(id)),
        (outcome, _) => (outcome, check.deviation.clone()),
    }
}

/// Anything replaces `not-observable`, and it replaces nothing.
fn is_worse(outcome: Outcome, known: Outcome) -> bool {
    match (outcome, known) {
        (Outcome::NotObservable, _) => false,
        (_, Outcome::NotObservable) => true,
        _ => outcome > known,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::spec::model::Level;

    fn check(outcome: Outcome) -> CheckVerdict {
        CheckVerdict {
            step: Some(0),
            line: 1,
            actor: "client".to_owned(),
            requirements: vec!["STATED".to_owned(), "READ".to_owned()],
            level: Level::Must,
            outcome,
            deviation: None,
            expected: String::new(),
            observed: String::new(),
            mismatch: None,
            record: None,
            at: None,
        }
    }

    #[rstest]
    #[case::pass_needs_all(&[Outcome::Pass, Outcome::Pass], Outcome::Pass)]
    #[case::unseen_yields(&[Outcome::NotObservable, Outcome::Pass], Outcome::Pass)]
    #[case::unseen_yields_in_any_order(&[Outcome::Pass, Outcome::NotObservable], Outcome::Pass)]
    #[case::unseen_alone(&[Outcome::NotObservable, Outcome::NotObservable], Outcome::NotObservable)]
    #[case::unsupported_over_pass(&[Outcome::Pass, Outcome::Unsupported], Outcome::Unsupported)]
    #[case::not_reached_over_unsupported(&[Outcome::NotReached, Outcome::Unsupported], Outcome::NotReached)]
    #[case::deviation_over_not_reached(&[Outcome::Deviation, Outcome::NotReached], Outcome::Deviation)]
    #[case::fail_over_all(&[Outcome::Deviation, Outcome::Fail, Outcome::Pass], Outcome::Fail)]
    fn the_worst_check_counts(#[case] outcomes: &[Outcome], #[case] expected: Outcome) {
        let mut coverage = Coverage::default();
        let checks: Vec<CheckVerdict> = outcomes.iter().copied().map(check).collect();
        coverage.add(&checks, &BTreeMap::new());
        let covered = &coverage.requirements()["STATED"];
        assert_eq!((covered.outcome, covered.checks), (expected, outcomes.len()));
    }

    #[test]
    fn a_reading_turns_its_own_failure_into_a_deviation_and_no_other() {
        let reading = RequirementInfo { level: Level::Must, reading: Some("DT-X-01".to_owned()) };
        let catalogue = BTreeMap::from([("READ".to_owned(), reading)]);
        let mut coverage = Coverage::default();
        coverage.add(&[check(Outcome::Fail)], &catalogue);
        let outcome = |id: &str| (coverage.requirements()[id].outcome, coverage.requirements()[id].deviation.clone());
        assert_eq!(outcome("STATED"), (Outcome::Fail, None));
        assert_eq!(outcome("READ"), (Outcome::Deviation, Some("DT-X-01".to_owned())));
    }
}

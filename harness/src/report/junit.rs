//! JUnit XML: one test suite for each client, one test case for each case.
//!
//! "The client is wrong" is a failure; what kept us from judging is an error; what could not be seen is skipped.

use std::io::Write;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::results::{CaseResult, Results};
use super::words;
use crate::judge::CaseOutcome;

/// Writes the report.
///
/// # Errors
/// What the writer says.
pub fn write(results: &Results, writer: impl Write) -> Result<(), SerializeError> {
    let mut report = Report::new("sparring");
    report.set_time(seconds(results.wall_seconds));
    for client in clients(results) {
        let mut suite = TestSuite::new(client);
        suite.add_property(("seed", results.seed.to_string().as_str()));
        suite.add_property(("speed", results.speed.to_string().as_str()));
        let cases = results.cases.iter().filter(|case| case.client == client);
        suite.add_test_cases(cases.map(test_case));
        report.add_test_suite(suite);
    }
    report.serialize(writer)
}

/// The clients in the order in which they first appear.
fn clients(results: &Results) -> Vec<&str> {
    let mut clients: Vec<&str> = Vec::new();
    for case in &results.cases {
        if !clients.contains(&case.client.as_str()) {
            clients.push(&case.client);
        }
    }
    clients
}

fn test_case(case: &CaseResult) -> TestCase {
    let mut test = TestCase::new(words::numbered(case), status(case));
    test.set_classname(format!("{}.{}", case.client, case.system));
    test.set_time(seconds(case.documented_seconds));
    test.set_assertions(case.checks.len());
    if !case.trace.is_empty() {
        test.set_system_out(words::trace(case));
    }
    test
}

fn status(case: &CaseResult) -> TestCaseStatus {
    let excused = case.known_failing.is_some() && case.expected;
    let mut status = match case.outcome {
        CaseOutcome::Pass if case.expected => return TestCaseStatus::success(),
        CaseOutcome::NotObservable | CaseOutcome::Unsupported => TestCaseStatus::skipped(),
        _ if excused => TestCaseStatus::skipped(),
        CaseOutcome::Pass
        | CaseOutcome::NotReached
        | CaseOutcome::Deviation
        | CaseOutcome::Fail
        | CaseOutcome::Timeout => TestCaseStatus::non_success(NonSuccessKind::Failure),
        CaseOutcome::Inconclusive | CaseOutcome::Crash | CaseOutcome::AdapterError | CaseOutcome::HarnessError => {
            TestCaseStatus::non_success(NonSuccessKind::Error)
        }
    };
    status.set_type(words::outcome(case.outcome)).set_message(words::headline(case));
    status.set_description(words::findings(case));
    status
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

//! JUnit XML: one test suite for each client, one test case for each case.
//!
//! "The client is wrong" is a failure; what kept us from judging is an error; what could not be seen, was left out or is
//! excused is skipped, with the reason.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::results::{CaseResult, ClientInfo, LeftOutResult, Results};
use super::status::Status;
use super::words;

/// Writes the report.
pub fn write(results: &Results, writer: &mut dyn Write) -> io::Result<()> {
    let mut report = Report::new("sparring");
    report.set_time(seconds(results.wall_seconds));
    report.add_test_suites(suites(results));
    report.serialize(writer).map_err(io::Error::other)
}

/// A suite for each client, in the order in which they first appear.
fn suites(results: &Results) -> Vec<TestSuite> {
    let mut suites: Vec<TestSuite> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let ran = results.cases.iter().map(|case| (case.client.as_str(), test_case(case)));
    let left_out = results.left_out.iter().map(|case| (case.client.as_str(), left_out(case)));
    for (client, test) in ran.chain(left_out) {
        let place = *places.entry(client).or_insert_with(|| {
            suites.push(suite(results, client));
            suites.len() - 1
        });
        suites[place].add_test_case(test);
    }
    suites
}

fn suite(results: &Results, client: &str) -> TestSuite {
    let mut suite = TestSuite::new(client);
    suite.add_property(("sparring", results.program.as_str()));
    suite.add_property(("seed", results.seed.to_string().as_str()));
    suite.add_property(("speed", results.speed.to_string().as_str()));
    if let Some(ClientInfo { version, library, .. }) = results.clients.iter().find(|info| info.name == client) {
        suite.add_property(("version", version.as_str()));
        suite.add_property(("library", library.as_str()));
    }
    let cases = results.cases.iter().filter(|case| case.client == client);
    suite.set_time(seconds(cases.map(|case| case.documented_seconds).sum()));
    suite
}

fn test_case(case: &CaseResult) -> TestCase {
    let mut test = TestCase::new(words::numbered(case), status(case));
    test.set_classname(format!("{}.{}", case.client, case.system));
    test.set_time(seconds(case.documented_seconds));
    test.set_assertions(case.checks.len());
    // Not of the original form, but read by those who link a case to its file.
    test.extra.insert("file".into(), case.file.as_str().into());
    if let Some(check) = words::culprit(case).filter(|check| check.line > 0) {
        test.extra.insert("line".into(), check.line.to_string().into());
    }
    if !case.trace.is_empty() {
        test.set_system_out(words::trace(case));
    }
    test
}

fn left_out(case: &LeftOutResult) -> TestCase {
    let mut status = TestCaseStatus::skipped();
    status.set_type("left-out").set_message(case.reason.as_str());
    let mut test = TestCase::new(case.id.as_str(), status);
    let system = case.id.split('/').next().unwrap_or_default();
    test.set_classname(format!("{}.{system}", case.client));
    test
}

fn status(case: &CaseResult) -> TestCaseStatus {
    let status = Status::of(case);
    let mut result = match status {
        Status::Pass => return TestCaseStatus::success(),
        Status::KnownFailing | Status::NotObservable | Status::Unsupported => TestCaseStatus::skipped(),
        Status::UnexpectedPass | Status::Fail | Status::Deviation | Status::NotReached | Status::Timeout => {
            TestCaseStatus::non_success(NonSuccessKind::Failure)
        }
        Status::Inconclusive | Status::Crash | Status::AdapterError | Status::HarnessError => {
            TestCaseStatus::non_success(NonSuccessKind::Error)
        }
    };
    result.set_type(status.words().replace(' ', "-")).set_message(words::headline(case));
    result.set_description(words::findings(case));
    result
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_whole_run() {
        let mut bytes = Vec::new();
        write(&sample::results(), &mut bytes).expect("a vector takes all");
        let text = String::from_utf8(bytes).expect("XML is written as UTF-8");
        assert!(!text.contains(&sample::TOKEN[..11]));
        insta::assert_snapshot!(text);
    }
}

//! Broken adapters: each ends as its own verdict, is named as such, and leaves no process behind.

use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{finish, results, sparring, top};

/// A client is asked to connect. Long enough at any speed for a flood to show itself.
const SCENARIO: &str = "\
title: A client that is asked to connect
given:
  token: jwt
steps:
  - client: connect
  - expect: {state: connecting}
    within: 2m
  - expect: {sent: session_created}
    within: 5s
";

struct Trial {
    folder: TempDir,
    code: i32,
    err: String,
}

/// Runs one scenario against the fake adapter in this mode.
fn trial(mode: &str) -> Trial {
    let folder = TempDir::new().expect("a temporary folder");
    let area = folder.path().join("specs/digitwin/adapters");
    std::fs::create_dir_all(&area).expect("a folder for the scenario");
    std::fs::write(area.join("asked.yaml"), SCENARIO).expect("the scenario is written");
    let fake = top().join("tests/adapters/fake.py");
    let specs = folder.path().join("specs");
    let report = format!("json={}", folder.path().join("results.json").display());
    let adapter = format!("python3 {} {mode}", fake.display());
    let specs = specs.display().to_string();
    let arguments = ["run", "--specs", &specs, "--adapter", &adapter, "--report", &report, "--seed", "1"];
    let mut command = sparring(&arguments);
    command.env("FAKE_CHILD_FILE", folder.path().join("children"));
    let ran = finish(&mut command);
    Trial { code: ran.code, err: ran.err + &ran.out, folder }
}

impl Trial {
    fn case(&self) -> Value {
        results(&self.folder.path().join("results.json"))["cases"][0].clone()
    }
}

#[rstest]
#[case::crash("crash", "crash", "Segmentation fault, or so it says")]
#[case::hang("hang", "adapter-error", "the adapter hangs: no answer to `close`")]
#[case::flood("flood", "adapter-error", "sent more than 50000 notifications")]
#[case::heavy_flood("heavy-flood", "adapter-error", "sent notifications of more than 16777216 bytes")]
#[case::late_flood("late-flood", "adapter-error", "more than 50000 notes of lateness")]
#[case::long_line("long-line", "adapter-error", "a line longer than 1048576 bytes")]
#[case::endless_rubbish("endless-rubbish", "adapter-error", "lines that are not JSON")]
#[case::wrong_session("wrong-session", "adapter-error", "a notification for session `nobody`, which was never opened")]
#[case::wrong_id("wrong-id", "adapter-error", "an answer to a request 123456 that is not open")]
fn a_broken_adapter_is_never_the_clients_fault(#[case] mode: &str, #[case] outcome: &str, #[case] words: &str) {
    let trial = trial(mode);
    let case = trial.case();
    assert_eq!(case["outcome"], outcome, "{case:#}");
    assert!(case["trouble"].to_string().contains(words), "{case:#}");
    assert!(trial.err.contains(words), "{}", trial.err);
    assert_eq!(trial.code, 3, "{}", trial.err);
}

#[rstest]
#[case::wrong_version("wrong-version", "it speaks version 99 of the protocol, expected 1")]
#[case::dies("dies-at-once", "did not introduce itself")]
fn an_adapter_that_does_not_introduce_itself_ends_the_run(#[case] mode: &str, #[case] words: &str) {
    let trial = trial(mode);
    assert!(trial.err.contains(words), "{}", trial.err);
    assert_eq!(trial.code, 3, "{}", trial.err);
}

#[test]
fn an_honest_adapter_without_a_client_fails_as_a_client() {
    let trial = trial("honest");
    assert_eq!(trial.case()["outcome"], "fail", "{:#}", trial.case());
    assert_eq!(trial.code, 1, "{}", trial.err);
}

#[test]
fn a_line_of_rubbish_is_told_and_not_fatal() {
    let case = trial("rubbish").case();
    assert_eq!(case["outcome"], "fail", "{case:#}");
    assert!(case["trouble"].to_string().contains("warning: this is not JSON"), "{case:#}");
}

#[test]
fn a_late_adapter_makes_a_failure_about_time_inconclusive() {
    let trial = trial("late");
    let case = trial.case();
    assert_eq!(case["outcome"], "inconclusive", "{case:#}");
    assert_eq!(case["alone"], true, "{case:#}");
}

#[test]
fn nothing_that_an_adapter_started_is_left_behind() {
    let trial = trial("crash-with-child");
    let children = std::fs::read_to_string(trial.folder.path().join("children")).expect("the adapter had children");
    for child in children.lines() {
        let state = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        // A killed process that nobody has waited for yet is a zombie: it runs no more.
        let gone = state.is_empty() || state.contains(") Z ");
        assert!(gone, "process {child} is still there: {state}");
    }
}

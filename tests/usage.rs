//! Wrong input: one clear error that names the place, the wrong value and what was expected; exit code 2, 3 or 4.

use rstest::rstest;
use tempfile::TempDir;

use crate::support::{Ran, run};

/// Runs a single scenario with this text.
fn with_scenario(text: &str) -> Ran {
    let folder = TempDir::new().expect("a temporary folder");
    let area = folder.path().join("specs/digitwin/wrong");
    std::fs::create_dir_all(&area).expect("a folder for the scenario");
    std::fs::write(area.join("file.yaml"), text).expect("the scenario is written");
    run(&["run", "--speed", "1", "--specs", &folder.path().join("specs").display().to_string()])
}

/// A scenario with these steps.
fn steps(steps: &str) -> String {
    format!("title: Wrong on purpose\ngiven: {{token: jwt}}\nsteps:\n{steps}")
}

/// A scenario with this rule.
fn rule(rule: &str) -> String {
    format!(
        "title: Wrong\ngiven:\n  token: jwt\n  server:\n    - {rule}\nsteps:\n  - client: connect\n  - expect: {{state: connecting}}\n"
    )
}

#[rstest]
#[case::unknown_key(steps("  - client: connect\n  - expect: {state: connecting}\n    witin: 5s\n"), "witin", "within")]
#[case::wrong_duration(
    steps("  - client: connect\n  - expect: {state: connecting}\n    within: 5\n"),
    "5",
    "a duration with a unit"
)]
#[case::unknown_requirement(
    steps("  - client: connect\n  - expect: {state: connecting}\n    req: [DT-NONE-99]\n"),
    "DT-NONE-99",
    ""
)]
#[case::unknown_fault(rule("{fault: silent-aut}"), "silent-aut", "silent-auth")]
#[case::wrong_parameter(rule("{fault: connect-ack-delay, delay: soon}"), "soon", "a duration with a unit")]
#[case::two_verbs(steps("  - client: connect\n    expect: {state: connecting}\n"), "verb", "")]
#[case::not_yaml("title: [".to_owned(), "file.yaml", "")]
fn a_wrong_scenario_is_refused(#[case] text: String, #[case] wrong: &str, #[case] expected: &str) {
    let ran = with_scenario(&text);
    assert_eq!(ran.code, 2, "{ran:#?}");
    assert!(ran.err.contains("file.yaml"), "{}", ran.err);
    assert!(ran.err.contains(wrong) && ran.err.contains(expected), "{}", ran.err);
}

#[rstest]
#[case::unknown_flag(&["run", "--wombat"], 2, "--wombat")]
#[case::unknown_client(&["run", "--speed", "1", "--client", "wombat"], 2, "there is no client `wombat`")]
#[case::adapter_that_does_not_exist(&["run", "--speed", "1", "--adapter", "/nonexistent/adapter"], 3, "/nonexistent/adapter")]
#[case::unknown_system(&["run", "--speed", "1", "--system", "wombat"], 2, "there is no system `wombat`")]
#[case::filter_without_a_match(&["run", "--speed", "1", "--filter", "digitwin/wombat"], 2, "`digitwin/wombat` matches no case")]
#[case::wrong_shard(&["run", "--shard", "3/2"], 2, "3/2")]
#[case::empty_folder(&["run", "--speed", "1", "--specs", "tests/adapters"], 2, "tests/adapters")]
#[case::missing_folder(&["run", "--speed", "1", "--specs", "no/such/folder"], 2, "no/such/folder")]
#[case::serve_unknown_system(&["serve", "digitwim"], 2, "did you mean `digitwin`?")]
#[case::serve_unknown_fault(&["serve", "digitwin", "--fault", "silent-aut"], 2, "silent-auth")]
#[case::serve_wrong_parameter(&["serve", "digitwin", "--fault", "silent-auth attempts=x"], 2, "attempts")]
#[case::serve_wrong_switch(&["serve", "digitwin", "--switch", "jwt_expired_code=NO"], 2, "AUTH_EXPIRED, AUTH_INVALID")]
#[case::unknown_requirement(&["requirements", "DT-STAET-12"], 2, "did you mean `DT-STATE-12`?")]
#[case::unknown_fault(&["faults", "silent-aut"], 2, "did you mean `silent-auth`?")]
#[case::fault_like_no_other(&["faults", "wombat"], 2, "`sparring faults` lists what there is")]
#[case::faults_of_an_unknown_layer(&["faults", "--layer", "udp"], 2, "expected one of tcp, ")]
#[case::faults_of_an_unknown_system(&["faults", "--system", "digitwim"], 2, "did you mean `digitwin`?")]
#[case::no_such_fault_there(&["faults", "--system", "websocket", "--layer", "engine.io"], 4, "websocket has no fault of layer engine.io")]
fn a_wrong_argument_is_refused(#[case] arguments: &[&str], #[case] code: i32, #[case] words: &str) {
    let ran = run(arguments);
    assert_eq!(ran.code, code, "{ran:#?}");
    assert!(ran.err.contains(words), "{}", ran.err);
}

//! The Node client broken on purpose in ten ways: each is caught by a check whose message names what is wrong.
//!
//! A mutant is a small override of the client, `tests/mutants/<name>.mjs`. The last words of a case are part of what the
//! failing check says.

use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{finish, node_is_ready, results, sparring};

#[rstest]
#[case::no_session_timeout("no-session-timeout", "digitwin/timeouts/no-verdict", "DT-STATE-05", "state error")]
#[case::constant_backoff("constant-backoff", "digitwin/reconnect/growing-waits", "DT-RECON-01", "growth: expected")]
#[case::no_guard("no-guard", "digitwin/reconnect/guard-trips", "DT-RECON-02", "attempt 12")]
#[case::refresh_loop("refresh-loop", "digitwin/authenticate/refresh-refused", "DT-ERR-02", "request refresh")]
#[case::ignores_auth_error(
    "ignores-auth-error",
    "digitwin/authenticate/auth-error-without-disconnect",
    "DT-STATE-04",
    "state error"
)]
#[case::keeps_invalid_token(
    "keeps-invalid-token",
    "digitwin/authenticate/invalid-token[wrong-secret]",
    "DT-ERR-04",
    "token stored with kind \"guest\""
)]
#[case::upper_case_guest_uuid(
    "upper-case-guest-uuid",
    "digitwin/guest/token-format[AUTH_INVALID]",
    "DT-GST-01",
    "token: expected text that matches"
)]
#[case::two_sockets_at_once(
    "two-sockets-at-once",
    "digitwin/timeouts/no-verdict",
    "DT-CONN-09",
    "the end of a connection"
)]
#[case::state_reported_twice(
    "state-reported-twice",
    "digitwin/states/only-the-documented-ones",
    "DT-STATE-09",
    "error → error"
)]
#[case::late_session_created_accepted(
    "late-session-created-accepted",
    "digitwin/states/late-session-created[after-timeout]",
    "DT-STATE-12",
    "state connected"
)]
fn a_mutant_is_killed(#[case] mutant: &str, #[case] case: &str, #[case] requirement: &str, #[case] words: &str) {
    if !node_is_ready() {
        return;
    }
    let case = judged(mutant, case);
    let telling = |check: &&Value| {
        let says = format!("{} / {}", check["expected_text"], check["observed_text"]).replace("\\\"", "\"");
        names(check, requirement) && says.contains(words)
    };
    let killer = failures(&case).into_iter().find(telling);
    let killer = killer.unwrap_or_else(|| panic!("{mutant} survived, or was killed in other words: {case:#}"));
    println!("{mutant:<30} {requirement:<12} {}", killer["observed_text"]);
}

/// Runs a mutant against one case.
fn judged(mutant: &str, case: &str) -> Value {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("results.json");
    let adapter = format!("{mutant}=node harness/clients/node/adapter.mjs --override tests/mutants/{mutant}.mjs");
    let report = format!("json={}", path.display());
    let arguments = ["run", "--seed", "1", "--adapter", &adapter, "--filter", case, "--report", &report];
    let ran = finish(&mut sparring(&arguments));
    assert_eq!(ran.code, 1, "{ran:#?}");
    results(&path)["cases"][0].clone()
}

fn failures(case: &Value) -> Vec<&Value> {
    let failed = |check: &&Value| check["outcome"] == "fail" || check["outcome"] == "deviation";
    case["checks"].as_array().into_iter().flatten().filter(failed).collect()
}

fn names(check: &Value, requirement: &str) -> bool {
    check["requirements"].as_array().is_some_and(|ids| ids.iter().any(|id| id == requirement))
}

//! The Node client broken on purpose in ten ways: each is caught by a check whose message names what is wrong.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{finish, node_is_ready, results, sparring};

/// A wrong client: its file below `tests/mutants/`, the requirement whose check catches it, and what its message says.
const MUTANTS: [(&str, &str, &str); 10] = [
    ("no-session-timeout", "DT-STATE-05", "authenticating"),
    ("constant-backoff", "DT-RECON-01", "growth"),
    ("no-guard", "DT-RECON-02", "attempt"),
    ("refresh-loop", "DT-ERR-01", "refresh"),
    ("ignores-auth-error", "DT-STATE-04", "authenticating"),
    ("keeps-invalid-token", "DT-ERR-04", "token_kind"),
    ("upper-case-guest-uuid", "DT-GST-01", "token"),
    ("two-sockets-at-once", "DT-CONN-09", "closed"),
    ("state-reported-twice", "DT-STATE-09", "error"),
    ("late-session-created-accepted", "DT-STATE-12", "connected"),
];

/// Judges all mutants in one run, on the scenarios that are to catch them.
fn judged() -> Value {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("results.json");
    let mut command = sparring(&["run", "--seed", "1", "--report", &format!("json={}", path.display())]);
    for (mutant, _, _) in MUTANTS {
        let adapter = format!("{mutant}=node harness/clients/node/adapter.mjs --override tests/mutants/{mutant}.mjs");
        command.args(["--adapter", &adapter]);
    }
    for requirement in MUTANTS.iter().map(|(_, requirement, _)| *requirement).collect::<BTreeSet<_>>() {
        command.args(["--filter", requirement]);
    }
    let ran = finish(&mut command);
    assert_eq!(ran.code, 1, "{ran:#?}");
    results(&path)
}

/// The checks of a client that name this requirement and did not pass.
fn failures<'a>(results: &'a Value, client: &str, requirement: &str) -> Vec<&'a Value> {
    let cases = results["cases"].as_array().expect("results have cases").iter();
    let checks = cases.filter(|case| case["client"] == client).filter_map(|case| case["checks"].as_array());
    let named =
        |check: &&Value| check["requirements"].as_array().is_some_and(|ids| ids.iter().any(|id| id == requirement));
    let failed = |check: &&Value| check["outcome"] == "fail" || check["outcome"] == "deviation";
    checks.flatten().filter(named).filter(failed).collect()
}

#[test]
fn every_mutant_is_killed_by_a_check_that_names_what_is_wrong() {
    if !node_is_ready() {
        return;
    }
    let results = judged();
    let (mut table, mut survivors) = (String::new(), Vec::new());
    for (mutant, requirement, words) in MUTANTS {
        let failures = failures(&results, mutant, requirement);
        let telling = failures.iter().find(|check| {
            let text = format!("{} {}", check["expected_text"], check["observed_text"]);
            text.contains(words)
        });
        match telling {
            Some(check) => {
                let _ = writeln!(table, "{mutant:<30} {requirement:<12} {}", check["observed_text"]);
            }
            None => survivors.push(format!("{mutant} ({requirement}, {words}): {failures:#?}")),
        }
    }
    println!("{table}");
    assert!(survivors.is_empty(), "{}\nkilled:\n{table}", survivors.join("\n"));
}

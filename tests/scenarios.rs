//! One test for each scenario file: its cases came out as expected, and both lanes of each are as reviewed.
//!
//! The cases run once, together and under warp, in a run of the real binary; the tests read its results.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

use crate::lanes;
use crate::support::{finish, node_is_ready, results, say, sparring, top};

/// Document milliseconds for which the harness may stand still. When it does so longer, a client's timer may run out
/// before the event that was to stop it, and all goes another way.
const LATEST: f64 = 3_000.0;

/// How often cases are tried again, two at a time, that a busy machine has spoilt.
const AGAIN: usize = 3;

/// The cases of the one run, by scenario file.
static CASES: LazyLock<BTreeMap<String, Vec<Value>>> = LazyLock::new(|| {
    let mut cases = judged(&[], &[]);
    for _ in 0..AGAIN {
        let spoilt: BTreeSet<&str> = cases.iter().filter(|case| is_spoilt(case)).map(|case| text(case, "id")).collect();
        if spoilt.is_empty() {
            break;
        }
        let again = judged(&spoilt.into_iter().collect::<Vec<_>>(), &["--jobs", "2"]);
        for case in cases.iter_mut().filter(|case| is_spoilt(case)) {
            let same = |other: &&Value| other["id"] == case["id"] && other["client"] == case["client"];
            *case = again.iter().find(same).expect("what ran once runs again").clone();
        }
    }
    let mut by_file: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for case in cases {
        by_file.entry(text(&case, "file").to_owned()).or_default().push(case);
    }
    by_file
});

#[rstest]
fn scenario(#[files("../specs/digitwin/*/*.yaml")] path: PathBuf) {
    let path = path.canonicalize().expect("a listed file exists");
    let file = path.strip_prefix(top().canonicalize().expect("the top exists")).expect("a file of the repository");
    let cases = CASES.get(&file.display().to_string()).expect("the run has cases of every file");
    let bad: String = cases.iter().filter(|case| case["expected"] != true).map(verdict).collect();
    assert!(bad.is_empty(), "{bad}");
    let clients: BTreeSet<&str> = cases.iter().map(|case| text(case, "client")).collect();
    for client in clients {
        let own = cases.iter().filter(|case| case["client"] == client);
        if own.clone().any(is_spoilt) {
            say(&format!("left out: lanes of {} with {client} (the machine is too busy)", file.display()));
            continue;
        }
        let lanes = lanes::of(own);
        insta::with_settings!({snapshot_path => "lanes", prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(snapshot(file, client), lanes);
        });
    }
}

/// `states-silent-auth@node`, for the file name of a snapshot.
pub(crate) fn snapshot(file: &Path, client: &str) -> String {
    let parts: Vec<_> =
        file.with_extension("").components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    format!("{}@{client}", parts[parts.len().saturating_sub(2)..].join("-"))
}

/// Runs these cases, or all, against the mock and every shipped client that can run here.
fn judged(cases: &[&str], options: &[&str]) -> Vec<Value> {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("results.json");
    let report = format!("json={}", path.display());
    let mut command = sparring(&["run", "--seed", "7", "--traces", "--client", "built-in", "--report", &report]);
    if node_is_ready() {
        command.args(["--client", "node"]);
    }
    command.args(options).args(cases.iter().flat_map(|case| ["--filter", case]));
    let ran = finish(&mut command);
    assert!(ran.code == 0 || ran.code == 1, "{ran:#?}");
    println!("{}\n{}", ran.err, ran.out);
    results(&path)["cases"].as_array().expect("results have cases").clone()
}

/// Whether the machine was too busy for what was seen to mean anything.
fn is_spoilt(case: &Value) -> bool {
    case["outcome"] == "inconclusive" || case["lateness_ms"].as_f64() > Some(LATEST)
}

fn verdict(case: &Value) -> String {
    let mut words = format!("\n{} {}: {}\n", text(case, "client"), text(case, "id"), text(case, "outcome"));
    let failed = |check: &&Value| check["outcome"] != "pass";
    for check in case["checks"].as_array().into_iter().flatten().filter(failed) {
        let (line, outcome) = (&check["line"], text(check, "outcome"));
        let _ = writeln!(words, "  line {line}: {outcome}: expected {}", text(check, "expected_text"));
        let _ = writeln!(words, "    observed {}", text(check, "observed_text"));
    }
    for trouble in case["trouble"].as_array().into_iter().flatten() {
        let _ = writeln!(words, "  {trouble}");
    }
    words
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

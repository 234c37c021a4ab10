//! One test for each scenario file: its cases came out as expected, and both lanes of each are as reviewed.
//!
//! The cases run once, together and under warp, in a run of the real binary; the tests read its results.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

use crate::lanes;
use crate::support::{finish, node_is_ready, results, sparring, top};

/// The cases of the one run, by scenario file.
static CASES: LazyLock<BTreeMap<String, Vec<Value>>> = LazyLock::new(|| {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("results.json");
    let mut command = sparring(&["run", "--seed", "7", "--specs", "specs", "--traces", "--client", "built-in"]);
    command.args(["--report", &format!("json={}", path.display())]);
    if node_is_ready() {
        command.args(["--client", "node"]);
    }
    let ran = finish(&mut command);
    assert!(ran.code == 0 || ran.code == 1, "{ran:#?}");
    println!("{}", ran.out);
    let mut cases: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for case in results(&path)["cases"].as_array().expect("results have cases") {
        cases.entry(case["file"].as_str().unwrap_or_default().to_owned()).or_default().push(case.clone());
    }
    cases
});

#[rstest]
fn scenario(#[files("../specs/digitwin/*/*.yaml")] path: PathBuf) {
    let path = path.canonicalize().expect("a listed file exists");
    let file = path.strip_prefix(top().canonicalize().expect("the top exists")).expect("a file of the repository");
    let cases = CASES.get(&file.display().to_string()).expect("the run has cases of every file");
    let bad: Vec<&Value> = cases.iter().filter(|case| case["expected"] != true).collect();
    assert!(bad.is_empty(), "{}", bad.iter().map(|case| verdict(case)).collect::<String>());
    for (client, lanes) in lanes_by_client(cases) {
        insta::with_settings!({snapshot_path => "lanes", prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(format!("{}@{client}", name(file)), lanes);
        });
    }
}

/// `states/silent-auth` as a file name.
fn name(file: &Path) -> String {
    let parts: Vec<_> =
        file.with_extension("").components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    parts[parts.len().saturating_sub(2)..].join("-")
}

fn verdict(case: &Value) -> String {
    let mut text = format!("\n{} {}: {}\n", case["client"], case["id"], case["outcome"]);
    let failed = |check: &&Value| check["outcome"] != "pass";
    for check in case["checks"].as_array().into_iter().flatten().filter(failed) {
        let _ = writeln!(text, "  line {}: {}: expected {}", check["line"], check["outcome"], check["expected_text"]);
        let _ = writeln!(text, "    observed {}", check["observed_text"]);
    }
    for trouble in case["trouble"].as_array().into_iter().flatten() {
        let _ = writeln!(text, "  {trouble}");
    }
    text
}

fn lanes_by_client(cases: &[Value]) -> BTreeMap<&str, String> {
    let mut by_client: BTreeMap<&str, String> = BTreeMap::new();
    for case in cases {
        let text = by_client.entry(case["client"].as_str().unwrap_or_default()).or_default();
        let _ = writeln!(text, "{}", case["id"].as_str().unwrap_or_default());
        text.push_str(&lanes::of(case));
    }
    by_client
}

//! House rules that no lint knows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::scenarios::snapshot;
use crate::support::top;

/// The longest a source file gets before it is split.
const LONGEST: usize = 500;

/// Licences that a dependency may have; of an expression with OR, one part is enough.
const LICENCES: [&str; 13] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "CC0-1.0",
    "MIT-0",
    "0BSD",
    "Unlicense",
    "BSL-1.0",
];

/// What git lists with these arguments.
fn listed(arguments: &[&str]) -> Vec<PathBuf> {
    let listed = Command::new("git").arg("ls-files").args(arguments).current_dir(top()).output();
    let listed = listed.expect("git lists the files of the repository").stdout;
    String::from_utf8(listed).expect("names of files are UTF-8").lines().map(PathBuf::from).collect()
}

/// The files that git knows or would take, with this ending.
fn files(ending: &str) -> Vec<PathBuf> {
    let known = listed(&["--cached", "--others", "--exclude-standard"]);
    // What was removed and not yet committed is still listed.
    let is_one = |path: &PathBuf| path.to_string_lossy().ends_with(ending) && top().join(path).is_file();
    known.into_iter().filter(is_one).collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(top().join(path)).expect("a listed file can be read")
}

/// The files that break a rule, one a line, for a message that says what to do.
fn offenders(ending: &str, breaks: impl Fn(&Path, &str) -> bool) -> String {
    let broken = files(ending).into_iter().filter(|path| breaks(path, &read(path)));
    broken.map(|path| ["\n  ", &path.display().to_string()].concat()).collect()
}

#[test]
fn every_source_file_opens_with_a_module_doc() {
    let offenders = offenders(".rs", |_, text| !text.starts_with("//! "));
    assert!(offenders.is_empty(), "say in the first line what these are for:{offenders}");
}

#[test]
fn no_source_file_is_too_long() {
    let offenders = offenders(".rs", |_, text| text.lines().count() > LONGEST);
    assert!(offenders.is_empty(), "split these, they have more than {LONGEST} lines:{offenders}");
}

#[test]
fn nothing_is_left_to_do_in_a_comment() {
    // In pieces, so that this file does not find itself.
    let marks = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["X", "XX"].concat()];
    for ending in [".rs", ".mjs", ".py", ".yaml", ".md"] {
        let offenders = offenders(ending, |_, text| marks.iter().any(|mark| text.contains(mark.as_str())));
        assert!(offenders.is_empty(), "an open end belongs into an issue:{offenders}");
    }
}

#[test]
fn no_file_names_the_machine_that_it_was_made_on() {
    let marks = [["/ho", "me/"].concat(), ["/wo", "rk/"].concat(), ["/ro", "ot/"].concat()];
    for ending in [".rs", ".mjs", ".json", ".py", ".yaml", ".md", ".toml", ".snap", "Makefile", ".ci/run"] {
        let offenders = offenders(ending, |_, text| marks.iter().any(|mark| text.contains(mark.as_str())));
        assert!(offenders.is_empty(), "these hold a path of one machine:{offenders}");
    }
}

#[test]
fn no_snapshot_waits_for_review() {
    // Git ignores them, so that none gets into a commit.
    let waiting = listed(&["--others", "--", "*.snap.new"]);
    assert!(waiting.is_empty(), "accept these or delete them: {waiting:#?}");
}

#[test]
fn every_snapshot_of_lanes_belongs_to_a_scenario() {
    let scenarios = files(".yaml").into_iter().filter(|path| path.starts_with("specs"));
    let known: BTreeSet<String> =
        scenarios.flat_map(|file| ["built-in", "node", "mock"].map(|client| snapshot(&file, client))).collect();
    let name = |path: &PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let lanes = files(".snap").into_iter().filter(|path| path.starts_with("tests/lanes"));
    let left: Vec<PathBuf> = lanes.filter(|path| !known.contains(&name(path))).collect();
    assert!(left.is_empty(), "delete these, their scenarios are gone: {left:#?}");
}

#[test]
fn every_dependency_has_a_licence_that_we_may_use() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--prefix", "none", "--format", "{p}|{l}", "--locked", "--offline"])
        .current_dir(top())
        .output()
        .expect("cargo is what runs this test");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).expect("cargo prints UTF-8");
    let refused: BTreeSet<&str> = tree.lines().filter(|line| !line.is_empty() && !is_allowed(line)).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

/// Whether a line `package|licence` names a licence that we may use.
fn is_allowed(line: &str) -> bool {
    let licence = line.split_once('|').map_or("", |(_, licence)| licence).trim_end_matches(" (*)");
    let all_of = |expression: &str| {
        let mut parts = expression.split(" AND ").map(|part| part.trim_matches(['(', ')', ' ']));
        parts.all(|part| LICENCES.contains(&part))
    };
    // The old form of OR is a slash.
    licence.replace('/', " OR ").split(" OR ").any(all_of)
}

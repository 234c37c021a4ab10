//! House rules that no lint knows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// The files that git knows or would take, with this ending.
fn files(ending: &str) -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(top())
        .output()
        .expect("git lists the files of the repository");
    let listed = String::from_utf8(listed.stdout).expect("names of files are UTF-8");
    let known = listed.lines().filter(|name| name.ends_with(ending)).map(PathBuf::from);
    // What was removed and not yet committed is still listed.
    known.filter(|path| top().join(path).is_file()).collect()
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
    let waiting: Vec<_> = files(".snap.new");
    assert!(waiting.is_empty(), "{waiting:?}");
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

//! Fuzz target for lists of known failures.

use bolero::check;
use sparring_fuzz::{Edited, Memory, Words, corpus};
use time::macros::date;

use super::Expectations;
use crate::judge::CaseOutcome;

/// A pattern becomes a compiled expression, some kilobytes of it.
const LISTS: Memory = Memory { base: 4 * 1024 * 1024, per_byte: 16 * 1024 };

const WORDS: &[&str] = &[
    "- ",
    "pattern: ",
    "reason: ",
    "issue: ",
    "version: ",
    "os: ",
    "until: ",
    "\n",
    "\n  ",
    "x",
    "\"*/**\"",
    "a[b]",
    "{a,b}",
    "{{{{",
    "?",
    "\\",
    "4.8",
    "linux",
    "2026-01-31",
    "9999-99-99",
    "&a",
    "*a",
    "!!str ",
    "|",
    "~",
    "[",
    "]",
    ": ",
];

const GOOD: &str = "- pattern: digitwin/states/*[cut]\n  reason: it cannot tell\n  until: 2026-01-31\n  version: '4.8'\n\
                    - {pattern: '{digitwin,payments}/**', reason: so, os: linux, issue: 'http://x'}\n";

#[test]
fn bytes() {
    check!(name = corpus("known-failing")).for_each(|bytes: &[u8]| read(&String::from_utf8_lossy(bytes)));
}

#[test]
fn words() {
    check!().with_generator(Words(WORDS)).for_each(|text| read(text));
}

#[test]
fn edited_lists() {
    check!().with_generator(Edited { texts: &[GOOD.to_owned()], words: WORDS }).for_each(|text| read(text));
}

fn read(text: &str) {
    LISTS.bounds(text.len(), || {
        let Ok(list) = Expectations::read(text) else { return };
        let list = list.for_versions(&["4.8.3", "1.0.0"]);
        let _ = list.judge("digitwin/states/silent-auth[cut]", CaseOutcome::Fail, date!(2026 - 06 - 01));
        let _ = list.stale(&["digitwin/states/silent-auth[cut]"], date!(2026 - 06 - 01));
    });
}

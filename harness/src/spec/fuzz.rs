//! Fuzz targets for scenario files and catalogues: nothing may panic, and each error must point into the text.

use std::sync::LazyLock;

use bolero::check;
use sparring_fuzz::{Edited, Memory, Words, corpus};
use sparring_mock_server::contract::SystemId;

use super::{Catalogue, Sources, SpecError, parse};

/// A file may stand for a thousand cases, each of which holds its own copy of what it says.
const SCENARIOS: Memory = Memory { base: 16 * 1024 * 1024, per_byte: 64 * 1024 };
/// The tree of a file, and what is said about each part of it.
const CATALOGUES: Memory = Memory { base: 1024 * 1024, per_byte: 1_024 };

const WORDS: &[&str] = &[
    "title: x\n",
    "steps:\n",
    "given:\n",
    "axes:\n",
    "  server:\n",
    "  token: ",
    "    - ",
    "  - ",
    "expect: ",
    "never: ",
    "client: ",
    "server: ",
    "probe: ",
    "wait: ",
    "{",
    "}",
    "[",
    "]",
    "{attempt: 1}",
    "{state: [connecting, error]}",
    "{sent: session_created}",
    "as: x",
    "since: x",
    "within: 9s-11s",
    "after: 10s",
    "for: 5124095h",
    "until: x",
    "req: [DT-TMO-01]",
    "times: 1000",
    "count: 3",
    "${axes.a}",
    "${",
    "\"a\": [1, 2, 3]",
    "a: {b: c}",
    "*a",
    "&a",
    "!!str",
    "<<",
    "|\n",
    ">-\n",
    "\n---\n",
    "{fault: silent-auth, attempts: 1}",
    "data: {a: {b: null}}",
    "actors: {one: {}, crowd: {count: 5}}",
    ": ",
    "\n",
    "\n  ",
];

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let text = built_in(|id| id == "digitwin/requirements").remove(0);
    Catalogue::parse("requirements.yaml", &text).expect("the catalogue is well-formed")
});

/// The texts of files that are compiled in.
fn built_in(is_one: impl Fn(&str) -> bool) -> Vec<String> {
    Sources::built_in().files.into_iter().filter(|file| is_one(&file.id)).map(|file| file.text).collect()
}

#[test]
fn scenario_bytes() {
    check!(name = corpus("scenarios")).for_each(|bytes: &[u8]| scenarios(&String::from_utf8_lossy(bytes)));
}

#[test]
fn scenario_words() {
    check!().with_generator(Words(WORDS)).for_each(|text| scenarios(text));
}

#[test]
fn edited_scenarios() {
    let texts = built_in(|id| id.starts_with("digitwin/") && id.matches('/').count() == 2);
    check!().with_generator(Edited { texts: &texts, words: WORDS }).for_each(|text| scenarios(text));
}

#[test]
fn edited_catalogues() {
    let whole = built_in(|id| id == "digitwin/requirements").remove(0);
    // A whole catalogue is long; entries of each kind are in its head and its tail.
    let cut = |part: &str| part.split_inclusive('\n').take(60).collect::<String>();
    let tail = whole.find("\ncontradictions:").map_or("", |at| &whole[at + 1..]);
    let texts = [cut(&whole), cut(tail)];
    check!().with_generator(Edited { texts: &texts, words: WORDS }).for_each(|text: &String| {
        let read = CATALOGUES.bounds(text.len(), || Catalogue::parse("requirements.yaml", text));
        pointing(text, &read.err().unwrap_or_default());
    });
}

fn scenarios(text: &str) {
    let catalogue = &*CATALOGUE;
    match SCENARIOS.bounds(text.len(), || parse("digitwin/area/name.yaml", text, SystemId::Digitwin, catalogue)) {
        Ok(scenarios) => assert!((1..=1_000).contains(&scenarios.len()), "{} cases", scenarios.len()),
        Err(errors) => {
            assert!(!errors.is_empty(), "a file without cases says why");
            pointing(text, &errors);
        }
    }
}

fn pointing(text: &str, errors: &[SpecError]) {
    for error in errors {
        let position = error.position.as_ref().expect("errors of a text have a place in it");
        assert!(text.get(position.span.clone()).is_some(), "{error}: its span {:?} is not in the text", position.span);
        let line = text.split('\n').nth(position.line - 1).expect("the line exists");
        assert!(position.column <= line.chars().count() + 1, "{error}: the line is shorter");
    }
}

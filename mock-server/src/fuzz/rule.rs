//! Rules as lines of a command, as script files and as maps.

use bolero::{Driver, ValueGenerator, check};
use serde_json::{Map, Value, json};
use sparring_fuzz::{Edited, Json, Memory, Words, corpus};

use crate::contract::SystemId;
use crate::script::fault::{Fault, Kind};
use crate::script::{Rule, read_rules};

/// An error names all that would have been right, some kilobytes of it.
const RULES: Memory = Memory { base: 256 * 1024, per_byte: 8_192 };

const WORDS: &[&str] = &[
    "silent-auth",
    "connection-reset",
    "latency",
    "http-error",
    "event-drop",
    "forced-auth-error",
    "packet-coalesce",
    " attempts=",
    " who=",
    " when=",
    " on=",
    " after=",
    " for=",
    " times=",
    " probability=",
    " delay=",
    " phase=",
    " status=",
    " message=",
    " payload=",
    " packets=",
    "1-2",
    "3+",
    "1.5s",
    "0.000001ms",
    "5124095h",
    "0.3",
    "1e-7",
    "{token: guest}",
    "[a, b]",
    "\"a b\"",
    "'it''s'",
    "null",
    "true",
    "~",
    "|",
    ">",
    "&a ",
    "*a",
    "!!str ",
    "- fault: ",
    "\n",
    "\n  ",
    "  ",
    ": ",
    "<<: ",
    "{fault: latency, delay: 2s}",
];

const LINES: [&str; 8] = [
    "silent-auth attempts=1-2 after=2s for=1.5m times=3 probability=0.3",
    "silent-auth when={token: guest, transport: polling, header: {x-why: so}}",
    "connection-reset phase=established who=crowd on=auth_error",
    "latency delay=1.5ms jitter=0.25ms after=90s",
    "forced-auth-error code=AUTH_EXPIRED message=\"a b = \\\"c\\\" ]\" payload=[1, {a: null}, 0.1]",
    "packet-coalesce packets=[CONNECT, session_created]",
    "http-error status=404 headers={x-a: \"1\"} body='it''s'",
    "clock-freeze at=2025-01-01T00:00:00Z",
];

#[test]
fn bytes() {
    check!(name = corpus("rules")).for_each(|bytes: &[u8]| read(&String::from_utf8_lossy(bytes)));
}

#[test]
fn words() {
    check!().with_generator(Words(WORDS)).for_each(|text| read(text));
}

#[test]
fn edited_lines() {
    let texts: Vec<String> = LINES.map(str::to_owned).to_vec();
    check!().with_generator(Edited { texts: &texts, words: WORDS }).for_each(|text| read(text));
}

#[test]
fn maps() {
    check!().with_generator(Maps).for_each(|map| {
        let size = Value::Object(map.clone()).to_string().len();
        if let Ok(rule) = RULES.bounds(size, || Rule::read(map)) {
            written_again(&rule);
        }
    });
}

/// Reads a text as a line and as a script file.
fn read(text: &str) {
    if let Ok(rule) = RULES.bounds(text.len(), || Rule::parse_line(text)) {
        written_again(&rule);
    }
    let script = || read_rules(&serde_saphyr::from_str(text).ok()?).ok();
    for rule in RULES.bounds(text.len(), script).into_iter().flatten() {
        written_again(&rule);
    }
}

fn written_again(rule: &Rule) {
    let line = rule.to_string();
    assert_eq!(Rule::parse_line(&line).as_ref(), Ok(rule), "written as {line}");
    assert_eq!(Rule::read(&rule.to_map()).as_ref(), Ok(rule), "written as {:?}", rule.to_map());
    for system in SystemId::ALL {
        let _ = rule.check(system);
    }
}

/// Maps of known faults with keys that they may have, and values that mostly fit.
struct Maps;

impl ValueGenerator for Maps {
    type Output = Map<String, Value>;

    fn generate<D: Driver>(&self, driver: &mut D) -> Option<Self::Output> {
        let catalogue = Fault::catalogue();
        let info = &catalogue[usize::from(driver.produce::<u16>()?) % catalogue.len()];
        let mut map = Map::from_iter([("fault".to_owned(), json!(info.id))]);
        for param in &info.params {
            if driver.gen_bool(Some(0.8))? {
                map.insert(param.name.to_owned(), param_value(driver, param.kind)?);
            }
        }
        let common: [(&str, Kind); 6] = [
            ("after", Kind::Duration),
            ("for", Kind::Duration),
            ("times", Kind::Count),
            ("on", Kind::Text),
            ("who", Kind::Text),
            ("attempts", Kind::Count),
        ];
        for (key, kind) in common {
            if driver.gen_bool(Some(0.2))? {
                map.insert(key.to_owned(), param_value(driver, kind)?);
            }
        }
        Some(map)
    }
}

fn param_value<D: Driver>(driver: &mut D, kind: Kind) -> Option<Value> {
    let text = Words(&["a", "B", "x-y", "guest"]);
    Some(match kind {
        Kind::Duration => {
            let unit = ["ms", "s", "m", "h"][usize::from(driver.produce::<u8>()? % 4)];
            json!(format!("{}.{}{unit}", driver.produce::<u32>()?, driver.produce::<u16>()?))
        }
        Kind::Count | Kind::Status => json!(driver.produce::<u16>()? % 1_100),
        Kind::Flag => json!(driver.produce::<bool>()?),
        Kind::Text => json!(text.generate(driver)?),
        Kind::Choice(words) => json!(words[usize::from(driver.produce::<u8>()?) % words.len()]),
        Kind::Names => json!([text.generate(driver)?, text.generate(driver)?]),
        Kind::Headers => json!({text.generate(driver)?: text.generate(driver)?}),
        Kind::Time => {
            json!(format!("{:04}-01-01T00:00:00.{}Z", driver.produce::<u16>()? % 10_000, driver.produce::<u16>()?))
        }
        // A map is a value like any other, too.
        _ => json!({text.generate(driver)?: Json(&["a", "b"]).generate(driver)?}),
    })
}

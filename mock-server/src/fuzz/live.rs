//! Live actions, as the console and the steps of scenarios write them.

use bolero::{Driver, ValueGenerator, check};
use serde_json::{Map, Value};
use sparring_fuzz::{Json, Memory, Words};

use crate::live::{LIVE_ACTIONS, LiveAction};

/// An error names all that would have been right, some kilobytes of it.
const ACTION: Memory = Memory { base: 256 * 1024, per_byte: 8_192 };

const KEYS: [&str; 14] = [
    "event",
    "data",
    "room",
    "transport",
    "code",
    "reason",
    "text",
    "hex",
    "by",
    "at",
    "down",
    "keep_sessions",
    "rules",
    "fault",
];

const WORDS: &[&str] =
    &["80", "ff", "1s", "5124095h", "2024-12-07T05:00:00Z", "9999-12-31T23:59:60Z", "fault", "silent-auth", "after"];

#[test]
fn actions() {
    check!().with_generator(Actions).for_each(|(name, args)| {
        let size = Value::Object(args.clone()).to_string().len();
        if let Ok(action) = ACTION.bounds(size, || LiveAction::read(name, args)) {
            assert_eq!(action.name(), *name);
        }
    });
}

struct Actions;

impl ValueGenerator for Actions {
    type Output = (&'static str, Map<String, Value>);

    fn generate<D: Driver>(&self, driver: &mut D) -> Option<Self::Output> {
        let name = LIVE_ACTIONS[usize::from(driver.produce::<u8>()?) % LIVE_ACTIONS.len()];
        let argument = |driver: &mut D| {
            let key = KEYS[usize::from(driver.produce::<u8>()?) % KEYS.len()];
            // Most arguments are texts.
            let text = driver.produce::<bool>()?;
            let value =
                if text { Value::String(Words(WORDS).generate(driver)?) } else { Json(WORDS).generate(driver)? };
            Some((key.to_owned(), value))
        };
        let args = (0..driver.produce::<u8>()? % 4).map(|_| argument(driver)).collect::<Option<_>>()?;
        Some((name, args))
    }
}

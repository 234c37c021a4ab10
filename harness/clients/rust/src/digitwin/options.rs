//! The numbers of the document and of its reference profile, each of which `open` may override by name.
//!
//! Knows nothing of what they are used for.

use std::time::Duration;

use serde_json::{Map, Value};

/// See the fields; an option's name is the field's in camel case, durations in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Options {
    pub(super) connect_timeout: Duration,
    pub(super) session_timeout: Duration,
    pub(super) guest_delay: Duration,
    /// No number in the document; the longest wait it allows anywhere.
    pub(super) refresh_timeout: Duration,
    pub(super) backoff_base: Duration,
    pub(super) backoff_factor: f64,
    pub(super) backoff_cap: Duration,
    pub(super) guard_limit: usize,
    pub(super) guard_window: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(30),
            session_timeout: Duration::from_secs(10),
            guest_delay: Duration::from_secs(1),
            refresh_timeout: Duration::from_secs(30),
            backoff_base: Duration::from_secs(1),
            backoff_factor: 2.0,
            backoff_cap: Duration::from_secs(30),
            guard_limit: 10,
            guard_window: Duration::from_mins(1),
        }
    }
}

impl Options {
    /// The documented values, but for those given. What is unknown or no number is ignored.
    pub(super) fn with(given: &Map<String, Value>) -> Self {
        let mut options = Self::default();
        for (name, value) in given {
            let Some(number) = value.as_f64().filter(|number| *number >= 0.0) else { continue };
            options.set(name, number);
        }
        options
    }

    fn set(&mut self, name: &str, number: f64) {
        let field = match name {
            "connectTimeout" => &mut self.connect_timeout,
            "sessionTimeout" => &mut self.session_timeout,
            "guestDelay" => &mut self.guest_delay,
            "refreshTimeout" => &mut self.refresh_timeout,
            "backoffBase" => &mut self.backoff_base,
            "backoffCap" => &mut self.backoff_cap,
            "guardWindow" => &mut self.guard_window,
            "backoffFactor" => {
                self.backoff_factor = number;
                return;
            }
            "guardLimit" => {
                // A limit is small; what does not fit is as good as none.
                self.guard_limit = format!("{number:.0}").parse().unwrap_or(usize::MAX);
                return;
            }
            _ => return,
        };
        if let Ok(duration) = Duration::try_from_secs_f64(number / 1_000.0) {
            *field = duration;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn known_options_are_taken_and_the_rest_is_ignored() {
        let given = json!({"sessionTimeout": 250, "guardLimit": 3, "backoffBase": "x", "guestDelay": -1, "colour": 7});
        let options = Options::with(given.as_object().expect("a map"));
        let expected = Options { session_timeout: Duration::from_millis(250), guard_limit: 3, ..Options::default() };
        assert_eq!(options, expected);
    }
}

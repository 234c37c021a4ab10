//! The stream of [`RunEvent`]s as NDJSON: one JSON object a line, written out at once, so that others can follow a run.
//!
//! `event` says what happened; the other members are the fields of that event:
//!
//! | `event` | members |
//! | --- | --- |
//! | `run-started` | `cases`, `seed`, `speed` |
//! | `client-ready` | `name`, `version`, `library`, `exposes`, `options` |
//! | `case-started` | `id`, `client`, `run` |
//! | `case-postponed` | `id`, `client`, `run`, `reason` |
//! | `case-finished` | those of a case in `results.json` (`results.schema.json`) |
//! | `run-finished` | `interrupted` |
//!
//! Tokens are cut, as everywhere. A reader must pass over events and members that it does not know.

use std::io::{self, Write};

use super::events::RunEvent;
use super::format::Listener;
use crate::secrets;

/// Writes events to a writer.
struct Lines(Box<dyn Write + Send>);

/// A listener that writes events as they come.
pub fn listener(writer: Box<dyn Write + Send>) -> Box<dyn Listener> {
    Box::new(Lines(writer))
}

impl Listener for Lines {
    fn event(&mut self, event: &RunEvent) -> io::Result<()> {
        let mut value = serde_json::to_value(event)?;
        secrets::cut_value(&mut value);
        // One write for each line: what a reader sees ends with a whole line.
        self.0.write_all(format!("{value}\n").as_bytes())?;
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::sample::{self, Shared};

    #[test]
    fn each_event_is_a_line() {
        let shared = Shared::default();
        let mut listener = listener(Box::new(shared.clone()));
        for event in sample::events() {
            listener.event(&event).expect("a vector takes all");
        }
        let text = shared.text();
        assert!(!text.contains(&sample::TOKEN[..11]));
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let brief: Vec<String> = lines.iter().map(outline).collect();
        insta::assert_snapshot!(brief.join("\n"));
    }

    /// The event with its members, cases without what is in `results.json` anyway.
    fn outline(line: &Value) -> String {
        match line["event"].as_str() {
            Some("case-finished") => format!("case-finished {} {} {}", line["id"], line["client"], line["outcome"]),
            _ => line.to_string(),
        }
    }
}

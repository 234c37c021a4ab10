//! The client's log: every line is reported, and the last thousand are kept for whoever asks.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::adapter::Reporter;

const KEPT: usize = 1_000;

/// See the module.
#[derive(Debug)]
pub(super) struct Logger {
    reporter: Reporter,
    lines: VecDeque<Value>,
}

impl Logger {
    pub(super) fn new(reporter: Reporter) -> Self {
        Self { reporter, lines: VecDeque::new() }
    }

    pub(super) fn debug(&mut self, message: &str, fields: Value) {
        self.write("debug", message, fields);
    }

    pub(super) fn info(&mut self, message: &str, fields: Value) {
        self.write("info", message, fields);
    }

    pub(super) fn warn(&mut self, message: &str, fields: Value) {
        self.write("warn", message, fields);
    }

    pub(super) fn error(&mut self, message: &str, fields: Value) {
        self.write("error", message, fields);
    }

    /// The lines kept, oldest first.
    pub(super) fn lines(&self) -> Value {
        self.lines.iter().cloned().collect()
    }

    fn write(&mut self, level: &str, message: &str, fields: Value) {
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.reporter.log(level, message, &fields);
        let mut line = json!({"level": level, "message": message});
        line["fields"] = fields;
        self.lines.push_back(line);
    }
}

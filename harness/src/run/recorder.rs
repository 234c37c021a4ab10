//! What a case has seen so far: one trace, made of the journal, the probes and what adapters say.
//!
//! Order is the moments' order, and inside a lane the order of arrival. Knows nothing of what is due.

use std::time::Duration;

use serde_json::Value;
use sparring_mock_server::journal::{Actor, Entry, Moment};

use super::adapter::{Heard, Notice, NoticeKind, RpcError};
use super::case::{Input, Trouble};
use crate::judge::Matcher;
use crate::spec::model::{Scenario, Step, Subject};
use crate::trace::{Merger, Record, What};

/// The most lines of rubbish that are told.
const NOTES: usize = 20;

/// Collects the records of a case and feeds the matcher.
#[derive(Debug)]
pub(super) struct Recorder<'a> {
    scenario: &'a Scenario,
    merger: Merger,
    trace: Vec<Record>,
    lateness: Duration,
    pub(super) notes: Vec<String>,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(scenario: &'a Scenario) -> Self {
        let merger = Merger::new(scenario.subject);
        Self { scenario, merger, trace: Vec::new(), lateness: Duration::ZERO, notes: Vec::new() }
    }

    /// Takes what happened.
    pub(super) fn take(&mut self, input: Input, matcher: &mut Matcher<'_>) -> Result<(), Trouble> {
        match input {
            Input::Journal(record) => {
                // In a probe scenario the probe writes the wire lane, so that a foreign server can be judged too.
                let own = matches!(record.entry, Entry::Log(_) | Entry::Stored(_) | Entry::Fault(_));
                if own || self.scenario.subject == Subject::Client {
                    let merged = self.merger.journal(&record);
                    self.keep(merged, matcher);
                }
            }
            Input::Probe(record) => {
                if self.scenario.subject == Subject::Server {
                    let merged = self.merger.journal(&record);
                    self.keep(merged, matcher);
                }
            }
            Input::Heard(actor, heard) => return self.hear(&actor, heard, matcher),
            Input::Answered(actor, step, answer, at) => self.answered(&actor, step, answer, at, matcher),
        }
        Ok(())
    }

    /// Notes that an action is about to be taken.
    pub(super) fn acted(&mut self, step: &Step, actor: &Actor, matcher: &mut Matcher<'_>) {
        let record = Record { at: Moment::now(), actor: actor.clone(), what: What::Acted { step: step.index } };
        self.keep(Some(record), matcher);
    }

    /// The finished trace, the worst delay of an adapter's line, and the notes.
    pub(super) fn finish(mut self) -> (Vec<Record>, Duration, Vec<String>) {
        // Stable: what has the same moment stays in the order of arrival.
        self.trace.sort_by_key(|record| record.at);
        (self.trace, self.lateness, self.notes)
    }

    fn keep(&mut self, record: Option<Record>, matcher: &mut Matcher<'_>) {
        if let Some(record) = record {
            self.trace.push(record.clone());
            matcher.feed(record);
        }
    }

    fn hear(&mut self, actor: &Actor, heard: Heard, matcher: &mut Matcher<'_>) -> Result<(), Trouble> {
        match heard {
            Heard::Notice(notice, heard_at) => self.notice(actor, notice, heard_at, matcher),
            Heard::Late(_, by) => self.lateness = self.lateness.max(by),
            Heard::Rubbish(line) if self.notes.len() < NOTES => {
                self.notes.push(format!("the adapter printed a line that is no message: {line}"));
            }
            Heard::Rubbish(_) => {}
            Heard::Ended(ended) => return Err(Trouble::Adapter(ended)),
        }
        Ok(())
    }

    fn notice(&mut self, actor: &Actor, notice: Notice, heard_at: Moment, matcher: &mut Matcher<'_>) {
        let stamp = notice.at;
        let record = match notice.what {
            NoticeKind::State { from, to } => self.merger.state(actor, stamp, heard_at, from.as_deref(), &to),
            NoticeKind::Event { name, data } => self.merger.event(actor, stamp, heard_at, &name, data),
            NoticeKind::Token { op, kind, prefix } => {
                self.merger.token(actor, stamp, heard_at, &op, kind.as_deref(), prefix.as_deref())
            }
            NoticeKind::Log { level, message, fields } => {
                self.merger.log(actor, stamp, heard_at, &level, &message, fields)
            }
        };
        self.keep(Some(record), matcher);
    }

    fn answered(
        &mut self,
        actor: &Actor,
        step: usize,
        answer: Result<Value, RpcError>,
        at: Moment,
        matcher: &mut Matcher<'_>,
    ) {
        if matches!(&answer, Err(error) if error.code == RpcError::UNSUPPORTED) {
            self.keep(Some(Record { at, actor: actor.clone(), what: What::Unsupported { step } }), matcher);
            return;
        }
        let Some(name) = self.scenario.steps[step].name.clone() else { return };
        let (ok, value, error) = match answer {
            Ok(answer) => (true, answer.get("value").cloned().unwrap_or_default(), None),
            Err(error) => (false, Value::Null, Some(error_kind(&error))),
        };
        let record = self.merger.result(actor, at, &name, ok, value, error.as_deref());
        self.keep(Some(record), matcher);
    }
}

/// `timeout`, `refused` or `failed`.
fn error_kind(error: &RpcError) -> String {
    error.data.get("error").and_then(Value::as_str).unwrap_or("failed").to_owned()
}

//! What a case has seen so far: one trace, made of the journal, the probes and what adapters say.
//!
//! Order is the moments' order, and inside a lane the order of arrival. Knows nothing of what is due.

use std::time::Duration;

use serde_json::Value;
use sparring_mock_server::journal::{Actor, Moment};

use super::adapter::{Heard, Notice, NoticeKind, RpcError};
use super::case::{Attempt, Input, Trouble};
use crate::judge::Matcher;
use crate::spec::model::{Scenario, Step, Subject};
use crate::trace::{Ending, Merger, Record, Stamp};

/// The most lines of rubbish that are told.
const NOTES: usize = 20;

/// Collects the records of a case and feeds the matcher.
#[derive(Debug)]
pub(super) struct Recorder<'a> {
    scenario: &'a Scenario,
    merger: Merger,
    trace: Vec<Record>,
    /// How much later than its stamp a line may be read.
    grace: Duration,
    lateness: Duration,
    notes: Vec<String>,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(scenario: &'a Scenario, grace: Duration) -> Self {
        let merger = Merger::new(scenario.subject);
        Self { scenario, merger, trace: Vec::new(), grace, lateness: Duration::ZERO, notes: Vec::new() }
    }

    /// Takes what happened.
    pub(super) fn take(&mut self, input: Input, matcher: &mut Matcher<'_>) -> Result<(), Trouble> {
        match input {
            Input::Journal(record) => {
                let merged = self.merger.journal(&record);
                self.keep(merged, matcher);
            }
            Input::Probe(record) if self.scenario.subject == Subject::Server => {
                let merged = self.merger.probe(&record);
                self.keep(merged, matcher);
            }
            // Beside a client under test the mock writes a probe's lane, as it does the client's.
            Input::Probe(_) => {}
            Input::Heard(actor, heard) => return self.hear(&actor, heard, matcher),
            Input::Answered(actor, step, answer, at) => self.answered(&actor, step, answer, at, matcher),
        }
        Ok(())
    }

    /// Notes that an action is about to be taken.
    pub(super) fn acted(&mut self, step: &Step, actor: &Actor, matcher: &mut Matcher<'_>) {
        self.keep(Some(Merger::acted(actor, Moment::now(), step.index)), matcher);
    }

    /// Hands over what was seen.
    pub(super) fn leave(self, attempt: &mut Attempt) {
        attempt.trace = Merger::trace(self.trace);
        attempt.lateness = self.lateness;
        attempt.notes = self.notes;
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
        let stamp = self.stamp(notice.at, heard_at);
        let record = match notice.what {
            NoticeKind::State { from, to } => self.merger.state(actor, stamp, from.as_deref(), &to),
            NoticeKind::Event { name, data } => self.merger.event(actor, stamp, &name, data),
            NoticeKind::Token { op, kind, prefix } => {
                self.merger.token(actor, stamp, &op, kind.as_deref(), prefix.as_deref())
            }
            NoticeKind::Log { level, message, fields } => self.merger.log(actor, stamp, &level, &message, fields),
        };
        self.keep(Some(record), matcher);
    }

    /// The moment of an adapter's line. How late it was read counts as the harness's lateness.
    fn stamp(&mut self, stamp: Option<Moment>, heard_at: Moment) -> Stamp {
        let Some(at) = stamp else { return Stamp { at: heard_at, slack: self.grace } };
        self.lateness = self.lateness.max(heard_at.since(at).saturating_sub(self.grace));
        // A clock that runs ahead of ours must not make effects of causes that are still to come.
        Stamp { at: at.min(heard_at), slack: Duration::ZERO }
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
            self.keep(Some(Merger::unsupported(actor, at, step)), matcher);
            return;
        }
        let Some(name) = self.scenario.steps[step].name.clone() else { return };
        let ending = match answer {
            Ok(answer) => Ending::Done(answer.get("value").cloned()),
            Err(error) => Ending::Error(error_kind(&error)),
        };
        let record = self.merger.result(actor, at.into(), &name, ending);
        self.keep(Some(record), matcher);
    }
}

/// `timeout`, `refused` or `failed`.
fn error_kind(error: &RpcError) -> String {
    error.data.get("error").and_then(Value::as_str).unwrap_or("failed").to_owned()
}

//! Verdict tables: scenarios as they are written, traces in a small notation, verdicts as one line.
//!
//! Every row is judged twice, as a finished trace and on-line with arbitrary delays, and both must agree.

mod bounds;
mod online;
mod patterns;
mod states;
mod suite;
mod taking;
mod verdicts;
mod windows;
mod wording;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::journal::{Actor, Moment};
use sparring_mock_server::values::parse_duration;

use super::{
    CaseOutcome, CheckVerdict, Exposed, Exposes, Judgement, Mismatch, Outcome, RequirementInfo, Setting, judge,
};
use crate::spec::catalogue::{Basis, Catalogue, Contradiction, Observe, Party, Requirement};
use crate::spec::model::{Key, Level, Scenario};
use crate::spec::parse;
use crate::trace::{Merger, Observed, Record, What};

const GRACE: Duration = Duration::from_millis(400);

/// When every case begins.
fn start() -> Moment {
    Moment::after_epoch(Duration::from_secs(1_000_000))
}

/// A scenario, its setting and its trace.
struct Fixture {
    scenario: Scenario,
    setting: Setting,
    trace: Vec<Record>,
    end: Moment,
}

impl Fixture {
    fn new(given: &str, steps: &str, trace: &str) -> Self {
        let (trace, end) = read_trace(trace);
        Self { scenario: scenario(given, steps), setting: setting(), trace, end }
    }

    fn judge(&self) -> Judgement {
        judge(&self.scenario, &self.setting, &self.trace, self.end, Duration::ZERO)
    }

    /// The verdicts in a line, the same in both uses of the matcher.
    fn told(&self) -> String {
        let judged = self.judge();
        for seed in 0..5 {
            let online = online::watch(self, seed);
            assert_eq!(without_places(&judged), without_places(&online), "on-line, seed {seed}");
        }
        told(&judged)
    }
}

/// Judges a scenario with one client.
fn check(steps: &str, trace: &str, expected: &str) {
    assert_eq!(Fixture::new("{token: jwt}", steps, trace).told(), expected);
}

fn scenario(given: &str, steps: &str) -> Scenario {
    let text = format!("title: A case\ngiven: {given}\nsteps:\n{steps}\n");
    let read = parse("digitwin/test/case.yaml", &text, SystemId::Digitwin, &catalogue());
    read.unwrap_or_else(|errors| panic!("{errors:#?}\n{text}")).remove(0)
}

fn setting() -> Setting {
    Setting {
        contract: SystemId::Digitwin.contract(),
        requirements: Arc::new(RequirementInfo::of(&catalogue())),
        speed: 1,
        exposes: Exposed { client: Exposes::ALL, probe: Exposes::ALL },
        grace: GRACE,
        start: start(),
    }
}

/// `STATED` and `OTHER` are what they say, `READ` rests on a reading, `SHOULD` is a should.
fn catalogue() -> Catalogue {
    let requirement = |id: &str, level: Level, readings: &[&str]| Requirement {
        id: id.to_owned(),
        party: Party::Both,
        level,
        observe: Observe::Wire,
        basis: if readings.is_empty() { Basis::Stated } else { Basis::Reading },
        text: String::new(),
        source: String::new(),
        readings: readings.iter().map(|id| (*id).to_owned()).collect(),
        faults: Vec::new(),
        untested: None,
    };
    let contradiction = |id: &str| Contradiction {
        id: id.to_owned(),
        kind: String::new(),
        topic: String::new(),
        finding: String::new(),
        reading: String::new(),
        why: String::new(),
        affects: Vec::new(),
    };
    let requirements = [
        requirement("DT-STATED-01", Level::Must, &[]),
        requirement("DT-OTHER-01", Level::Must, &[]),
        requirement("DT-READ-01", Level::Must, &["DT-X-01"]),
        requirement("DT-SHOULD-01", Level::Should, &[]),
    ];
    Catalogue {
        requirements: requirements.map(|one| (one.id.clone(), one)).into(),
        contradictions: ["DT-X-01", "DT-X-02"].map(|id| (id.to_owned(), contradiction(id))).into(),
    }
}

/// Reads a trace: a record a line, `[actor] seconds kind value field=value ..`. `do` and `refuse` name a step by its
/// place; `end` is when the runner stopped, long after the last record unless it is given.
fn read_trace(text: &str) -> (Vec<Record>, Moment) {
    let mut end = None;
    let mut records = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap();
        let (actor, time) = match first.parse::<f64>() {
            Ok(time) => ("client", time),
            Err(_) => (first, words.next().unwrap().parse().unwrap()),
        };
        let at = start() + Duration::from_secs_f64(time);
        match (words.next().unwrap(), words.next()) {
            ("end", _) => end = Some(at),
            (kind, value) => records.push(read_record(&Actor::new(actor), at, kind, value.unwrap(), words)),
        }
    }
    let last = records.last().map_or(start(), |record| record.at);
    (Merger::trace(records), end.unwrap_or(last + Duration::from_secs(1_000)))
}

fn read_record<'t>(
    actor: &Actor,
    at: Moment,
    kind: &str,
    value: &str,
    fields: impl Iterator<Item = &'t str>,
) -> Record {
    match kind {
        "do" => return Merger::acted(actor, at, value.parse().unwrap()),
        "refuse" => return Merger::unsupported(actor, at, value.parse().unwrap()),
        _ => {}
    }
    let key = Key::ALL.into_iter().find(|key| key.name() == kind).unwrap_or_else(|| panic!("no observation: {kind}"));
    let mut fields: Map<String, Value> = fields.map(read_field).collect();
    let slack_us = fields.remove("slack").and_then(|slack| slack.as_u64()).unwrap_or(0);
    let what = What::Observed(Observed { key, value: read_value(value), fields, slack_us });
    Record { at, actor: actor.clone(), what }
}

fn read_field(text: &str) -> (String, Value) {
    let (name, value) = text.split_once('=').unwrap();
    (name.to_owned(), read_value(value))
}

/// JSON, a duration, or else a string.
fn read_value(text: &str) -> Value {
    let duration = || parse_duration(text).ok().map(|duration| json!(u64::try_from(duration.as_micros()).unwrap()));
    serde_json::from_str(text).ok().or_else(duration).unwrap_or_else(|| json!(text))
}

/// `pass; fail late 1.7s; *fail transition a>b = fail`: checks in order, those of the state lane with a star, then the
/// case.
fn told(judgement: &Judgement) -> String {
    let checks: Vec<String> = judgement.checks.iter().map(check_told).collect();
    format!("{} = {}", checks.join("; "), word(&judgement.outcome))
}

fn check_told(check: &CheckVerdict) -> String {
    let star = if check.step.is_none() { "*" } else { "" };
    let deviation = check.deviation.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
    let mismatch = check.mismatch.as_ref().map(|mismatch| format!(" {}", mismatch_told(mismatch))).unwrap_or_default();
    format!("{star}{}{deviation}{mismatch}", word(&check.outcome))
}

fn mismatch_told(mismatch: &Mismatch) -> String {
    match mismatch {
        Mismatch::Missing => "missing".to_owned(),
        Mismatch::Field { path, .. } => format!("field {path}"),
        Mismatch::Early { by } => format!("early {}", super::words::duration(*by)),
        Mismatch::Late { by } => format!("late {}", super::words::duration(*by)),
        Mismatch::Count { found } => format!("count {found}"),
        Mismatch::Forbidden => "forbidden".to_owned(),
        Mismatch::State { expected, found } => format!("state {expected}/{found}"),
        Mismatch::Transition { from, to } => format!("transition {from}>{to}"),
        Mismatch::Leftover => "leftover".to_owned(),
        Mismatch::Reference { .. } => "reference".to_owned(),
    }
}

fn word(outcome: &impl serde::Serialize) -> String {
    json!(outcome).as_str().unwrap().to_owned()
}

/// Places in the trace depend on the order of arrival, all else must not.
fn without_places(judgement: &Judgement) -> Judgement {
    let mut judgement = judgement.clone();
    for check in &mut judgement.checks {
        check.record = None;
    }
    judgement
}

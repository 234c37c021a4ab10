//! How results read: the words that the terminal, JUnit and other reports share. No colour, no layout of a page.
//!
//! Every text that leaves here has its tokens cut.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use sparring_mock_server::journal::Moment;

use super::results::CaseResult;
use crate::judge::{CaseOutcome, CheckVerdict, Mismatch, Outcome};
use crate::secrets;
use crate::spec::model::{Key, Lane, Level};
use crate::trace::{Observed, Record, What};

/// The longest payload that is quoted.
const LONGEST: usize = 240;

/// The outcome in a word.
pub fn outcome(outcome: CaseOutcome) -> &'static str {
    match outcome {
        CaseOutcome::Pass => "pass",
        CaseOutcome::NotObservable => "not-observable",
        CaseOutcome::Unsupported => "unsupported",
        CaseOutcome::Inconclusive => "inconclusive",
        CaseOutcome::NotReached => "not-reached",
        CaseOutcome::Deviation => "deviation",
        CaseOutcome::Fail => "fail",
        CaseOutcome::Timeout => "timeout",
        CaseOutcome::Crash => "crash",
        CaseOutcome::AdapterError => "adapter-error",
        CaseOutcome::HarnessError => "harness-error",
    }
}

/// The outcome of a check in words.
pub fn check_outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::NotObservable => "not observable",
        Outcome::Unsupported => "unsupported",
        Outcome::NotReached => "not reached",
        Outcome::Deviation => "deviation",
        Outcome::Fail => "fail",
    }
}

/// The level in a word.
pub fn level(level: Level) -> &'static str {
    match level {
        Level::Must => "must",
        Level::Should => "should",
    }
}

/// The case's id, with its repetition where there are several.
pub fn numbered(case: &CaseResult) -> String {
    if case.run > 1 { format!("{} #{}", case.id, case.run) } else { case.id.clone() }
}

/// What is to be said of a case, in one line.
pub fn headline(case: &CaseResult) -> String {
    let text = match (case.outcome, culprit(case), case.trouble.first()) {
        (CaseOutcome::Pass, ..) => {
            let reason = case.known_failing.as_deref().unwrap_or_default();
            format!("passes, but known-failing.yaml says that it fails: {reason}")
        }
        (CaseOutcome::Inconclusive, ..) => format!("the harness was late by {:.0} ms", case.lateness_ms),
        (CaseOutcome::Crash | CaseOutcome::AdapterError | CaseOutcome::HarnessError, _, Some(trouble)) => {
            trouble.clone()
        }
        (_, Some(check), _) => observed_at(case, check),
        (_, None, Some(trouble)) => trouble.clone(),
        (_, None, None) => outcome(case.outcome).to_owned(),
    };
    secrets::cut(&text).into_owned()
}

fn observed_at(case: &CaseResult, check: &CheckVerdict) -> String {
    match &case.known_failing {
        Some(reason) if case.expected => reason.clone(),
        _ if check.line == 0 => check.observed.clone(),
        _ => format!("line {}: {}", check.line, check.observed),
    }
}

/// The check that decided the outcome: the first of the worst. A transition that the contract forbids comes before the
/// steps, because one state too many makes every later step of the strict lane fail as well.
pub fn culprit(case: &CaseResult) -> Option<&CheckVerdict> {
    let worst = case.checks.iter().map(|check| check.outcome).max()?;
    let guilty = case.checks.iter().filter(|check| check.outcome == worst && worst != Outcome::Pass);
    guilty.min_by_key(|check| !is_forbidden_transition(check))
}

fn is_forbidden_transition(check: &CheckVerdict) -> bool {
    matches!(check.mismatch, Some(Mismatch::Transition { .. }))
}

/// The checks that have to be shown: those that went wrong, or else the ones that decided the outcome.
pub fn bad_checks(case: &CaseResult) -> Vec<&CheckVerdict> {
    let mut wrong: Vec<_> = case.checks.iter().filter(|check| is_bad(check.outcome)).collect();
    wrong.sort_by_key(|check| !is_forbidden_transition(check));
    match culprit(case) {
        // Where trouble ended the case, what came no more is no finding.
        Some(culprit) if wrong.is_empty() && case.outcome <= CaseOutcome::Timeout => {
            case.checks.iter().filter(|check| check.outcome == culprit.outcome).collect()
        }
        _ => wrong,
    }
}

fn is_bad(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Fail | Outcome::Deviation)
}

/// Where a check stands: file and line.
pub fn place(case: &CaseResult, check: &CheckVerdict) -> String {
    if check.line == 0 { case.file.clone() } else { format!("{}:{}", case.file, check.line) }
}

/// Every check that did not go well, and all other trouble, a few lines each.
pub fn findings(case: &CaseResult) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    for check in bad_checks(case) {
        let _ = writeln!(text, "{}  {}", place(case, check), check.requirements.join(", "));
        let _ = writeln!(text, "  expected  {}", secrets::cut(&check.expected));
        let _ = writeln!(text, "  observed  {}", secrets::cut(&check.observed));
        if let Some(contradiction) = &check.deviation {
            let _ = writeln!(text, "  rests on the reading of {contradiction}");
        }
    }
    for trouble in &case.trouble {
        let _ = writeln!(text, "{}", secrets::cut(trouble));
    }
    text
}

/// The whole trace as text.
pub fn trace(case: &CaseResult) -> String {
    let mut text = String::new();
    for record in &case.trace {
        let row = Row::of(record);
        let lane = row.lane.map_or("", lane_name);
        let _ = writeln!(text, "{:>10}  {:<6}  {}  {}", offset(record.at, case.began), lane, row.actor, row.text);
    }
    text
}

fn lane_name(lane: Lane) -> &'static str {
    match lane {
        Lane::Wire => "wire",
        Lane::Client => "client",
    }
}

/// A record as a line of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Whose.
    pub actor: String,
    /// In which lane; none for what the runner did and for faults, which concern both.
    pub lane: Option<Lane>,
    /// What, in a few words.
    pub text: String,
}

impl Row {
    /// The row of a record.
    pub fn of(record: &Record) -> Self {
        let (lane, text) = match &record.what {
            What::Observed(observed) if observed.key == Key::Fault => (None, observation(observed)),
            What::Observed(observed) => (Some(observed.lane()), observation(observed)),
            What::Acted { step } => (None, format!("step {}", step + 1)),
            What::Unsupported { step } => (None, format!("step {}: the client does not do that", step + 1)),
        };
        Self { actor: record.actor.name().to_owned(), lane, text }
    }
}

/// A moment as seconds since the case began: `12.345s`.
pub fn offset(at: Moment, began: Moment) -> String {
    format!("{:.3}s", at.since(began).as_secs_f64())
}

/// A length of time as people say it: `41 s`, `12 min 5 s`, `1 h 12 min`.
pub fn span(seconds: f64) -> String {
    if seconds < 9.95 {
        return format!("{:.1} s", seconds.max(0.0));
    }
    // More than a few digits of seconds do not occur, and the sign has been checked.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// `1 case`, `2 cases`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// The fields that say most about a kind of record, in the order in which they read best.
fn telling(key: Key) -> &'static [&'static str] {
    match key {
        Key::Attempt => &["transport", "wait", "token_kind", "token"],
        Key::Request => &["method", "body"],
        Key::Answer => &["status", "body"],
        Key::Received | Key::Sent => &["token_kind", "token", "code", "reason", "data"],
        Key::Ping | Key::Pong => &["delay"],
        Key::Closed => &["code", "reason"],
        Key::Event => &["data"],
        Key::Token => &["kind", "prefix"],
        Key::Stored => &["value", "ttl"],
        Key::Result => &["error", "value"],
        Key::Fault | Key::State | Key::Log => &[],
    }
}

/// An observation in the words of the scenario language: `#1 received CONNECT, token_kind: jwt`. The number in front is
/// that of the connection.
pub fn observation(observed: &Observed) -> String {
    let mut text = match (observed.key, observed.connection()) {
        (Key::Fault, Some(connection)) => format!("{} on #{connection}", subject_of(observed)),
        (_, Some(connection)) => format!("#{connection} {}", subject_of(observed)),
        (_, None) => subject_of(observed),
    };
    for name in telling(observed.key) {
        if let Some(value) = observed.fields.get(*name).filter(|value| is_telling(value)) {
            text.push_str(&field(name, value));
        }
    }
    secrets::cut(&text).into_owned()
}

fn is_telling(value: &Value) -> bool {
    !value.is_null() && value.as_str() != Some("")
}

/// The kind of the record and the value of its key.
fn subject_of(observed: &Observed) -> String {
    let (key, value) = (observed.key.name(), plain(&observed.value));
    let text = |name: &str| observed.fields.get(name).and_then(Value::as_str);
    match observed.key {
        Key::State => match text("from") {
            Some(from) => format!("state {from} → {value}"),
            None => format!("state {value}"),
        },
        Key::Closed => format!("closed by the {value}"),
        Key::Fault => format!("fault {value} {}", text("phase").unwrap_or_default()),
        Key::Log => format!("log {}: {value}", text("level").unwrap_or("line")),
        Key::Result => {
            let ok = observed.fields.get("ok").and_then(Value::as_bool).unwrap_or_default();
            format!("result of {value}: {}", if ok { "ok" } else { "not ok" })
        }
        _ => format!("{key} {value}"),
    }
}

/// A field behind the subject: payloads speak for themselves, the others have their names.
fn field(name: &str, value: &Value) -> String {
    match (name, value) {
        ("data" | "body" | "value", value) => {
            let mut value = value.clone();
            secrets::cut_value(&mut value);
            format!(" {}", brief(&flow(&value)))
        }
        ("token", Value::String(token)) => format!(", token: {}", secrets::prefix(token)),
        (name, value) if Observed::DURATIONS.contains(&name) => {
            format!(", {name}: {:.3}s", value.as_f64().unwrap_or_default() / 1_000_000.0)
        }
        (name, value) => format!(", {name}: {}", plain(value)),
    }
}

/// A value as it reads in running text: strings without quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| flow(value), brief)
}

fn brief(text: &str) -> String {
    let line = text.replace(char::is_control, " ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// A value in the flow style of scenario files: `{code: AUTH_INVALID, message: Failed to connect}`.
pub fn flow(value: &Value) -> String {
    match value {
        Value::Object(map) => format!("{{{}}}", members(map)),
        Value::Array(list) => format!("[{}]", list.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::String(text) if reads_as_itself(text) => text.clone(),
        other => other.to_string(),
    }
}

fn members(map: &Map<String, Value>) -> String {
    let member = |(name, value): (&String, &Value)| format!("{name}: {}", flow(value));
    map.iter().map(member).collect::<Vec<_>>().join(", ")
}

/// Whether a string needs no quotes in YAML.
fn reads_as_itself(text: &str) -> bool {
    let harmless = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | '/' | '(' | ')' | '…');
    let edges = text.starts_with(char::is_alphabetic) && !text.ends_with(' ');
    edges && text.chars().all(harmless) && !matches!(text, "true" | "false" | "null" | "yes" | "no" | "on" | "off")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(0.04, "0.0 s")]
    #[case(3.16, "3.2 s")]
    #[case(9.96, "10 s")]
    #[case(41.2, "41 s")]
    #[case(120.0, "2 min")]
    #[case(725.0, "12 min 5 s")]
    #[case(3600.0, "1 h")]
    #[case(4335.0, "1 h 12 min")]
    #[case(-1.0, "0.0 s")]
    fn spans(#[case] seconds: f64, #[case] expected: &str) {
        assert_eq!(span(seconds), expected);
    }

    #[rstest]
    #[case(json!({"code": "AUTH_INVALID", "n": 3, "on": "true"}), r#"{code: AUTH_INVALID, n: 3, on: "true"}"#)]
    #[case(json!(["a b", "1", "", null]), r#"[a b, "1", "", null]"#)]
    #[case(json!("a: b"), r#""a: b""#)]
    fn flow_style(#[case] value: Value, #[case] expected: &str) {
        assert_eq!(flow(&value), expected);
    }

    #[rstest]
    #[case(Key::State, json!("error"), json!({"from": "authenticating"}), "state authenticating → error")]
    #[case(Key::State, json!("connecting"), json!({}), "state connecting")]
    #[case(
        Key::Attempt,
        json!(2),
        json!({"connection": 2, "wait": 1_002_000, "transport": "polling", "headers": {}}),
        "#2 attempt 2, transport: polling, wait: 1.002s"
    )]
    #[case(
        Key::Received,
        json!("CONNECT"),
        json!({"connection": 1, "token": "eyJhbGciOiJIUzI1NiJ9.e30.x", "token_kind": "jwt", "data": {"token": "eyJhbGciOiJIUzI1NiJ9.e30.x"}}),
        "#1 received CONNECT, token_kind: jwt, token: eyJhbGciOi… {token: eyJhbGciOi…}"
    )]
    #[case(Key::Closed, json!("network"), json!({"code": null, "reason": ""}), "closed by the network")]
    #[case(Key::Fault, json!("silent-auth"), json!({"phase": "fired", "rule": 0, "connection": 2}), "fault silent-auth fired on #2")]
    #[case(Key::Log, json!("one\ntwo"), json!({"level": "error"}), "log error: one two")]
    #[case(Key::Result, json!("dial"), json!({"ok": false, "error": "timeout"}), "result of dial: not ok, error: timeout")]
    fn observations(#[case] key: Key, #[case] value: Value, #[case] fields: Value, #[case] expected: &str) {
        let Value::Object(fields) = fields else { panic!("fields are a map") };
        assert_eq!(observation(&Observed { key, value, fields, slack_us: 0 }), expected);
    }
}

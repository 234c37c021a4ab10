//! How results read: the words that the terminal, JUnit and other reports share. No colour, no layout of a page.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use sparring_mock_server::journal::Moment;

use super::results::CaseResult;
use crate::judge::{CaseOutcome, CheckVerdict, Outcome};
use crate::spec::model::Lane;
use crate::trace::{Observed, Record, What};

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

/// The case's id, with its repetition where there are several.
pub fn numbered(case: &CaseResult) -> String {
    if case.run > 1 { format!("{} #{}", case.id, case.run) } else { case.id.clone() }
}

/// What is wrong with a case, in one line.
pub fn headline(case: &CaseResult) -> String {
    if case.outcome == CaseOutcome::Pass {
        let reason = case.known_failing.as_deref().unwrap_or_default();
        return format!("passes, but known-failing.yaml says that it fails: {reason}");
    }
    match (culprit(case), case.trouble.first()) {
        (Some(check), _) if case.outcome <= CaseOutcome::Timeout => check.observed.clone(),
        (_, Some(trouble)) => trouble.clone(),
        (Some(check), None) => check.observed.clone(),
        (None, None) => outcome(case.outcome).to_owned(),
    }
}

/// The check that decided the outcome: the first of the worst.
pub fn culprit(case: &CaseResult) -> Option<&CheckVerdict> {
    let worst = case.checks.iter().map(|check| check.outcome).max()?;
    case.checks.iter().find(|check| check.outcome == worst && worst != Outcome::Pass)
}

/// Every check that did not pass, and all other trouble, a few lines each.
pub fn findings(case: &CaseResult) -> String {
    let mut text = String::new();
    for check in case.checks.iter().filter(|check| is_bad(check.outcome)) {
        let requirements = check.requirements.join(", ");
        let place = if check.line == 0 { case.file.clone() } else { format!("{}:{}", case.file, check.line) };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{place} {requirements}");
        let _ = writeln!(text, "  expected {}", check.expected);
        let _ = writeln!(text, "  observed {}", check.observed);
    }
    for trouble in &case.trouble {
        let _ = writeln!(text, "{trouble}");
    }
    text
}

/// Whether a check has to be shown.
pub fn is_bad(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Fail | Outcome::Deviation)
}

/// The whole trace as text.
pub fn trace(case: &CaseResult) -> String {
    let mut text = String::new();
    for row in case.trace.iter().map(|record| Row::of(record, case.began)) {
        let _ = writeln!(text, "{:>10}  {:<8}  {}  {}", row.at, row.actor, row.lane.map_or("·", lane_mark), row.text);
    }
    text
}

/// The mark of a lane in a trace.
pub fn lane_mark(lane: Lane) -> &'static str {
    match lane {
        Lane::Wire => "↔",
        Lane::Client => "◆",
    }
}

/// A record as a line of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Since the case began.
    pub at: String,
    /// Whose.
    pub actor: String,
    /// In which lane; none for what the runner did.
    pub lane: Option<Lane>,
    /// What, in a few words.
    pub text: String,
}

impl Row {
    /// The row of a record in a case that began then.
    pub fn of(record: &Record, began: Moment) -> Self {
        let (lane, text) = match &record.what {
            What::Observed(observed) => (Some(observed.lane()), observation(observed)),
            What::Acted { step } => (None, format!("step {} done", step + 1)),
            What::Unsupported { step } => (None, format!("step {} is not supported by the client", step + 1)),
        };
        Self { at: offset(record.at, began), actor: record.actor.name().to_owned(), lane, text }
    }
}

/// A moment as seconds since the case began: `+12.345s`.
pub fn offset(at: Moment, began: Moment) -> String {
    format!("+{:.3}s", at.since(began).as_secs_f64())
}

/// The fields that say most about each kind of record, in the order in which they read best.
const TELLING: [&str; 14] = [
    "from",
    "token_kind",
    "token",
    "status",
    "code",
    "reason",
    "data",
    "level",
    "kind",
    "prefix",
    "ok",
    "error",
    "wait",
    "phase",
];

/// An observation in a few words: `sent session_created {…} on 1`.
pub fn observation(observed: &Observed) -> String {
    let mut text = format!("{} {}", observed.key.name(), plain(&observed.value));
    for name in TELLING {
        if let Some(value) = observed.fields.get(name).filter(|value| !value.is_null()) {
            let _ = write!(text, " {}", field(name, value));
        }
    }
    if let Some(connection) = observed.connection() {
        let _ = write!(text, " on {connection}");
    }
    text
}

fn field(name: &str, value: &Value) -> String {
    match (name, value) {
        ("from", value) => format!("(from {})", plain(value)),
        ("data", value) => brief(&hide_tokens(value).to_string(), 120),
        ("token", Value::String(token)) => format!("token={}", token_prefix(token)),
        (name, value) if Observed::DURATIONS.contains(&name) => {
            let micros = value.as_f64().unwrap_or_default();
            format!("{name}={:.3}s", micros / 1_000_000.0)
        }
        (name, value) => format!("{name}={}", plain(value)),
    }
}

/// A value as it reads in running text: strings without quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| brief(text, 120))
}

fn brief(text: &str, length: usize) -> String {
    match text.char_indices().nth(length) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The first 10 characters of a token: more is never quoted (catalogue, conventions).
fn token_prefix(token: &str) -> String {
    brief(token, 10)
}

/// The payload with everything that is called a token cut to its prefix.
fn hide_tokens(value: &Value) -> Value {
    let hidden = |(key, value): (&String, &Value)| match (key.as_str(), value) {
        ("token", Value::String(token)) => (key.clone(), Value::String(token_prefix(token))),
        _ => (key.clone(), hide_tokens(value)),
    };
    match value {
        Value::Object(map) => Value::Object(map.iter().map(hidden).collect::<Map<_, _>>()),
        Value::Array(list) => Value::Array(list.iter().map(hide_tokens).collect()),
        other => other.clone(),
    }
}

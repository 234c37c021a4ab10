//! The words of verdicts: what was expected and what was observed, for people.
//!
//! Small functions from data to text. Tokens are shortened to their first ten characters wherever they stand.

use std::time::Duration;

use serde_json::Value;
use sparring_mock_server::values::{DurationRange, format_duration};

use super::bounds::{Outside, Span};
use super::pattern::{Fit, Misfit};
use super::resolve::written;
use crate::secrets;
use crate::spec::model::{JsonType, Key, Pattern, Piece, Reference};
use crate::trace::Observed;

/// Longer values are cut here.
const LONGEST_VALUE: usize = 120;

/// A duration, in the largest unit that keeps it short; parts of a millisecond are kept where there is nothing else.
pub(super) fn duration(duration: Duration) -> String {
    if !duration.is_zero() && duration < Duration::from_millis(1) {
        return format!("{}µs", duration.as_micros());
    }
    format_duration(duration)
}

/// Signed microseconds.
pub(super) fn time(micros: i64) -> String {
    let text = duration(Duration::from_micros(micros.unsigned_abs()));
    if micros < 0 { format!("-{text}") } else { text }
}

/// Whether a field of this path holds a duration.
fn is_duration(path: &str) -> bool {
    Observed::DURATIONS.contains(&path)
}

fn is_token(path: &str) -> bool {
    path.rsplit('.').next() == Some("token")
}

/// The value of the field at `path`.
pub(super) fn value(value: Option<&Value>, path: &str) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::String(token)) if is_token(path) => Value::from(secrets::prefix(token)).to_string(),
        Some(number) if is_duration(path) && number.is_u64() => time(number.as_i64().unwrap_or(i64::MAX)),
        Some(value) => cut(&secrets::cut(&value.to_string())),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What a pattern asks of the field at `path`; with a fit, durations say how far they reach.
pub(super) fn pattern(asked: &Pattern, path: &str, fit: Option<Fit>) -> String {
    let inner = |asked: &Pattern| pattern(asked, path, fit);
    match asked {
        Pattern::Any => "anything".to_owned(),
        Pattern::Equal(wanted) => value(Some(wanted), path),
        Pattern::Map(map) => members(map.iter(), fit),
        Pattern::Exact(map) => format!("exactly {}", members(map.iter(), fit)),
        Pattern::List(list) => format!("[{}]", list.iter().map(inner).collect::<Vec<_>>().join(", ")),
        Pattern::Number(range) => range.to_string(),
        Pattern::Duration(range) => duration_range(*range, fit),
        Pattern::Type(kind) => json_type(*kind).to_owned(),
        Pattern::Match(expression) => format!("text that matches /{expression}/"),
        Pattern::Range { min, max: None } => format!("a number of at least {min}"),
        Pattern::Range { min, max: Some(max) } => format!("a number from {min} to {max}"),
        Pattern::Not(asked) => format!("anything but {}", inner(asked)),
        Pattern::AnyOf(list) => list.iter().map(inner).collect::<Vec<_>>().join(" or "),
        Pattern::Absent => "nothing".to_owned(),
        Pattern::Reference(found) => reference(found),
    }
}

fn members<'p>(members: impl Iterator<Item = (&'p String, &'p Pattern)>, fit: Option<Fit>) -> String {
    let members: Vec<String> = members.map(|(key, asked)| format!("{key}: {}", pattern(asked, key, fit))).collect();
    format!("{{{}}}", members.join(", "))
}

fn duration_range(range: DurationRange, fit: Option<Fit>) -> String {
    match fit {
        None => range.to_string(),
        Some(fit) => format!("{range} ({})", span(fit.gauge.span(range, fit.favour))),
    }
}

fn json_type(kind: JsonType) -> &'static str {
    match kind {
        JsonType::String => "a string",
        JsonType::Integer => "an integer",
        JsonType::Number => "a number",
        JsonType::Boolean => "true or false",
        JsonType::Object => "an object",
        JsonType::Array => "a list",
        JsonType::Null => "null",
    }
}

fn reference(found: &Reference) -> String {
    match found {
        Reference::Whole(place) => written(place),
        Reference::Text(pieces) => pieces
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => text.clone(),
                Piece::Place(place) => written(place),
            })
            .collect(),
    }
}

/// A span of time: `9.95s to 10.6s`.
pub(super) fn span(span: Span) -> String {
    match (span.min.filter(|min| *min > 0), span.max) {
        (Some(min), Some(max)) => format!("{} to {}", time(min), time(max)),
        (Some(min), None) => format!("at least {}", time(min)),
        (None, Some(max)) => format!("at most {}", time(max)),
        (None, None) => "at any time".to_owned(),
    }
}

/// `kind value`, as an observation is written: `state error`, `attempt 12`.
pub(super) fn kind(key: Key, value: &Pattern) -> String {
    match value {
        Pattern::Any if matches!(key, Key::Attempt | Key::Event | Key::Answer) => format!("an {}", key.name()),
        Pattern::Any if matches!(key, Key::Received | Key::Sent) => format!("anything {}", key.name()),
        Pattern::Any if key == Key::Closed => "the end of a connection".to_owned(),
        Pattern::Any => format!("a {}", key.name()),
        Pattern::Equal(Value::String(word)) => format!("{} {word}", key.name()),
        other => format!("{} {}", key.name(), pattern(other, "", None)),
    }
}

/// A record, as an observation is written.
pub(super) fn record(observed: &Observed) -> String {
    kind(observed.key, &Pattern::Equal(observed.value.clone()))
}

/// A record as something that others are timed from.
pub(super) fn landmark(observed: &Observed) -> String {
    match (observed.key, observed.value.as_str()) {
        (Key::Sent, Some("CONNECT")) => "the connect acknowledgement".to_owned(),
        (Key::Received, Some("CONNECT")) => "the CONNECT packet".to_owned(),
        (Key::Answer, Some(name)) => format!("the answer to {name}"),
        (Key::Request, Some(name)) => format!("the request {name}"),
        (Key::Closed, Some(by)) => format!("the close by the {by}"),
        (Key::Result, Some(step)) => format!("the result of {step}"),
        (Key::Log, _) => "the log line".to_owned(),
        _ => record(observed),
    }
}

/// A field with a wrong value.
pub(super) fn misfit(misfit: &Misfit) -> String {
    format!("{}: expected {}, found {}", misfit.path, misfit.expected, misfit.found)
}

/// A record that came out of time.
pub(super) fn untimely(what: &str, elapsed: i64, landmark: &str, outside: Outside) -> String {
    let when =
        if elapsed < 0 { format!("{} before {landmark}", time(-elapsed)) } else { format!("after {}", time(elapsed)) };
    match outside {
        Outside::Early(by) => format!("{what} {when}: {} too early", duration(by)),
        Outside::Late(by) => format!("{what} {when}: {} too late", duration(by)),
    }
}

/// Nothing came.
pub(super) fn nothing(until: &str, last: Option<&Observed>) -> String {
    match last {
        Some(last) => format!("nothing came {until}; the last thing seen in that lane was {}", record(last)),
        None => format!("nothing came {until}; nothing at all was seen in that lane"),
    }
}

/// So many things.
pub(super) fn count(number: u64, thing: &str) -> String {
    match number {
        0 => format!("no {thing}"),
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}

/// What an `expect` asks for: alternatives, how many, and when.
pub(super) fn expectation(alternatives: &[String], times: &str, timing: &str) -> String {
    let mut text = alternatives.join(" or ");
    for part in [times, timing].into_iter().filter(|part| !part.is_empty()) {
        text.push(' ');
        text.push_str(part);
    }
    secrets::cut(&text).into_owned()
}

/// "within" in words.
pub(super) fn within(limit: Duration, landmark: &str, span: Option<Span>) -> String {
    format!("within {} of {landmark}{}", duration(limit), reach(span))
}

/// "after" in words.
pub(super) fn after(range: DurationRange, landmark: &str, span: Option<Span>) -> String {
    format!("{range} after {landmark}{}", reach(span))
}

fn reach(reach: Option<Span>) -> String {
    reach.map_or_else(String::new, |reach| format!(" ({})", span(reach)))
}

/// What a `never` asks for.
pub(super) fn absence(what: &str, window: &str) -> String {
    let bare = ["an ", "a ", "the "].into_iter().find_map(|article| what.strip_prefix(article));
    let absence = match what.strip_prefix("anything ") {
        Some(rest) => format!("nothing {rest}"),
        None => format!("no {}", bare.unwrap_or(what)),
    };
    secrets::cut(&format!("{absence} {window}")).into_owned()
}

/// An adapter's or the runner's own reason for a check that has no verdict of its own.
pub(super) const UNSEEN: &str = "the attachment does not show this";
/// See [`UNSEEN`].
pub(super) const UNSEEN_REFERENCE: &str = "the attachment does not show what this is counted from";
/// See [`UNSEEN`].
pub(super) const NOT_REACHED: &str = "an earlier check found no record, so that this one has no ground";
/// See [`UNSEEN`].
pub(super) const UNSUPPORTED: &str = "an action before it was refused as unsupported";
/// See [`UNSEEN`].
pub(super) const SKIPPED: &str = "not there, which is allowed";
/// See [`UNSEEN`].
pub(super) const LIMIT: &str = "the case had come to its limit before";
/// See [`UNSEEN`].
pub(super) const CUT_OFF: &str = "the case had been cut off before";

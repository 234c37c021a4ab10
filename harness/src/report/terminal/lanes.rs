//! The two-lane trace around a failure: the server's side on the left, the client's on the right, what the runner and
//! the faults did across both.
//!
//! First [`choose`] picks the records, then [`draw`] sets them. Knows checks only as places to mark.

use std::collections::BTreeSet;
use std::time::Duration;

use console::{measure_text_width, truncate_str};
use sparring_mock_server::journal::{Actor, Moment};

use super::look::{Look, Tone, pad, pad_left, wrap};
use crate::judge::{CheckVerdict, Mismatch};
use crate::report::library::Library;
use crate::report::results::{Attach, CaseResult};
use crate::report::status::Status;
use crate::report::words::{self, Row};
use crate::spec::model::{Key, Lane};
use crate::trace::{Record, What};

/// Records shown before the deciding one.
const BEFORE: usize = 8;
/// Records shown behind it.
const BEHIND: usize = 4;
/// Up to so many records are shown rather than counted.
const SAVED: usize = 3;
/// Up to so many actors are shown together.
const TOGETHER: usize = 4;
/// Columns of the moments.
const TIME: usize = 9;
/// Lines that a record may take, unless it decided something.
const LINES: usize = 2;

/// A line of the drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    /// Records that are not shown.
    Gap(usize),
    /// A record, or the moment at which one was missed.
    Row { at: String, across: Across, text: String, marked: bool },
}

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Across {
    Lane(Lane),
    /// What the runner did.
    Step,
    Fault,
    /// A check was decided by what did not come.
    Decision,
}

/// A place in the trace at which a check was decided.
struct Mark<'a> {
    /// The record that decided, or the one before which it was decided.
    place: usize,
    check: &'a CheckVerdict,
}

/// Draws the trace around these checks; around its end if there are none. Empty if there is no trace.
pub(super) fn lanes(case: &CaseResult, checks: &[&CheckVerdict], library: &dyn Library, look: Look) -> Vec<String> {
    if case.trace.is_empty() {
        return Vec::new();
    }
    let lines = choose(case, checks, library);
    draw(&lines, case, look)
}

/// Picks the records around the marks.
fn choose(case: &CaseResult, checks: &[&CheckVerdict], library: &dyn Library) -> Vec<Line> {
    let marks: Vec<Mark<'_>> = checks.iter().map(|check| mark(case, check)).collect();
    let visible = visible(case, checks);
    let shown = window(&visible, &marks, case.trace.len());
    let mut lines = Vec::new();
    let mut skipped = 0;
    for (index, record) in case.trace.iter().enumerate() {
        lines.extend(decisions(case, &marks, index, &mut skipped));
        if shown.contains(&index) {
            close_gap(&mut lines, &mut skipped);
            lines.push(row(case, record, &marks, index, library));
        } else {
            skipped += 1;
        }
    }
    lines.extend(decisions(case, &marks, case.trace.len(), &mut skipped));
    close_gap(&mut lines, &mut skipped);
    lines.extend(end(case));
    lines
}

/// The end of a case that trouble ended.
fn end(case: &CaseResult) -> Option<Line> {
    let status = Status::of(case);
    let ended = matches!(status, Status::Crash | Status::AdapterError | Status::HarnessError | Status::Timeout);
    let at = words::offset(case.began + Duration::try_from_secs_f64(case.documented_seconds).ok()?, case.began);
    let text = format!("the case ends: {}", status.words());
    ended.then_some(Line::Row { at, across: Across::Decision, text, marked: true })
}

fn mark<'a>(case: &CaseResult, check: &'a CheckVerdict) -> Mark<'a> {
    let behind = |at: Moment| case.trace.iter().position(|record| record.at > at);
    let place = decider(case, check).or_else(|| check.at.and_then(behind));
    Mark { place: place.unwrap_or(case.trace.len()), check }
}

/// The places of the records that concern these checks: with few actors all, else those of the checks' actors.
fn visible(case: &CaseResult, checks: &[&CheckVerdict]) -> Vec<usize> {
    let wanted: BTreeSet<&str> = checks.iter().map(|check| check.actor.as_str()).collect();
    let all = actors(case).len() <= TOGETHER || wanted.is_empty();
    let concerns = |actor: &Actor| all || wanted.contains(actor.name());
    (0..case.trace.len()).filter(|place| concerns(&case.trace[*place].actor)).collect()
}

fn actors(case: &CaseResult) -> BTreeSet<&str> {
    case.trace.iter().map(|record| record.actor.name()).collect()
}

/// The places to show, chosen from the visible ones.
fn window(visible: &[usize], marks: &[Mark<'_>], end: usize) -> BTreeSet<usize> {
    let mut places: Vec<usize> = marks.iter().map(|mark| mark.place).collect();
    if places.is_empty() {
        places.push(end);
    }
    let around = |place: usize| {
        let centre = visible.partition_point(|index| *index < place);
        visible[centre.saturating_sub(BEFORE)..visible.len().min(centre + BEHIND + 1)].iter().copied()
    };
    let mut shown: BTreeSet<usize> = places.into_iter().flat_map(around).collect();
    let hidden: Vec<usize> = visible.iter().copied().filter(|place| !shown.contains(place)).collect();
    let together = |one: &usize, next: &usize| shown.range(one..next).next().is_none();
    let short: Vec<usize> = hidden.chunk_by(together).filter(|run| run.len() <= SAVED).flatten().copied().collect();
    shown.extend(short);
    shown
}

fn close_gap(lines: &mut Vec<Line>, skipped: &mut usize) {
    if *skipped > 0 {
        lines.push(Line::Gap(std::mem::take(skipped)));
    }
}

/// The checks that were decided, without a record, before this one.
fn decisions(case: &CaseResult, marks: &[Mark<'_>], index: usize, skipped: &mut usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for mark in marks.iter().filter(|mark| mark.place == index && decider(case, mark.check).is_none()) {
        close_gap(&mut lines, skipped);
        let end = case.trace.last().map_or(case.began, |record| record.at);
        let at = words::offset(mark.check.at.unwrap_or(end), case.began);
        let text = format!("{} ← {}", absence(mark.check), line(mark.check));
        lines.push(Line::Row { at, across: Across::Decision, text, marked: true });
    }
    lines
}

/// The record that decided a check. Where something was missing, the check's record is only the last one seen.
fn decider(case: &CaseResult, check: &CheckVerdict) -> Option<usize> {
    let absent = matches!(check.mismatch, Some(Mismatch::Missing | Mismatch::Count { .. }));
    check.record.filter(|place| !absent && *place < case.trace.len())
}

/// What it means that no record decided.
fn absence(check: &CheckVerdict) -> String {
    match &check.mismatch {
        Some(Mismatch::Missing) => "nothing that fits has come by now".to_owned(),
        Some(Mismatch::Count { found }) => {
            format!("counted so far: {}", words::count(usize::try_from(*found).unwrap_or(usize::MAX), "record"))
        }
        _ => "decided here".to_owned(),
    }
}

fn line(check: &CheckVerdict) -> String {
    if check.line == 0 { "the state lane".to_owned() } else { format!("line {}", check.line) }
}

fn row(case: &CaseResult, record: &Record, marks: &[Mark<'_>], index: usize, library: &dyn Library) -> Line {
    let Row { actor, lane, mut text } = Row::of(record);
    let across = match (&record.what, lane) {
        (What::Observed(observed), _) if observed.key == Key::Fault => Across::Fault,
        (_, Some(lane)) => Across::Lane(lane),
        (_, None) => Across::Step,
    };
    if let What::Acted { step } = &record.what {
        let source = library.step(&case.id, *step).map(in_a_line);
        text = source.map_or_else(|| format!("step {}", step + 1), |source| format!("step {}  {source}", step + 1));
    }
    if actors(case).len() > 1 {
        text = format!("{actor}: {text}");
    }
    let here: Vec<String> = marks
        .iter()
        .filter(|mark| mark.place == index && decider(case, mark.check).is_some())
        .map(|mark| line(mark.check))
        .collect();
    if !here.is_empty() {
        text = format!("{text} ← {}", here.join(", "));
    }
    Line::Row { at: words::offset(record.at, case.began), across, text, marked: !here.is_empty() }
}

/// A step's YAML in one line, without its comments.
fn in_a_line(source: &str) -> String {
    let lines = source.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let text = lines.collect::<Vec<_>>().join(", ");
    text.strip_prefix("- ").unwrap_or(&text).replace(":,", ":")
}

/// The widths of the two columns.
fn columns(look: Look) -> (usize, usize) {
    // Moment, mark, the line between the columns, and spaces.
    let rest = look.width.saturating_sub(TIME + 4 + 3);
    (rest.div_ceil(2), rest / 2)
}

/// Sets the lines.
fn draw(lines: &[Line], case: &CaseResult, look: Look) -> Vec<String> {
    let (left, _) = columns(look);
    let heads = match case.attach {
        Attach::Adapter => ("server (#n: connection)", "client"),
        Attach::Probe => ("wire (#n: connection)", "server's log and store"),
    };
    let head = format!("{}    {} │ {}", " ".repeat(TIME), pad(heads.0, left), heads.1);
    let mut text = vec![look.paint(Tone::Dim, &head)];
    text.extend(lines.iter().flat_map(|line| draw_line(line, look)));
    text
}

fn draw_line(line: &Line, look: Look) -> Vec<String> {
    match line {
        Line::Gap(number) => {
            let text = format!("{}    ⋮ {}", " ".repeat(TIME), words::count(*number, "record"));
            vec![look.paint(Tone::Dim, &text)]
        }
        Line::Row { at, across: Across::Lane(side), text, marked } => draw_lane(at, *side, text, *marked, look),
        Line::Row { at, across, text, marked } => draw_across(at, *across, text, *marked, look),
    }
}

fn draw_lane(at: &str, lane: Lane, text: &str, marked: bool, look: Look) -> Vec<String> {
    let (left, right) = columns(look);
    let width = if lane == Lane::Wire { left } else { right };
    let tone = if marked { Tone::Bad } else { Tone::Plain };
    let set = |(index, text): (usize, &String)| {
        let painted = look.paint(tone, text);
        let body = match lane {
            Lane::Wire => {
                format!("{}{} {}", painted, " ".repeat(left.saturating_sub(measure_text_width(text))), bar(look))
            }
            Lane::Client => format!("{} {} {painted}", " ".repeat(left), bar(look)),
        };
        format!("{}{body}", margin(at, marked, index == 0, look))
    };
    clip(wrap(text, width), marked, width).iter().enumerate().map(set).collect()
}

fn bar(look: Look) -> String {
    look.paint(Tone::Dim, "│")
}

/// At most a few lines, unless the record decided something.
fn clip(mut lines: Vec<String>, marked: bool, width: usize) -> Vec<String> {
    if marked || lines.len() <= LINES {
        return lines;
    }
    lines.truncate(LINES);
    if let Some(last) = lines.last_mut() {
        *last = format!("{}…", truncate_str(last, width.saturating_sub(1), ""));
    }
    lines
}

fn draw_across(at: &str, across: Across, text: &str, marked: bool, look: Look) -> Vec<String> {
    let (tone, rule) = match across {
        Across::Fault => (Tone::Odd, '═'),
        Across::Decision => (Tone::Bad, '─'),
        Across::Step | Across::Lane(_) => (Tone::Strong, '─'),
    };
    let (left, right) = columns(look);
    let width = left + right + 3;
    let text = truncate_str(text, width - 8, "…");
    let rest = width.saturating_sub(measure_text_width(&text) + 4);
    let text = format!("{0}{0} {text} {1}", rule, rule.to_string().repeat(rest));
    vec![format!("{}{}", margin(at, marked, true, look), look.paint(tone, &text))]
}

/// What stands left of the columns: the moment and the mark.
fn margin(at: &str, marked: bool, first: bool, look: Look) -> String {
    let mark = if marked && first { look.paint(Tone::Bad, "▶") } else { " ".to_owned() };
    let at = if first { at } else { "" };
    format!("{} {mark}  ", look.paint(Tone::Dim, &pad_left(at, TIME)))
}

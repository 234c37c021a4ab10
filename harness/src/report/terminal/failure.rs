//! The report of one unexpected case: what, where, which requirement, expected, observed, the trace around it, and how
//! to run just this case again.

use std::collections::BTreeSet;

use console::measure_text_width;

use super::lanes::lanes;
use super::look::{Look, Tone, pad_left, wrap};
use super::tone;
use crate::judge::{CaseOutcome, CheckVerdict, Outcome};
use crate::report::library::{Library, Quote};
use crate::report::results::{Attach, CaseResult, Results};
use crate::report::status::Status;
use crate::report::words;
use crate::secrets;
use crate::spec::model::Level;

/// Checks that are shown in full.
const CHECKS: usize = 5;
/// Lines of a step that are shown.
const LINES: usize = 14;
/// What stands before the paragraphs of a check.
const INDENT: &str = "    ";

/// The checks of one step that went wrong, which differ in their actors only.
struct Finding<'a> {
    first: &'a CheckVerdict,
    also: Vec<&'a str>,
}

/// The report of one case.
pub(super) fn failure(case: &CaseResult, run: &Results, library: &dyn Library, look: Look) -> String {
    let findings = findings(case);
    let shown = &findings[..findings.len().min(CHECKS)];
    let mut lines = headline(case, look);
    let mut quoted = BTreeSet::new();
    for finding in shown {
        lines.push(String::new());
        lines.extend(check(case, finding, &mut quoted, library, look));
    }
    if case.outcome != CaseOutcome::Pass {
        lines.extend(others(case, &findings, look));
        let checks: Vec<&CheckVerdict> = shown.iter().map(|finding| finding.first).collect();
        let trace = lanes(case, &checks, library, look);
        lines.extend((!trace.is_empty()).then(String::new));
        lines.extend(trace);
    }
    lines.push(String::new());
    lines.push(format!("  {} {}", look.paint(Tone::Dim, "replay:"), replay(case, run)));
    let mut text = lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n");
    text.push('\n');
    text
}

/// The status, the case, its title, whose doing it is, and what went wrong besides the checks.
fn headline(case: &CaseResult, look: Look) -> Vec<String> {
    let status = Status::of(case);
    let name = look.paint(Tone::Strong, &words::numbered(case));
    let mut lines = vec![format!("{}  {name} · {}", look.paint(tone(status), &status.label()), case.client)];
    let width = look.width.saturating_sub(2);
    lines.extend(wrap(&case.title, width).into_iter().map(|line| format!("  {line}")));
    let trouble = case.trouble.iter().map(|trouble| secrets::cut(trouble).into_owned());
    let explanation = status.explanation(case).map(|text| (Tone::Dim, text));
    let reason = case.known_failing.as_ref().map(|reason| (Tone::Plain, format!("known-failing.yaml: {reason}")));
    let trouble = trouble.map(|trouble| (tone(status), trouble));
    for (tone, text) in reason.into_iter().chain(explanation).chain(trouble) {
        lines.extend(wrap(&text, width).iter().map(|line| format!("  {}", look.paint(tone, line))));
    }
    lines
}

/// The bad checks, those of one step and several actors together.
fn findings(case: &CaseResult) -> Vec<Finding<'_>> {
    let mut findings: Vec<Finding<'_>> = Vec::new();
    for check in words::bad_checks(case) {
        let same = |finding: &&mut Finding<'_>| {
            let first = finding.first;
            first.step.is_some()
                && first.step == check.step
                && first.outcome == check.outcome
                && first.actor != check.actor
        };
        match findings.iter_mut().find(same) {
            Some(finding) => finding.also.push(&check.actor),
            None => findings.push(Finding { first: check, also: Vec::new() }),
        }
    }
    findings
}

/// A check: where, for which requirements, as written, expected, observed. Requirements are quoted once.
fn check<'a>(
    case: &CaseResult,
    finding: &Finding<'a>,
    quoted: &mut BTreeSet<&'a str>,
    library: &dyn Library,
    look: Look,
) -> Vec<String> {
    let check = finding.first;
    let mut lines = place(case, check, library, look);
    lines.extend(sentences(check, quoted, library, look));
    lines.extend(source(case, check, library, look));
    lines.extend(fact("expected", &check.expected, Tone::Good, look));
    lines.extend(fact("observed", &check.observed, outcome_tone(check.outcome), look));
    if let Some(contradiction) = &check.deviation {
        let reading = library.reading(contradiction).map_or_else(String::new, |reading| format!(": {reading}"));
        lines.extend(fact("reading", &format!("{contradiction}{reading}"), Tone::Odd, look));
    }
    if !finding.also.is_empty() {
        lines.extend(fact("likewise", &names(&finding.also), Tone::Plain, look));
    }
    lines
}

/// Where the check stands, and its requirements; these on lines of their own where they need it.
fn place(case: &CaseResult, check: &CheckVerdict, library: &dyn Library, look: Look) -> Vec<String> {
    let (place, claims) = (words::place(case, check), claims(check, library));
    let strong = look.paint(Tone::Strong, &place);
    if measure_text_width(&place) + measure_text_width(&claims) + 4 <= look.width {
        return vec![format!("  {strong}  {claims}")];
    }
    let claims = wrap(&claims, look.width.saturating_sub(INDENT.len()));
    std::iter::once(format!("  {strong}")).chain(claims.iter().map(|line| format!("{INDENT}{line}"))).collect()
}

/// The requirements with their levels; without any, what the check is for.
fn claims(check: &CheckVerdict, library: &dyn Library) -> String {
    if check.requirements.is_empty() {
        return "ground for the checks behind it".to_owned();
    }
    let only = check.requirements.len() == 1;
    let level = |id: &String| library.requirement(id).map(|quote| quote.level).or(only.then_some(check.level));
    let claim =
        |id: &String| level(id).map_or_else(|| id.clone(), |level: Level| format!("{id} ({})", words::level(level)));
    check.requirements.iter().map(claim).collect::<Vec<_>>().join(", ")
}

/// What the requirements say; their ids in front where there are several.
fn sentences<'a>(
    check: &'a CheckVerdict,
    quoted: &mut BTreeSet<&'a str>,
    library: &dyn Library,
    look: Look,
) -> Vec<String> {
    let mut lines = Vec::new();
    for id in check.requirements.iter().filter(|id| quoted.insert(id)) {
        let Some(Quote { text, .. }) = library.requirement(id) else { continue };
        let text = if check.requirements.len() == 1 { text.to_owned() } else { format!("{id}: {text}") };
        let wrapped = wrap(&text, look.width.saturating_sub(INDENT.len()));
        lines.extend(wrapped.iter().map(|line| format!("{INDENT}{}", look.paint(Tone::Dim, line))));
    }
    lines
}

/// The step as it stands in the file, with line numbers.
fn source(case: &CaseResult, check: &CheckVerdict, library: &dyn Library, look: Look) -> Vec<String> {
    let Some(source) = check.step.and_then(|step| library.step(&case.id, step)) else { return Vec::new() };
    let lines: Vec<&str> = source.trim_end().lines().collect();
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let common = lines.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or_default();
    let mut text = vec![String::new()];
    for (index, line) in lines.iter().take(LINES).enumerate() {
        let gutter = look.paint(Tone::Dim, &format!("{} │", pad_left(&(check.line + index).to_string(), 6)));
        text.push(format!("{gutter} {}", line.get(common..).unwrap_or_default()));
    }
    if lines.len() > LINES {
        text.push(look.paint(Tone::Dim, &format!("       ⋮ {}", words::count(lines.len() - LINES, "more line"))));
    }
    text.push(String::new());
    text
}

fn fact(name: &str, text: &str, tone: Tone, look: Look) -> Vec<String> {
    let text = secrets::cut(text);
    let wrapped = wrap(&text, look.width.saturating_sub(INDENT.len() + 10));
    let set = |(index, line): (usize, &String)| {
        let name = if index == 0 { name } else { "" };
        format!("{INDENT}{name:<8}  {}", look.paint(tone, line))
    };
    wrapped.iter().enumerate().map(set).collect()
}

/// A few names, and how many more there are.
fn names(names: &[&str]) -> String {
    let few = names.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    if names.len() > 3 { format!("{few} and {} more", names.len() - 3) } else { few }
}

/// What became of the checks that are not shown.
fn others(case: &CaseResult, findings: &[Finding<'_>], look: Look) -> Vec<String> {
    let mut parts = Vec::new();
    if findings.len() > CHECKS {
        let lines: Vec<String> = findings[CHECKS..].iter().map(|finding| finding.first.line.to_string()).collect();
        parts.push(format!("{} not shown (lines {})", findings.len() - CHECKS, lines.join(", ")));
    }
    let bad: Vec<Outcome> = findings.iter().map(|finding| finding.first.outcome).collect();
    for outcome in [Outcome::Pass, Outcome::NotReached, Outcome::NotObservable, Outcome::Unsupported] {
        let number = case.checks.iter().filter(|check| check.outcome == outcome).count();
        if number > 0 && !bad.contains(&outcome) {
            parts.push(format!("{number} {}", words::check_outcome(outcome)));
        }
    }
    if parts.is_empty() {
        return Vec::new();
    }
    vec![String::new(), look.paint(Tone::Dim, &format!("  other checks: {}", parts.join(", ")))]
}

fn outcome_tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Fail => Tone::Bad,
        Outcome::Pass => Tone::Good,
        _ => Tone::Odd,
    }
}

/// The command that runs just this case again.
fn replay(case: &CaseResult, run: &Results) -> String {
    let client = run.clients.iter().find(|client| case.attach == Attach::Adapter && client.name == case.client);
    let client = client.map_or(&[][..], |client| &client.options);
    let seed = run.seed.to_string();
    let words = ["--filter", &case.id, "--seed", &seed];
    let words = client.iter().chain(&run.options).map(String::as_str).chain(words);
    std::iter::once("sparring run".to_owned()).chain(words.map(quoted)).collect::<Vec<_>>().join(" ")
}

/// In quotes, if a shell would read it otherwise.
fn quoted(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '.');
    if !text.is_empty() && text.chars().all(harmless) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

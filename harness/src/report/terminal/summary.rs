//! The end of a run: the matrix of clients and outcomes, what is not as expected, what was left out, totals.

use std::collections::BTreeMap;
use std::io::{self, Write};

use console::truncate_str;

use super::look::{Look, Tone, pad, wrap};
use super::{Align, Cell, Grid, LABEL, tone};
use crate::report::results::{CaseResult, Results};
use crate::report::status::Status;
use crate::report::tally::{self, Counts, Line};
use crate::report::words;

/// Cases that are named; reports in files hold all of them.
const NAMED: usize = 30;

/// Writes the summary.
pub fn summary(results: &Results, look: Look, writer: &mut dyn Write) -> io::Result<()> {
    let parts = [matrix(results, look), unexpected(results, look), left_out(results, look), totals(results, look)];
    let parts = parts.iter().filter(|lines| !lines.is_empty()).map(|lines| lines.join("\n"));
    writeln!(writer, "{}", parts.collect::<Vec<_>>().join("\n\n"))
}

/// Clients by outcomes, a block for each system. Outcomes that nobody has take no column, but for pass and fail.
fn matrix(results: &Results, look: Look) -> Vec<String> {
    let lines = tally::matrix(results);
    if lines.is_empty() {
        return Vec::new();
    }
    let occurs = |status: &Status| {
        matches!(status, Status::Pass | Status::Fail) || lines.iter().any(|line| line.counts.of(*status) > 0)
    };
    let columns: Vec<Status> = Status::ALL.into_iter().filter(occurs).collect();
    let mut grid = Grid::default();
    grid.column("", Align::Left);
    for status in &columns {
        grid.column(status.words(), Align::Right);
    }
    let mut system = "";
    for line in &lines {
        if line.system != system {
            system = line.system;
            grid.row(vec![Cell::new(system, Tone::Strong)]);
        }
        grid.row(counts(line, &columns));
    }
    grid.lines(look)
}

fn counts(line: &Line<'_>, columns: &[Status]) -> Vec<Cell> {
    let cell = |status: &Status| match line.counts.of(*status) {
        0 => Cell::new("·", Tone::Dim),
        number => Cell::new(number.to_string(), tone(*status)),
    };
    let name = Cell::new(format!("  {}", line.client), Tone::Plain);
    std::iter::once(name).chain(columns.iter().map(cell)).collect()
}

/// One line for each case that is not as expected.
fn unexpected(results: &Results, look: Look) -> Vec<String> {
    let mut cases: Vec<&CaseResult> = results.cases.iter().filter(|case| !case.expected).collect();
    if cases.is_empty() {
        return Vec::new();
    }
    // The sort is stable: cases of one kind keep the order of the plan.
    cases.sort_by_key(|case| Status::of(case));
    let mut lines = vec![look.paint(Tone::Strong, "not as expected")];
    for case in cases.iter().take(NAMED) {
        let status = Status::of(case);
        let label = look.paint(tone(status), &pad(&status.label(), LABEL));
        let text = format!("{} · {}  {}", words::numbered(case), case.client, words::headline(case));
        lines.push(format!("  {label}  {}", truncate_str(&text, look.width.saturating_sub(LABEL + 4), "…")));
    }
    if cases.len() > NAMED {
        lines.push(format!("  and {} more", cases.len() - NAMED));
    }
    lines
}

/// What did not run, one line for each client and reason.
fn left_out(results: &Results, look: Look) -> Vec<String> {
    let mut groups: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for case in &results.left_out {
        *groups.entry((&case.client, &case.reason)).or_default() += 1;
    }
    if groups.is_empty() {
        return Vec::new();
    }
    let line = |((client, reason), number): (&(&str, &str), &usize)| {
        format!("  {} for {client}: {reason}", words::count(*number, "case"))
    };
    std::iter::once(look.paint(Tone::Strong, "left out")).chain(groups.iter().map(line)).collect()
}

/// The last lines: how many, how long.
fn totals(results: &Results, look: Look) -> Vec<String> {
    let cases = words::count(results.cases.len(), "case");
    let (all, unexpected) = (tally::total(results), tally::unexpected(results));
    let verdict = match unexpected.total() {
        _ if results.cases.is_empty() => look.paint(Tone::Odd, "nothing ran"),
        0 if all.of(Status::Pass) == all.total() => look.paint(Tone::Good, "all as expected"),
        // What was not seen was not shown to be right.
        0 => format!("{} ({})", look.paint(Tone::Good, "all as expected"), listed(&all)),
        number => {
            format!("{} ({})", look.paint(Tone::Bad, &format!("{number} not as expected")), listed(&unexpected))
        }
    };
    let mut lines = Vec::new();
    if results.interrupted {
        lines.push(look.paint(Tone::Ours, "interrupted: the cases that had not ended are missing here"));
    }
    lines.extend(wrap(&format!("{cases}: {verdict}"), look.width));
    lines.push(format!(
        "documented time {}, ran in {} (speed {}, seed {})",
        words::span(results.documented_seconds),
        words::span(results.wall_seconds),
        results.speed,
        results.seed
    ));
    lines
}

fn listed(counts: &Counts) -> String {
    counts.iter().map(|(status, number)| format!("{number} {}", status.words())).collect::<Vec<_>>().join(", ")
}

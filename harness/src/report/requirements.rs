//! The table of requirements: what is checked, by what, and with which verdict for each client. As text, Markdown or
//! JSON.
//!
//! Is given rows; knows neither catalogues nor scenarios.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::str::FromStr;

use serde::Serialize;

use super::terminal::{Align, Cell, Grid, Look, Tone};
use super::words;
use crate::judge::Outcome;
use crate::spec::model::Level;

/// The table.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RequirementTable {
    /// The clients that have a column; none where there are no results.
    pub clients: Vec<String>,
    /// The requirements in the order in which they are shown.
    pub requirements: Vec<RequirementRow>,
}

/// A requirement and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequirementRow {
    /// Its id.
    pub id: String,
    /// How binding it is.
    pub level: Level,
    /// Who can break it: `client`, `server` or `both`.
    pub party: String,
    /// The sentence.
    pub text: String,
    /// How many checks name it, axes not multiplied.
    pub checks: usize,
    /// The ids of the scenario files with these checks, without axes.
    pub scenarios: Vec<String>,
    /// Its verdict for each client that has one.
    pub verdicts: BTreeMap<String, Outcome>,
    /// Why no scenario names it, if the catalogue says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untested: Option<String>,
}

/// Whether a requirement is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coverage {
    Covered,
    /// The catalogue says why not.
    Untested,
    Uncovered,
}

/// How the table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TableFormat {
    /// Aligned columns.
    #[default]
    Plain,
    /// For a page.
    Markdown,
    /// For programs.
    Json,
}

/// Not the name of a format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no format of the table: expected plain, markdown or json")]
pub struct TableFormatError(String);

impl FromStr for TableFormat {
    type Err = TableFormatError;

    fn from_str(text: &str) -> Result<Self, TableFormatError> {
        match text {
            "plain" => Ok(Self::Plain),
            "markdown" | "md" => Ok(Self::Markdown),
            "json" => Ok(Self::Json),
            _ => Err(TableFormatError(text.to_owned())),
        }
    }
}

/// How many requirements are checked, and the verdicts of each client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Totals<'a> {
    requirements: usize,
    covered: usize,
    untested: usize,
    uncovered: usize,
    uncovered_must: usize,
    verdicts: BTreeMap<&'a str, BTreeMap<&'static str, usize>>,
}

impl RequirementTable {
    /// Writes the table.
    pub fn write(&self, format: TableFormat, look: Look, writer: &mut dyn Write) -> io::Result<()> {
        match format {
            TableFormat::Plain => self.plain(look, writer),
            TableFormat::Markdown => self.markdown(writer),
            TableFormat::Json => self.json(writer),
        }
    }

    fn plain(&self, look: Look, writer: &mut dyn Write) -> io::Result<()> {
        let mut grid = Grid::default();
        for head in ["requirement", "level", "party"] {
            grid.column(head, Align::Left);
        }
        grid.column("checks", Align::Right);
        for client in &self.clients {
            grid.column(client, Align::Left);
        }
        let common = self.common();
        grid.column(&format!("scenarios {common}"), Align::Left);
        for row in &self.requirements {
            grid.row(self.cells(row, &common));
        }
        for line in grid.lines(look) {
            writeln!(writer, "{line}")?;
        }
        writeln!(writer)?;
        self.totals().lines(&self.clients).iter().try_for_each(|line| writeln!(writer, "{line}"))
    }

    /// The folder in which all scenarios stand, `digitwin/`; empty if there is no such folder.
    fn common(&self) -> String {
        let system = |id: &String| id.split_once('/').map(|(system, _)| format!("{system}/"));
        let mut systems = self.requirements.iter().flat_map(|row| &row.scenarios).map(system);
        match systems.next() {
            Some(Some(first)) if systems.all(|other| other.as_ref() == Some(&first)) => first,
            _ => String::new(),
        }
    }

    fn cells(&self, row: &RequirementRow, common: &str) -> Vec<Cell> {
        let (checked_in, tone) = row.checked_in(common);
        let start = [row.id.as_str(), words::level(row.level), &row.party];
        let mut cells: Vec<Cell> = start.iter().map(|text| Cell::new(*text, Tone::Plain)).collect();
        cells.push(Cell::new(row.checks.to_string(), tone));
        cells.extend(self.clients.iter().map(|client| verdict(row.verdicts.get(client))));
        cells.push(Cell::new(checked_in, tone));
        cells
    }

    fn markdown(&self, writer: &mut dyn Write) -> io::Result<()> {
        let clients = |text: &dyn Fn(&String) -> String| self.clients.iter().map(text).collect::<String>();
        writeln!(
            writer,
            "| requirement | demands | level | party | checks |{} scenarios |",
            clients(&|client| format!(" {} |", escape(client)))
        )?;
        writeln!(writer, "| --- | --- | --- | --- | ---: |{} --- |", clients(&|_| " --- |".to_owned()))?;
        for row in &self.requirements {
            let verdicts = clients(&|client| {
                format!(" {} |", row.verdicts.get(client).map_or("", |one| words::check_outcome(*one)))
            });
            let (level, checked_in) = (words::level(row.level), row.checked_in("").0);
            let (text, checked_in) = (escape(&row.text), escape(&checked_in));
            writeln!(
                writer,
                "| {} | {text} | {level} | {} | {} |{verdicts} {checked_in} |",
                row.id, row.party, row.checks
            )?;
        }
        writeln!(writer)?;
        self.totals().lines(&self.clients).iter().try_for_each(|line| writeln!(writer, "- {line}"))
    }

    fn json(&self, writer: &mut dyn Write) -> io::Result<()> {
        let value = serde_json::json!({"version": 1, "table": self, "totals": self.totals()});
        serde_json::to_writer_pretty(&mut *writer, &value)?;
        writer.write_all(b"\n")
    }

    fn totals(&self) -> Totals<'_> {
        let number = |coverage| self.requirements.iter().filter(|row| row.coverage() == coverage).count();
        let open = |row: &&RequirementRow| row.coverage() == Coverage::Uncovered && row.level == Level::Must;
        let verdicts = self.clients.iter().map(|client| {
            let mut counts = BTreeMap::new();
            for outcome in self.requirements.iter().filter_map(|row| row.verdicts.get(client)) {
                *counts.entry(words::check_outcome(*outcome)).or_default() += 1;
            }
            (client.as_str(), counts)
        });
        Totals {
            requirements: self.requirements.len(),
            covered: number(Coverage::Covered),
            untested: number(Coverage::Untested),
            uncovered: number(Coverage::Uncovered),
            uncovered_must: self.requirements.iter().filter(open).count(),
            verdicts: verdicts.collect(),
        }
    }
}

impl RequirementRow {
    fn coverage(&self) -> Coverage {
        match &self.untested {
            _ if self.checks > 0 => Coverage::Covered,
            Some(_) => Coverage::Untested,
            None => Coverage::Uncovered,
        }
    }

    /// Where it is checked, without what all have in common; or that it is not.
    pub(super) fn checked_in(&self, common: &str) -> (String, Tone) {
        let short = |id: &String| id.strip_prefix(common).unwrap_or(id).to_owned();
        let scenarios = self.scenarios.iter().map(short).collect::<Vec<_>>().join(", ");
        match (self.coverage(), &self.untested) {
            // A requirement that is checked after all needs no excuse.
            (Coverage::Covered, Some(_)) => {
                (format!("{scenarios} (`untested:` in the catalogue is out of date)"), Tone::Odd)
            }
            (Coverage::Covered, None) => (scenarios, Tone::Plain),
            (_, Some(reason)) => (format!("untested: {reason}"), Tone::Odd),
            (_, None) => ("UNCOVERED".to_owned(), Tone::Bad),
        }
    }
}

impl Totals<'_> {
    fn lines(&self, clients: &[String]) -> Vec<String> {
        let mut line = format!("{}: {} covered", words::count(self.requirements, "requirement"), self.covered);
        if self.untested > 0 {
            line = format!("{line}, {} untested with a reason", self.untested);
        }
        if self.uncovered > 0 {
            line = format!("{line}, {} uncovered ({} must)", self.uncovered, self.uncovered_must);
        }
        let of = |client: &String| {
            let counts = self.verdicts.get(client.as_str())?;
            let parts: Vec<String> = counts.iter().map(|(word, number)| format!("{number} {word}")).collect();
            (!parts.is_empty()).then(|| format!("{client}: {}", parts.join(", ")))
        };
        std::iter::once(line).chain(clients.iter().filter_map(of)).collect()
    }
}

fn verdict(outcome: Option<&Outcome>) -> Cell {
    let Some(outcome) = outcome else { return Cell::new("·", Tone::Dim) };
    Cell::new(words::check_outcome(*outcome), tone(*outcome))
}

/// The tone of a verdict.
pub(super) fn tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Pass => Tone::Good,
        Outcome::Fail => Tone::Bad,
        Outcome::Deviation | Outcome::NotReached => Tone::Odd,
        Outcome::NotObservable | Outcome::Unsupported => Tone::Dim,
    }
}

/// Keeps a text inside its cell.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace('\n', " ").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn row(id: &str, checks: usize, scenarios: &[&str], verdicts: &[(&str, Outcome)]) -> RequirementRow {
        RequirementRow {
            id: id.to_owned(),
            level: if id.ends_with('9') { Level::Should } else { Level::Must },
            party: "client".to_owned(),
            text: "What the client does | or does not do.".to_owned(),
            checks,
            scenarios: scenarios.iter().map(|id| (*id).to_owned()).collect(),
            verdicts: verdicts.iter().map(|(client, outcome)| ((*client).to_owned(), *outcome)).collect(),
            untested: None,
        }
    }

    fn table() -> RequirementTable {
        let files =
            ["digitwin/connect/polling-then-websocket", "digitwin/connect/upgrade-fails", "digitwin/states/lost"];
        let outdated = RequirementRow {
            untested: Some("nobody can see it".to_owned()),
            ..row("DT-LOG-01", 2, &files[1..2], &[("node", Outcome::Pass)])
        };
        let untested = RequirementRow {
            untested: Some("needs a browser's developer tools".to_owned()),
            ..row("DT-UX-09", 0, &[], &[])
        };
        let server = RequirementRow { party: "server".to_owned(), ..row("DT-AUTH-01", 4, &files[..1], &[]) };
        RequirementTable {
            clients: vec!["built-in".to_owned(), "node".to_owned()],
            requirements: vec![
                row("DT-CONN-01", 7, &files, &[("built-in", Outcome::Pass), ("node", Outcome::Fail)]),
                row(
                    "DT-CONN-16",
                    1,
                    &files[1..2],
                    &[("built-in", Outcome::NotObservable), ("node", Outcome::Deviation)],
                ),
                server,
                outdated,
                untested,
                row("DT-X-02", 0, &[], &[]),
            ],
        }
    }

    fn written(table: &RequirementTable, format: TableFormat) -> String {
        let mut bytes = Vec::new();
        table.write(format, Look::plain(), &mut bytes).expect("a vector takes all");
        String::from_utf8(bytes).expect("the table is text")
    }

    #[rstest]
    #[case::plain(TableFormat::Plain, "plain")]
    #[case::markdown(TableFormat::Markdown, "markdown")]
    #[case::json(TableFormat::Json, "json")]
    fn formats(#[case] format: TableFormat, #[case] name: &str) {
        insta::assert_snapshot!(name, written(&table(), format));
    }

    #[test]
    fn without_results_there_are_no_columns_of_clients() {
        let table = RequirementTable { clients: Vec::new(), ..table() };
        insta::assert_snapshot!(written(&table, TableFormat::Plain));
    }

    #[test]
    fn wrong_formats() {
        let error = "html".parse::<TableFormat>().expect_err("there is none").to_string();
        assert_eq!(error, "`html` is no format of the table: expected plain, markdown or json");
    }
}

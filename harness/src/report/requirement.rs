//! One requirement on a page: what it demands, what it rests on, what checks it, and with which verdict for each client.
//! As text, Markdown or JSON.
//!
//! Is given a row of the table and what belongs to it; knows neither catalogues nor scenarios.

use std::io::{self, Write};

use serde::Serialize;

use super::requirements::{RequirementRow, TableFormat};
use super::terminal::{Look, Tone, wrap};
use super::words;
use crate::judge::Outcome;

/// A requirement and all that belongs to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequirementPage {
    /// What the table says of it.
    #[serde(flatten)]
    pub row: RequirementRow,
    /// Section of the document.
    pub source: String,
    /// The places where the document contradicts itself or is silent, on whose reading it rests.
    pub readings: Vec<Reading>,
    /// Ids of the faults that provoke it.
    pub faults: Vec<String>,
}

/// How a contradiction of the document is read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reading {
    /// Its id.
    pub id: String,
    /// What it is about.
    pub topic: String,
    /// How it is read.
    pub reading: String,
}

/// A heading of the page, and its lines.
struct Part {
    name: &'static str,
    lines: Vec<(String, Tone)>,
}

/// Columns of the headings.
const MARGIN: usize = 12;

impl RequirementPage {
    /// Writes the page.
    pub fn write(&self, format: TableFormat, look: Look, writer: &mut dyn Write) -> io::Result<()> {
        match format {
            TableFormat::Plain => self.plain(look, writer),
            TableFormat::Markdown => self.markdown(writer),
            TableFormat::Json => {
                serde_json::to_writer_pretty(&mut *writer, &serde_json::json!({"version": 1, "requirement": self}))?;
                writer.write_all(b"\n")
            }
        }
    }

    fn plain(&self, look: Look, writer: &mut dyn Write) -> io::Result<()> {
        let RequirementRow { id, level, party, text, .. } = &self.row;
        let head = format!("({}, {party})", words::level(*level));
        writeln!(writer, "{} {}\n", look.paint(Tone::Strong, id), look.paint(Tone::Dim, &head))?;
        wrap(text, look.width).iter().try_for_each(|line| writeln!(writer, "{line}"))?;
        for part in self.parts() {
            writeln!(writer)?;
            let lines = part.lines.iter().flat_map(|(text, tone)| {
                wrap(text, look.width - MARGIN).into_iter().map(move |line| look.paint(*tone, &line))
            });
            for (number, line) in lines.enumerate() {
                let name = if number == 0 { part.name } else { "" };
                writeln!(writer, "{}{line}", look.paint(Tone::Dim, &format!("{name:<MARGIN$}")))?;
            }
        }
        Ok(())
    }

    fn markdown(&self, writer: &mut dyn Write) -> io::Result<()> {
        let RequirementRow { id, level, party, text, .. } = &self.row;
        writeln!(writer, "## {id} ({}, {party})\n\n{text}", words::level(*level))?;
        for part in self.parts() {
            writeln!(writer, "\n**{}**\n", part.name)?;
            part.lines.iter().try_for_each(|(line, _)| writeln!(writer, "- {line}"))?;
        }
        Ok(())
    }

    /// What is known of it; what is not has no part.
    fn parts(&self) -> Vec<Part> {
        let plain = |text: String| (text, Tone::Plain);
        let reading = |one: &Reading| plain(format!("{} ({}): {}", one.id, one.topic, one.reading));
        let verdict = |(client, outcome): (&String, &Outcome)| {
            (format!("{client}: {}", words::check_outcome(*outcome)), super::requirements::tone(*outcome))
        };
        let parts = [
            Part { name: "source", lines: vec![plain(self.source.clone())] },
            Part { name: "read as", lines: self.readings.iter().map(reading).collect() },
            Part { name: "provoked by", lines: self.faults.iter().cloned().map(plain).collect() },
            Part { name: "checked in", lines: self.checked_in() },
            Part { name: "verdicts", lines: self.row.verdicts.iter().map(verdict).collect() },
        ];
        parts.into_iter().filter(|part| !part.lines.is_empty()).collect()
    }

    fn checked_in(&self) -> Vec<(String, Tone)> {
        if self.row.checks == 0 {
            let (why, tone) = self.row.checked_in("");
            return vec![(why, tone)];
        }
        let count = words::count(self.row.checks, "check");
        let scenarios = self.row.scenarios.iter().map(|id| (id.clone(), Tone::Plain));
        let outdated = self.row.untested.as_ref().map(|_| self.row.checked_in("").1);
        let outdated = outdated.map(|tone| ("`untested:` in the catalogue is out of date".to_owned(), tone));
        scenarios.chain(outdated).chain([(count, Tone::Dim)]).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;

    use super::*;
    use crate::spec::model::Level;

    fn page() -> RequirementPage {
        RequirementPage {
            row: RequirementRow {
                id: "DT-STATE-12".to_owned(),
                level: Level::Must,
                party: "client".to_owned(),
                text:
                    "A session_created that arrives after the 10000 ms timeout or after auth_error does not move the \
                       client to connected from error or reconnecting."
                        .to_owned(),
                checks: 3,
                scenarios: vec!["digitwin/states/late".to_owned(), "digitwin/states/lost".to_owned()],
                verdicts: BTreeMap::from([("built-in".to_owned(), Outcome::Pass), ("node".to_owned(), Outcome::Fail)]),
                untested: None,
            },
            source: "Client States > State Transitions".to_owned(),
            readings: vec![Reading {
                id: "DT-X-08".to_owned(),
                topic: "a verdict that comes too late".to_owned(),
                reading: "The old connection is closed and its events are ignored from the moment ERROR is entered."
                    .to_owned(),
            }],
            faults: vec!["event-delay".to_owned(), "late-session-created".to_owned()],
        }
    }

    /// Nothing checks it, and it rests on nothing else.
    fn bare() -> RequirementPage {
        let row = RequirementRow {
            checks: 0,
            scenarios: Vec::new(),
            verdicts: BTreeMap::new(),
            untested: Some("needs a browser's developer tools".to_owned()),
            ..page().row
        };
        RequirementPage { row, readings: Vec::new(), faults: Vec::new(), ..page() }
    }

    #[rstest]
    #[case::plain(page(), TableFormat::Plain, "page-plain")]
    #[case::markdown(page(), TableFormat::Markdown, "page-markdown")]
    #[case::json(page(), TableFormat::Json, "page-json")]
    #[case::bare(bare(), TableFormat::Plain, "page-bare")]
    fn formats(#[case] page: RequirementPage, #[case] format: TableFormat, #[case] name: &str) {
        let mut bytes = Vec::new();
        page.write(format, Look { width: 80, ..Look::plain() }, &mut bytes).expect("a vector takes all");
        insta::assert_snapshot!(name, String::from_utf8(bytes).expect("the page is text"));
    }
}

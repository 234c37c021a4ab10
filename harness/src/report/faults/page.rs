//! All there is to say about one fault, as a page of text.
//!
//! Is given what others found; looks nothing up but the observations.

use std::io::{self, Write};

use sparring_mock_server::script::fault::{Kind, ParamInfo, Presence};
use sparring_mock_server::script::{FaultInfo, Stage};

use super::example::example;
use super::observed::{Meeting, Observation, Observed};
use super::{Demand, Explained, keys, names, systems};
use crate::report::terminal::{Look, Tone, wrap};
use crate::report::words;

/// Columns of the names of parameters and keys.
const NAMES: usize = 14;

/// Writes the page.
pub fn page(fault: &Explained<'_>, observed: &Observed, look: Look, writer: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { look, writer };
    let info = fault.info;
    page.title(info)?;
    page.parameters(info)?;
    page.keys(info)?;
    page.place(info)?;
    page.example(info, observed)?;
    page.observed(observed.of(info.id), observed)?;
    page.requirements(&fault.requirements)
}

struct Page<'w> {
    look: Look,
    writer: &'w mut dyn Write,
}

impl Page<'_> {
    fn title(&mut self, info: &FaultInfo) -> io::Result<()> {
        let (id, layer) = (self.look.paint(Tone::Strong, info.id), self.look.paint(Tone::Dim, info.family));
        writeln!(self.writer, "{id}  {layer}\n")?;
        self.text("", info.summary)
    }

    fn parameters(&mut self, info: &FaultInfo) -> io::Result<()> {
        if info.params.is_empty() {
            return Ok(());
        }
        self.heading("Parameters")?;
        info.params.iter().try_for_each(|param| {
            self.named(param.name, &format!("{}; {}", expected(param.kind), presence(param)))?;
            self.named("", param.doc)
        })
    }

    fn keys(&mut self, info: &FaultInfo) -> io::Result<()> {
        self.heading("Keys of every such rule")?;
        keys::keys(info).into_iter().try_for_each(|key| self.named(key, &keys::meaning(key, info)))
    }

    fn place(&mut self, info: &FaultInfo) -> io::Result<()> {
        self.heading("Where")?;
        let stages: Vec<&str> = info.stages.iter().map(|stage| Stage::name(*stage)).collect();
        self.named("stage", &stages.join(", "))?;
        self.named("systems", &names(&systems(info)).join(", "))
    }

    fn example(&mut self, info: &FaultInfo, observed: &Observed) -> io::Result<()> {
        let Some(example) = example(info, observed) else { return Ok(()) };
        self.heading("Example")?;
        let tls = if info.family == "tls" { " --tls" } else { "" };
        writeln!(self.writer, "  sparring serve {}{tls} --fault {}", example.system.name(), quoted(&example.line))?;
        writeln!(self.writer, "  - {}", example.yaml())
    }

    fn observed(&mut self, meeting: Option<&Meeting>, observed: &Observed) -> io::Result<()> {
        let Some(meeting) = meeting else { return Ok(()) };
        self.heading("What clients report, as observed")?;
        if let Some(reason) = &meeting.unseen {
            self.text("  ", &format!("nothing: {reason}"))?;
        }
        meeting.seen.iter().enumerate().try_for_each(|(place, seen)| {
            if place > 0 {
                writeln!(self.writer)?;
            }
            self.observation(seen, observed)
        })
    }

    fn observation(&mut self, seen: &Observation, observed: &Observed) -> io::Result<()> {
        let client = self.look.paint(Tone::Good, &observed.titled(&seen.client));
        let setup = seen.setup.as_ref().map_or_else(String::new, |setup| format!("; {setup}"));
        writeln!(self.writer, "  {client}")?;
        for line in wrap(&format!("{}: {}{setup}", seen.system, seen.rule), self.look.width.saturating_sub(2)) {
            writeln!(self.writer, "  {}", self.look.paint(Tone::Dim, &line))?;
        }
        seen.reports.iter().try_for_each(|report| self.report(report))?;
        seen.note.iter().try_for_each(|note| self.text("  ", note))
    }

    fn requirements(&mut self, requirements: &[Demand<'_>]) -> io::Result<()> {
        self.heading("Requirements whose checks meet it")?;
        if requirements.is_empty() {
            return self.text("  ", "none yet");
        }
        let widest = requirements.iter().map(|demand| demand.id.len()).max().unwrap_or_default();
        requirements.iter().try_for_each(|demand| {
            let room = self.look.width.saturating_sub(widest + 4);
            let id = self.look.paint(Tone::Good, &format!("{:<widest$}", demand.id));
            writeln!(self.writer, "  {id}  {}", one_line(demand.text, room))
        })
    }

    fn heading(&mut self, heading: &str) -> io::Result<()> {
        writeln!(self.writer, "\n{}", self.look.paint(Tone::Strong, heading))
    }

    /// A name, and a text beside it in as many lines as it takes.
    fn named(&mut self, name: &str, text: &str) -> io::Result<()> {
        let blank = " ".repeat(NAMES.saturating_sub(name.len()));
        let mut name = format!("{}{blank}", self.look.paint(Tone::Good, name));
        for line in wrap(text, self.look.width.saturating_sub(NAMES + 3)) {
            writeln!(self.writer, "  {name} {line}")?;
            name = " ".repeat(NAMES);
        }
        Ok(())
    }

    fn text(&mut self, indent: &str, text: &str) -> io::Result<()> {
        let width = self.look.width.saturating_sub(indent.len());
        wrap(text, width).iter().try_for_each(|line| writeln!(self.writer, "{indent}{line}"))
    }

    /// A line of what was reported; where it is too long, what is left stands further in.
    fn report(&mut self, report: &str) -> io::Result<()> {
        let mut indent = "    ";
        for line in wrap(report, self.look.width.saturating_sub(6)) {
            writeln!(self.writer, "{indent}{}", self.look.paint(tone(report), &line))?;
            indent = "      ";
        }
        Ok(())
    }
}

/// Losses stand out, silence stands back.
fn tone(report: &str) -> Tone {
    match report.split([' ', ':']).next().unwrap_or_default() {
        "connect_error" | "disconnect" | "error" | "close" => Tone::Odd,
        "nothing" => Tone::Dim,
        _ => Tone::Plain,
    }
}

/// What may stand there; words without a sentence around them.
fn expected(kind: Kind) -> String {
    match kind {
        Kind::Choice(words) => words.join(" | "),
        other => other.expected(),
    }
}

fn presence(param: &ParamInfo) -> String {
    match &param.presence {
        Presence::Required => "required".to_owned(),
        Presence::Optional => "optional".to_owned(),
        Presence::Default(value) => match value.as_str() {
            Some("") => "default empty".to_owned(),
            Some(text) => format!("default {text}"),
            None => format!("default {}", words::flow(value)),
        },
    }
}

/// One word for a shell, as easy to read as can be.
fn quoted(line: &str) -> String {
    let is_special = |c: char| matches!(c, '"' | '$' | '`' | '\\' | '!');
    match line.contains('\'') {
        false => format!("'{line}'"),
        true if !line.contains(is_special) => format!("\"{line}\""),
        true => format!("'{}'", line.replace('\'', r"'\''")),
    }
}

/// As much of a text as fits a line.
fn one_line(text: &str, width: usize) -> String {
    let mut lines = wrap(text, width.saturating_sub(2)).into_iter();
    let first = lines.next().unwrap_or_default();
    if lines.next().is_some() { format!("{first} …") } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("half-open after=1s", "'half-open after=1s'")]
    #[case("x reason='back soon'", "\"x reason='back soon'\"")]
    #[case("x raw='[\"a\"'", r#"'x raw='\''["a"'\'''"#)]
    fn words_of_a_shell(#[case] line: &str, #[case] expected: &str) {
        assert_eq!(quoted(line), expected);
    }
}

//! Where a run stands: what is done, what runs, what to say of each event. Data and text; [`super::progress`] draws it.

use console::measure_text_width;

use super::look::{Look, Tone, pad, wrap};
use super::{LABEL, tone};
use crate::report::events::{CaseName, RunEvent};
use crate::report::results::{CaseResult, ClientInfo};
use crate::report::status::Status;
use crate::report::words;

/// Into so many parts a long run is divided for those who see lines only.
const PARTS: usize = 10;
/// How many cases make a run long.
const LONG: usize = 50;

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Talk {
    /// What is not as expected.
    Quiet,
    /// Also what is no plain pass.
    Usual,
}

/// Where a run stands.
#[derive(Debug)]
pub(super) struct Board {
    talk: Talk,
    cases: usize,
    done: usize,
    unexpected: usize,
    running: Vec<CaseName>,
    finished: bool,
}

impl Board {
    pub(super) fn new(talk: Talk) -> Self {
        Self { talk, cases: 0, done: 0, unexpected: 0, running: Vec::new(), finished: false }
    }

    /// Takes note of an event, and says what there is to say of it.
    pub(super) fn take(&mut self, event: &RunEvent, look: Look) -> Option<String> {
        match event {
            RunEvent::RunStarted { cases, seed, speed } => {
                self.cases = *cases;
                self.usual(format!("{}, speed {speed}, seed {seed}", words::count(*cases, "case")))
            }
            RunEvent::ClientReady(client) => self.usual(introduction(client)),
            RunEvent::CaseStarted(case) => {
                self.running.push(case.clone());
                None
            }
            RunEvent::CasePostponed { case, reason } => {
                self.leave(&case.id, &case.client, case.run);
                self.usual(postponed(case, reason, look))
            }
            RunEvent::CaseFinished(case) => {
                self.leave(&case.id, &case.client, case.run);
                self.done += 1;
                self.unexpected += usize::from(!case.expected);
                self.finish(case, look)
            }
            RunEvent::RunFinished { interrupted } => {
                self.finished = true;
                interrupted.then(|| look.paint(Tone::Ours, &format!("interrupted after {}", self.counts())))
            }
        }
    }

    fn usual(&self, line: String) -> Option<String> {
        (self.talk == Talk::Usual).then_some(line)
    }

    fn leave(&mut self, id: &str, client: &str, run: u32) {
        let same = |case: &CaseName| case.id == id && case.client == client && case.run == run;
        if let Some(place) = self.running.iter().position(same) {
            self.running.remove(place);
        }
    }

    fn finish(&self, case: &CaseResult, look: Look) -> Option<String> {
        let status = Status::of(case);
        let plain = case.expected && (status == Status::Pass || self.talk == Talk::Quiet);
        (!plain).then(|| {
            let label = look.paint(tone(status), &pad(&status.label(), LABEL));
            row(&label, &format!("{} · {}", words::numbered(case), case.client), &words::headline(case), look)
        })
    }

    /// For those who see lines only: where the run stands, now and then.
    pub(super) fn milestone(&self, event: &RunEvent) -> Option<String> {
        let part = |done: usize| done * PARTS / self.cases.max(1);
        let passed = self.done > 0 && self.done < self.cases && part(self.done) > part(self.done - 1);
        let due = matches!(event, RunEvent::CaseFinished(_)) && passed && self.cases >= LONG;
        if due { self.usual(self.counts()) } else { None }
    }

    /// `57 of 214 cases, 2 not as expected`.
    pub(super) fn counts(&self) -> String {
        let unexpected = match self.unexpected {
            0 => String::new(),
            number => format!(", {number} not as expected"),
        };
        format!("{} of {}{unexpected}", self.done, words::count(self.cases, "case"))
    }

    /// The oldest running cases, as many as fit, and how many more there are.
    pub(super) fn running(&self, width: usize) -> String {
        let more = |number: usize| if number == 0 { String::new() } else { format!(", +{number} more") };
        let mut text = String::new();
        for (index, case) in self.running.iter().enumerate() {
            let gap = if index == 0 { "" } else { ", " };
            let longer = format!("{text}{gap}{} · {}", case.id, case.client);
            let rest = self.running.len() - index;
            if index > 0 && measure_text_width(&longer) + measure_text_width(&more(rest - 1)) > width {
                return format!("{text}{}", more(rest));
            }
            text = longer;
        }
        text
    }

    pub(super) fn cases(&self) -> usize {
        self.cases
    }

    pub(super) fn done(&self) -> usize {
        self.done
    }

    pub(super) fn unexpected(&self) -> usize {
        self.unexpected
    }

    pub(super) fn finished(&self) -> bool {
        self.finished
    }
}

fn introduction(client: &ClientInfo) -> String {
    let exposes = if client.exposes.is_empty() { "nothing but the wire".to_owned() } else { client.exposes.join(", ") };
    format!("{} {} on {}, shows {exposes}", client.name, client.version, client.library)
}

fn postponed(case: &CaseName, reason: &str, look: Look) -> String {
    let label = look.paint(Tone::Dim, &pad("AGAIN, ALONE", LABEL));
    row(&label, &format!("{} · {}", case.id, case.client), reason, look)
}

/// A label of the usual width, a case, and what there is to say of it: below the case where a line cannot hold both.
fn row(label: &str, case: &str, text: &str, look: Look) -> String {
    let indent = LABEL + 2;
    if indent + measure_text_width(case) + 2 + measure_text_width(text) <= look.width {
        return format!("{label}  {case}  {text}");
    }
    let below = wrap(text, look.width.saturating_sub(indent));
    std::iter::once(format!("{label}  {case}"))
        .chain(below.iter().map(|line| format!("{}{line}", " ".repeat(indent))))
        .collect::<Vec<_>>()
        .join("\n")
}

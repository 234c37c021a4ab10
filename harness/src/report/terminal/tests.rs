//! What people see, held as they see it.

use indicatif::{ProgressDrawTarget, TermLike};
use rstest::rstest;

use super::*;
use crate::report::events::RunEvent;
use crate::report::format::Listener;
use crate::report::library::NoLibrary;
use crate::report::results::CaseResult;
use crate::report::sample::{self, Shared, Shelf};
use crate::report::words;

const NARROW: Look = Look { width: 80, colour: false };
const WIDE: Look = Look { width: 120, colour: false };

fn written(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes).expect("a vector takes all");
    String::from_utf8(bytes).expect("reports are text")
}

fn too_wide(text: &str, look: Look) -> Vec<&str> {
    // A command must be copied in one piece, and so must a path.
    let whole = |line: &&str| line.starts_with("  replay:") || line.starts_with("  specs/");
    text.lines().filter(|line| !whole(line) && console::measure_text_width(line) > look.width).collect()
}

#[rstest]
#[case::early(sample::early(), "early")]
#[case::missing(sample::missing(), "missing")]
#[case::deviation(sample::deviation(), "deviation")]
#[case::crowd(sample::crowd(), "crowd")]
#[case::crash(sample::crash(), "crash")]
#[case::harness_error(sample::harness_error(), "harness-error")]
#[case::adapter_error(sample::adapter_error(), "adapter-error")]
#[case::inconclusive(sample::inconclusive(), "inconclusive")]
#[case::busy(sample::busy(), "busy")]
#[case::unexpected_pass(sample::unexpected_pass(), "unexpected-pass")]
fn one_case(#[case] case: CaseResult, #[case] name: &str) {
    let text = failure::failure(&case, &sample::run(Vec::new()), &Shelf, Look::plain());
    insta::assert_snapshot!(name, text);
    assert!(!text.contains(&sample::TOKEN[..11]));
}

#[rstest]
#[case::narrow(NARROW)]
#[case::wide(WIDE)]
#[case::narrowest(Look { width: 60, colour: false })]
fn lines_stay_inside(#[case] look: Look) {
    let results = sample::results();
    let text = written(|writer| failures(&results, &NoLibrary, look, writer));
    assert_eq!(too_wide(&text, look), Vec::<&str>::new());
}

#[test]
fn narrow_terminals() {
    insta::assert_snapshot!(failure::failure(&sample::early(), &sample::run(Vec::new()), &Shelf, NARROW));
}

#[test]
fn colour_changes_no_letter() {
    let (plain, coloured) = (WIDE, Look { colour: true, ..WIDE });
    let results = sample::results();
    let text = |look| {
        written(|writer| failures(&results, &Shelf, look, writer).and_then(|()| summary(&results, look, writer)))
    };
    assert!(text(coloured).contains("\u{1b}[31m"), "failures are red");
    let stripped = console::strip_ansi_codes(&text(coloured)).into_owned();
    let trimmed = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    assert_eq!(trimmed(&stripped), trimmed(&text(plain)));
}

#[test]
fn a_run_with_failures() {
    insta::assert_snapshot!(written(|writer| summary(&sample::results(), Look::plain(), writer)));
}

#[test]
fn a_good_run() {
    insta::assert_snapshot!(written(|writer| summary(&sample::good(), Look::plain(), writer)));
}

#[test]
fn an_interrupted_run_without_cases() {
    let results = Results { interrupted: true, ..sample::run(Vec::new()) };
    insta::assert_snapshot!(written(|writer| summary(&results, Look::plain(), writer)));
}

#[rstest]
#[case::usual(Talk::Usual, "usual")]
#[case::quiet(Talk::Quiet, "quiet")]
fn without_a_terminal(#[case] talk: Talk, #[case] name: &str) {
    let shared = Shared::default();
    let mut progress = Progress::lines(talk, Look::plain(), shared.clone());
    for event in &sample::events() {
        progress.event(event).expect("a vector takes all");
    }
    insta::assert_snapshot!(format!("lines-{name}"), shared.text());
}

#[test]
fn a_long_run_shows_signs_of_life() {
    let shared = Shared::default();
    let mut progress = Progress::lines(Talk::Usual, Look::plain(), shared.clone());
    let case = sample::case("digitwin/connect/a", "node", "It connects");
    let finished = std::iter::repeat_n(RunEvent::CaseFinished(Box::new(case)), 54);
    let started = RunEvent::RunStarted { cases: 60, seed: 7, speed: 1 };
    let stopped = RunEvent::RunFinished { interrupted: true };
    for event in std::iter::once(started).chain(finished).chain([stopped]) {
        progress.event(&event).expect("a vector takes all");
    }
    insta::assert_snapshot!(shared.text());
}

/// A terminal that keeps what was written to it, cursor moves left out.
#[derive(Debug, Clone)]
struct Screen(std::sync::Arc<std::sync::Mutex<String>>);

impl Screen {
    fn put(&self, text: &str) {
        self.0.lock().expect("no test panics while it writes").push_str(text);
    }

    fn take(&self) -> String {
        let text = std::mem::take(&mut *self.0.lock().expect("no test panics while it writes"));
        console::strip_ansi_codes(&text).into_owned()
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        90
    }
    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn write_line(&self, text: &str) -> io::Result<()> {
        self.put(&format!("{text}\n"));
        Ok(())
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.put(text);
        Ok(())
    }
    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn on_a_terminal() {
    let screen = Screen(std::sync::Arc::default());
    let mut progress = Progress::bar(
        Talk::Usual,
        Look { width: 90, colour: false },
        ProgressDrawTarget::term_like(Box::new(screen.clone())),
    );
    let mut frames = Vec::new();
    for event in sample::events() {
        progress.event(&event).expect("a screen takes all");
        let text = screen.take();
        if let RunEvent::CaseFinished(case) = &event {
            // A long headline goes on in the next line.
            let running = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(case.expected || running.contains(&words::headline(case)), "{text}");
            frames.push(last_lines(&text, 2));
        }
    }
    insta::assert_snapshot!([&frames[0], &frames[9], &frames[20]].map(String::as_str).join("\n\n"));
}

/// The lines in which the screen was last filled: the bar's library fills each to the width of the screen.
fn last_lines(text: &str, number: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    let last = letters[letters.len().saturating_sub(number * 90)..].chunks(90);
    last.map(|line| line.iter().collect::<String>().trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

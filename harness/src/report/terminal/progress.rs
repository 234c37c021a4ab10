//! What is seen while a run goes on: a bar on a terminal, lines elsewhere.
//!
//! Draws on events alone. A ticking thread would wait with the standard library's timers, which hang under a warped
//! clock.

use std::fmt;
use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::board::Board;
pub use super::board::Talk;
use super::look::Look;
use crate::report::events::RunEvent;
use crate::report::format::Listener;

/// Shows where a run stands.
pub struct Progress {
    board: Board,
    screen: Screen,
    look: Look,
}

/// What it is shown on.
enum Screen {
    /// A terminal: lines go above the bar.
    Bar(ProgressBar),
    /// Anything else.
    Lines(Box<dyn Write + Send>),
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("board", &self.board).finish_non_exhaustive()
    }
}

impl Progress {
    /// On standard error: a bar if that is a terminal and there is more to say than failures.
    pub fn stderr(talk: Talk) -> Self {
        let target = ProgressDrawTarget::stderr();
        if talk == Talk::Quiet || target.is_hidden() {
            return Self::lines(talk, Look::stderr(), io::stderr());
        }
        Self::bar(talk, Look::stderr(), target)
    }

    /// Lines only, one for each thing that is worth it, however long: what reads them may search them.
    pub fn lines(talk: Talk, look: Look, writer: impl Write + Send + 'static) -> Self {
        let look = Look { width: usize::MAX, ..look };
        Self { board: Board::new(talk), screen: Screen::Lines(Box::new(writer)), look }
    }

    /// A bar on this terminal.
    pub fn bar(talk: Talk, look: Look, target: ProgressDrawTarget) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), target).with_style(style("green"));
        Self { board: Board::new(talk), screen: Screen::Bar(bar), look }
    }

    fn draw(&self, bar: &ProgressBar) {
        if self.board.finished() {
            bar.finish_and_clear();
            return;
        }
        bar.set_length(self.board.cases() as u64);
        bar.set_position(self.board.done() as u64);
        bar.set_prefix(self.board.counts());
        bar.set_message(self.board.running(self.look.width.saturating_sub(1)));
        if self.board.unexpected() > 0 {
            bar.set_style(style("red"));
        }
        // Otherwise the library may hold a change back for the next one, which can be long in coming.
        bar.force_draw();
    }
}

impl Listener for Progress {
    fn event(&mut self, event: &RunEvent) -> io::Result<()> {
        let line = self.board.take(event, self.look);
        match &mut self.screen {
            Screen::Bar(_) => {}
            Screen::Lines(writer) => {
                for line in line.into_iter().chain(self.board.milestone(event)) {
                    writeln!(writer, "{line}")?;
                }
                return writer.flush();
            }
        }
        if let Screen::Bar(bar) = &self.screen {
            if let Some(line) = line {
                bar.println(line);
            }
            self.draw(bar);
        }
        Ok(())
    }
}

fn style(colour: &str) -> ProgressStyle {
    let template = format!("{{bar:28.{colour}/dim}} {{prefix}}\n{{wide_msg:.dim}}");
    ProgressStyle::with_template(&template).expect("the template is constant").progress_chars("━╸─")
}

//! What people read in a terminal: [`Progress`] while a run goes on, [`failures`] and [`summary`](fn@summary) at its end.
//!
//! Pure rendering, except [`Progress`], which draws on events alone: a ticking thread of the progress bar's library
//! would hang under a warped clock.

mod board;
mod failure;
mod grid;
mod lanes;
mod look;
mod progress;
mod summary;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

pub(super) use look::wrap;
pub use look::{Look, Tone};
pub use progress::{Progress, Talk};
pub use summary::summary;

pub(super) use grid::{Align, Cell, Grid};

use super::library::Library;
use super::results::Results;
use super::status::Status;

/// Columns of the longest label, to which lists of cases are aligned.
const LABEL: usize = 15;

/// Writes the report of every case that is not as expected.
pub fn failures(results: &Results, library: &dyn Library, look: Look, writer: &mut dyn Write) -> io::Result<()> {
    for case in results.cases.iter().filter(|case| !case.expected) {
        writeln!(writer, "{}", look.paint(Tone::Dim, &"─".repeat(look.width)))?;
        writeln!(writer, "{}", failure::failure(case, results, library, look))?;
    }
    Ok(())
}

/// The tone of a status.
fn tone(status: Status) -> Tone {
    match status {
        Status::Pass => Tone::Good,
        Status::Fail | Status::UnexpectedPass | Status::Timeout => Tone::Bad,
        Status::Deviation | Status::NotReached => Tone::Odd,
        Status::KnownFailing | Status::NotObservable | Status::Unsupported => Tone::Dim,
        Status::Inconclusive | Status::Crash | Status::AdapterError | Status::HarnessError => Tone::Ours,
    }
}

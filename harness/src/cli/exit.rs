//! Exit codes, and how an error reaches the terminal.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource};

use crate::spec::SpecError;

/// How the program ended. The numbers are part of its interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything came out as expected.
    AsExpected,
    /// A result was not as expected.
    Unexpected,
    /// A flag or a file is wrong.
    Usage,
    /// The harness or an adapter could not run.
    CouldNotRun,
    /// No case is left to run.
    NothingSelected,
}

impl Exit {
    fn code(self) -> u8 {
        match self {
            Self::AsExpected => 0,
            Self::Unexpected => 1,
            Self::Usage => 2,
            Self::CouldNotRun => 3,
            Self::NothingSelected => 4,
        }
    }
}

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// Scenario files are wrong.
    #[error("{} in the specs", count(.0.len()))]
    Specs(Vec<SpecError>),
    /// Rules of a command line or a script file are wrong.
    #[error("{} in the rules", count(.0.len()))]
    Rules(Vec<SpecError>),
    /// A flag, an argument or another file is wrong.
    #[error("{0}")]
    Usage(String),
    /// Something that the command needs could not be started.
    #[error("{0}")]
    CouldNotRun(String),
    /// There is nothing to do.
    #[error("{0}")]
    NothingSelected(String),
}

fn count(errors: usize) -> String {
    if errors == 1 { "1 error".to_owned() } else { format!("{errors} errors") }
}

impl Failure {
    /// A flag or a file is wrong.
    pub(super) fn usage(error: impl std::fmt::Display) -> Self {
        Self::Usage(error.to_string())
    }

    /// Something could not be started.
    pub(super) fn could_not_run(error: impl std::fmt::Display) -> Self {
        Self::CouldNotRun(error.to_string())
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Specs(_) | Self::Rules(_) | Self::Usage(_) => Exit::Usage,
            Self::CouldNotRun(_) => Exit::CouldNotRun,
            Self::NothingSelected(_) => Exit::NothingSelected,
        }
    }
}

/// Prints what is to be printed and gives the code to the system.
pub(super) fn report(outcome: Result<Exit, Failure>) -> ExitCode {
    let exit = outcome.unwrap_or_else(|failure| {
        render(&failure);
        failure.exit()
    });
    ExitCode::from(exit.code())
}

/// The end of a command that does nothing but print. A reader that has seen enough, such as `head`, is no failure.
pub(super) fn printed(written: io::Result<()>) -> Result<Exit, Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::could_not_run(error)),
        _ => Ok(Exit::AsExpected),
    }
}

fn render(failure: &Failure) {
    if let Failure::Specs(errors) | Failure::Rules(errors) = failure {
        explain(errors);
    }
    complain(failure);
}

/// Says in one line what is wrong.
pub(super) fn complain(what: impl std::fmt::Display) {
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "sparring: {what}");
}

/// Shows what is wrong with files, each error with the lines around its place.
pub(super) fn explain(errors: &[SpecError]) {
    let mut stderr = std::io::stderr().lock();
    let theme = if stderr.is_terminal() { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100);
    for error in errors {
        let mut text = String::new();
        let rendered = error.position.is_some() && handler.render_report(&mut text, &Shown::new(error)).is_ok();
        let _ = if rendered { writeln!(stderr, "{text}") } else { writeln!(stderr, "{error}") };
    }
}

/// A wrong scenario as the terminal shows it: the lines around the place, with the place marked.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.message)]
struct Shown<'a>(&'a SpecError, NamedSource<Arc<str>>);

impl Diagnostic for Shown<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.0.help.as_ref().map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.0.position.as_ref().map(|_| &self.1 as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.0.position.as_ref()?.span.clone();
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(None, span))))
    }
}

impl<'a> Shown<'a> {
    fn new(error: &'a SpecError) -> Self {
        Self(error, NamedSource::new(&error.file, Arc::clone(&error.text)))
    }
}

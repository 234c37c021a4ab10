//! The reports that can be asked for: `--report junit=PATH`. A new one is a file beside this and a row in
//! [`Format::row`].
//!
//! Opens no files: whoever does gets the writer's end from [`Making`].

use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;

use super::events::RunEvent;
use super::results::Results;
use super::{json, junit, ndjson};

/// The formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `results.json`.
    Json,
    /// For continuous integration.
    Junit,
    /// The stream of events.
    Ndjson,
}

/// How a format comes to be.
#[derive(Clone, Copy)]
pub enum Making {
    /// From the results, when all is over.
    Whole(fn(&Results, &mut dyn Write) -> io::Result<()>),
    /// From the events, line by line.
    Live(fn(Box<dyn Write + Send>) -> Box<dyn Listener>),
}

/// Who follows a run.
pub trait Listener: Send {
    /// Takes note of an event.
    fn event(&mut self, event: &RunEvent) -> io::Result<()>;
}

/// What there is to say of a format.
#[derive(Clone, Copy)]
pub struct Row {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is for, in a few words.
    pub about: &'static str,
    /// How it comes to be.
    pub making: Making,
}

impl Format {
    /// All of them, in the order of the help.
    pub const ALL: [Self; 3] = [Self::Json, Self::Junit, Self::Ndjson];

    /// The table.
    pub fn row(self) -> Row {
        match self {
            Self::Json => Row {
                name: "json",
                about: "everything, in the form of results.schema.json",
                making: Making::Whole(json::write),
            },
            Self::Junit => {
                Row { name: "junit", about: "JUnit XML, a suite for each client", making: Making::Whole(junit::write) }
            }
            Self::Ndjson => Row {
                name: "ndjson",
                about: "events while the run goes on, one JSON object a line",
                making: Making::Live(ndjson::listener),
            },
        }
    }
}

/// A report that was asked for: `junit=target/junit.xml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// In which form.
    pub format: Format,
    /// Where to.
    pub path: PathBuf,
}

/// Why a request for a report cannot be met.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Not of the form.
    #[error("`{0}` names no report: expected FORMAT=PATH, such as junit=target/junit.xml; formats are {formats}", formats = names())]
    Form(String),
    /// A format that does not exist.
    #[error("`{found}` is no format of a report{}; formats are {formats}", hint(found), formats = names())]
    Format {
        /// As written.
        found: String,
    },
}

impl FromStr for Request {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, RequestError> {
        let Some((name, path)) = text.split_once('=') else { return Err(RequestError::Form(text.to_owned())) };
        let format = Format::ALL.into_iter().find(|format| format.row().name == name);
        let format = format.ok_or_else(|| RequestError::Format { found: name.to_owned() })?;
        if path.is_empty() {
            return Err(RequestError::Form(text.to_owned()));
        }
        Ok(Self { format, path: path.into() })
    }
}

fn names() -> String {
    Format::ALL.map(|format| format.row().name).join(", ")
}

/// The name that was probably meant.
fn hint(found: &str) -> String {
    let near = |name: &&str| strsim::jaro_winkler(name, &found.to_lowercase()) > 0.75;
    let meant = Format::ALL.map(|format| format.row().name).into_iter().find(near);
    meant.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("junit=target/junit.xml", Format::Junit, "target/junit.xml")]
    #[case("json=a=b.json", Format::Json, "a=b.json")]
    #[case("ndjson=-", Format::Ndjson, "-")]
    fn requests(#[case] text: &str, #[case] format: Format, #[case] path: &str) {
        assert_eq!(text.parse(), Ok(Request { format, path: path.into() }));
    }

    #[rstest]
    #[case(
        "junit",
        "`junit` names no report: expected FORMAT=PATH, such as junit=target/junit.xml; formats are json, junit, ndjson"
    )]
    #[case(
        "json=",
        "`json=` names no report: expected FORMAT=PATH, such as junit=target/junit.xml; formats are json, junit, ndjson"
    )]
    #[case("Junit=x", "`Junit` is no format of a report (did you mean `junit`?); formats are json, junit, ndjson")]
    #[case("html=x", "`html` is no format of a report; formats are json, junit, ndjson")]
    fn wrong_requests(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(text.parse::<Request>().expect_err("it is wrong").to_string(), expected);
    }
}

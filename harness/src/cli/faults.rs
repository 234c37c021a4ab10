//! `sparring faults`: the catalogue of what can go wrong, from the same data that reads the rules.

use std::io::Write;

use super::args::{FaultsArguments, FaultsFormat};
use super::exit::{Exit, Failure};
use crate::report::faults;

/// Runs the command.
pub(super) fn faults(arguments: &FaultsArguments) -> Result<Exit, Failure> {
    let text = match (&arguments.fault, arguments.format) {
        (Some(id), FaultsFormat::Json) => faults::one_as_json(id),
        (None, FaultsFormat::Json) => Some(faults::all_as_json()),
        (Some(id), _) => faults::one(id),
        (None, _) => Some(faults::all()),
    };
    let unknown = || {
        let id = arguments.fault.as_deref().unwrap_or_default();
        let hint = faults::closest(id).map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
        Failure::usage(format!("there is no fault `{id}`{hint}"))
    };
    let text = text.ok_or_else(unknown)?;
    std::io::stdout().write_all(text.as_bytes()).map_err(Failure::could_not_run)?;
    Ok(Exit::AsExpected)
}

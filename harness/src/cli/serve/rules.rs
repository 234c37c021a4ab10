//! The rules of `sparring serve`: of the flags and of the script file, all that is wrong with them at once.
//!
//! Knows nothing of when the file is read.

use sparring_mock_server::contract::SystemId;
use sparring_mock_server::script::{LineError, Rule};
use sparring_mock_server::values::FieldError;

use crate::spec::{self, SpecError};

/// Reads the rules: those of the flags, and behind them those of the script file, if there is one.
pub(super) fn read(
    lines: &[String],
    script: Option<(&str, Result<&str, &str>)>,
    system: SystemId,
) -> Result<Vec<Rule>, Vec<SpecError>> {
    let (mut rules, mut wrong) = (Vec::new(), Vec::new());
    for line in lines {
        match of_line(line, system) {
            Ok(rule) => rules.push(rule),
            Err(errors) => {
                wrong.extend(errors.into_iter().map(|error| SpecError::about(format!("--fault '{line}':"), error)));
            }
        }
    }
    match script {
        Some((file, Ok(text))) => match spec::script(file, text, system) {
            Ok(read) => rules.extend(read),
            Err(errors) => wrong.extend(errors),
        },
        Some((file, Err(error))) => wrong.push(SpecError::about(file, error)),
        None => {}
    }
    if wrong.is_empty() { Ok(rules) } else { Err(wrong) }
}

fn of_line(line: &str, system: SystemId) -> Result<Rule, Vec<String>> {
    let rule = Rule::parse_line(line).map_err(|error| match error {
        LineError::Fields(errors) => errors.iter().map(told).collect(),
        error => vec![error.to_string()],
    })?;
    let mut wrong: Vec<String> = rule.check(system).iter().map(ToString::to_string).collect();
    if rule.who.is_some() {
        wrong.push("`who` tells the clients of a scenario apart; here there is only one".to_owned());
    }
    if wrong.is_empty() { Ok(rule) } else { Err(wrong) }
}

/// What is wrong with a field. Of an unknown fault not what there is instead, which is a screen of its own.
fn told(error: &FieldError) -> String {
    let FieldError { path, found, expected, suggestion } = error;
    // What is quoted was written; nothing is quoted where the id is missing.
    let place = path.strip_suffix("fault").filter(|_| found.starts_with('`')).map(|place| place.trim_end_matches('.'));
    let text = match (place, suggestion) {
        (Some(_), Some(name)) => format!("there is no fault {found}; did you mean `{name}`?"),
        (Some(_), None) => format!("there is no fault {found}; `sparring faults` lists what there is"),
        (None, _) if path.is_empty() => format!("found {found}, expected {expected}"),
        (None, _) => return error.to_string(),
    };
    match place {
        Some(place) if !place.is_empty() => format!("{place}: {text}"),
        _ => text,
    }
}

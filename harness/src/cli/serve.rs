//! `sparring serve`: a mock server on the desk, with its journal on the terminal.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::Path;

use serde_json::Value;
use sparring_mock_server::contract::{Contract, SystemId};
use sparring_mock_server::journal::{Actor, Moment};
use sparring_mock_server::script::{self, LineError, Rule};
use sparring_mock_server::server::MockServer;
use sparring_mock_server::tokens::TokenSpec;
use sparring_mock_server::values::{FieldError, closest};

use super::args::ServeArguments;
use super::exit::{Exit, Failure};
use crate::report::words;
use crate::spec::model::Subject;
use crate::trace::Merger;

/// Runs the command until it is told to stop.
pub(super) fn serve(arguments: ServeArguments) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::could_not_run)?;
    runtime.block_on(serve_here(arguments))
}

async fn serve_here(arguments: ServeArguments) -> Result<Exit, Failure> {
    let system = system(&arguments.system)?;
    let rules = rules(&arguments, system)?;
    let actor = Actor::new("client");
    let server = MockServer::builder(system)
        .actors(vec![actor.clone()])
        .rules(rules.clone())
        .switches(switches(&arguments.switches, system.contract())?)
        .seed(arguments.seed)
        .listen(arguments.listen)
        .start()
        .await
        .map_err(Failure::could_not_run)?;
    let mut out = std::io::stdout();
    introduce(&mut out, &server, &actor, system, &rules).map_err(Failure::could_not_run)?;
    tokio::select! {
        result = console(&mut out, &server), if !arguments.quiet => result.map_err(Failure::could_not_run)?,
        stopped = crate::run::stop_requested() => stopped.map_err(Failure::could_not_run)?,
    }
    server.shutdown().await;
    Ok(Exit::AsExpected)
}

fn system(name: &str) -> Result<SystemId, Failure> {
    let known: Vec<&str> = SystemId::ALL.iter().map(|system| system.name()).collect();
    SystemId::from_name(name).ok_or_else(|| {
        let hint =
            closest(name, known.iter().copied()).map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
        Failure::usage(format!("there is no system `{name}`: expected one of {}{hint}", known.join(", ")))
    })
}

/// The rules of the flags and of the script file, all that is wrong with them at once.
fn rules(arguments: &ServeArguments, system: SystemId) -> Result<Vec<Rule>, Failure> {
    let (mut rules, mut wrong) = (Vec::new(), Vec::new());
    for line in &arguments.faults {
        match Rule::parse_line(line) {
            Ok(rule) => rules.push((format!("--fault '{line}'"), rule)),
            Err(LineError::Fields(errors)) => {
                wrong.extend(errors.iter().map(|error| format!("--fault '{line}': {}", told(error))));
            }
            Err(error) => wrong.push(format!("--fault '{line}': {error}")),
        }
    }
    if let Some(path) = &arguments.script {
        match script_file(path) {
            Ok(read) => rules.extend(read.into_iter().map(|rule| (path.display().to_string(), rule))),
            Err(errors) => wrong.extend(errors),
        }
    }
    for (origin, rule) in &rules {
        if rule.who.is_some() {
            wrong.push(format!("{origin}: `who` tells the clients of a scenario apart; here there is only one"));
        }
        wrong.extend(rule.check(system).iter().map(|error| format!("{origin}: {error}")));
    }
    if wrong.is_empty() {
        Ok(rules.into_iter().map(|(_, rule)| rule).collect())
    } else {
        Err(Failure::Usage(wrong.join("\n")))
    }
}

fn script_file(path: &Path) -> Result<Vec<Rule>, Vec<String>> {
    let wrong = |error: &dyn std::fmt::Display| vec![format!("{}: {error}", path.display())];
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    let value: Value = serde_saphyr::from_str(&text).map_err(|error| wrong(&error))?;
    script::read_rules(&value).map_err(|errors| errors.iter().flat_map(|error| wrong(&told(error))).collect())
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

fn switches(words: &[String], contract: &Contract) -> Result<BTreeMap<String, String>, Failure> {
    let mut switches = BTreeMap::new();
    for word in words {
        let (name, value) =
            word.split_once('=').ok_or_else(|| Failure::usage(format!("--switch {word}: expected NAME=VALUE")))?;
        let known = || contract.switches.keys().cloned().collect::<Vec<_>>().join(", ");
        let switch = contract.switches.get(name);
        let switch = switch.ok_or_else(|| Failure::usage(format!("--switch {word}: expected one of {}", known())))?;
        if !switch.values.iter().any(|known| known == value) {
            return Err(Failure::usage(format!("--switch {word}: expected one of {}", switch.values.join(", "))));
        }
        switches.insert(name.to_owned(), value.to_owned());
    }
    Ok(switches)
}

/// Says where the server is, how to connect, and what it will do.
fn introduce(
    out: &mut impl Write,
    server: &MockServer,
    actor: &Actor,
    system: SystemId,
    rules: &[Rule],
) -> std::io::Result<()> {
    let contract = system.contract();
    let url = server.url(actor);
    writeln!(out, "{} on {url}", contract.title)?;
    for rule in rules {
        writeln!(out, "  fault    {rule}")?;
    }
    for kind in contract.tokens.keys() {
        if let Ok(Some(spec)) = TokenSpec::read(&Value::from(kind.as_str()), contract) {
            writeln!(out, "  token    {} ({kind})", server.mint(&spec, None).value)?;
        }
    }
    for (name, endpoint) in &contract.endpoints {
        writeln!(out, "  {name:<8} {} {url}{}", endpoint.method, endpoint.path)?;
    }
    writeln!(out, "  connect  io(\"{url}\", {{ auth: {{ token }}, transports: {:?} }})", contract.transport.order)?;
    writeln!(out, "Ctrl-C stops it.")?;
    out.flush()
}

/// Prints what happens, as it happens.
async fn console(out: &mut impl Write, server: &MockServer) -> std::io::Result<()> {
    let mut journal = server.journal().subscribe();
    let mut merger = Merger::new(Subject::Client);
    let began = Moment::now();
    let width = if std::io::stdout().is_terminal() { 160 } else { usize::MAX };
    while let Some(record) = journal.recv().await {
        let Some(record) = merger.journal(&record) else { continue };
        let row = words::Row::of(&record);
        let line: String =
            format!("{:>10}  {}", words::offset(record.at, began), row.text).chars().take(width).collect();
        writeln!(out, "{line}")?;
        out.flush()?;
    }
    Ok(())
}

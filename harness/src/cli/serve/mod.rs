//! `sparring serve`: a mock server on the desk, with its journal on the terminal and a control API beside it.
//!
//! `rules` reads the flags and the script, `file` sees when the script has changed, `console` prints.

mod console;
mod file;
mod rules;

use std::collections::BTreeMap;
use std::io;

use serde_json::Value;
use sparring_mock_server::contract::{Contract, SystemId};
use sparring_mock_server::control;
use sparring_mock_server::journal::Actor;
use sparring_mock_server::server::{Builder, MockServer, StartError};
use sparring_mock_server::values::closest;

use super::args::{ControlArgument, ServeArguments};
use super::exit::{self, Exit, Failure};
use super::faults;
use file::ScriptFile;

/// Runs the command until it is told to stop.
pub(super) fn serve(arguments: &ServeArguments) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::could_not_run)?;
    runtime.block_on(serve_here(arguments))
}

async fn serve_here(arguments: &ServeArguments) -> Result<Exit, Failure> {
    let system = system(&arguments.system)?;
    let switches = switches(&arguments.switches, system.contract())?;
    let script = arguments.script.as_deref().map(ScriptFile::open);
    let name = script.as_ref().map(ScriptFile::name);
    let text = name.as_deref().zip(script.as_ref().map(ScriptFile::text));
    let rules = rules::read(&arguments.faults, text, system).map_err(Failure::Rules)?;
    let actor = Actor::new("client");
    let builder = MockServer::builder(system).actors(vec![actor.clone()]).rules(rules.clone()).switches(switches);
    let builder =
        builder.seed(arguments.seed).listen(arguments.listen).tls(arguments.tls || arguments.tls_ca.is_some());
    let server = with_control(builder, arguments).start().await.map_err(not_started)?;
    if let (Some(path), Some(pem)) = (&arguments.tls_ca, server.ca_pem()) {
        let written = std::fs::write(path, pem);
        written.map_err(|error| Failure::could_not_run(format!("{}: {error}", path.display())))?;
    }
    let mut out = io::stdout();
    let said = if arguments.ready_json {
        console::ready(&mut out, &server, &actor, system)
    } else {
        console::introduce(&mut out, &server, &actor, system, &rules)
    };
    said.map_err(Failure::could_not_run)?;
    let quiet = arguments.quiet || arguments.ready_json;
    tokio::select! {
        result = console::follow(&mut out, &server), if !quiet => result.map_err(Failure::could_not_run)?,
        () = reload(arguments, script, system, &server), if arguments.script.is_some() => {}
        stopped = crate::run::stop_requested() => stopped.map_err(Failure::could_not_run)?,
    }
    server.shutdown().await;
    Ok(Exit::AsExpected)
}

fn not_started(error: StartError) -> Failure {
    match error {
        StartError::Setting(_) => Failure::usage(error),
        StartError::Listen { .. } | StartError::Tls(_) => Failure::could_not_run(error),
    }
}

fn with_control(builder: Builder, arguments: &ServeArguments) -> Builder {
    let ControlArgument::At(listen) = arguments.control else { return builder };
    let (hosts, token) = (arguments.control_hosts.clone(), arguments.control_token.clone());
    let faults: Option<fn() -> Value> = Some(faults::as_json);
    builder.control(control::Setting { listen, hosts, token, faults, ..control::Setting::default() })
}

/// Puts the rules of the script in force again whenever it has changed; does not end. One that is wrong is told of, and
/// leaves those in force that are.
async fn reload(arguments: &ServeArguments, script: Option<ScriptFile>, system: SystemId, server: &MockServer) {
    let Some(mut script) = script else { return };
    loop {
        script.changed().await;
        let name = script.name();
        let read = rules::read(&arguments.faults, Some((&name, script.text())), system);
        let told = match read {
            Ok(rules) => server.rebase(rules).map_err(|error| error.to_string()),
            Err(errors) => {
                exit::explain(&errors);
                Err(Failure::Rules(errors).to_string())
            }
        };
        match told {
            Ok(change) if !arguments.ready_json => {
                // A closed standard output ends the command elsewhere.
                let _ = console::tell(&mut io::stdout().lock(), &name, &change);
            }
            Ok(_) => {}
            Err(error) => exit::complain(format!("{error}; those in force stay")),
        }
    }
}

/// The system of this name.
pub(super) fn system(name: &str) -> Result<SystemId, Failure> {
    let known: Vec<&str> = SystemId::ALL.iter().map(|system| system.name()).collect();
    SystemId::from_name(name).ok_or_else(|| {
        let hint =
            closest(name, known.iter().copied()).map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
        Failure::usage(format!("there is no system `{name}`: expected one of {}{hint}", known.join(", ")))
    })
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

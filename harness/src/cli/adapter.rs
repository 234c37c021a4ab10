//! `sparring adapter`: the built-in client as an adapter, and the proof that an adapter keeps to the protocol.

use std::io::Write;

use super::args::AdapterCommand;
use super::clients::BUILT_IN;
use super::exit::{Exit, Failure};
use crate::run::adapter::{Launch, check};

/// Runs the command.
pub(super) fn adapter(command: AdapterCommand) -> Result<Exit, Failure> {
    match command {
        AdapterCommand::Run { client } if client == BUILT_IN => serve_built_in(),
        AdapterCommand::Run { client } => {
            Err(Failure::usage(format!("there is no built-in client `{client}`: expected {BUILT_IN}")))
        }
        AdapterCommand::Check { command } => check_adapter(command),
    }
}

fn serve_built_in() -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::could_not_run)?;
    let speed = std::env::var("SPARRING_SPEED").ok().and_then(|speed| speed.parse().ok()).unwrap_or(1.0);
    let served = runtime.block_on(sparring_client::serve(tokio::io::stdin(), tokio::io::stdout(), speed));
    // Standard input is read on a thread that cannot be woken; it must not keep the process.
    runtime.shutdown_background();
    served.map_err(Failure::could_not_run)?;
    Ok(Exit::AsExpected)
}

fn check_adapter(command: Vec<String>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::could_not_run)?;
    let directory = std::env::current_dir().map_err(Failure::could_not_run)?;
    let launch = Launch { name: command.join(" "), command, directory, speed: 1 };
    let findings = runtime.block_on(check::check(launch));
    let mut out = std::io::stdout().lock();
    for finding in &findings {
        let line = match &finding.wrong {
            None => writeln!(out, "ok    {}", finding.rule),
            Some(wrong) => writeln!(out, "FAIL  {}: {wrong}", finding.rule),
        };
        line.map_err(Failure::could_not_run)?;
    }
    let failed = findings.iter().filter(|finding| finding.wrong.is_some()).count();
    writeln!(out, "{} of {} rules kept", findings.len() - failed, findings.len()).map_err(Failure::could_not_run)?;
    Ok(if failed == 0 { Exit::AsExpected } else { Exit::Unexpected })
}

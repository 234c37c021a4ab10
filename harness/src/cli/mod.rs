//! The command line: arguments in, exit code out. The only place where errors are rendered and the process ends.
//!
//! One file for each command. Knows no protocol and judges nothing.

mod adapter;
mod args;
mod clients;
mod exit;
mod faults;
mod output;
mod requirements;
mod run;
mod serve;
mod specs;

use clap::Parser;
use std::process::ExitCode;

use args::{Arguments, Command};
pub use exit::Exit;

/// Runs the program and returns its exit code.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Serve(arguments) => serve::serve(&arguments),
        Command::Requirements(arguments) => requirements::requirements(&arguments),
        Command::Faults(arguments) => faults::faults(&arguments),
        Command::Adapter(arguments) => adapter::adapter(arguments),
    };
    exit::report(outcome)
}

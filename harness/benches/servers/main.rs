//! Compares the mock with the servers that people use, in one run on one machine: `make bench`.
//!
//! Each contender is a process of its own. All do the same: they echo, and they send a message to everybody when told
//! to. The load comes from here, by raw frames, so that it costs less than any server. Contenders take turns in rounds
//! and medians are compared, because a busy machine changes by the minute. Linux only: it pins processes to cores and
//! reads their CPU time.

mod bare;
mod contender;
mod effort;
mod load;
mod machine;
mod measure;
mod rounds;
mod server;
mod table;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use bare::Bare;
use effort::Effort;
use measure::Work;

/// Measure the mock beside other servers
#[derive(Debug, Parser)]
struct Arguments {
    /// Take a minute and be content with rougher figures
    #[arg(long)]
    quick: bool,
    /// Measure one protocol only: Socket.IO or WebSocket
    #[arg(long, value_name = "PROTOCOL")]
    only: Option<String>,
    /// Keep the mock at one kind of work for ten seconds, for a profiler to look at
    #[arg(long, value_enum, value_name = "WORK", requires = "only")]
    profile: Option<Work>,
    /// Be one of the bare servers instead, until killed
    #[arg(long, hide = true)]
    bare: Option<Bare>,
    /// What cargo tells every bench
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let only = arguments.only.as_deref();
    let outcome = match (arguments.bare, arguments.profile) {
        (Some(bare), _) => bare::serve(bare).map_err(Into::into),
        (None, Some(work)) => measure::profile(work, only),
        (None, None) => rounds::run(&Effort::of(arguments.quick), only),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do if even that cannot be said.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

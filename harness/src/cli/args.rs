//! The arguments of all commands. What clap can check is checked here.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::plan::{Selector, Shard};
use crate::report::format::Request;
use crate::report::requirements::TableFormat;

/// Conformance tests for real-time clients, against servers that misbehave on demand.
#[derive(Debug, Parser)]
#[command(name = "sparring", version, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Judge clients against the documented systems
    Run(RunArguments),
    /// Start a mock server that misbehaves as told
    Serve(ServeArguments),
    /// List the requirements, their checks and their verdicts
    Requirements(RequirementsArguments),
    /// List the faults that a mock server can be told to have
    Faults(FaultsArguments),
    /// Work with client adapters
    #[command(subcommand)]
    Adapter(AdapterCommand),
}

/// Arguments of `sparring run`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 as expected, 1 unexpected result, 2 usage or file error, 3 could not run, 4 nothing selected."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(super) struct RunArguments {
    /// Client to judge: `built-in`, the name of a shipped client, or a folder with an adapter.toml [default: built-in]
    #[arg(long = "client", value_name = "NAME|DIR")]
    pub(super) clients: Vec<String>,
    /// Command of an adapter to judge, as one word; NAME= before it names the client
    #[arg(long = "adapter", value_name = "[NAME=]COMMAND")]
    pub(super) adapters: Vec<String>,
    /// System to run [default: all]
    #[arg(long = "system", value_name = "ID")]
    pub(super) systems: Vec<String>,
    /// Run only these: a case id, a folder of them or a pattern, a requirement id, or tag:WORD; may be given more than
    /// once
    #[arg(long = "filter", value_name = "SELECTOR")]
    pub(super) filter: Vec<Selector>,
    /// Leave these out, in the words of --filter
    #[arg(long = "skip", value_name = "SELECTOR")]
    pub(super) skip: Vec<Selector>,
    /// Run one part of several, for instance 2/4
    #[arg(long, value_name = "I/N")]
    pub(super) shard: Option<Shard>,
    /// Print the cases and run nothing
    #[arg(long)]
    pub(super) list: bool,
    /// Cases at once [default: as many as the machine serves in time]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) jobs: Option<u16>,
    /// Seed of everything that is left to chance [default: a new one, printed]
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Run each case this often
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) repeat: u32,
    /// Stop at the first unexpected outcome
    #[arg(long)]
    pub(super) fail_fast: bool,
    /// How many times faster than real time the documents' clock goes [default: 20 with libfaketime, else 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(super) speed: Option<u32>,
    /// Requirements that count: with `must`, a failed should-requirement fails no case
    #[arg(long, value_enum, default_value_t = LevelArgument::Should)]
    pub(super) level: LevelArgument,
    /// Folder of the specs [default: those built in]
    #[arg(long, value_name = "DIR")]
    pub(super) specs: Option<PathBuf>,
    /// Write a report: json=PATH, junit=PATH or ndjson=PATH
    #[arg(long = "report", value_name = "FORMAT=PATH")]
    pub(super) reports: Vec<Request>,
    /// Keep the traces of cases that pass, too
    #[arg(long)]
    pub(super) traces: bool,
    /// Print failures and the summary alone
    #[arg(long, short)]
    pub(super) quiet: bool,
}

/// See [`RunArguments::level`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LevelArgument {
    /// Only must-requirements count.
    Must,
    /// All requirements count.
    Should,
}

/// Arguments of `sparring serve`.
#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// System to play
    pub(super) system: String,
    /// Fault to have, for instance 'silent-auth attempts=1-2'; may be given more than once (see `sparring faults`)
    #[arg(long = "fault", value_name = "RULE")]
    pub(super) faults: Vec<String>,
    /// File with a list of rules, as in a scenario's `server`; read again when it changes
    #[arg(long, value_name = "FILE")]
    pub(super) script: Option<PathBuf>,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0", value_parser = address)]
    pub(super) listen: SocketAddr,
    /// Speak TLS, with a certificate made for this run
    #[arg(long)]
    pub(super) tls: bool,
    /// Write the certificate of the issuer that clients are to trust, in PEM; speaks TLS
    #[arg(long, value_name = "FILE")]
    pub(super) tls_ca: Option<PathBuf>,
    /// Address of the control API, or `off`
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0", value_parser = control_address)]
    pub(super) control: ControlArgument,
    /// Name by which the control API may be asked for, besides localhost and its address; may be given more than once
    #[arg(long = "control-host", value_name = "NAME")]
    pub(super) control_hosts: Vec<String>,
    /// Token that requests to the control API have to bear [default: none on this machine, else a random one, printed]
    #[arg(long, value_name = "TOKEN", env = "SPARRING_CONTROL_TOKEN", hide_env_values = true, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(super) control_token: Option<String>,
    /// Documented alternative to choose, for instance jwt_expired_code=AUTH_INVALID
    #[arg(long = "switch", value_name = "NAME=VALUE")]
    pub(super) switches: Vec<String>,
    /// Seed of everything that is left to chance
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
    /// Do not print what happens
    #[arg(long, short)]
    pub(super) quiet: bool,
    /// Print one line of JSON with addresses and tokens, and nothing else
    #[arg(long)]
    pub(super) ready_json: bool,
}

/// See [`ServeArguments::control`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ControlArgument {
    /// There is none.
    Off,
    /// It listens here.
    At(SocketAddr),
}

fn control_address(text: &str) -> Result<ControlArgument, &'static str> {
    match text {
        "off" => Ok(ControlArgument::Off),
        _ => address(text).map(ControlArgument::At).map_err(|_| "expected an address and a port, or `off`"),
    }
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "expected an address and a port, such as 127.0.0.1:3000")
}

/// Arguments of `sparring requirements`.
#[derive(Debug, Args)]
pub(super) struct RequirementsArguments {
    /// Requirement to show whole, for instance DT-STATE-12 [default: list all]
    #[arg(value_name = "ID")]
    pub(super) requirement: Option<String>,
    /// System to list [default: all]
    #[arg(long = "system", value_name = "ID", conflicts_with = "requirement")]
    pub(super) systems: Vec<String>,
    /// Take verdicts from this results.json
    #[arg(long, value_name = "FILE")]
    pub(super) results: Option<PathBuf>,
    /// Folder of the specs [default: those built in]
    #[arg(long, value_name = "DIR")]
    pub(super) specs: Option<PathBuf>,
    /// How to print it: plain, markdown or json
    #[arg(long, default_value = "plain")]
    pub(super) format: TableFormat,
}

/// Arguments of `sparring faults`.
#[derive(Debug, Args)]
pub(super) struct FaultsArguments {
    /// Fault to explain [default: list all]
    pub(super) fault: Option<String>,
    /// List those that this system has; may be given more than once
    #[arg(long = "system", value_name = "ID", conflicts_with = "fault")]
    pub(super) systems: Vec<String>,
    /// List those of this layer, for instance tcp; may be given more than once
    #[arg(long = "layer", value_name = "LAYER", conflicts_with = "fault")]
    pub(super) layers: Vec<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = FaultsFormat::Text)]
    pub(super) format: FaultsFormat,
}

/// How faults are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FaultsFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Commands of `sparring adapter`.
#[derive(Debug, Subcommand)]
pub(super) enum AdapterCommand {
    /// Speak the adapter protocol on standard input and output for a client that is built in
    Run {
        /// Client: built-in
        client: String,
    },
    /// Prove that an adapter keeps to the protocol
    Check {
        /// Command of the adapter
        #[arg(required = true, last = true, value_name = "COMMAND")]
        command: Vec<String>,
    },
}

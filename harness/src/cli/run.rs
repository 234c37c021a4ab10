//! `sparring run`: the one place where all six stages stand in a row.

use std::io::Write;
use std::process::ExitStatus;
use std::sync::Arc;

use time::{Date, OffsetDateTime};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::args::{LevelArgument, RunArguments};
use super::clients::{self, Client};
use super::exit::{Exit, Failure};
use super::output::{self, Outcome, Output};
use super::specs::{self, Shelf};
use crate::plan::{self, Candidate, Filter, Plan};
use crate::report::results::ClientInfo;
use crate::run::adapter::LaunchError;
use crate::run::warp::{self, Place, WarpEnd};
use crate::run::{self, Crew, Fleet, Options};
use crate::spec::Suite;
use crate::spec::model::Level;

/// How fast a run goes where nothing else is said.
const DEFAULT_SPEED: u32 = 20;

/// Runs the command.
pub(super) fn run(arguments: &RunArguments) -> Result<Exit, Failure> {
    let speed = match warp::place() {
        Place::Inside(speed) => speed,
        Place::Outside if arguments.list => 1,
        Place::Outside => match wanted_speed(arguments.speed)? {
            1 => 1,
            speed => return warped(speed),
        },
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::could_not_run)?;
    runtime.block_on(here(arguments, speed))
}

/// The speed that was asked for, if the machine can do it.
fn wanted_speed(asked: Option<u32>) -> Result<u32, Failure> {
    match asked {
        Some(1) => Ok(1),
        Some(speed) if warp::available() => Ok(speed),
        Some(speed) => Err(Failure::could_not_run(format!("--speed {speed} needs libfaketime: {}", warp::HOW_TO_ADD))),
        None if warp::available() => Ok(DEFAULT_SPEED),
        None => {
            // A closed standard error leaves nobody to tell.
            let _ =
                writeln!(std::io::stderr(), "no libfaketime, so documented minutes take minutes: {}", warp::HOW_TO_ADD);
            Ok(1)
        }
    }
}

/// Runs this program again under a faster clock.
fn warped(speed: u32) -> Result<Exit, Failure> {
    match warp::run_again(speed).map_err(Failure::could_not_run)? {
        WarpEnd::Exited(status) => Ok(exit_of(status)),
        WarpEnd::Hung => Err(Failure::could_not_run("the run gave no sign of life and was ended")),
    }
}

fn exit_of(status: ExitStatus) -> Exit {
    match status.code() {
        Some(0) => Exit::AsExpected,
        Some(1) => Exit::Unexpected,
        Some(2) => Exit::Usage,
        Some(4) => Exit::NothingSelected,
        _ => Exit::CouldNotRun,
    }
}

/// All six stages, in this process.
async fn here(arguments: &RunArguments, speed: u32) -> Result<Exit, Failure> {
    let suite = specs::load(arguments.specs.as_deref())?;
    let filter = filter(arguments, &suite)?;
    let mut clients = clients::resolve(&arguments.clients, &arguments.adapters, speed)?;
    let cancel = stop_signal(speed)?;
    let chance = arguments.seed.unwrap_or_else(new_seed);
    let fleet = Fleet::new(clients.iter().map(|client| client.launch.clone()), chance);
    let (candidates, infos) = introduce(&fleet, &mut clients, arguments.list).await?;
    let plan = plan::plan(&suite.scenarios, &candidates, &filter).map_err(Failure::usage)?;
    if plan.cases.is_empty() {
        fleet.stop().await;
        return Err(Failure::NothingSelected(nothing(&plan)));
    }
    if arguments.list {
        output::list(&plan).map_err(Failure::could_not_run)?;
        return Ok(Exit::AsExpected);
    }
    let options = options(arguments, speed, chance);
    let problems = stale(&clients, &suite, options.today);
    let crew = crew(fleet, clients, &suite);
    let output = Output::new(arguments, Shelf::new(suite), &plan, infos, &options, problems)?;
    let (events, stream) = mpsc::unbounded_channel();
    // Running, merging and judging happen case by case behind this call; reports are made from what it tells.
    let ((), outcome) = tokio::join!(run::run(plan.cases, crew, options, events, cancel), output.follow(stream));
    outcome.map(exit).map_err(Failure::could_not_run)
}

/// Why there is nothing to run.
fn nothing(plan: &Plan) -> String {
    match plan.left_out.first() {
        Some(left) => format!("no case is left to run: {}: {}", left.client, left.reason),
        None => "no case is left to run: the filters, taken together, let none through".to_owned(),
    }
}

/// Entries of known-failing lists that excuse nothing any longer: they fail the run.
fn stale(clients: &[Client], suite: &Suite, today: Date) -> Vec<String> {
    let ids: Vec<&str> = suite.scenarios.iter().map(|scenario| scenario.id.as_str()).collect();
    let of_client = |client: &Client| {
        let name = client.launch.name.clone();
        client
            .expectations
            .stale(&ids, today)
            .into_iter()
            .map(move |entry| format!("known-failing.yaml of {name}: {entry}"))
    };
    clients.iter().flat_map(of_client).collect()
}

/// A seed of a length that is easily copied.
fn new_seed() -> u64 {
    u64::from(rand::random::<u32>())
}

fn exit(outcome: Outcome) -> Exit {
    match outcome {
        Outcome::AsExpected => Exit::AsExpected,
        Outcome::Unexpected => Exit::Unexpected,
        Outcome::CouldNotRun => Exit::CouldNotRun,
    }
}

/// Starts every client's adapter and asks what it can do; what it is known to fail depends on its version.
async fn introduce(
    fleet: &Fleet,
    clients: &mut [Client],
    only_list: bool,
) -> Result<(Vec<Candidate>, Vec<ClientInfo>), Failure> {
    let (mut candidates, mut infos) = (Vec::new(), Vec::new());
    for client in clients {
        let name = &client.launch.name;
        let adapter = fleet.shared(name).await.map_err(|error| did_not_start(client, &error))?;
        let hello = adapter.hello();
        candidates.push(Candidate { name: name.clone(), systems: hello.systems.clone() });
        infos.push(run::client_info(name, client.options.clone(), hello));
        let known = std::mem::take(&mut client.expectations);
        client.expectations = known.for_versions(&[&hello.version, &hello.library.version]);
    }
    if only_list {
        fleet.stop().await;
    }
    Ok((candidates, infos))
}

/// An adapter that does not start, and what it needs if it says so.
fn did_not_start(client: &Client, error: &LaunchError) -> Failure {
    let needs =
        client.needs.as_ref().map_or_else(String::new, |needs| format!("\n{} needs {needs}", client.launch.name));
    Failure::CouldNotRun(format!("{error}{needs}"))
}

fn filter(arguments: &RunArguments, suite: &Suite) -> Result<Filter, Failure> {
    for system in &arguments.systems {
        specs::known_system(suite, system)?;
    }
    Ok(Filter {
        systems: arguments.systems.clone(),
        include: arguments.filter.clone(),
        exclude: arguments.skip.clone(),
        shard: arguments.shard,
    })
}

fn options(arguments: &RunArguments, speed: u32, chance: u64) -> Options {
    Options {
        seed: chance,
        speed,
        jobs: arguments.jobs.map(usize::from),
        repeat: arguments.repeat,
        fail_fast: arguments.fail_fast,
        level: match arguments.level {
            LevelArgument::Must => Level::Must,
            LevelArgument::Should => Level::Should,
        },
        keep_traces: arguments.traces,
        today: OffsetDateTime::now_utc().date(),
    }
}

fn crew(fleet: Fleet, clients: Vec<Client>, suite: &Suite) -> Crew {
    let expectations = clients.into_iter().map(|client| (client.launch.name, client.expectations)).collect();
    Crew { fleet, expectations, requirements: Arc::new(specs::requirement_infos(suite)) }
}

/// Ends the run on Ctrl-C, on a request to terminate, or when the parent on the real clock says so.
fn stop_signal(speed: u32) -> Result<CancellationToken, Failure> {
    let cancel = CancellationToken::new();
    if let Place::Inside(_) = warp::place() {
        let cancel = cancel.clone();
        warp::stay_in_touch(speed, move || cancel.cancel()).map_err(Failure::could_not_run)?;
    }
    let token = cancel.clone();
    tokio::spawn(async move {
        if run::stop_requested().await.is_ok() {
            token.cancel();
        }
    });
    Ok(cancel)
}

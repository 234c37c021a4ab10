//! Where the reports of a run go: the terminal, files, and the verdict that becomes the exit code.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use tokio::sync::mpsc;

use super::args::{LevelArgument, RunArguments};
use super::exit::Failure;
use super::specs::Shelf;
use crate::judge::CaseOutcome;
use crate::plan::{Plan, Planned};
use crate::report::events::RunEvent;
use crate::report::format::Request;
use crate::report::format::{Listener, Making};
use crate::report::results::{self, CaseResult, ClientInfo, LeftOutResult, Results};
use crate::report::terminal::{self, Look, Progress, Talk};
use crate::report::words;
use crate::run::Options;

/// What the exit code says of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Everything came out as expected.
    AsExpected,
    /// A result was not as expected.
    Unexpected,
    /// A case could not be judged because of the harness or an adapter, or the run was stopped.
    CouldNotRun,
}

/// The consumers of a run's events, and the results as they grow.
pub(super) struct Output {
    listeners: Vec<Box<dyn Listener>>,
    /// Reports that are written from the whole results, with the files that were opened for them.
    wholes: Vec<(Request, File)>,
    results: Results,
    order: Vec<(String, String)>,
    problems: Vec<String>,
    fail_fast: bool,
    shelf: Shelf,
    started: Instant,
}

impl Output {
    /// Opens everything that the run will write to: a path that cannot be written is an error before anything runs.
    pub(super) fn new(
        arguments: &RunArguments,
        shelf: Shelf,
        plan: &Plan,
        clients: Vec<ClientInfo>,
        options: &Options,
        problems: Vec<String>,
    ) -> Result<Self, Failure> {
        let talk = if arguments.quiet { Talk::Quiet } else { Talk::Usual };
        let mut listeners: Vec<Box<dyn Listener>> = vec![Box::new(Progress::stderr(talk))];
        let mut wholes = Vec::new();
        for request in &arguments.reports {
            let file = create(&request.path)?;
            match request.format.row().making {
                Making::Live(listener) => listeners.push(listener(Box::new(file))),
                Making::Whole(_) => wholes.push((request.clone(), file)),
            }
        }
        let order = plan.cases.iter().map(|case| (case.scenario.id.clone(), case.client.clone())).collect();
        let results = Results { options: replayed(arguments), ..empty(options, clients, plan) };
        let fail_fast = arguments.fail_fast;
        Ok(Self { listeners, wholes, results, order, problems, fail_fast, shelf, started: Instant::now() })
    }

    /// Follows a run to its end, then writes what is made from the whole.
    pub(super) async fn follow(mut self, mut events: mpsc::UnboundedReceiver<RunEvent>) -> io::Result<Outcome> {
        for client in self.results.clients.clone() {
            self.tell(&RunEvent::ClientReady(client))?;
        }
        while let Some(event) = events.recv().await {
            self.tell(&event)?;
            match event {
                RunEvent::CaseFinished(case) => self.results.cases.push(*case),
                RunEvent::RunFinished { interrupted } => {
                    self.results.interrupted = interrupted;
                    break;
                }
                _ => {}
            }
        }
        self.finish()
    }

    fn tell(&mut self, event: &RunEvent) -> io::Result<()> {
        self.listeners.iter_mut().try_for_each(|listener| listener.event(event))
    }

    fn finish(mut self) -> io::Result<Outcome> {
        let order = |case: &CaseResult| {
            let place = self.order.iter().position(|(id, client)| *id == case.id && *client == case.client);
            (place, case.run)
        };
        self.results.cases.sort_by_cached_key(order);
        self.results.documented_seconds = self.results.cases.iter().map(|case| case.documented_seconds).sum();
        self.results.wall_seconds = self.started.elapsed().as_secs_f64() / f64::from(self.results.speed);
        for (request, file) in &mut self.wholes {
            if let Making::Whole(write) = request.format.row().making {
                write(&self.results, file)?;
            }
        }
        let mut out = io::stdout().lock();
        terminal::failures(&self.results, &self.shelf, Look::stdout(), &mut out)?;
        terminal::summary(&self.results, Look::stdout(), &mut out)?;
        for problem in &self.problems {
            writeln!(out, "{problem}")?;
        }
        out.flush()?;
        Ok(self.outcome())
    }

    fn outcome(&self) -> Outcome {
        let cases = &self.results.cases;
        let unexpected = cases.iter().any(|case| !case.expected) || !self.problems.is_empty();
        // With --fail-fast the unexpected outcome is why the run was stopped.
        let stopped = self.results.interrupted && !(self.fail_fast && unexpected);
        if stopped || cases.iter().any(|case| case.outcome >= CaseOutcome::Crash) {
            return Outcome::CouldNotRun;
        }
        if unexpected { Outcome::Unexpected } else { Outcome::AsExpected }
    }
}

/// Prints the cases of a plan, one a line, and what it leaves out.
pub(super) fn list(plan: &Plan) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let widest = |length: fn(&Planned) -> usize| plan.cases.iter().map(length).max().unwrap_or_default();
    let (client, id) = (widest(|case| case.client.len()), widest(|case| case.scenario.id.len()));
    for case in &plan.cases {
        writeln!(out, "{:<client$}  {:<id$}  {}", case.client, case.scenario.id, case.scenario.title)?;
    }
    for left in &plan.left_out {
        writeln!(out, "left out: {} {}: {}", left.client, left.id, left.reason)?;
    }
    writeln!(out, "{}", words::count(plan.cases.len(), "case"))
}

/// The options of this run that change the outcome of a single case.
fn replayed(arguments: &RunArguments) -> Vec<String> {
    let specs = arguments.specs.as_ref().map(|folder| ["--specs".to_owned(), folder.display().to_string()]);
    let speed = arguments.speed.map(|speed| ["--speed".to_owned(), speed.to_string()]);
    let level = matches!(arguments.level, LevelArgument::Must).then(|| ["--level".to_owned(), "must".to_owned()]);
    [specs, speed, level].into_iter().flatten().flatten().collect()
}

fn create(path: &Path) -> Result<File, Failure> {
    let wrong = |error: io::Error| Failure::usage(format!("{}: {error}", path.display()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(wrong)?;
    }
    File::create(path).map_err(wrong)
}

fn empty(options: &Options, clients: Vec<ClientInfo>, plan: &Plan) -> Results {
    let left_out = plan.left_out.iter().map(|left| LeftOutResult {
        id: left.id.clone(),
        client: left.client.clone(),
        reason: left.reason.clone(),
    });
    Results {
        version: results::VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        seed: options.seed,
        speed: options.speed,
        documented_seconds: 0.0,
        wall_seconds: 0.0,
        interrupted: false,
        options: Vec::new(),
        clients,
        cases: Vec::new(),
        left_out: left_out.collect(),
    }
}

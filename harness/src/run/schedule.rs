//! The order of a run: which case starts when, and what is tried again alone.
//!
//! Cases mostly wait, so many overlap; how many follows the lateness that the harness measures of itself. What could
//! not be judged because of the harness or because a shared adapter ended runs again at the end, with nothing beside it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use sparring_mock_server::journal::Moment;
use time::Date;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::adapter::{Adapter, Hello};
use super::case::{self, Attempt, Stage, Trouble};
use super::fleet::Fleet;
use super::lateness::Watch;
use crate::judge::{self, CaseOutcome, Exposed, Exposes, Judgement, RequirementInfo, Setting};
use crate::plan::{Expectations, Expected, MOCK, Planned};
use crate::report::events::{CaseName, RunEvent};
use crate::report::results::{Attach, CaseResult, ClientInfo};
use crate::spec::model::{Level, Role, Scenario, Subject};

/// Real time by which an adapter's line may come later than its stamp before the harness calls it late.
const GRACE: Duration = Duration::from_millis(50);

/// How often a case runs alone before it counts as inconclusive: a machine that is busy now may not be a moment later.
const ROUNDS_ALONE: u32 = 3;

/// How a run is done.
#[derive(Debug, Clone)]
pub struct Options {
    /// The seed of everything that is left to chance.
    pub seed: u64,
    /// Seconds of document time in a real second.
    pub speed: u32,
    /// How many cases may run at once; none lets the measured lateness decide.
    pub jobs: Option<usize>,
    /// How often each case runs.
    pub repeat: u32,
    /// Checks of a lower level than this fail no case.
    pub level: Level,
    /// Whether the first unexpected outcome ends the run.
    pub fail_fast: bool,
    /// Whether traces are kept for cases that pass, too.
    pub keep_traces: bool,
    /// Today: expectations may end on a day.
    pub today: Date,
}

/// What the cases of a run need besides themselves.
#[derive(Debug)]
pub struct Crew {
    /// The adapters of all clients in the plan.
    pub fleet: Fleet,
    /// What each client is known to fail.
    pub expectations: BTreeMap<String, Expectations>,
    /// What verdicts need of the catalogue.
    pub requirements: Arc<BTreeMap<String, RequirementInfo>>,
}

/// Everything that the cases of a run share.
struct Run {
    options: Options,
    crew: Crew,
    watch: Watch,
    events: mpsc::UnboundedSender<RunEvent>,
    cancel: CancellationToken,
}

/// One case of the run, repetition and all.
#[derive(Debug, Clone)]
struct Job {
    planned: Planned,
    run: u32,
}

impl Job {
    fn name(&self) -> CaseName {
        CaseName { id: self.planned.scenario.id.clone(), client: self.planned.client.clone(), run: self.run }
    }
}

/// Whether other cases run beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alone {
    No,
    /// Nothing runs beside; the how-manieth time.
    Round(u32),
}

/// How a job ended.
enum Ended {
    Judged(Box<CaseResult>),
    Postponed(Job, String),
    Stopped,
}

/// Runs all cases. Everything that is to be known comes as events; the last is [`RunEvent::RunFinished`].
pub async fn run(
    cases: Vec<Planned>,
    crew: Crew,
    options: Options,
    events: mpsc::UnboundedSender<RunEvent>,
    cancel: CancellationToken,
) {
    let watch = Watch::start(options.speed);
    let run = Arc::new(Run { options, crew, watch, events, cancel });
    let jobs = run.jobs(&cases);
    run.tell(RunEvent::RunStarted { cases: jobs.len(), seed: run.options.seed, speed: run.options.speed });
    let mut postponed = run.together(jobs).await;
    for round in 1..=ROUNDS_ALONE {
        let mut again = Vec::new();
        for job in postponed {
            again.extend(run.one(&job, Alone::Round(round)).await);
        }
        postponed = again;
    }
    run.crew.fleet.stop().await;
    run.tell(RunEvent::RunFinished { interrupted: run.cancel.is_cancelled() });
}

impl Run {
    fn jobs(&self, cases: &[Planned]) -> VecDeque<Job> {
        let mut jobs: Vec<Job> = (1..=self.options.repeat)
            .flat_map(|run| cases.iter().map(move |planned| Job { planned: planned.clone(), run }))
            .collect();
        // The longest first, so that no long case is left to run alone at the end.
        jobs.sort_by_key(|job| (job.run, std::cmp::Reverse(job.planned.scenario.limit)));
        jobs.into()
    }

    fn tell(&self, event: RunEvent) {
        // Whoever listens may have gone; the run goes on to clean up.
        let _ = self.events.send(event);
    }

    /// Runs cases side by side; returns those that must run again alone.
    async fn together(self: &Arc<Self>, mut jobs: VecDeque<Job>) -> Vec<Job> {
        let mut postponed = Vec::new();
        let mut running = JoinSet::new();
        let mut width = Width::new(self.options.jobs);
        while !jobs.is_empty() || !running.is_empty() {
            while running.len() < width.now && !self.cancel.is_cancelled() {
                let Some(job) = jobs.pop_front() else { break };
                let run = Arc::clone(self);
                running.spawn(async move { run.one(&job, Alone::No).await });
            }
            match running.join_next().await {
                Some(Ok(Some(job))) => postponed.push(job),
                Some(Ok(None)) => {}
                Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
                None => break,
            }
            width.adapt(self);
        }
        postponed
    }

    /// Runs one case, tells what became of it, and returns it if it must run again.
    async fn one(&self, job: &Job, alone: Alone) -> Option<Job> {
        if self.cancel.is_cancelled() {
            return None;
        }
        self.tell(RunEvent::CaseStarted(job.name()));
        match self.case(job, alone).await {
            Ended::Judged(result) => {
                if self.options.fail_fast && !result.expected {
                    self.cancel.cancel();
                }
                self.tell(RunEvent::CaseFinished(result));
                None
            }
            Ended::Postponed(job, reason) => {
                if alone == Alone::No {
                    self.tell(RunEvent::CasePostponed { case: job.name(), reason });
                }
                Some(job)
            }
            Ended::Stopped => None,
        }
    }

    async fn case(&self, job: &Job, alone: Alone) -> Ended {
        let adapter = match self.adapter(job, alone).await {
            Ok(adapter) => adapter,
            Err(trouble) => return self.unjudged(job, alone, &trouble),
        };
        let _seats = match &adapter {
            Some(adapter) => Some(adapter.seats(sessions(&job.planned.scenario)).await),
            None => None,
        };
        let setting = self.setting(job, adapter.as_ref().map(Adapter::hello));
        let stage = Stage {
            scenario: &job.planned.scenario,
            setting: &setting,
            adapter: adapter.clone(),
            seed: self.options.seed,
            cancel: self.cancel.clone(),
        };
        let attempt = case::run(stage).await;
        if let (Alone::Round(_), Some(adapter)) = (alone, adapter) {
            adapter.stop().await;
        }
        self.judged(job, alone, &setting, attempt)
    }

    async fn adapter(&self, job: &Job, alone: Alone) -> Result<Option<Adapter>, Trouble> {
        if job.planned.scenario.subject == Subject::Server {
            return Ok(None);
        }
        let client = &job.planned.client;
        let adapter = match alone {
            Alone::No => self.crew.fleet.shared(client).await,
            Alone::Round(_) => self.crew.fleet.own(client).await,
        };
        let adapter = adapter.map_err(|error| Trouble::Launch(error.to_string()))?;
        Ok(Some(adapter))
    }

    fn setting(&self, job: &Job, hello: Option<&Hello>) -> Setting {
        let scenario = &job.planned.scenario;
        let exposes = |name: &str| hello.is_some_and(|hello| hello.exposes.iter().any(|exposed| exposed == name));
        let client = Exposes {
            states: exposes("states"),
            events: exposes("events"),
            tokens: exposes("tokens"),
            logs: exposes("logs"),
            stored: false,
            results: hello.is_some(),
        };
        Setting {
            contract: scenario.system.contract(),
            requirements: Arc::clone(&self.crew.requirements),
            speed: self.options.speed,
            exposes: Exposed { client, probe: Exposes { logs: true, stored: true, ..Exposes::default() } },
            grace: GRACE * self.options.speed,
            start: Moment::now(),
        }
    }

    fn judged(&self, job: &Job, alone: Alone, setting: &Setting, attempt: Attempt) -> Ended {
        // What happens on the way from one process to the other is delayed by both.
        let measured = self.watch.worst(setting.start, attempt.ended) + attempt.lateness;
        let mut judgement = judge::judge(&job.planned.scenario, setting, &attempt.trace, attempt.ended, measured);
        if self.options.level == Level::Must {
            judgement = judgement.of_musts();
        }
        match &attempt.trouble {
            Some(Trouble::Stopped) => return Ended::Stopped,
            Some(trouble @ Trouble::Adapter(_)) if alone == Alone::No => {
                return Ended::Postponed(job.clone(), trouble.to_string());
            }
            Some(trouble) => judgement.outcome = trouble.outcome(),
            None if !attempt.violations.is_empty() => judgement.outcome = CaseOutcome::HarnessError,
            None => {}
        }
        if judgement.outcome == CaseOutcome::Inconclusive && alone != Alone::Round(ROUNDS_ALONE) {
            let reason = format!("the harness was {} ms late", measured.as_millis());
            return Ended::Postponed(job.clone(), reason);
        }
        Ended::Judged(Box::new(self.result(job, alone, setting.start, attempt, judgement, measured)))
    }

    /// The result of a case that did not come to run.
    fn unjudged(&self, job: &Job, alone: Alone, trouble: &Trouble) -> Ended {
        let now = Moment::now();
        let attempt = Attempt { trouble: Some(trouble.clone()), ..Attempt::empty(now) };
        let judgement = Judgement { checks: Vec::new(), outcome: trouble.outcome() };
        Ended::Judged(Box::new(self.result(job, alone, now, attempt, judgement, Duration::ZERO)))
    }

    fn result(
        &self,
        job: &Job,
        alone: Alone,
        began: Moment,
        attempt: Attempt,
        judgement: Judgement,
        measured: Duration,
    ) -> CaseResult {
        let Planned { scenario, client } = &job.planned;
        let (expected, known_failing) = self.expected(job, judgement.outcome);
        let keep = self.options.keep_traces || judgement.outcome != CaseOutcome::Pass || !expected;
        let trouble = attempt.trouble.iter().map(ToString::to_string);
        CaseResult {
            id: scenario.id.clone(),
            title: scenario.title.clone(),
            file: scenario.file.clone(),
            system: scenario.system.name().to_owned(),
            client: client.clone(),
            attach: if client == MOCK { Attach::Probe } else { Attach::Adapter },
            run: job.run,
            outcome: judgement.outcome,
            expected,
            known_failing,
            trouble: trouble.chain(attempt.violations).chain(attempt.notes).collect(),
            checks: judgement.checks,
            began,
            documented_seconds: attempt.ended.since(began).as_secs_f64(),
            lateness_ms: measured.as_secs_f64() * 1_000.0,
            alone: alone != Alone::No,
            trace: if keep { attempt.trace } else { Vec::new() },
        }
    }

    fn expected(&self, job: &Job, outcome: CaseOutcome) -> (bool, Option<String>) {
        let none = Expectations::default();
        let expectations = self.crew.expectations.get(&job.planned.client).unwrap_or(&none);
        match expectations.judge(&job.planned.scenario.id, outcome, self.options.today) {
            Expected::Yes => (true, None),
            Expected::No => (false, None),
            Expected::Excused(entry) => (true, Some(entry.reason.clone())),
            Expected::Unexcused(entry) => (false, Some(entry.reason.clone())),
        }
    }
}

/// What a client said of itself, for the report; `options` chose it on the command line.
pub fn client_info(name: &str, options: Vec<String>, hello: &Hello) -> ClientInfo {
    ClientInfo {
        name: name.to_owned(),
        version: hello.version.clone(),
        library: format!("{} {}", hello.library.name, hello.library.version).trim().to_owned(),
        exposes: hello.exposes.clone(),
        options,
    }
}

/// How many sessions of a client a case needs.
fn sessions(scenario: &Scenario) -> usize {
    scenario.given.actors.iter().filter(|actor| actor.role == Role::Client).count()
}

/// How many cases run at once: what was asked for, or as many as the harness can serve in time.
struct Width {
    now: usize,
    fixed: bool,
    looked: Moment,
}

impl Width {
    const FIRST: usize = 16;
    const MOST: usize = 64;
    const LEAST: usize = 2;

    fn new(jobs: Option<usize>) -> Self {
        Self { now: jobs.unwrap_or(Self::FIRST).max(1), fixed: jobs.is_some(), looked: Moment::now() }
    }

    /// Fewer when timers slipped since the last look, one more when they did not.
    fn adapt(&mut self, run: &Run) {
        let now = Moment::now();
        if self.fixed {
            return;
        }
        let allowance = Duration::from_millis(5) * run.options.speed;
        let worst = run.watch.worst(self.looked, now);
        self.now = if worst > allowance { (self.now * 3 / 4).max(Self::LEAST) } else { (self.now + 1).min(Self::MOST) };
        self.looked = now;
    }
}

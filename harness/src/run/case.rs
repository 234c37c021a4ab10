//! One case: a mock of its own, the actors, the steps in their order, and everything that was seen.
//!
//! The matcher says what is due; this module does it and feeds the matcher. Whatever goes wrong here is never the
//! subject's fault. Knows nothing of other cases.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};
use sparring_mock_server::contract::Contract;
use sparring_mock_server::journal::{Actor, Moment};
use sparring_mock_server::live::LiveAction;
use sparring_mock_server::server::{self, MockServer};
use sparring_mock_server::tokens::TokenSpec;
use sparring_mock_server::values::FieldError;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::adapter::{Adapter, Ended, Heard, RpcError, Session, SessionSetup};
use super::recorder::Recorder;
use crate::judge::{CaseOutcome, Due, Matcher, Setting};
use crate::probe::{Probe, ProbeOptions};
use crate::spec::model::{Action, ActorSpec, ClockSetting, Role, Scenario, Step, Verb};
use crate::trace::Record;

/// What a case is run with.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    /// The case.
    pub(super) scenario: &'a Scenario,
    /// What the judge has to know.
    pub(super) setting: &'a Setting,
    /// The client's adapter; none in a probe scenario.
    pub(super) adapter: Option<Adapter>,
    /// The seed of the run.
    pub(super) seed: u64,
    /// Ends the case early.
    pub(super) cancel: CancellationToken,
}

/// What a case left.
#[derive(Debug)]
pub(super) struct Attempt {
    /// Everything that happened, in order.
    pub(super) trace: Vec<Record>,
    /// When the case ended.
    pub(super) ended: Moment,
    /// How late adapter lines came or its timers fired, at worst.
    pub(super) lateness: Duration,
    /// What kept the case from being judged.
    pub(super) trouble: Option<Trouble>,
    /// What the mock sent against its own contract, outside a fault.
    pub(super) violations: Vec<String>,
    /// What else is worth telling.
    pub(super) notes: Vec<String>,
}

impl Attempt {
    /// Nothing has happened.
    pub(super) fn empty(ended: Moment) -> Self {
        let (trace, violations, notes) = (Vec::new(), Vec::new(), Vec::new());
        Self { trace, ended, lateness: Duration::ZERO, trouble: None, violations, notes }
    }
}

/// Why a case cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// The client's process is gone or broke the protocol.
    #[error("{0}")]
    Adapter(#[from] Ended),
    /// The harness or the mock failed.
    #[error("{0}")]
    Harness(String),
    /// The adapter could not be started.
    #[error("{0}")]
    Launch(String),
    /// The run was stopped.
    #[error("the run was stopped")]
    Stopped,
}

impl Trouble {
    /// What the case counts as.
    pub(super) fn outcome(&self) -> CaseOutcome {
        match self {
            Self::Adapter(Ended::Crashed { .. }) => CaseOutcome::Crash,
            Self::Adapter(Ended::Protocol(_) | Ended::Hung(_)) | Self::Launch(_) => CaseOutcome::AdapterError,
            Self::Harness(_) | Self::Stopped => CaseOutcome::HarnessError,
        }
    }

    fn harness(error: impl std::fmt::Display) -> Self {
        Self::Harness(error.to_string())
    }
}

/// Everything that can happen to a case while it runs.
#[derive(Debug)]
pub(super) enum Input {
    /// The mock's journal has a new record.
    Journal(std::sync::Arc<sparring_mock_server::journal::Record>),
    /// A probe has seen something.
    Probe(sparring_mock_server::journal::Record),
    /// An adapter said something of this actor.
    Heard(Actor, Heard),
    /// An action was answered.
    Answered(Actor, usize, Result<Value, RpcError>, Moment),
}

/// Runs a case to its end.
pub(super) async fn run(stage: Stage<'_>) -> Attempt {
    let (sender, receiver) = mpsc::unbounded_channel();
    let mut recorder = Recorder::new(stage.scenario, stage.setting.grace);
    let mut attempt = Attempt::empty(stage.setting.start);
    match Cast::assemble(&stage, sender).await {
        Ok(mut cast) => {
            attempt.trouble = play(&stage, &mut cast, receiver, &mut recorder).await.err();
            attempt.ended = Moment::now();
            let (violations, left) = cast.leave().await;
            attempt.violations = violations;
            attempt.trouble = attempt.trouble.or(left.err().map(Trouble::Adapter));
        }
        Err(trouble) => attempt.trouble = Some(trouble),
    }
    recorder.leave(&mut attempt);
    attempt
}

/// Does what is due until the matcher says that the case has ended.
async fn play(
    stage: &Stage<'_>,
    cast: &mut Cast,
    mut inputs: mpsc::UnboundedReceiver<Input>,
    recorder: &mut Recorder<'_>,
) -> Result<(), Trouble> {
    let mut matcher = Matcher::new(stage.scenario, stage.setting);
    loop {
        while let Ok(input) = inputs.try_recv() {
            recorder.take(input, &mut matcher)?;
        }
        let wake = match matcher.due(Moment::now()) {
            Due::Finished => return Ok(()),
            Due::Act(index) => {
                perform(cast, &stage.scenario.steps[index], recorder, &mut matcher).await?;
                continue;
            }
            Due::Wake(moment) => Some(moment),
            Due::Records => None,
        };
        let rest = stage.setting.start + stage.scenario.limit;
        tokio::select! {
            Some(input) = inputs.recv() => recorder.take(input, &mut matcher)?,
            () = wake.unwrap_or(rest).reached() => {}
            () = stage.cancel.cancelled() => return Err(Trouble::Stopped),
        }
    }
}

/// Takes an action step for each of its actors.
async fn perform(
    cast: &mut Cast,
    step: &Step,
    recorder: &mut Recorder<'_>,
    matcher: &mut Matcher<'_>,
) -> Result<(), Trouble> {
    let (Verb::Client(action) | Verb::Probe(action) | Verb::Server(action)) = &step.verb else {
        unreachable!("the matcher gives out actions alone")
    };
    // What concerns the whole server is done once, on behalf of all its actors.
    let global = matches!(&step.verb, Verb::Server(action) if LiveAction::is_global(&action.name));
    for (index, actor) in step.who.iter().enumerate() {
        let args = matcher.resolve(actor, &action.args).map_err(Trouble::harness)?;
        recorder.acted(step, actor, matcher);
        match &step.verb {
            Verb::Client(_) => cast.client_acts(step, actor, action, args).await?,
            Verb::Probe(_) => cast.probe_acts(actor, action, args).await?,
            _ if global && index > 0 => {}
            _ => cast.server_acts(actor, action, &args).await?,
        }
    }
    Ok(())
}

/// The mock and the actors of a case.
struct Cast {
    server: MockServer,
    sessions: BTreeMap<Actor, Session>,
    probes: BTreeMap<Actor, Prober>,
    users: BTreeMap<Actor, String>,
    contract: &'static Contract,
    inputs: mpsc::UnboundedSender<Input>,
}

/// A probe and the token that it connects with, minted when it first acts.
struct Prober {
    probe: Probe,
    token: Option<TokenSpec>,
    minted: Option<String>,
}

impl Cast {
    async fn assemble(stage: &Stage<'_>, inputs: mpsc::UnboundedSender<Input>) -> Result<Self, Trouble> {
        let server = start_server(stage.scenario, stage.seed).await?;
        forward_journal(&server, inputs.clone());
        let users = stage.scenario.given.actors.iter();
        let users = users.map(|spec| (spec.actor.clone(), user(spec).to_owned())).collect();
        let contract = stage.setting.contract;
        let mut cast = Self { server, sessions: BTreeMap::new(), probes: BTreeMap::new(), users, contract, inputs };
        for spec in &stage.scenario.given.actors {
            match spec.role {
                Role::Client => cast.open_session(stage, spec).await?,
                Role::Probe => cast.prepare_probe(stage, spec),
            }
        }
        Ok(cast)
    }

    async fn open_session(&mut self, stage: &Stage<'_>, spec: &ActorSpec) -> Result<(), Trouble> {
        let adapter = stage.adapter.as_ref().ok_or_else(|| Trouble::harness("a client scenario without a client"))?;
        let url = self.server.url(&spec.actor);
        let token = spec.token.as_ref().map(|token| self.server.mint(token, Some(user(spec))).value);
        let setup = SessionSetup {
            system: stage.scenario.system.name(),
            url: &url,
            token: token.as_deref(),
            options: &spec.options,
        };
        let (session, mut heard) = adapter.open(setup).await?;
        let (actor, inputs) = (spec.actor.clone(), self.inputs.clone());
        tokio::spawn(async move {
            while let Some(heard) = heard.recv().await {
                if inputs.send(Input::Heard(actor.clone(), heard)).is_err() {
                    break;
                }
            }
        });
        self.sessions.insert(spec.actor.clone(), session);
        Ok(())
    }

    fn prepare_probe(&mut self, stage: &Stage<'_>, spec: &ActorSpec) {
        let (sender, mut records) = mpsc::unbounded_channel();
        let inputs = self.inputs.clone();
        tokio::spawn(async move {
            while let Some(record) = records.recv().await {
                if inputs.send(Input::Probe(record)).is_err() {
                    break;
                }
            }
        });
        let options = ProbeOptions {
            actor: spec.actor.clone(),
            url: self.server.url(&spec.actor),
            contract: stage.setting.contract,
            setup: spec.probe.clone(),
        };
        let probe = Probe::new(options, sender);
        self.probes.insert(spec.actor.clone(), Prober { probe, token: spec.token.clone(), minted: None });
    }

    async fn client_acts(
        &mut self,
        step: &Step,
        actor: &Actor,
        action: &Action,
        mut args: Map<String, Value>,
    ) -> Result<(), Trouble> {
        if let Some(token) = args.get_mut("token") {
            *token = self.minted(actor, token)?;
        }
        let session = self.sessions.get(actor).ok_or_else(|| Trouble::harness(format!("{actor} is no client")))?;
        let answer = session.act(&action.name, &args).await?;
        let (inputs, actor, index) = (self.inputs.clone(), actor.clone(), step.index);
        tokio::spawn(async move {
            // A process that ended instead says so in another way; a case that is over listens no longer.
            if let Ok(answer) = answer.await {
                let _ = inputs.send(Input::Answered(actor, index, answer, Moment::now()));
            }
        });
        Ok(())
    }

    async fn probe_acts(&mut self, actor: &Actor, action: &Action, args: Map<String, Value>) -> Result<(), Trouble> {
        let args = self.with_tokens(actor, Value::Object(args))?;
        let token = self.probe_token(actor);
        let prober = self.probes.get_mut(actor).ok_or_else(|| Trouble::harness(format!("{actor} is no probe")))?;
        let Value::Object(args) = args else { return Err(Trouble::harness("arguments are a map")) };
        prober.probe.act(&action.name, &args, token.as_deref()).await.map_err(Trouble::harness)
    }

    /// The probe's own token: minted by the server's clock when it first acts, and kept.
    fn probe_token(&mut self, actor: &Actor) -> Option<String> {
        let user = self.users.get(actor).map(String::as_str);
        let prober = self.probes.get_mut(actor)?;
        if let (None, Some(spec)) = (&prober.minted, &prober.token) {
            prober.minted = Some(self.server.mint(spec, user).value);
        }
        prober.minted.clone()
    }

    async fn server_acts(&mut self, actor: &Actor, action: &Action, args: &Map<String, Value>) -> Result<(), Trouble> {
        let action = LiveAction::read(&action.name, args).map_err(|errors| Trouble::Harness(all(&errors)))?;
        self.server.act(&action, actor).await.map_err(Trouble::harness)
    }

    /// The data with a minted token wherever it says `{$token: ..}`.
    fn with_tokens(&self, actor: &Actor, value: Value) -> Result<Value, Trouble> {
        match value {
            Value::Object(map) if map.len() == 1 && map.contains_key("$token") => self.minted(actor, &map["$token"]),
            Value::Object(map) => {
                let entry = |(key, value)| Ok((key, self.with_tokens(actor, value)?));
                map.into_iter().map(entry).collect::<Result<Map<_, _>, Trouble>>().map(Value::Object)
            }
            Value::Array(list) => {
                let items = list.into_iter().map(|value| self.with_tokens(actor, value));
                items.collect::<Result<_, _>>().map(Value::Array)
            }
            other => Ok(other),
        }
    }

    /// The token that a description stands for; null for none.
    fn minted(&self, actor: &Actor, description: &Value) -> Result<Value, Trouble> {
        if description.is_null() {
            return Ok(Value::Null);
        }
        let spec = TokenSpec::read(description, self.contract).map_err(|errors| Trouble::Harness(all(&errors)))?;
        let user = self.users.get(actor).map(String::as_str);
        Ok(spec.map_or(Value::Null, |spec| Value::String(self.server.mint(&spec, user).value)))
    }

    /// Sends everybody home. Returns what the mock did against its contract, and how the adapter ended if it did not
    /// survive that.
    async fn leave(self) -> (Vec<String>, Result<(), Ended>) {
        drop(self.probes);
        let mut left = Ok(());
        for session in self.sessions.into_values() {
            left = left.and(session.close().await.map(|_| ()));
        }
        let violations = self.server.violations().iter().map(ToString::to_string).collect();
        self.server.shutdown().await;
        (violations, left)
    }
}

/// The user that an actor's tokens speak of: the one given, else its name.
fn user(spec: &ActorSpec) -> &str {
    spec.user.as_deref().unwrap_or_else(|| spec.actor.name())
}

fn all(errors: &[FieldError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

async fn start_server(scenario: &Scenario, seed: u64) -> Result<MockServer, Trouble> {
    let given = &scenario.given;
    let clock = match given.clock {
        Some(ClockSetting::Freeze(at)) => server::ClockSetting::Frozen(at),
        Some(ClockSetting::Offset(by)) => server::ClockSetting::Ahead(by),
        None => server::ClockSetting::Now,
    };
    let builder = MockServer::builder(scenario.system)
        .actors(given.actors.iter().map(|spec| spec.actor.clone()).collect())
        .rules(given.rules.clone())
        .switches(given.switches.clone())
        .data(given.data.clone())
        .clock(clock)
        .seed(seed);
    builder.start().await.map_err(Trouble::harness)
}

fn forward_journal(server: &MockServer, inputs: mpsc::UnboundedSender<Input>) {
    let mut journal = server.journal().subscribe();
    tokio::spawn(async move {
        while let Some(record) = journal.recv().await {
            if inputs.send(Input::Journal(record)).is_err() {
                break;
            }
        }
    });
}

//! What all parts of one mock share: its records, rules, clock, settings, and the list of what is going on.
//!
//! Knows nothing of protocols.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::contracted::Payloads;
use crate::clock::ServerClock;
use crate::contract::{Contract, SystemId};
use crate::engine::conn::Conn;
use crate::journal::{Actor, Entry, Journal, LogEntry, LogLevel};
use crate::limits::Limits;
use crate::script::Script;

/// See the module.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Which system it is.
    pub(crate) system: SystemId,
    /// What its document promises.
    pub(crate) contract: &'static Contract,
    /// What happened.
    pub(crate) journal: Arc<Journal>,
    /// What is to go wrong.
    pub(crate) script: Script,
    /// The wall clock by which tokens and sessions age.
    pub(crate) clock: Arc<ServerClock>,
    /// What its JWTs are signed with.
    pub(crate) secret: String,
    /// Alternatives of readings, by switch; those not named have their default.
    pub(crate) switches: BTreeMap<String, String>,
    /// What the server holds at the start.
    pub(crate) data: Map<String, Value>,
    /// How often the transport is pinged.
    pub(crate) heartbeat: Heartbeat,
    /// How long a client may take to join a namespace.
    pub(crate) connect_timeout: Duration,
    /// How much it takes and holds.
    pub(crate) limits: Limits,
    payloads: Payloads,
    violations: Mutex<Vec<Violation>>,
    crowd: Mutex<Crowd>,
    tasks: TaskTracker,
    /// Ends all.
    stop: CancellationToken,
    /// What would not outlive the process; renewed by a restart.
    life: Mutex<Life>,
}

/// The tasks that a process takes with it when it ends.
#[derive(Debug)]
struct Life {
    end: CancellationToken,
    tasks: TaskTracker,
}

impl Life {
    fn new(stop: &CancellationToken) -> Self {
        Self { end: stop.child_token(), tasks: TaskTracker::new() }
    }
}

/// How a transport's heartbeat is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// Time between pings.
    pub interval: Duration,
    /// Time for the answer to a ping.
    pub timeout: Duration,
}

/// Something that was sent outside a fault although the contract does not allow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// To whom.
    pub actor: Actor,
    /// On which connection.
    pub connection: u32,
    /// Which event.
    pub event: String,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { actor, connection, event, problem } = self;
        write!(f, "the mock broke its contract: {event} to {actor} on connection {connection}: {problem}")
    }
}

#[derive(Debug, Default)]
struct Crowd {
    attempts: HashMap<Actor, u32>,
    newest: HashMap<Actor, Weak<Conn>>,
    /// All attempts of which something may be left.
    connections: BTreeMap<(Actor, u32), Weak<Conn>>,
    /// At how many of them those are swept out of which nothing is left.
    full: usize,
    sessions: HashMap<String, Arc<Conn>>,
}

impl Crowd {
    fn take_in(&mut self, conn: &Arc<Conn>) {
        self.newest.insert(conn.actor.clone(), Arc::downgrade(conn));
        self.connections.insert((conn.actor.clone(), conn.number()), Arc::downgrade(conn));
        if self.connections.len() > self.full {
            self.connections.retain(|_, conn| conn.strong_count() > 0);
            self.full = (2 * self.connections.len()).max(64);
        }
    }
}

/// How a mock is set up.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) system: SystemId,
    pub(crate) journal: Arc<Journal>,
    pub(crate) script: Script,
    pub(crate) clock: Arc<ServerClock>,
    pub(crate) secret: String,
    pub(crate) switches: BTreeMap<String, String>,
    pub(crate) data: Map<String, Value>,
    pub(crate) heartbeat: Heartbeat,
    pub(crate) connect_timeout: Duration,
    pub(crate) limits: Limits,
}

impl Shared {
    pub(crate) fn new(setting: Setting) -> Self {
        let Setting { system, journal, script, clock, secret, switches, data, heartbeat, connect_timeout, limits } =
            setting;
        let contract = system.contract();
        let stop = CancellationToken::new();
        let life = Mutex::new(Life::new(&stop));
        Self {
            system,
            contract,
            journal,
            script,
            clock,
            secret,
            switches,
            data,
            heartbeat,
            connect_timeout,
            limits,
            payloads: Payloads::of(system),
            violations: Mutex::default(),
            crowd: Mutex::default(),
            tasks: TaskTracker::new(),
            stop,
            life,
        }
    }

    /// The alternative that a switch stands on.
    pub(crate) fn switch(&self, name: &str) -> &str {
        let default = || self.contract.switches.get(name).map_or("", |switch| switch.default.as_str());
        self.switches.get(name).map_or_else(default, String::as_str)
    }

    // Tasks.

    /// Runs a task until the mock ends or, as a process would, restarts.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let life = lock(&self.life);
        let task = life.tasks.track_future(until(life.end.clone(), task));
        drop(life);
        self.tasks.spawn(task);
    }

    /// Begins a task in the one that calls; if it has to wait, it goes on as one of its own, as above.
    pub(crate) fn run(&self, mut task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        if (&mut task).now_or_never().is_none() {
            self.spawn(task);
        }
    }

    /// Runs a task until the mock ends.
    pub(crate) fn spawn_lasting(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(until(self.stop.clone(), task));
    }

    /// Ends all that a process would take with it, and leaves the way free for its successor. What is returned tells when
    /// it has ended.
    pub(crate) fn die(&self) -> TaskTracker {
        let dead = std::mem::replace(&mut *lock(&self.life), Life::new(&self.stop));
        dead.end.cancel();
        dead.tasks.close();
        dead.tasks
    }

    /// Ends everything.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
    }

    /// Waits until all tasks have ended.
    pub(crate) async fn stopped(&self) {
        self.tasks.wait().await;
    }

    // Connections.

    /// The number of the actor's next attempt.
    pub(crate) fn next_attempt(&self, actor: &Actor) -> u32 {
        let mut crowd = self.crowd();
        let attempts = crowd.attempts.entry(actor.clone()).or_default();
        *attempts += 1;
        *attempts
    }

    /// Notes the actor's newest attempt.
    pub(crate) fn arrived(&self, conn: &Arc<Conn>) {
        self.crowd().take_in(conn);
    }

    /// The actor's newest connection, if anything of it is left.
    pub(crate) fn newest(&self, actor: &Actor) -> Option<Arc<Conn>> {
        self.crowd().newest.get(actor).and_then(Weak::upgrade)
    }

    /// Whether there are as many sessions as there may be.
    pub(crate) fn is_full(&self) -> bool {
        self.crowd().sessions.len() >= self.limits.sessions
    }

    /// The actor's connection of this number, if anything of it is left.
    pub(crate) fn connection(&self, actor: &Actor, number: u32) -> Option<Arc<Conn>> {
        self.crowd().connections.get(&(actor.clone(), number)).and_then(Weak::upgrade)
    }

    /// All connections that are not over, by actor and number.
    pub(crate) fn connections(&self) -> Vec<Arc<Conn>> {
        let alive = self.crowd().connections.values().filter_map(Weak::upgrade).collect::<Vec<_>>();
        alive.into_iter().filter(|conn| !conn.is_over()).collect()
    }

    /// Makes a session known by its id.
    pub(crate) fn opened(&self, conn: &Arc<Conn>) {
        self.crowd().sessions.insert(conn.sid.clone(), Arc::clone(conn));
    }

    /// The session of this id, while it lives.
    pub(crate) fn session(&self, sid: &str) -> Option<Arc<Conn>> {
        let lives = |conn: &&Arc<Conn>| conn.lingers() || !conn.is_over() && !conn.is_overdue();
        self.crowd().sessions.get(sid).filter(lives).cloned()
    }

    /// Drops a session.
    pub(crate) fn forget(&self, conn: &Conn) {
        self.crowd().sessions.remove(&conn.sid);
    }

    /// All sessions.
    pub(crate) fn sessions(&self) -> Vec<Arc<Conn>> {
        self.crowd().sessions.values().cloned().collect()
    }

    /// Lets go of all connections.
    pub(crate) fn clear(&self) {
        let crowd = std::mem::take(&mut *self.crowd());
        crowd.sessions.values().for_each(|conn| conn.let_go());
    }

    fn crowd(&self) -> MutexGuard<'_, Crowd> {
        lock(&self.crowd)
    }

    /// Counts attempts from 1 again, and forgets what was wrong with what was sent.
    pub(crate) fn begin_again(&self) {
        self.clear();
        lock(&self.violations).clear();
    }

    // Records.

    /// Writes a line of the server's log.
    pub(crate) fn log(&self, actor: &Actor, connection: Option<u32>, level: LogLevel, message: &str, fields: Value) {
        let fields = match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        self.journal.write(
            actor,
            connection,
            None,
            Entry::Log(LogEntry { level, message: message.to_owned(), fields }),
        );
    }

    /// Checks what is about to be sent outside any fault against the contract, and keeps what breaks it.
    pub(crate) fn check(&self, conn: &Conn, event: &str, payload: &Value) {
        let Err(problem) = self.payloads.check(event, payload) else { return };
        let fields = serde_json::json!({"event": event, "problem": problem, "payload": payload});
        self.log(&conn.actor, Some(conn.number()), LogLevel::Error, "Contract broken by the mock itself", fields);
        let (actor, connection, event) = (conn.actor.clone(), conn.number(), event.to_owned());
        lock(&self.violations).push(Violation { actor, connection, event, problem });
    }

    /// What was sent outside a fault although the contract does not allow it.
    pub(crate) fn violations(&self) -> Vec<Violation> {
        lock(&self.violations).clone()
    }
}

/// Runs a task until the token is cancelled; from then on it does not get as far as another step.
async fn until(token: CancellationToken, task: impl Future<Output = ()>) {
    tokio::select! {
        biased;
        () = token.cancelled() => {}
        () = task => {}
    }
}

/// Locks; what is under these locks is changed in single steps, which a panic cannot leave half-done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! A mock server as a whole: its addresses, its handle, and its end.
//!
//! [`MockServer::builder`] sets one up and [`Builder::start`] starts it on ports of its own, one for each actor, so that
//! every connection belongs to an actor without marks in its traffic. Dropping the handle ends everything it started.
//! Hundreds run in one process: a server has no thread, only tasks. Knows nothing of protocols.

mod accept;
mod act;
mod contracted;
mod shared;
mod standing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::clock::ServerClock;
use crate::contract::SystemId;
use crate::control::{self, Control};
use crate::engine::gate::Gate;
use crate::journal::{Actor, Journal};
use crate::limits::Limits;
use crate::script::{Rule, Script};
use crate::systems::System;
use crate::systems::chatgenius::Chatgenius;
use crate::systems::digitwin::Digitwin;
use crate::systems::echo::Echo;
use crate::tokens::{Minted, TokenSpec, mint};
use crate::values::FieldError;
use crate::wire::{Listener, Tls, TlsError};

pub use act::ActError;
pub(crate) use act::Target;
use shared::Setting;
pub use shared::{Heartbeat, Violation};
pub(crate) use shared::{Shared, lock};

/// What the JWTs of a mock are signed with, unless its builder is told otherwise.
pub const SECRET: &str = "sparring-secret";

/// How long the official server waits for a client to join a namespace.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(45);

/// A mock server that is up. Dropping it ends everything that it started.
#[derive(Debug)]
pub struct MockServer {
    house: Arc<House>,
    control: Option<Control>,
}

/// What the tasks of a mock and its handle share.
pub(crate) struct House {
    /// What all parts share.
    pub(crate) shared: Arc<Shared>,
    /// What stands behind the ports.
    pub(crate) gate: Arc<Gate>,
    /// The honest system.
    pub(crate) system: Arc<dyn System>,
    /// An address for each actor.
    pub(crate) doors: BTreeMap<Actor, Listener>,
    /// Its certificates, if it speaks TLS.
    pub(crate) tls: Option<Tls>,
    /// Where the clock stood at the start.
    clock: ClockSetting,
}

impl std::fmt::Debug for House {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("House").field("doors", &self.doors).finish_non_exhaustive()
    }
}

/// Where the server's wall clock stands at the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClockSetting {
    /// It shows document time.
    #[default]
    Now,
    /// It stands still at this time since the Unix epoch.
    Frozen(Duration),
    /// It is ahead of document time by this much.
    Ahead(Duration),
}

/// Why a mock server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address could not be taken.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// There are no certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Rules or switches do not fit the system.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Setting(Vec<FieldError>),
}

/// Sets up a mock server.
#[derive(Debug, Clone)]
pub struct Builder {
    system: SystemId,
    actors: Vec<Actor>,
    rules: Vec<Rule>,
    clock: ClockSetting,
    switches: BTreeMap<String, String>,
    data: Map<String, Value>,
    seed: u64,
    secret: String,
    heartbeat: Heartbeat,
    connect_timeout: Duration,
    limits: Limits,
    listen: SocketAddr,
    tls: bool,
    control: Option<control::Setting>,
}

impl Builder {
    /// Those who get an address of their own; by default one named `client`.
    #[must_use]
    pub fn actors(mut self, actors: Vec<Actor>) -> Self {
        self.actors = actors;
        self
    }

    /// Rules that are armed before the first byte.
    #[must_use]
    pub fn rules(mut self, rules: Vec<Rule>) -> Self {
        self.rules = rules;
        self
    }

    /// Where the wall clock stands.
    #[must_use]
    pub fn clock(mut self, clock: ClockSetting) -> Self {
        self.clock = clock;
        self
    }

    /// Documented alternatives, by switch.
    #[must_use]
    pub fn switches(mut self, switches: BTreeMap<String, String>) -> Self {
        self.switches = switches;
        self
    }

    /// What the server holds at the start.
    #[must_use]
    pub fn data(mut self, data: Map<String, Value>) -> Self {
        self.data = data;
        self
    }

    /// Decides every chance of the rules.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// What JWTs are signed with.
    #[must_use]
    pub fn secret(mut self, secret: &str) -> Self {
        secret.clone_into(&mut self.secret);
        self
    }

    /// How the transport's heartbeat is timed, instead of the contract's times.
    #[must_use]
    pub fn heartbeat(mut self, heartbeat: Heartbeat) -> Self {
        self.heartbeat = heartbeat;
        self
    }

    /// How long a Socket.IO client may take to join a namespace, instead of the official server's 45 s.
    #[must_use]
    pub fn connect_timeout(mut self, connect_timeout: Duration) -> Self {
        self.connect_timeout = connect_timeout;
        self
    }

    /// How much of anything it takes and holds, instead of the defaults.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The address of the first actor; the others have free ports beside it. By default all have free ports.
    #[must_use]
    pub fn listen(mut self, addr: SocketAddr) -> Self {
        self.listen = addr;
        self
    }

    /// Whether it speaks TLS, with certificates made for this mock: see [`MockServer::ca_pem`]. By default it does not.
    #[must_use]
    pub fn tls(mut self, tls: bool) -> Self {
        self.tls = tls;
        self
    }

    /// A control API beside it; without this there is none.
    #[must_use]
    pub fn control(mut self, setting: control::Setting) -> Self {
        self.control = Some(setting);
        self
    }

    /// Starts it; returns when all its addresses accept connections.
    pub async fn start(self) -> Result<MockServer, StartError> {
        let wrong = self.wrong();
        if !wrong.is_empty() {
            return Err(StartError::Setting(wrong));
        }
        let doors = self.doors()?;
        let tls = if self.tls { Some(Tls::new(self.listen.ip())?) } else { None };
        let reserved = match self.control {
            Some(setting) => {
                let addr = setting.listen;
                Some(control::reserve(setting).await.map_err(|source| StartError::Listen { addr, source })?)
            }
            None => None,
        };
        let journal = Arc::new(Journal::default());
        let shared = Arc::new(Shared::new(Setting {
            system: self.system,
            script: Script::new(self.rules, self.seed, Arc::clone(&journal)),
            journal,
            clock: Arc::new(started(self.clock)),
            secret: self.secret,
            switches: self.switches,
            data: self.data,
            heartbeat: self.heartbeat,
            connect_timeout: self.connect_timeout,
            limits: self.limits,
        }));
        let system: Arc<dyn System> = match self.system {
            SystemId::Digitwin => Arc::new(Digitwin::new(Arc::clone(&shared))),
            SystemId::Chatgenius => Arc::new(Chatgenius::new(Arc::clone(&shared))),
            SystemId::SocketIo | SystemId::EngineIo | SystemId::WebSocket => Arc::new(Echo),
        };
        let gate = Gate::new(Arc::clone(&shared), Arc::clone(&system));
        let house = Arc::new(House { shared, gate, system, doors, tls, clock: self.clock });
        let control = reserved.map(|reserved| control::serve(reserved, &house));
        standing::keep(&house);
        accept::open(&house);
        Ok(MockServer { house, control })
    }

    fn wrong(&self) -> Vec<FieldError> {
        let rules = self.rules.iter().enumerate().flat_map(|(index, rule)| {
            let errors = rule.check(self.system).into_iter().chain(without_tls(rule, self.tls));
            errors.map(move |error| error.under(&format!("rules[{index}]")))
        });
        rules.chain(self.wrong_switches()).chain(self.wrong_data()).collect()
    }

    fn wrong_switches(&self) -> impl Iterator<Item = FieldError> {
        let known = &self.system.contract().switches;
        self.switches.iter().filter_map(move |(name, value)| {
            let path = format!("switches.{name}");
            match known.get(name) {
                None => Some(FieldError::unknown(path, name, "a switch", known.keys().map(String::as_str))),
                Some(switch) if switch.values.contains(value) => None,
                Some(switch) => Some(FieldError::unknown(
                    path,
                    value,
                    "a value of the switch",
                    switch.values.iter().map(String::as_str),
                )),
            }
        })
    }

    fn wrong_data(&self) -> impl Iterator<Item = FieldError> {
        let known = &self.system.contract().data;
        let what = format!("data that {} holds", self.system.name());
        self.data.iter().filter_map(move |(name, value)| {
            let path = format!("data.{name}");
            let Some(schema) = known.get(name) else {
                return Some(FieldError::unknown(path, name, &what, known.keys().map(String::as_str)));
            };
            let error = jsonschema::validate(schema, value).err()?;
            Some(FieldError::new(
                format!("{path}{}", error.instance_path().to_string().replace('/', ".")),
                error.instance(),
                format!("data that fits: {error}"),
            ))
        })
    }

    fn doors(&self) -> Result<BTreeMap<Actor, Listener>, StartError> {
        let mut addr = self.listen;
        let mut doors = BTreeMap::new();
        for actor in &self.actors {
            let listener = Listener::bind(addr).map_err(|source| StartError::Listen { addr, source })?;
            doors.insert(actor.clone(), listener);
            addr.set_port(0);
        }
        Ok(doors)
    }
}

/// What is wrong with the rule in a mock that does not speak TLS.
pub(crate) fn without_tls(rule: &Rule, tls: bool) -> Option<FieldError> {
    let needs_tls = rule.fault.info().family == "tls";
    let why = "a fault of a server without TLS, or a server with it";
    (needs_tls && !tls).then(|| FieldError::new("fault", &Value::from(rule.fault.id()), why))
}

fn started(setting: ClockSetting) -> ServerClock {
    let clock = ServerClock::new();
    setting.apply(&clock);
    clock
}

impl ClockSetting {
    /// Sets a clock so.
    fn apply(self, clock: &ServerClock) {
        clock.correct();
        match self {
            Self::Now => {}
            Self::Frozen(at) => clock.freeze(Some(at)),
            Self::Ahead(by) => clock.advance(by),
        }
    }
}

impl MockServer {
    /// Sets up a server of this system.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sparring_mock_server::{contract::SystemId, journal::Actor, server::{ClockSetting, MockServer}};
    /// # use sparring_mock_server::tokens::TokenSpec;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (alice, bob) = (Actor::new("alice"), Actor::new("bob"));
    /// let mock = MockServer::builder(SystemId::Digitwin)
    ///     .actors(vec![alice.clone(), bob.clone()])
    ///     .clock(ClockSetting::Frozen(Duration::from_secs(1_735_689_600)))
    ///     .seed(7)
    ///     .start()
    ///     .await?;
    /// assert_ne!(mock.addr(&alice), mock.addr(&bob), "whose a connection is, its port tells");
    ///
    /// let token = mock.mint(&TokenSpec::of_kind("guest"), None);
    /// assert_eq!((token.kind, &token.value[..6]), ("guest", "guest_"));
    /// mock.shutdown().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(system: SystemId) -> Builder {
        let transport = &system.contract().transport;
        Builder {
            system,
            actors: vec![Actor::new("client")],
            rules: Vec::new(),
            clock: ClockSetting::default(),
            switches: BTreeMap::new(),
            data: Map::new(),
            seed: 0,
            secret: SECRET.to_owned(),
            heartbeat: Heartbeat { interval: transport.ping_interval, timeout: transport.ping_timeout },
            connect_timeout: CONNECT_TIMEOUT,
            limits: Limits::default(),
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            tls: false,
            control: None,
        }
    }

    /// The address of an actor. Panics if the builder was not told of it.
    pub fn addr(&self, actor: &Actor) -> SocketAddr {
        self.house.doors.get(actor).map_or_else(|| panic!("{actor} has an address"), Listener::local_addr)
    }

    /// The address of an actor as clients write it. Panics if the builder was not told of it.
    pub fn url(&self, actor: &Actor) -> String {
        self.house.url(self.addr(actor))
    }

    /// The certificate, in PEM, of the issuer that clients are to trust; none without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.house.tls.as_ref().map(Tls::ca_pem)
    }

    /// The control API, if the builder was told of one.
    pub fn control(&self) -> Option<&Control> {
        self.control.as_ref()
    }

    /// What the server saw and did.
    pub fn journal(&self) -> &Arc<Journal> {
        &self.house.shared.journal
    }

    /// The wall clock by which tokens and sessions age.
    pub fn clock(&self) -> &ServerClock {
        &self.house.shared.clock
    }

    /// The rules.
    pub fn script(&self) -> &Script {
        &self.house.shared.script
    }

    /// Makes a token by the server's clock.
    pub fn mint(&self, spec: &TokenSpec, user: Option<&str>) -> Minted {
        let shared = &self.house.shared;
        mint(spec, user, &shared.clock, shared.contract, &shared.secret)
    }

    /// What was sent outside a fault although the contract does not allow it: errors of the mock itself.
    pub fn violations(&self) -> Vec<Violation> {
        self.house.shared.violations()
    }

    /// Goes back to the start: no connection, no session, an empty journal, attempts counted from 1, clock and rules as
    /// they were at the start. Returns when the ports accept connections again.
    pub async fn reset(&self) {
        self.house.reset().await;
    }

    /// Ends every task and closes every socket.
    pub async fn shutdown(self) {
        self.house.close();
        self.house.shared.stopped().await;
    }
}

impl House {
    /// An address of it as clients write it.
    pub(crate) fn url(&self, addr: SocketAddr) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{addr}")
    }

    /// Ends every task; sockets close as their tasks end.
    fn close(&self) {
        self.doors.values().for_each(Listener::close);
        self.shared.stop();
        self.system.clear();
        self.shared.clear();
    }
}

impl Drop for MockServer {
    fn drop(&mut self) {
        self.house.close();
    }
}

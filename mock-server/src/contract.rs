//! A system's contract, `specs/<id>/system.yaml`, as types: the one source of its numbers, names and texts.
//!
//! The files are compiled in, so that the program works without a checkout. Knows nothing of requirements or steps.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::values::parse_duration;

/// The systems: the documented ones with the ids of the catalogue, then the reference systems, which are echo servers
/// named after their protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SystemId {
    /// DigiTwin Live: Socket.IO, polling first then upgrade.
    Digitwin,
    /// ChatGenius: Socket.IO, WebSocket alone.
    Chatgenius,
    /// Socket.IO echo server.
    SocketIo,
    /// Engine.IO echo server.
    EngineIo,
    /// WebSocket echo server.
    WebSocket,
}

impl SystemId {
    /// All systems, in the order of the catalogue.
    pub const ALL: [Self; 5] = [Self::Digitwin, Self::Chatgenius, Self::SocketIo, Self::EngineIo, Self::WebSocket];

    /// The id as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Digitwin => "digitwin",
            Self::Chatgenius => "chatgenius",
            Self::SocketIo => "socket.io",
            Self::EngineIo => "engine.io",
            Self::WebSocket => "websocket",
        }
    }

    /// Whether it is one of the documented systems, with requirements, and not an echo server.
    pub fn is_documented(self) -> bool {
        !self.contract().events.any
    }

    /// The system of this id.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|system| system.name() == name)
    }

    /// Its contract.
    pub fn contract(self) -> &'static Contract {
        static DIGITWIN: LazyLock<Contract> = LazyLock::new(|| read(include_str!("../../specs/digitwin/system.yaml")));
        static CHATGENIUS: LazyLock<Contract> =
            LazyLock::new(|| read(include_str!("../../specs/chatgenius/system.yaml")));
        static SOCKET_IO: LazyLock<Contract> =
            LazyLock::new(|| read(include_str!("../../specs/socket.io/system.yaml")));
        static ENGINE_IO: LazyLock<Contract> =
            LazyLock::new(|| read(include_str!("../../specs/engine.io/system.yaml")));
        static WEBSOCKET: LazyLock<Contract> =
            LazyLock::new(|| read(include_str!("../../specs/websocket/system.yaml")));
        match self {
            Self::Digitwin => &DIGITWIN,
            Self::Chatgenius => &CHATGENIUS,
            Self::SocketIo => &SOCKET_IO,
            Self::EngineIo => &ENGINE_IO,
            Self::WebSocket => &WEBSOCKET,
        }
    }
}

/// Reads a contract that was compiled in; the unit tests read every one.
fn read(text: &str) -> Contract {
    serde_saphyr::from_str(text).expect("a compiled-in contract is well-formed: the tests read it")
}

/// What a document promises, as data.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// The system's id.
    pub id: String,
    /// Its name in prose.
    pub title: String,
    /// Title of the document.
    pub document: String,
    /// How clients reach it.
    pub transport: TransportContract,
    /// Tolerances of single durations (catalogue, conventions).
    pub tolerance: Tolerances,
    /// The client's states.
    pub states: States,
    /// Events and messages.
    pub events: Events,
    /// Token kinds: `none` exists besides.
    pub tokens: BTreeMap<String, TokenContract>,
    /// Named timers.
    pub timers: BTreeMap<String, Timer>,
    /// Named errors.
    pub errors: BTreeMap<String, ErrorContract>,
    /// REST endpoints by name.
    pub endpoints: BTreeMap<String, Endpoint>,
    /// Documented alternatives of a reading.
    pub switches: BTreeMap<String, Switch>,
    /// Actions that a client of this system may be asked for.
    pub actions: Vec<String>,
    /// What the server keeps besides its connections.
    #[serde(default)]
    pub keeps: Vec<Kept>,
    /// JSON Schema of each member of `given.data`; empty if the system holds none.
    pub data: BTreeMap<String, Value>,
}

/// See [`Contract::keeps`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kept {
    /// Sessions, in a store.
    Sessions,
    /// Tokens that are no longer good, in a store.
    Blacklist,
    /// Messages, also for users who are not connected.
    Messages,
}

/// See [`Contract::transport`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransportContract {
    /// The protocol on top.
    pub protocol: Protocol,
    /// Request path of the endpoint.
    pub path: String,
    /// Transports in the order in which a client tries them.
    pub order: Vec<String>,
    /// Whether polling upgrades to WebSocket.
    pub upgrade: bool,
    /// Time between heartbeats; none at all means that the server sends none, which is for plain WebSockets alone.
    #[serde(deserialize_with = "duration")]
    pub ping_interval: Duration,
    /// Time for the answer to a heartbeat.
    #[serde(deserialize_with = "duration")]
    pub ping_timeout: Duration,
    /// Cross-origin rules.
    pub cors: Cors,
    /// Subprotocols of a plain WebSocket that the server speaks; it takes the first of them that a client offers. A
    /// system that takes any event takes any subprotocol.
    #[serde(default)]
    pub subprotocols: Vec<String>,
    /// Close code for a client of a plain WebSocket that answers no ping; none means that its connection is ended
    /// without a close frame.
    #[serde(default)]
    pub unanswered_ping: Option<u16>,
}

/// What is spoken over the transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Protocol {
    /// Socket.IO v4 over Engine.IO v4.
    #[serde(rename = "socket.io")]
    SocketIo,
    /// Messages over Engine.IO v4.
    #[serde(rename = "engine.io")]
    EngineIo,
    /// Messages over plain WebSocket.
    #[serde(rename = "websocket")]
    WebSocket,
}

/// See [`TransportContract::cors`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// Allowed origins, exactly; `*` alone allows all.
    pub origins: Vec<String>,
    /// Whether credentials are allowed.
    pub credentials: bool,
}

/// See [`Contract::tolerance`].
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tolerances {
    /// For what a client does.
    pub client: Tolerance,
    /// For what a server does.
    pub server: Tolerance,
}

/// How far from its nominal value a duration may be.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// Too short by this much at most.
    #[serde(deserialize_with = "duration")]
    pub below: Duration,
    /// Too long by this much at most, or by `relative` if that is more.
    #[serde(deserialize_with = "duration")]
    pub above: Duration,
    /// Share of the nominal value; widens `above`, and `below` too where `symmetric` holds.
    #[serde(deserialize_with = "percentage")]
    pub relative: f64,
    /// Whether `relative` widens `below` as well.
    #[serde(default)]
    pub symmetric: bool,
}

impl Tolerance {
    /// The shortest duration that passes for `nominal`.
    pub fn earliest(self, nominal: Duration) -> Duration {
        let below = if self.symmetric { self.below.max(nominal.mul_f64(self.relative)) } else { self.below };
        nominal.saturating_sub(below)
    }

    /// The longest duration that passes for `nominal`.
    pub fn latest(self, nominal: Duration) -> Duration {
        nominal + self.above.max(nominal.mul_f64(self.relative))
    }
}

/// See [`Contract::states`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct States {
    /// The state before the first action.
    pub initial: String,
    /// All states, in the document's words.
    pub names: Vec<String>,
    /// Transitions that never happen, by the state they leave.
    pub forbidden: BTreeMap<String, Vec<String>>,
    /// The requirements that a forbidden transition breaks.
    #[serde(default)]
    pub requirements: StateRequirements,
}

/// Requirement ids behind the checks of the state lane that are always on; empty in systems without requirements.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateRequirements {
    /// A transition listed as forbidden.
    pub forbidden: String,
    /// A state that the document does not know.
    pub unknown: String,
    /// The same state twice in a row.
    pub repeated: String,
}

/// See [`Contract::events`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// Whether events of any other name and payload are sent and taken too.
    #[serde(default)]
    pub any: bool,
    /// What the server sends.
    pub sent: Vec<Event>,
    /// What the server takes.
    pub received: Vec<Event>,
    /// What a client tells its application.
    pub local: Vec<String>,
}

/// An event or message with its payload.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// JSON Schema of the payload.
    pub payload: Value,
}

/// See [`Contract::tokens`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenContract {
    /// Signature algorithm of a JWT.
    #[serde(default)]
    pub algorithm: Option<String>,
    /// Claims of a JWT besides `iat` and `exp`; `{user}` in a text stands for the user whom it names.
    #[serde(default)]
    pub claims: Map<String, Value>,
    /// Regular expression of a token that is no JWT.
    #[serde(default)]
    pub pattern: Option<String>,
    /// How long it is good.
    #[serde(deserialize_with = "duration")]
    pub lifetime: Duration,
    /// Named wrong forms that can be minted.
    pub malformed: Vec<String>,
}

/// See [`Contract::timers`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timer {
    /// Its length.
    #[serde(deserialize_with = "duration")]
    pub value: Duration,
    /// Who keeps it: `client` or `server`.
    pub owner: String,
}

/// See [`Contract::errors`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorContract {
    /// The code on the wire; empty in systems that have none.
    #[serde(default)]
    pub code: String,
    /// The message on the wire, to the letter.
    pub message: String,
}

/// See [`Contract::endpoints`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// HTTP method.
    pub method: String,
    /// Path.
    pub path: String,
}

/// See [`Contract::switches`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// The alternatives.
    pub values: Vec<String>,
    /// The one that the reading proposes.
    pub default: String,
    /// The contradiction that it belongs to.
    pub reading: String,
}

impl TokenContract {
    /// The claim that names the user.
    pub fn user_claim(&self) -> Option<&str> {
        self.claims.iter().find(|(_, value)| **value == "{user}").map(|(name, _)| name.as_str())
    }
}

impl Contract {
    /// The length of a timer that the system's code relies on.
    pub fn timer(&self, name: &str) -> Duration {
        self.timers.get(name).map_or_else(
            || panic!("contract of {} has a timer {name}: the tests ask for all", self.id),
            |timer| timer.value,
        )
    }

    /// An error that the system's code relies on.
    pub fn error(&self, name: &str) -> &ErrorContract {
        self.errors
            .get(name)
            .unwrap_or_else(|| panic!("contract of {} has an error {name}: the tests ask for all", self.id))
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text).map_err(serde::de::Error::custom)
}

fn percentage<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let number = text.strip_suffix('%').and_then(|number| number.parse::<f64>().ok());
    number.map(|number| number / 100.0).ok_or_else(|| serde::de::Error::custom("expected a percentage such as 5%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contract_is_well_formed() {
        for system in SystemId::ALL {
            let contract = system.contract();
            assert_eq!(contract.id, system.name());
            assert!(contract.states.names.contains(&contract.states.initial));
            for (from, to) in &contract.states.forbidden {
                assert!(contract.states.names.contains(from), "{from}");
                assert!(to.iter().all(|state| contract.states.names.contains(state)), "{to:?}");
            }
            for (name, switch) in &contract.switches {
                assert!(switch.values.contains(&switch.default), "{name}");
            }
        }
    }

    #[test]
    fn tolerances_follow_the_conventions_of_the_catalogue() {
        let client = SystemId::Digitwin.contract().tolerance.client;
        assert_eq!(client.earliest(Duration::from_secs(10)), Duration::from_millis(9_950));
        assert_eq!(client.latest(Duration::from_secs(1)), Duration::from_millis(1_250));
        assert_eq!(client.latest(Duration::from_secs(10)), Duration::from_millis(10_500));
        let server = SystemId::Digitwin.contract().tolerance.server;
        assert_eq!(server.earliest(Duration::from_secs(10)), Duration::from_millis(9_500));
    }
}

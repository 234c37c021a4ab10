//! A scenario as data: what is left when the YAML has been read, checked and multiplied by its axes.
//!
//! Everything here is resolved except references to records (`${name.field}`), which only a run can follow. Knows
//! nothing of YAML, files on disk or how a case is run.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::journal::Actor;
use sparring_mock_server::script::Rule;
use sparring_mock_server::tokens::TokenSpec;
use sparring_mock_server::values::{DurationRange, NumberRange};

/// One runnable case: a scenario file with one combination of its axes.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// `digitwin/states/silent-auth`, with `[label,label]` behind it where the file has axes.
    pub id: String,
    /// Path of the file as it was given.
    pub file: String,
    /// One sentence.
    pub title: String,
    /// Words for filters.
    pub tags: Vec<String>,
    /// The system it belongs to.
    pub system: SystemId,
    /// Who is judged.
    pub subject: Subject,
    /// The setting.
    pub given: Given,
    /// Document time after which a case that still waits has ended.
    pub limit: Duration,
    /// What is done and checked, in order.
    pub steps: Vec<Step>,
}

/// Who is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A client, against the mock.
    Client,
    /// A server, through the built-in probe.
    Server,
}

/// The setting of a scenario (scenario language, section 2).
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Clients and probes in the order of the file; counted names are already multiplied.
    pub actors: Vec<ActorSpec>,
    /// Fault rules, in force before the first byte.
    pub rules: Vec<Rule>,
    /// The server's wall clock.
    pub clock: Option<ClockSetting>,
    /// Documented alternatives by name.
    pub switches: BTreeMap<String, String>,
    /// What the server holds at the start.
    pub data: Map<String, Value>,
}

/// An actor and how it is set up.
#[derive(Debug, Clone)]
pub struct ActorSpec {
    /// Its name: `client`, `alice`, `crowd/17`.
    pub actor: Actor,
    /// Client under test or built-in peer.
    pub role: Role,
    /// Its token; none means that it has none.
    pub token: Option<TokenSpec>,
    /// The user that the token speaks of.
    pub user: Option<String>,
    /// Options for the adapter.
    pub options: Map<String, Value>,
    /// What only a probe has.
    pub probe: ProbeSetup,
}

/// Client under test or built-in peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A session of the client under test.
    Client,
    /// A built-in peer.
    Probe,
}

/// How a probe connects.
#[derive(Debug, Clone, Default)]
pub struct ProbeSetup {
    /// `Origin` header.
    pub origin: Option<String>,
    /// Further headers.
    pub headers: BTreeMap<String, String>,
    /// Transports in order; empty means the contract's.
    pub transports: Vec<String>,
}

/// The server's wall clock at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockSetting {
    /// It stands still at this time since the Unix epoch.
    Freeze(Duration),
    /// It runs ahead by this much.
    Offset(Duration),
}

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Place in the file, from 0.
    pub index: usize,
    /// Line of the file, from 1.
    pub line: usize,
    /// The YAML of the step as it was written, for reports.
    pub source: String,
    /// Actors it concerns, counted names multiplied.
    pub who: Vec<Actor>,
    /// Name of the record it takes or makes.
    pub name: Option<String>,
    /// Name of the record that its times count from; none means the step before.
    pub since: Option<String>,
    /// What it is.
    pub verb: Verb,
}

/// The six verbs (scenario language, section 5).
#[derive(Debug, Clone)]
pub enum Verb {
    /// An action of the client under test.
    Client(Action),
    /// An action of the probe.
    Probe(Action),
    /// A live action of the mock.
    Server(Action),
    /// A check that something happens.
    Expect(Expect),
    /// A check that something does not happen.
    Never(Never),
    /// Time passes.
    Wait(Duration),
}

/// An action and its arguments; strings in the arguments may hold references.
#[derive(Debug, Clone)]
pub struct Action {
    /// Its name.
    pub name: String,
    /// Its arguments.
    pub args: Map<String, Value>,
}

/// What a check is for.
#[derive(Debug, Clone, Default)]
pub struct Claim {
    /// Requirement ids.
    pub requirements: Vec<String>,
    /// Level of a check without requirement.
    pub level: Option<Level>,
    /// Contradiction id under which a failure is a deviation.
    pub deviation: Option<String>,
}

/// How binding a requirement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Stated by the document or implied by its code or protocol.
    Must,
    /// Best practice, diagnosis, user interface, or a reading without direct support.
    Should,
}

/// See [`Verb::Expect`].
#[derive(Debug, Clone)]
pub struct Expect {
    /// Alternatives; one in the common case.
    pub branches: Vec<Branch>,
    /// At most this long after the reference.
    pub within: Option<Duration>,
    /// This long after the reference.
    pub after: Option<DurationRange>,
    /// How many records.
    pub times: Times,
    /// Whether the step is skipped where the next record does not fit.
    pub optional: bool,
    /// Whether it searches from the actor's last action and leaves the cursor alone.
    pub unordered: bool,
    /// Whether states before the fitting one are passed over.
    pub eventually: bool,
    /// What it is for.
    pub claim: Claim,
}

/// How many records an `expect` takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Times {
    /// So many, one after another; 1 unless written.
    Each(u64),
    /// So many inside the window.
    Counted(NumberRange, Window),
}

/// Where a window ends. It begins at the reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Window {
    /// After this long.
    For(Duration),
    /// At the record of the step of this name.
    Until(String),
}

/// See [`Verb::Never`].
#[derive(Debug, Clone)]
pub struct Never {
    /// What must not be seen; all its fields select.
    pub observation: Observation,
    /// Where its window ends; none means the end of the case.
    pub window: Option<Window>,
    /// What it is for.
    pub claim: Claim,
}

/// One alternative of an `expect`.
#[derive(Debug, Clone)]
pub struct Branch {
    /// What is looked for and judged.
    pub observation: Observation,
    /// Further fields that select.
    pub filter: BTreeMap<String, Pattern>,
    /// Contradiction id that a pass by this branch is reported under.
    pub deviation: Option<String>,
}

/// An observation of the scenario language, section 4.
#[derive(Debug, Clone)]
pub struct Observation {
    /// Its key, which names the kind of record.
    pub key: Key,
    /// What its value must fit. States may be a run: see [`Observation::run`].
    pub value: Pattern,
    /// The states of a run, in order; empty unless `state` was given a list. `value` is then unused.
    pub run: Vec<Pattern>,
    /// The other fields.
    pub fields: BTreeMap<String, Pattern>,
}

/// The kinds of record that can be observed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the observations of the scenario language")]
pub enum Key {
    Attempt,
    Request,
    Answer,
    Received,
    Sent,
    Ping,
    Pong,
    Closed,
    Fault,
    State,
    Event,
    Token,
    Log,
    Stored,
    Result,
}

impl Key {
    /// All keys.
    pub const ALL: [Self; 15] = [
        Self::Attempt,
        Self::Request,
        Self::Answer,
        Self::Received,
        Self::Sent,
        Self::Ping,
        Self::Pong,
        Self::Closed,
        Self::Fault,
        Self::State,
        Self::Event,
        Self::Token,
        Self::Log,
        Self::Stored,
        Self::Result,
    ];

    /// The word in a scenario.
    pub fn name(self) -> &'static str {
        match self {
            Self::Attempt => "attempt",
            Self::Request => "request",
            Self::Answer => "answer",
            Self::Received => "received",
            Self::Sent => "sent",
            Self::Ping => "ping",
            Self::Pong => "pong",
            Self::Closed => "closed",
            Self::Fault => "fault",
            Self::State => "state",
            Self::Event => "event",
            Self::Token => "token",
            Self::Log => "log",
            Self::Stored => "stored",
            Self::Result => "result",
        }
    }

    /// The lane in which such records stand.
    pub fn lane(self) -> Lane {
        match self {
            Self::State | Self::Event | Self::Token | Self::Log | Self::Stored | Self::Result => Lane::Client,
            _ => Lane::Wire,
        }
    }
}

/// The two lanes of an actor.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// What passed between the actor and the server.
    Wire,
    /// What an adapter reports; in a probe scenario, what the mock reports of itself.
    Client,
}

/// What a value must be (scenario language, section 3).
#[derive(Debug, Clone)]
pub enum Pattern {
    /// Anything, `any` as the value of the observation's own key.
    Any,
    /// An equal scalar of the same type.
    Equal(Value),
    /// A map with at least these keys.
    Map(BTreeMap<String, Pattern>),
    /// A list of this length.
    List(Vec<Pattern>),
    /// A whole number in the range: an ordinal or a count.
    Number(NumberRange),
    /// A duration in the range.
    Duration(DurationRange),
    /// `$type`.
    Type(JsonType),
    /// `$match`.
    Match(regex::Regex),
    /// `$range`: a number inside a payload; and the range of a ratio such as `growth`.
    Range {
        /// Smallest.
        min: f64,
        /// Largest; none means without end.
        max: Option<f64>,
    },
    /// `$not`.
    Not(Box<Pattern>),
    /// `$any_of`.
    AnyOf(Vec<Pattern>),
    /// `$exact`.
    Exact(BTreeMap<String, Pattern>),
    /// `$absent`.
    Absent,
    /// `${name.field}`, to be replaced by the value it leads to; text around it makes it part of a string.
    Reference(Reference),
}

/// A scalar that holds references to records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// Alone in its scalar: keeps the type of what it leads to.
    Whole(Place),
    /// Text with references inside.
    Text(Vec<Piece>),
}

/// Part of a text with references.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it stands.
    Literal(String),
    /// To be replaced.
    Place(Place),
}

/// A field of the record that a step named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Name of the record.
    pub name: String,
    /// Path inside its fields; numbers index lists.
    pub path: Vec<String>,
}

/// The types of `$type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of JSON")]
pub enum JsonType {
    String,
    Integer,
    Number,
    Boolean,
    Object,
    Array,
    Null,
}

//! The table of meetings: which client meets which fault, how both are set up, and how long it is watched.
//!
//! Reads the table; runs nothing.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::journal::Actor;
use sparring_mock_server::script::Rule;
use sparring_mock_server::server::{Builder, Heartbeat, MockServer};
use sparring_mock_server::tokens::TokenSpec;
use sparring_mock_server::values::parse_duration;

use crate::support::top;

/// How long a client is silent before nothing more is expected. Faults and timers of the table are far shorter.
const QUIET: &str = "1.2s";
/// Events by which an echo server greets: they say nothing of a fault.
const GREETINGS: [&str; 1] = ["auth"];
/// Longer than any meeting takes on the busiest machine.
const LIMIT: Duration = Duration::from_secs(60);

/// A fault and those who meet it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// Its id.
    pub(super) fault: String,
    /// Those who meet it.
    #[serde(default)]
    pub(super) rows: Vec<Row>,
    /// Why no client sees it.
    pub(super) unseen: Option<String>,
}

/// A client that meets a fault once.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    /// The client.
    pub(super) client: String,
    /// The system.
    pub(super) system: String,
    /// The rule, as after `--fault`.
    pub(super) rule: String,
    /// Kind of token; a JWT unless said otherwise, where the system has any.
    token: Option<String>,
    /// The mock's heartbeat, where its contract's is too slow.
    heartbeat: Option<Beat>,
    /// Options of the client's library.
    #[serde(default)]
    options: Map<String, Value>,
    /// Whether the mock serves TLS. Clients trust its issuer.
    #[serde(default)]
    tls: bool,
    /// Further rules that have to be in force.
    #[serde(default)]
    besides: Vec<String>,
    /// What the client does when it is connected for the first time.
    #[serde(default)]
    acts: Vec<Map<String, Value>>,
    /// The event that it waits for before it does so.
    acts_at: Option<String>,
    /// How long it waits before it does so.
    acts_after: Option<String>,
    /// What is told besides the usual: `ping`, `transport`.
    #[serde(default)]
    shows: Vec<String>,
    /// The line that ends the meeting, when it has come `count` times.
    until: Option<String>,
    #[serde(default = "once")]
    count: usize,
    /// Silence that ends the meeting.
    quiet: Option<String>,
    /// What the reports mean.
    pub(super) note: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Beat {
    interval: String,
    timeout: String,
}

fn once() -> usize {
    1
}

/// Reads the table.
pub(super) fn read() -> Vec<Entry> {
    let text = std::fs::read_to_string(top().join("tests/observed/table.yaml")).expect("the table is in its place");
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("tests/observed/table.yaml: {error}"))
}

impl Row {
    /// The system that is played.
    fn system(&self) -> SystemId {
        SystemId::from_name(&self.system).unwrap_or_else(|| panic!("there is no system {}", self.system))
    }

    /// The token that the client shows; none where the system has none.
    fn token(&self) -> Option<TokenSpec> {
        let contract = self.system().contract();
        let usual = contract.tokens.contains_key("jwt").then_some("jwt");
        let kind = self.token.as_deref().or(usual)?;
        TokenSpec::read(&kind.into(), contract).unwrap_or_else(|errors| panic!("{kind}: {errors:?}"))
    }

    /// The mock that the client meets.
    pub(super) fn mock(&self) -> Builder {
        let rule = |line: &String| Rule::parse_line(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let rules = std::iter::once(&self.rule).chain(&self.besides).map(rule).collect();
        let mock = MockServer::builder(self.system()).rules(rules).tls(self.tls).seed(1);
        match &self.heartbeat {
            None => mock,
            Some(Beat { interval, timeout }) => {
                mock.heartbeat(Heartbeat { interval: duration(interval), timeout: duration(timeout) })
            }
        }
    }

    /// What the observer is asked to do.
    pub(super) fn job(&self, mock: &MockServer) -> Value {
        let quiet = duration(self.quiet.as_deref().unwrap_or(QUIET));
        let actor = Actor::new("client");
        json!({
            "client": self.client,
            "url": mock.url(&actor),
            "ca": mock.ca_pem(),
            "token": self.token().map(|spec| mock.mint(&spec, None).value),
            "options": self.options,
            "acts": self.acts,
            "actsAt": self.acts_at,
            "actsAfter": self.acts_after.as_deref().map_or(0, |wait| duration(wait).as_millis()),
            "shows": self.shows,
            "ignores": GREETINGS,
            "until": self.until,
            "count": self.count,
            "quiet": quiet.as_millis(),
            "limit": LIMIT.as_millis(),
        })
    }

    /// In what it differs from the usual, for readers.
    pub(super) fn setup(&self) -> Option<String> {
        let options = self.options.iter().map(|(name, value)| format!("{name}: {}", told(value)));
        let token = self.token.iter().map(|kind| format!("token: {kind}"));
        let beat = self.heartbeat.iter().map(|beat| format!("pings every {}, timeout {}", beat.interval, beat.timeout));
        let acts = self.acts.iter().map(act);
        let besides = self.besides.iter().map(|rule| format!("besides {rule}"));
        let tls = self.tls.then(|| "over TLS".to_owned());
        let parts: Vec<String> =
            tls.into_iter().chain(besides).chain(options).chain(token).chain(beat).chain(acts).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// What a client does, for readers.
fn act(act: &Map<String, Value>) -> String {
    let waits = act.get("ack").map_or_else(String::new, |ack| format!(", with {ack} ms for the acknowledgement"));
    let does = act.iter().find(|(name, _)| *name != "ack").map(|(name, value)| format!("{name} {}", told(value)));
    format!("{}{waits}", does.unwrap_or_default().trim_end())
}

/// A value in the flow style of YAML, texts without quotes.
fn told(value: &Value) -> String {
    match value {
        Value::Array(list) => format!("[{}]", list.iter().map(told).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let member = |(name, value): (&String, &Value)| format!("{name}: {}", told(value));
            format!("{{{}}}", map.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn duration(text: &str) -> Duration {
    parse_duration(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

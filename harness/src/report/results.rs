//! The results of a run as data: `results.json`, and the source of every other report.
//!
//! The form is versioned; its JSON Schema is `results.schema.json` beside this crate's manifest. Knows nothing of how a
//! report looks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sparring_mock_server::journal::Moment;

use crate::judge::{CaseOutcome, CheckVerdict};
use crate::trace::Record;

/// The version of the form.
pub const VERSION: u32 = 1;

/// A whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Results {
    /// Version of this form: 1.
    pub version: u32,
    /// Version of the program.
    pub program: String,
    /// The seed of everything that was left to chance.
    pub seed: u64,
    /// Seconds of document time in a real second.
    pub speed: u32,
    /// Sum of what the cases took in document time, in seconds.
    pub documented_seconds: f64,
    /// What the run took in real time, in seconds.
    pub wall_seconds: f64,
    /// Whether the run was stopped before its end.
    pub interrupted: bool,
    /// Words of the command line that a replay of a single case needs too, such as `--specs` and its folder.
    #[serde(default)]
    pub options: Vec<String>,
    /// The clients that ran.
    pub clients: Vec<ClientInfo>,
    /// Every case that ran, in the order of the plan, re-runs after their first run.
    pub cases: Vec<CaseResult>,
    /// What was selected and did not run.
    pub left_out: Vec<LeftOutResult>,
}

/// A client and what it said of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClientInfo {
    /// Its name in this run.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The library that it drives, with its version.
    pub library: String,
    /// What it reports: `states`, `events`, `tokens`, `logs`.
    pub exposes: Vec<String>,
    /// The words of the command line that chose it, such as `--client` and its name.
    #[serde(default)]
    pub options: Vec<String>,
}

/// How a subject is attached, which says what can be seen of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Attach {
    /// Through the adapter protocol.
    Adapter,
    /// The built-in probe against the mock.
    Probe,
}

/// One case, judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseResult {
    /// The case.
    pub id: String,
    /// What it shows, in one sentence.
    pub title: String,
    /// The scenario file.
    pub file: String,
    /// Its system.
    pub system: String,
    /// The client, or `mock` where the mock itself was probed.
    pub client: String,
    /// How it was attached.
    pub attach: Attach,
    /// Which repetition, from 1.
    pub run: u32,
    /// Its worst check, or what kept it from being judged.
    pub outcome: CaseOutcome,
    /// Whether the outcome is as it should be, `known-failing.yaml` considered.
    pub expected: bool,
    /// The reason of the entry of `known-failing.yaml` that excuses it, or that it defies.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub known_failing: Option<String>,
    /// What went wrong besides the checks: how the adapter ended, what the mock sent against its contract.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub trouble: Vec<String>,
    /// The checks in the order of the file.
    pub checks: Vec<CheckVerdict>,
    /// When it began.
    #[schemars(with = "u64")]
    pub began: Moment,
    /// What it took in document time, in seconds.
    pub documented_seconds: f64,
    /// The worst lateness that the harness measured of itself meanwhile, in document milliseconds.
    pub lateness_ms: f64,
    /// Whether it ran alone, after a first run that could not be judged.
    pub alone: bool,
    /// Everything that happened, in order; only kept where the outcome is not a pass, or on request.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub trace: Vec<Record>,
}

/// See [`Results::left_out`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOutResult {
    /// The case.
    pub id: String,
    /// The client.
    pub client: String,
    /// Why.
    pub reason: String,
}

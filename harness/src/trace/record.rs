//! One record of a trace: a moment, an actor, a lane, an observation and its fields.
//!
//! The form is the same for what the mock saw, what a probe saw, what an adapter reported and what the runner did, so
//! that one matcher serves all. Knows nothing of steps.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sparring_mock_server::journal::{Actor, Moment};

use crate::spec::model::{Key, Lane};

/// A record of the finished trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Record {
    /// When, in document time: microseconds since the Unix epoch.
    #[schemars(with = "u64")]
    pub at: Moment,
    /// To whom.
    #[schemars(with = "String")]
    pub actor: Actor,
    /// What.
    pub what: What,
}

/// An observation, or something that the runner did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Something that a check can look at.
    Observed(Observed),
    /// The runner has taken an action step for this actor: the request has been written or the live action applied.
    Acted {
        /// Index of the step.
        step: usize,
    },
    /// The adapter has refused the action of this step as unsupported.
    Unsupported {
        /// Index of the step.
        step: usize,
    },
}

/// See [`What::Observed`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Observed {
    /// The kind.
    pub key: Key,
    /// The value of its key: the ordinal, the name, the state.
    pub value: Value,
    /// The other fields; those named in [`Self::DURATIONS`] are numbers of microseconds.
    pub fields: Map<String, Value>,
    /// How much later than it happened the moment may be, in microseconds: not zero for adapter lines without stamp.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub slack_us: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Observed {
    /// Fields that hold durations: numbers of microseconds.
    pub const DURATIONS: [&'static str; 5] = ["wait", "gap", "delay", "lasted", "ttl"];

    /// The lane it stands in.
    pub fn lane(&self) -> Lane {
        self.key.lane()
    }

    /// The connection it was made on.
    pub fn connection(&self) -> Option<u64> {
        self.fields.get("connection").and_then(Value::as_u64)
    }
}

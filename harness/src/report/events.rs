//! What a run tells while it goes on. Progress, terminal and NDJSON are consumers of the same stream.
//!
//! Events carry data, never formatted text.

use serde::Serialize;

use super::results::{CaseResult, ClientInfo};

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum RunEvent {
    /// The plan is made and cases are about to start.
    RunStarted {
        /// How many cases there are, repetitions included.
        cases: usize,
        /// The seed.
        seed: u64,
        /// Seconds of document time in a real second.
        speed: u32,
    },
    /// A client has introduced itself.
    ClientReady(ClientInfo),
    /// A case has started.
    CaseStarted(CaseName),
    /// A case could not be judged and will run again, alone.
    CasePostponed {
        /// Which.
        #[serde(flatten)]
        case: CaseName,
        /// Why.
        reason: String,
    },
    /// A case has been judged.
    CaseFinished(Box<CaseResult>),
    /// Nothing follows.
    RunFinished {
        /// Whether it was stopped before its end.
        interrupted: bool,
    },
}

/// A case of a run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct CaseName {
    /// Its id.
    pub id: String,
    /// The client.
    pub client: String,
    /// Which repetition, from 1.
    pub run: u32,
}

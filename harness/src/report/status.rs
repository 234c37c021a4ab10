//! What a case counts as: its outcome, and whether it was expected. One enum for every report, so that none merges "the
//! client is wrong" with "we could not tell".

use super::results::{Attach, CaseResult};
use crate::judge::CaseOutcome;

/// What a case counts as, in the order of the summary's columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the words are those of `CaseOutcome`, where they are explained")]
pub enum Status {
    Pass,
    Fail,
    Deviation,
    /// It fails or deviates, and `known-failing.yaml` says so.
    KnownFailing,
    /// It passes, though `known-failing.yaml` says that it fails.
    UnexpectedPass,
    NotObservable,
    Unsupported,
    NotReached,
    Timeout,
    Inconclusive,
    Crash,
    AdapterError,
    HarnessError,
}

impl Status {
    /// Every status, in the order of columns.
    pub const ALL: [Self; 13] = [
        Self::Pass,
        Self::Fail,
        Self::Deviation,
        Self::KnownFailing,
        Self::UnexpectedPass,
        Self::NotObservable,
        Self::Unsupported,
        Self::NotReached,
        Self::Timeout,
        Self::Inconclusive,
        Self::Crash,
        Self::AdapterError,
        Self::HarnessError,
    ];

    /// What a case counts as.
    pub fn of(case: &CaseResult) -> Self {
        match case.outcome {
            CaseOutcome::Pass if case.expected => Self::Pass,
            CaseOutcome::Pass => Self::UnexpectedPass,
            CaseOutcome::Fail | CaseOutcome::Deviation if case.expected => Self::KnownFailing,
            CaseOutcome::Fail => Self::Fail,
            CaseOutcome::Deviation => Self::Deviation,
            CaseOutcome::NotObservable => Self::NotObservable,
            CaseOutcome::Unsupported => Self::Unsupported,
            CaseOutcome::NotReached => Self::NotReached,
            CaseOutcome::Timeout => Self::Timeout,
            CaseOutcome::Inconclusive => Self::Inconclusive,
            CaseOutcome::Crash => Self::Crash,
            CaseOutcome::AdapterError => Self::AdapterError,
            CaseOutcome::HarnessError => Self::HarnessError,
        }
    }

    /// In lower case, for running text and columns.
    pub fn words(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::UnexpectedPass => "unexpected pass",
            Self::Fail => "fail",
            Self::Deviation => "deviation",
            Self::KnownFailing => "known failing",
            Self::NotObservable => "not observable",
            Self::Unsupported => "unsupported",
            Self::NotReached => "not reached",
            Self::Timeout => "timeout",
            Self::Inconclusive => "inconclusive",
            Self::Crash => "crash",
            Self::AdapterError => "adapter error",
            Self::HarnessError => "harness error",
        }
    }

    /// In capitals, for headlines.
    pub fn label(self) -> String {
        self.words().to_uppercase()
    }

    /// Whose doing it is, in a sentence; none where the headline says it all.
    pub fn explanation(self, case: &CaseResult) -> Option<String> {
        let subject = subject(case);
        Some(match self {
            Self::Pass | Self::KnownFailing | Self::Fail => return None,
            Self::UnexpectedPass => "It passes now: its entry in the client's known-failing.yaml can go.".to_owned(),
            Self::Deviation => format!(
                "The document contradicts itself or is silent here, and the {subject} differs from the reading that \
                 Sparring took."
            ),
            Self::NotObservable => {
                format!("Nothing is known: the way in which the {subject} is attached does not show it.")
            }
            Self::Unsupported => format!("The {subject} does not do an action that the case needs."),
            Self::NotReached => "No check failed, but the case did not get to the one below.".to_owned(),
            Self::Timeout => "The case came to its time limit while a check was still waiting.".to_owned(),
            Self::Inconclusive => inconclusive(case),
            Self::Crash => format!("The {subject}'s process ended in the middle of the case."),
            Self::AdapterError => "The adapter broke its protocol; the client itself was not judged.".to_owned(),
            Self::HarnessError => format!("Sparring itself is at fault here, not the {subject}. Please report it."),
        })
    }
}

/// The word for who is judged.
pub fn subject(case: &CaseResult) -> &'static str {
    match case.attach {
        Attach::Adapter => "client",
        Attach::Probe => "server",
    }
}

fn inconclusive(case: &CaseResult) -> String {
    let again = if case.alone { ", also when the case ran alone" } else { "" };
    format!(
        "Sparring was late by {:.0} ms{again}: more than the failed checks allow, so nothing is held against the {}. \
         A machine with less to do, fewer --jobs or a lower --speed helps.",
        case.lateness_ms,
        subject(case)
    )
}

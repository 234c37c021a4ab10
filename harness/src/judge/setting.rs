//! What the judge must know besides the scenario: the contract, the catalogue's entries and how the run was set up.
//!
//! Built once for a case by the runner and used again by the judge, so that both speak of the same thing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sparring_mock_server::contract::{Contract, Tolerance};
use sparring_mock_server::journal::Moment;

use crate::spec::catalogue::{Basis, Catalogue, Requirement};
use crate::spec::model::{Key, Level, Role, Subject};

/// Harness lateness that is forgiven at speed 1; it grows with the speed.
const ALLOWANCE: Duration = Duration::from_millis(5);

/// What the judge knows besides the scenario.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The contract of the scenario's system.
    pub contract: &'static Contract,
    /// The catalogue's requirements by id, as far as verdicts depend on them.
    pub requirements: Arc<BTreeMap<String, RequirementInfo>>,
    /// How many times as fast as the real clock the run's clock is; 1 without warp.
    pub speed: u32,
    /// What can be seen of the client lane.
    pub exposes: Exposed,
    /// How much later than its moment a record may be fed, in document time (real reading delay x speed). Nothing is
    /// declared missing before it has passed.
    pub grace: Duration,
    /// When the case began: `limit` counts from here.
    pub start: Moment,
}

/// What verdicts need of a requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequirementInfo {
    /// How binding it is.
    pub level: Level,
    /// The contradiction whose reading it rests on (`basis: reading`).
    pub reading: Option<String>,
}

impl RequirementInfo {
    /// What verdicts need of a catalogue.
    pub fn of(catalogue: &Catalogue) -> BTreeMap<String, Self> {
        let info = |requirement: &Requirement| {
            let rests_on_reading = requirement.basis == Basis::Reading;
            let reading = requirement.readings.first().filter(|_| rests_on_reading).cloned();
            Self { level: requirement.level, reading }
        };
        catalogue.requirements.iter().map(|(id, requirement)| (id.clone(), info(requirement))).collect()
    }
}

/// What can be seen of the client lane, by role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exposed {
    /// Of the client under test: what its adapter declares; nothing where it is attached by URL or command.
    pub client: Exposes,
    /// Of a probe: the mock's log and store; nothing of a foreign server but the probe's own results.
    pub probe: Exposes,
}

/// Kinds of client-lane records that an attachment shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "a set of independent kinds, one name each")]
pub struct Exposes {
    /// `state`.
    pub states: bool,
    /// `event`.
    pub events: bool,
    /// `token`.
    pub tokens: bool,
    /// `log`.
    pub logs: bool,
    /// `stored`.
    pub stored: bool,
    /// `result`.
    pub results: bool,
}

impl Exposes {
    /// Everything.
    pub const ALL: Self = Self { states: true, events: true, tokens: true, logs: true, stored: true, results: true };

    /// Whether records of this kind can be seen; the wire lane always can.
    pub fn shows(self, key: Key) -> bool {
        match key {
            Key::State => self.states,
            Key::Event => self.events,
            Key::Token => self.tokens,
            Key::Log => self.logs,
            Key::Stored => self.stored,
            Key::Result => self.results,
            _ => true,
        }
    }
}

impl Exposed {
    /// What is seen of an actor of this role.
    pub fn of(&self, role: Role) -> Exposes {
        match role {
            Role::Client => self.client,
            Role::Probe => self.probe,
        }
    }
}

impl Setting {
    /// By how much every bound in time is widened: 5 ms x speed.
    pub fn allowance(&self) -> Duration {
        ALLOWANCE * self.speed
    }

    /// The catalogue's tolerance for a single duration that concerns a record of this kind.
    pub fn tolerance(&self, subject: Subject, key: Key) -> Tolerance {
        let servers_doing = matches!(key, Key::Sent | Key::Answer | Key::Ping);
        match subject {
            Subject::Client if !servers_doing => self.contract.tolerance.client,
            _ => self.contract.tolerance.server,
        }
    }
}

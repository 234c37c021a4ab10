//! One rule: a fault with the keys that say on whom, when and how often it works.
//!
//! A rule is a flat map wherever it is written. Knows nothing of who else has fired.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::check::is_packet;
use super::fault::{Fault, OnKey, RateVia, Selects, Span};
use super::stage::{Direction, Stage, Subject};
use crate::journal::Actor;
use crate::values::NumberRange;

/// A fault and its common keys (scenario language, section 2).
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// What goes wrong.
    pub fault: Fault,
    /// Attempts on which it is armed, counted for each actor; none means all.
    pub attempts: Option<NumberRange>,
    /// Actor, or counted name; none means all.
    pub who: Option<String>,
    /// What must hold of the connection.
    pub when: When,
    /// Event or message that triggers it, or to which it applies.
    pub on: Option<String>,
    /// Delay from the trigger, or from the stage that arms it.
    pub after: Duration,
    /// Time after which it undoes itself.
    pub lasts: Option<Duration>,
    /// Most firings for each actor.
    pub times: Option<u64>,
    /// Chance of each firing, drawn from the run's seed.
    pub probability: Option<f64>,
}

/// Predicate on a connection: all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct When {
    /// Token kind: `jwt`, `guest`, `none`.
    pub token: Option<String>,
    /// `polling` or `websocket`.
    pub transport: Option<String>,
    /// User id.
    pub user: Option<String>,
    /// Request path.
    pub path: Option<String>,
    /// Header fields that the request must carry, names in lower case.
    pub header: BTreeMap<String, String>,
}

impl Rule {
    /// The fault alone, on every connection.
    pub fn of(fault: Fault) -> Self {
        Self {
            fault,
            attempts: None,
            who: None,
            when: When::default(),
            on: None,
            after: Duration::ZERO,
            lasts: None,
            times: None,
            probability: None,
        }
    }

    /// The stage at which it works.
    pub fn stage(&self) -> Stage {
        if self.on.is_some() { Stage::Message } else { self.fault.stage() }
    }

    /// Whether it concerns this actor: `crowd` means `crowd/3` too.
    pub fn is_for(&self, actor: &Actor) -> bool {
        let named =
            |who: &str| actor.name().strip_prefix(who).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.who.as_deref().is_none_or(named)
    }

    /// Whether all that it asks of the connection holds.
    pub(super) fn selects(&self, subject: &Subject<'_>) -> bool {
        let attempt = |range: NumberRange| subject.connection.is_some_and(|number| range.contains(u64::from(number)));
        // A rule of the whole server is handed out without an actor: its executor asks whom it concerns.
        (self.fault.stage() == Stage::Start || self.is_for(subject.actor))
            && self.attempts.is_none_or(attempt)
            && self.when.holds(subject)
            && self.fault.concerns(subject)
    }

    /// Whether a message of this name that goes this way triggers it, or is one to which it applies.
    pub(super) fn is_about(&self, message: &str, direction: Direction) -> bool {
        match (&self.fault, self.fault.info().keys.on) {
            (Fault::EventReorder(fault), _) => {
                direction == Direction::Sent && fault.order.iter().any(|name| name == message)
            }
            (Fault::PongWithhold(_) | Fault::PongDelay(_), _) => {
                direction == Direction::Sent && message.eq_ignore_ascii_case("PONG")
            }
            (_, OnKey::Refused) => false,
            (_, OnKey::Instead) => {
                matches!(direction, Direction::Sent | Direction::Received) && self.on.as_deref() == Some(message)
            }
            (_, OnKey::Sent | OnKey::SentInstead) => {
                direction == Direction::Sent && self.on.as_deref() == Some(message)
            }
            (_, OnKey::SentOr(usual)) => direction == Direction::Sent && self.on.as_deref().unwrap_or(usual) == message,
            // It limits events, not packets, and a rule on connection attempts none of them.
            (Fault::RateLimit(fault), _) if fault.via == RateVia::Http || is_packet(message) => false,
            (_, OnKey::Received) => {
                direction == Direction::Received && self.on.as_deref().is_none_or(|on| on == message)
            }
            (_, OnKey::Acknowledged) => {
                direction == Direction::Acknowledged && self.on.as_deref().is_none_or(|on| on == message)
            }
            (_, OnKey::Overheard) => direction == Direction::Overheard && self.on.as_deref() == Some(message),
        }
    }

    /// How long the rule itself is in force after its first firing, where `for` means that.
    pub(super) fn in_force_for(&self) -> Option<Duration> {
        self.lasts.filter(|_| self.fault.info().keys.lasts == Span::Rule)
    }

    /// How long the effect of a firing lasts, where `for` means that.
    pub(super) fn effect_lasts(&self) -> Option<Duration> {
        self.lasts.filter(|_| self.fault.info().keys.lasts == Span::Effect)
    }

    /// Which predicates it can have: none of them before a request has been read.
    pub(super) fn can_select(&self) -> Selects {
        match (self.fault.stage(), self.fault.info().keys.selects) {
            (Stage::Accept, Selects::Requests | Selects::Attempts) => Selects::Actors,
            (_, selects) => selects,
        }
    }

    /// The flat map of which it can be read, without what goes without saying.
    pub fn to_map(&self) -> Map<String, Value> {
        super::write::to_map(self)
    }
}

impl When {
    /// Whether it asks nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn holds(&self, subject: &Subject<'_>) -> bool {
        let is = |wanted: &Option<String>, known: Option<&str>| wanted.is_none() || wanted.as_deref() == known;
        is(&self.token, subject.token_kind)
            && is(&self.transport, subject.transport.map(crate::journal::Transport::name))
            && is(&self.user, subject.user)
            && is(&self.path, subject.path)
            && self.header.iter().all(|(name, value)| subject.headers.get(name) == Some(value))
    }
}

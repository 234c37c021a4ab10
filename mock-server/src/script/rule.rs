//! One rule: a fault with the keys that say on whom, when and how often it works.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::Fault;
use crate::values::{FieldError, NumberRange};

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
    /// Reads a rule from its flat map; all that is wrong with it at once.
    pub fn read(map: &Map<String, Value>) -> Result<Self, Vec<FieldError>> {
        let _ = map;
        Err(Vec::new())
    }
}

//! From scenarios, clients and filters to what runs, what does not, and why.
//!
//! Pure: nothing is started here. [`plan`] is the entry.

mod expectations;
mod filter;
#[cfg(test)]
mod fuzz;

use std::sync::Arc;

pub use expectations::{Entry, Expectations, ExpectationsError, Expected};
pub use filter::{Filter, FilterError, Selector, Shard, checks, requirements};

use crate::spec::model::{Scenario, Subject};

/// The name under which the mock's own results stand: the subject of probe scenarios.
pub const MOCK: &str = "mock";

/// A client that could run.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// Systems that it has a client for.
    pub systems: Vec<String>,
}

/// One case for one subject.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The case.
    pub scenario: Arc<Scenario>,
    /// The client, or [`MOCK`].
    pub client: String,
}

/// A case that does not run, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The case.
    pub id: String,
    /// The client.
    pub client: String,
    /// Why, as a fragment: `the client has no digitwin`.
    pub reason: String,
}

/// What runs and what does not.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// In the order of scenarios, then clients.
    pub cases: Vec<Planned>,
    /// What was selected and cannot run.
    pub left_out: Vec<LeftOut>,
}

/// Plans a run.
///
/// # Errors
/// A pattern that matches no case: a typo must not hide anything.
pub fn plan(scenarios: &[Arc<Scenario>], clients: &[Candidate], filter: &Filter) -> Result<Plan, FilterError> {
    let mut plan = Plan::default();
    for scenario in filter.select(scenarios)? {
        match scenario.subject {
            Subject::Server => plan.cases.push(Planned { scenario, client: MOCK.to_owned() }),
            Subject::Client => clients.iter().for_each(|client| plan.add(&scenario, client)),
        }
    }
    if let Some(shard) = filter.shard {
        plan.cases = shard.part(plan.cases);
    }
    Ok(plan)
}

impl Plan {
    fn add(&mut self, scenario: &Arc<Scenario>, client: &Candidate) {
        let system = scenario.system.name();
        if client.systems.iter().any(|known| known == system) {
            self.cases.push(Planned { scenario: Arc::clone(scenario), client: client.name.clone() });
        } else {
            let reason = format!("the client has no {system}");
            self.left_out.push(LeftOut { id: scenario.id.clone(), client: client.name.clone(), reason });
        }
    }
}

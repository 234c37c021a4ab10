//! The catalogue of faults for people and programs: a list, a page for each fault, JSON.
//!
//! Made from the definitions that also read the rules, from what was [`observed`], and from the requirements that the
//! caller has found. Knows neither catalogues of requirements nor scenarios.

mod example;
mod json;
mod keys;
mod list;
pub mod observed;
mod page;

use sparring_mock_server::contract::SystemId;
use sparring_mock_server::script::{Fault, FaultInfo};
use sparring_mock_server::values;

pub use json::{all as all_as_json, one as one_as_json};
pub use list::list;
pub use page::page;

/// A fault with what others know of it.
#[derive(Debug, Clone)]
pub struct Explained<'a> {
    /// What there is to say about it.
    pub info: &'static FaultInfo,
    /// The requirements whose checks meet it.
    pub requirements: Vec<Demand<'a>>,
}

/// A requirement as the page of a fault quotes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand<'a> {
    /// Its id.
    pub id: &'a str,
    /// The sentence.
    pub text: &'a str,
}

/// The layers in the order of the catalogue.
pub fn layers() -> Vec<&'static str> {
    let mut layers: Vec<&str> = Vec::new();
    for info in Fault::catalogue() {
        if !layers.contains(&info.family) {
            layers.push(info.family);
        }
    }
    layers
}

/// The id that is closest to a wrong one, if one is close.
pub fn closest(id: &str) -> Option<String> {
    values::closest(id, Fault::ids())
}

/// The systems that have the fault.
fn systems(info: &FaultInfo) -> Vec<SystemId> {
    SystemId::ALL.into_iter().filter(|system| info.applies_to(*system)).collect()
}

fn names(systems: &[SystemId]) -> Vec<&'static str> {
    systems.iter().map(|system| system.name()).collect()
}

#[cfg(test)]
mod tests;

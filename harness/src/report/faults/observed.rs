//! What official clients report when they meet a fault: the data file and its types.
//!
//! The file is made by the test that lets the clients meet every fault, and reviewed like a snapshot. Knows neither how
//! it is made nor how it is shown.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// The data file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observed {
    /// The clients that were observed, with their versions.
    pub clients: BTreeMap<String, String>,
    /// One entry for each fault, in the order of the catalogue.
    pub faults: Vec<Meeting>,
}

/// What became of one fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meeting {
    /// Id of the fault.
    pub fault: String,
    /// What was seen of it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub seen: Vec<Observation>,
    /// Why no client sees it, where that is so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unseen: Option<String>,
}

/// One client that met the fault once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// The client, one of [`Observed::clients`].
    pub client: String,
    /// The system that it was connected to.
    pub system: String,
    /// The rule, as after `--fault`.
    pub rule: String,
    /// In what the client's set-up, the mock's, or what the client did, differs from the usual.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub setup: Option<String>,
    /// What the client reported, in order.
    pub reports: Vec<String>,
    /// What that means.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
}

impl Observed {
    /// The file that was compiled in.
    pub fn built_in() -> &'static Self {
        static BUILT_IN: LazyLock<Observed> = LazyLock::new(|| {
            serde_saphyr::from_str(include_str!("observed.yaml")).expect("a compiled-in file is read by the tests")
        });
        &BUILT_IN
    }

    /// What is known of the fault of this id.
    pub fn of(&self, fault: &str) -> Option<&Meeting> {
        self.faults.iter().find(|meeting| meeting.fault == fault)
    }

    /// The client with its version.
    pub fn titled(&self, client: &str) -> String {
        self.clients.get(client).map_or_else(|| client.to_owned(), |version| format!("{client} {version}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sparring_mock_server::contract::SystemId;
    use sparring_mock_server::script::{Fault, Rule};

    #[test]
    fn observations_are_of_rules_that_their_systems_take() {
        let observed = Observed::built_in();
        for meeting in &observed.faults {
            assert!(Fault::describe(&meeting.fault).is_some(), "there is no fault {}", meeting.fault);
            for seen in &meeting.seen {
                let rule = Rule::parse_line(&seen.rule).expect("it was in force once");
                let system = SystemId::from_name(&seen.system).expect("it was played once");
                assert_eq!(rule.fault.id(), meeting.fault);
                assert_eq!(rule.check(system), [], "{}", seen.rule);
                assert!(observed.clients.contains_key(&seen.client), "{seen:?}");
            }
        }
    }
}

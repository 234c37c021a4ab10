//! Where the specs come from, and what reports quote of them.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::exit::Failure;
use crate::judge::RequirementInfo;
use crate::report::library::{Library, Quote};
use crate::spec::model::Scenario;
use crate::spec::{self, Sources, Suite};

/// Loads the specs.
pub(super) fn load(folder: Option<&Path>) -> Result<Suite, Failure> {
    let sources = match folder {
        Some(folder) => Sources::from_dir(folder).map_err(Failure::Specs)?,
        None => Sources::built_in(),
    };
    spec::load(&sources).map_err(Failure::Specs)
}

/// Refuses a system that the specs do not have.
pub(super) fn known_system(suite: &Suite, name: &str) -> Result<(), Failure> {
    let known: Vec<&str> = suite.catalogues.keys().map(|system| system.name()).collect();
    if known.contains(&name) {
        return Ok(());
    }
    Err(Failure::usage(format!("there is no system `{name}`: expected one of {}", known.join(", "))))
}

/// What verdicts need of every requirement.
pub(super) fn requirement_infos(suite: &Suite) -> BTreeMap<String, RequirementInfo> {
    suite.catalogues.values().flat_map(RequirementInfo::of).collect()
}

/// The specs as reports quote them.
#[derive(Debug)]
pub(super) struct Shelf {
    suite: Suite,
    /// Place of each case among the scenarios.
    places: HashMap<String, usize>,
}

impl Shelf {
    /// A shelf with all of a suite on it.
    pub(super) fn new(suite: Suite) -> Self {
        let places = suite.scenarios.iter().enumerate().map(|(place, scenario)| (scenario.id.clone(), place)).collect();
        Self { suite, places }
    }

    fn scenario(&self, case: &str) -> Option<&Scenario> {
        self.places.get(case).map(|place| self.suite.scenarios[*place].as_ref())
    }
}

impl Library for Shelf {
    fn step(&self, case: &str, step: usize) -> Option<&str> {
        Some(self.scenario(case)?.steps.get(step)?.source.as_str())
    }

    fn requirement(&self, id: &str) -> Option<Quote<'_>> {
        let requirement = self.suite.catalogues.values().find_map(|catalogue| catalogue.requirements.get(id))?;
        Some(Quote { level: requirement.level, text: &requirement.text })
    }

    fn reading(&self, contradiction: &str) -> Option<&str> {
        let found = self.suite.catalogues.values().find_map(|catalogue| catalogue.contradictions.get(contradiction));
        found.map(|contradiction| contradiction.reading.as_str())
    }
}

//! `sparring requirements`: which requirement is checked where, and with which verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sparring_mock_server::values::closest;

use super::args::RequirementsArguments;
use super::exit::{self, Exit, Failure};
use super::specs;
use crate::judge::{Coverage, Outcome};
use crate::plan;
use crate::report::requirement::{Reading, RequirementPage};
use crate::report::requirements::{RequirementRow, RequirementTable};
use crate::report::results::Results;
use crate::report::terminal::Look;
use crate::spec::Suite;
use crate::spec::catalogue::{Contradiction, Requirement};
use crate::spec::model::Scenario;

/// Runs the command.
pub(super) fn requirements(arguments: &RequirementsArguments) -> Result<Exit, Failure> {
    let suite = specs::load(arguments.specs.as_deref())?;
    for system in &arguments.systems {
        specs::known_system(&suite, system)?;
    }
    let results = arguments.results.as_deref().map(read).transpose()?;
    let verdicts = results.map(|results| verdicts(&results, &suite)).unwrap_or_default();
    if let Some(id) = &arguments.requirement {
        let page = page(id, &suite, &verdicts)?;
        let written = page.write(arguments.format, Look::stdout(), &mut std::io::stdout().lock());
        return written.map(|()| Exit::AsExpected).map_err(Failure::could_not_run);
    }
    let chosen = |name: &str| arguments.systems.is_empty() || arguments.systems.iter().any(|system| system == name);
    let catalogues = suite.catalogues.iter().filter(|(system, _)| chosen(system.name()));
    let requirements = catalogues.flat_map(|(_, catalogue)| catalogue.requirements.values());
    let table = RequirementTable {
        clients: verdicts.keys().cloned().collect(),
        requirements: requirements.map(|requirement| row(requirement, &suite, &verdicts)).collect(),
    };
    let mut out = std::io::stdout().lock();
    exit::printed(table.write(arguments.format, Look::stdout(), &mut out))
}

/// Verdicts by client and requirement.
type Verdicts = BTreeMap<String, BTreeMap<String, Outcome>>;

fn read(path: &Path) -> Result<Results, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::usage(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    serde_json::from_str(&text).map_err(|error| wrong(&error))
}

fn verdicts(results: &Results, suite: &Suite) -> Verdicts {
    let infos = specs::requirement_infos(suite);
    let mut coverage: BTreeMap<String, Coverage> = BTreeMap::new();
    for case in &results.cases {
        coverage.entry(case.client.clone()).or_default().add(&case.checks, &infos);
    }
    let outcomes = |coverage: &Coverage| {
        coverage.requirements().iter().map(|(id, covered)| (id.clone(), covered.outcome)).collect()
    };
    coverage.iter().map(|(client, coverage)| (client.clone(), outcomes(coverage))).collect()
}

/// The requirement of this id, in whatever case it was typed.
fn page(id: &str, suite: &Suite, verdicts: &Verdicts) -> Result<RequirementPage, Failure> {
    let known = || suite.catalogues.values().flat_map(|catalogue| catalogue.requirements.values());
    let unknown = || {
        let ids = known().map(|requirement| requirement.id.as_str());
        let hint = closest(&id.to_uppercase(), ids).map_or_else(String::new, |id| format!("; did you mean `{id}`?"));
        Failure::usage(format!("there is no requirement `{id}`{hint}"))
    };
    let requirement = known().find(|requirement| requirement.id.eq_ignore_ascii_case(id)).ok_or_else(unknown)?;
    let contradictions = || suite.catalogues.values().flat_map(|catalogue| catalogue.contradictions.values());
    let reading = |id: &String| {
        let Contradiction { topic, reading, .. } = contradictions().find(|one| one.id == *id)?;
        Some(Reading { id: id.clone(), topic: topic.clone(), reading: reading.clone() })
    };
    Ok(RequirementPage {
        row: row(requirement, suite, verdicts),
        source: requirement.source.clone(),
        readings: requirement.readings.iter().filter_map(reading).collect(),
        faults: requirement.faults.clone(),
    })
}

fn row(requirement: &Requirement, suite: &Suite, verdicts: &Verdicts) -> RequirementRow {
    let naming: Vec<&Scenario> = suite
        .scenarios
        .iter()
        .map(AsRef::as_ref)
        .filter(|scenario| plan::requirements(scenario).contains(requirement.id.as_str()))
        .collect();
    let files: BTreeSet<&str> = naming.iter().map(|scenario| file_id(&scenario.id)).collect();
    let first_of = |file: &str| naming.iter().find(|scenario| file_id(&scenario.id) == file);
    let checks =
        files.iter().filter_map(|file| first_of(file)).map(|scenario| plan::checks(scenario, &requirement.id)).sum();
    let verdict = |(client, outcomes): (&String, &BTreeMap<String, Outcome>)| {
        Some((client.clone(), *outcomes.get(&requirement.id)?))
    };
    RequirementRow {
        id: requirement.id.clone(),
        level: requirement.level,
        party: requirement.party.name().to_owned(),
        text: requirement.text.clone(),
        checks,
        scenarios: files.into_iter().map(str::to_owned).collect(),
        verdicts: verdicts.iter().filter_map(verdict).collect(),
        untested: requirement.untested.clone(),
    }
}

/// The id of the file that a case came from.
fn file_id(case: &str) -> &str {
    case.split_once('[').map_or(case, |(file, _)| file)
}

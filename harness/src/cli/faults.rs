//! `sparring faults`: the catalogue of what can go wrong, from the same data that reads the rules.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;

use serde_json::Value;
use sparring_mock_server::script::{Fault, FaultInfo};

use super::args::{FaultsArguments, FaultsFormat};
use super::exit::{self, Exit, Failure};
use super::{serve, specs};
use crate::plan;
use crate::report::faults::observed::Observed;
use crate::report::faults::{self, Demand, Explained};
use crate::report::terminal::Look;
use crate::spec::Suite;
use crate::spec::model::{Scenario, Verb};

/// Runs the command.
pub(super) fn faults(arguments: &FaultsArguments) -> Result<Exit, Failure> {
    let mut out = std::io::stdout().lock();
    let (look, observed) = (Look::stdout(), Observed::built_in());
    let written = match (&arguments.fault, arguments.format) {
        (None, FaultsFormat::Text) => faults::list(&chosen(arguments)?, in_lines(look), &mut out),
        (None, FaultsFormat::Json) => {
            let suite = specs::load(None)?;
            faults::all_as_json(&explained(&chosen(arguments)?, &suite), observed, &mut out)
        }
        (Some(id), format) => {
            let (info, suite) = (known(id)?, specs::load(None)?);
            let fault = &explained(&[info], &suite)[0];
            match format {
                FaultsFormat::Text => faults::page(fault, observed, look, &mut out),
                FaultsFormat::Json => faults::one_as_json(fault, observed, &mut out),
            }
        }
    };
    exit::printed(written)
}

/// A line of a pipe has no end; a terminal would break it.
fn in_lines(look: Look) -> Look {
    if std::io::stdout().is_terminal() { look } else { Look { width: usize::MAX, ..look } }
}

fn known(id: &str) -> Result<&'static FaultInfo, Failure> {
    Fault::describe(id).ok_or_else(|| {
        let hint = faults::closest(id).map_or_else(
            || "; `sparring faults` lists what there is".to_owned(),
            |name| format!("; did you mean `{name}`?"),
        );
        Failure::usage(format!("there is no fault `{id}`{hint}"))
    })
}

/// The faults of the layers and systems that were asked for.
fn chosen(arguments: &FaultsArguments) -> Result<Vec<&'static FaultInfo>, Failure> {
    let layers = faults::layers();
    if let Some(layer) = arguments.layers.iter().find(|layer| !layers.contains(&layer.as_str())) {
        return Err(Failure::usage(format!("there is no layer `{layer}`: expected one of {}", layers.join(", "))));
    }
    let systems = arguments.systems.iter().map(|name| serve::system(name)).collect::<Result<Vec<_>, _>>()?;
    let is_chosen = |info: &&FaultInfo| {
        (arguments.layers.is_empty() || arguments.layers.iter().any(|layer| layer == info.family))
            && (systems.is_empty() || systems.iter().any(|system| info.applies_to(*system)))
    };
    let chosen: Vec<_> = Fault::catalogue().iter().filter(is_chosen).collect();
    if chosen.is_empty() {
        let (layers, systems) = (arguments.layers.join(", "), arguments.systems.join(", "));
        return Err(Failure::NothingSelected(format!("{systems} has no fault of layer {layers}")));
    }
    Ok(chosen)
}

/// All of them as `--format json` prints them.
pub(super) fn as_json() -> Value {
    let suite = specs::load(None).unwrap_or_default();
    let all: Vec<_> = Fault::catalogue().iter().collect();
    let mut text = Vec::new();
    // A vector takes all that is written.
    let _ = faults::all_as_json(&explained(&all, &suite), Observed::built_in(), &mut text);
    serde_json::from_slice(&text).unwrap_or_default()
}

fn explained<'a>(infos: &[&'static FaultInfo], suite: &'a Suite) -> Vec<Explained<'a>> {
    let met = met(suite);
    let demands = |info: &FaultInfo| met.get(info.id).into_iter().flatten().map(|id| demand(id, suite)).collect();
    infos.iter().map(|info| Explained { info, requirements: demands(info) }).collect()
}

fn demand<'a>(id: &'a str, suite: &'a Suite) -> Demand<'a> {
    let requirement = suite.catalogues.values().find_map(|catalogue| catalogue.requirements.get(id));
    Demand { id, text: requirement.map_or("", |requirement| &requirement.text) }
}

/// The requirements that are checked where a fault is at work, by fault.
fn met(suite: &Suite) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut met: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for scenario in &suite.scenarios {
        let requirements = plan::requirements(scenario);
        for fault in at_work(scenario) {
            met.entry(fault).or_default().extend(&requirements);
        }
    }
    met
}

/// The faults of a scenario's rules, from the start or armed on the way.
fn at_work(scenario: &Scenario) -> impl Iterator<Item = &str> {
    let armed = scenario.steps.iter().filter_map(|step| match &step.verb {
        Verb::Server(action) => action.args.get("rules")?.as_array(),
        _ => None,
    });
    let armed = armed.flatten().filter_map(|rule| rule.get("fault")?.as_str());
    scenario.given.rules.iter().map(|rule| rule.fault.id()).chain(armed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_come_from_the_rules_of_scenarios() {
        let suite = specs::load(None).expect("the built-in specs are well-formed");
        let met = met(&suite);
        assert!(met["silent-auth"].contains("DT-STATE-05"), "{:?}", met["silent-auth"]);
        assert!(!met["silent-auth"].contains("DT-GST-01"), "{:?}", met["silent-auth"]);
        let texts = explained(&[known("silent-auth").expect("it exists")], &suite);
        assert!(texts[0].requirements.iter().all(|demand| !demand.text.is_empty()));
    }
}

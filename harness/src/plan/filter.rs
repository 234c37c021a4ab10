//! Which cases were asked for: by id, requirement, tag, system and shard.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::Arc;

use globset::{Glob, GlobMatcher};

use crate::spec::model::{Claim, Scenario, Verb};

/// Which cases run.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Systems; empty means all.
    pub systems: Vec<String>,
    /// At least one must match; empty means all.
    pub include: Vec<Selector>,
    /// None may match.
    pub exclude: Vec<Selector>,
    /// The part of the cases that this run takes.
    pub shard: Option<Shard>,
}

/// Why a filter cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// It names nothing that exists.
    #[error("`{0}` matches no case; `sparring run --list` shows them all")]
    Nothing(String),
    /// Not a glob pattern.
    #[error("`{0}` is no pattern: {1}")]
    Pattern(String, String),
    /// Not of the form `i/n`.
    #[error("`{0}` is no shard: expected i/n with 1 <= i <= n, such as 2/4")]
    Shard(String),
}

/// One word of a filter.
#[derive(Debug, Clone)]
pub struct Selector {
    text: String,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    /// This case, all axes of this file, or all in this folder.
    At(String),
    Id(GlobMatcher),
    Requirement(GlobMatcher),
    Tag(String),
}

impl FromStr for Selector {
    type Err = FilterError;

    /// `tag:word`, a requirement id such as `DT-TMO-01` or `DT-TMO-*`, or a pattern over case ids.
    fn from_str(text: &str) -> Result<Self, FilterError> {
        let kind = match text.strip_prefix("tag:") {
            Some(tag) => Kind::Tag(tag.to_owned()),
            None if looks_like_requirement(text) => Kind::Requirement(glob(text)?),
            None if text.contains(['*', '?', '{']) => Kind::Id(glob(&text.replace('[', "\\[").replace(']', "\\]"))?),
            None => Kind::At(text.trim_end_matches('/').to_owned()),
        };
        Ok(Self { text: text.to_owned(), kind })
    }
}

fn glob(pattern: &str) -> Result<GlobMatcher, FilterError> {
    let glob =
        Glob::new(pattern).map_err(|error| FilterError::Pattern(pattern.to_owned(), error.kind().to_string()))?;
    Ok(glob.compile_matcher())
}

fn looks_like_requirement(text: &str) -> bool {
    let mut letters = text.chars();
    letters.by_ref().take(2).all(|c| c.is_ascii_uppercase()) && letters.next() == Some('-')
}

/// Whether a case is the one named, or an axis of it, or in it as a folder.
fn is_at(id: &str, place: &str) -> bool {
    id.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '[']))
}

impl Selector {
    fn matches(&self, scenario: &Scenario) -> bool {
        match &self.kind {
            Kind::At(place) => is_at(&scenario.id, place),
            Kind::Id(pattern) => pattern.is_match(&scenario.id),
            Kind::Requirement(pattern) => requirements(scenario).iter().any(|id| pattern.is_match(id)),
            Kind::Tag(tag) => scenario.tags.contains(tag),
        }
    }
}

/// What the checks of a scenario are for.
fn claims(scenario: &Scenario) -> impl Iterator<Item = &Claim> {
    scenario.steps.iter().filter_map(|step| match &step.verb {
        Verb::Expect(expect) => Some(&expect.claim),
        Verb::Never(never) => Some(&never.claim),
        _ => None,
    })
}

/// The requirement ids that a scenario's checks name.
pub fn requirements(scenario: &Scenario) -> BTreeSet<&str> {
    claims(scenario).flat_map(|claim| claim.requirements.iter().map(String::as_str)).collect()
}

/// How many checks of a scenario name a requirement.
pub fn checks(scenario: &Scenario, requirement: &str) -> usize {
    claims(scenario).filter(|claim| claim.requirements.iter().any(|id| id == requirement)).count()
}

impl Filter {
    /// The scenarios that the filter lets through, in their order.
    pub(super) fn select(&self, scenarios: &[Arc<Scenario>]) -> Result<Vec<Arc<Scenario>>, FilterError> {
        for selector in self.include.iter().chain(&self.exclude) {
            if !scenarios.iter().any(|scenario| selector.matches(scenario)) {
                return Err(FilterError::Nothing(selector.text.clone()));
            }
        }
        Ok(scenarios.iter().filter(|scenario| self.takes(scenario)).cloned().collect())
    }

    fn takes(&self, scenario: &Scenario) -> bool {
        let system = self.systems.is_empty() || self.systems.iter().any(|name| name == scenario.system.name());
        let included = self.include.is_empty() || self.include.iter().any(|selector| selector.matches(scenario));
        system && included && !self.exclude.iter().any(|selector| selector.matches(scenario))
    }
}

/// The `index`-th of `count` parts of a run, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    count: usize,
}

impl Shard {
    /// Every `count`-th case: neighbours, which are alike in length, go to different parts.
    pub(super) fn part<T>(self, cases: Vec<T>) -> Vec<T> {
        cases.into_iter().skip(self.index - 1).step_by(self.count).collect()
    }
}

impl FromStr for Shard {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let parts = text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        match parts {
            Some((index, count)) if 1 <= index && index <= count => Ok(Self { index, count }),
            _ => Err(FilterError::Shard(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("1/1", Some(vec![0, 1, 2, 3, 4]))]
    #[case("2/2", Some(vec![1, 3]))]
    #[case("3/3", Some(vec![2]))]
    #[case("0/2", None)]
    #[case("3/2", None)]
    #[case("x", None)]
    fn shards(#[case] text: &str, #[case] expected: Option<Vec<usize>>) {
        assert_eq!(text.parse::<Shard>().ok().map(|shard| shard.part((0..5).collect())), expected);
    }

    #[rstest]
    #[case("digitwin/states", "digitwin/states/loss[reset]", true)]
    #[case("digitwin/states/", "digitwin/states/loss", true)]
    #[case("digitwin/states/loss", "digitwin/states/loss[reset]", true)]
    #[case("digitwin/states/loss[reset]", "digitwin/states/loss[reset]", true)]
    #[case("digitwin/states/loss[reset]", "digitwin/states/loss[cut]", false)]
    #[case("digitwin/a[x,y]", "digitwin/a[x,y]", true)]
    #[case("digitwin/a[x,*]", "digitwin/a[x,y]", true)]
    #[case("digitwin/states/lo", "digitwin/states/loss", false)]
    #[case("*/loss*", "digitwin/states/loss[cut]", true)]
    fn ids(#[case] selector: &str, #[case] id: &str, #[case] expected: bool) {
        let selector: Selector = selector.parse().expect("a well-formed selector");
        let matches = match selector.kind {
            Kind::At(place) => is_at(id, &place),
            Kind::Id(pattern) => pattern.is_match(id),
            other => panic!("not taken for an id: {other:?}"),
        };
        assert_eq!(matches, expected);
    }
}

//! An observation made ready to be looked for: references resolved, fields sorted into those that select and those
//! that are judged (scenario language, section 6).

use std::collections::BTreeMap;

use serde_json::Value;

use super::lane::Entry;
use crate::judge::bounds::{Favour, Gauge, Span};
use crate::judge::pattern::{Fit, Misfit};
use crate::judge::resolve::{Lookup, Lost, resolve, resolve_map};
use crate::judge::words;
use crate::spec::model::{Branch, Key, Lane, Observation, Pattern};
use crate::trace::Observed;

/// The field that always selects.
const CONNECTION: &str = "connection";

/// What a check looks for.
#[derive(Debug)]
pub(super) struct Sight {
    pub(super) key: Key,
    /// Values in order: one, or a run of states.
    values: Vec<Pattern>,
    selecting: BTreeMap<String, Pattern>,
    judged: BTreeMap<String, Pattern>,
    pub(super) deviation: Option<String>,
    pub(super) gauge: Gauge,
    /// When it must come, from the reference.
    pub(super) span: Option<Span>,
    favour: Favour,
}

impl Sight {
    /// What an `expect` looks for: its key's value, `connection` and `where` select, the rest is judged.
    pub(super) fn expected(branch: &Branch, gauge: Gauge, lookup: &Lookup<'_>) -> Result<Self, Lost> {
        let mut judged = resolve_map(&branch.observation.fields, lookup)?;
        let mut selecting = resolve_map(&branch.filter, lookup)?;
        if let Some(connection) = judged.remove(CONNECTION) {
            selecting.entry(CONNECTION.to_owned()).or_insert(connection);
        }
        let values = values(&branch.observation, lookup)?;
        let key = branch.observation.key;
        let deviation = branch.deviation.clone();
        Ok(Self { key, values, selecting, judged, deviation, gauge, span: None, favour: Favour::Fitting })
    }

    /// What a `never` looks for: all fields select.
    pub(super) fn forbidden(observation: &Observation, gauge: Gauge, lookup: &Lookup<'_>) -> Result<Self, Lost> {
        Ok(Self {
            key: observation.key,
            values: values(observation, lookup)?,
            selecting: resolve_map(&observation.fields, lookup)?,
            judged: BTreeMap::new(),
            deviation: None,
            gauge,
            span: None,
            favour: Favour::Missing,
        })
    }

    pub(super) fn lane(&self) -> Lane {
        self.key.lane()
    }

    /// How many records it takes at a time: more than one for a run of states.
    pub(super) fn length(&self) -> usize {
        self.values.len()
    }

    /// What stands at this place of the run, in words.
    pub(super) fn value_words(&self, step: usize) -> String {
        words::pattern(&self.values[step], "", None).trim_matches('"').to_owned()
    }

    /// Whether the record is selected as the one at this place of the run. The fields concern the last.
    pub(super) fn selects(&self, step: usize, entry: &Entry) -> bool {
        let observed = &entry.observed;
        let last = step + 1 == self.values.len();
        observed.key == self.key
            && self.value_fits(&self.values[step], observed)
            && (!last || self.selecting.iter().all(|(name, asked)| self.fit().fits(asked, observed.fields.get(name))))
    }

    /// The first judged field that is wrong.
    pub(super) fn misfit(&self, entry: &Entry) -> Option<Misfit> {
        let fields = &entry.observed.fields;
        self.judged.iter().find_map(|(name, asked)| self.fit().misfit(asked, fields.get(name), name))
    }

    /// The connection that it names, if it names one.
    pub(super) fn connection(&self) -> Option<u64> {
        match self.selecting.get(CONNECTION)? {
            Pattern::Equal(value) => value.as_u64(),
            Pattern::Number(range) => Some(range.min).filter(|min| range.max == Some(*min)),
            _ => None,
        }
    }

    fn fit(&self) -> Fit {
        Fit { gauge: self.gauge, favour: self.favour }
    }

    fn value_fits(&self, asked: &Pattern, observed: &Observed) -> bool {
        match (asked, &observed.value) {
            (Pattern::Equal(Value::String(part)), Value::String(message)) if self.key == Key::Log => {
                message.contains(part.as_str())
            }
            _ => self.fit().fits(asked, Some(&observed.value)),
        }
    }

    /// The observation in words, with the fields that select.
    pub(super) fn words(&self) -> String {
        let first = words::kind(self.key, &self.values[0]);
        let others = (1..self.values.len()).map(|step| self.value_words(step));
        let values: Vec<String> = std::iter::once(first).chain(others).collect();
        let selecting: Vec<String> =
            self.selecting.iter().map(|(name, asked)| self.selecting_words(name, asked)).collect();
        values.join(", ") + &selecting.concat()
    }

    fn selecting_words(&self, name: &str, asked: &Pattern) -> String {
        let asked = words::pattern(asked, name, Some(self.fit()));
        match name {
            CONNECTION => format!(" on connection {asked}"),
            _ => format!(" with {name} {asked}"),
        }
    }

    /// The judged fields in words.
    pub(super) fn judged_words(&self) -> String {
        let fields = self.judged.iter();
        let fields: Vec<String> =
            fields.map(|(name, asked)| format!("{name} {}", words::pattern(asked, name, Some(self.fit())))).collect();
        if fields.is_empty() { String::new() } else { format!(" with {}", fields.join(" and ")) }
    }
}

fn values(observation: &Observation, lookup: &Lookup<'_>) -> Result<Vec<Pattern>, Lost> {
    if observation.run.is_empty() {
        return Ok(vec![resolve(&observation.value, lookup)?]);
    }
    observation.run.iter().map(|value| resolve(value, lookup)).collect()
}

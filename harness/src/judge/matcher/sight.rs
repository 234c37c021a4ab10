//! An observation made ready to be looked for: references resolved, fields sorted into those that select and those
//! that are judged (scenario language, section 6).

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use sparring_mock_server::values::DurationRange;

use super::lane::Entry;
use crate::judge::bounds::{Favour, Gauge, Span};
use crate::judge::pattern::{Fit, Misfit};
use crate::judge::resolve::{Lookup, Lost, resolve, resolve_map};
use crate::judge::words;
use crate::spec::model::{Branch, Key, Lane, Observation, Pattern};
use crate::trace::Observed;

/// The field that always selects.
const CONNECTION: &str = "connection";
/// The field that is the ratio of two measured waits.
const GROWTH: &str = "growth";

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
        let mut judged = fields(&branch.observation.fields, gauge, lookup)?;
        let mut selecting = fields(&branch.filter, gauge, lookup)?;
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
            selecting: fields(&observation.fields, gauge, lookup)?,
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
        let wrong = |(name, asked): (&String, &Pattern)| {
            let misfit = self.fit().misfit(asked, fields.get(name), name)?;
            (name != GROWTH || !self.may_have_grown(asked, &entry.observed)).then_some(misfit)
        };
        self.judged.iter().find_map(wrong)
    }

    /// Whether the ratio of two waits fits if each of them was measured wrong by what bounds in time are widened by.
    fn may_have_grown(&self, asked: &Pattern, observed: &Observed) -> bool {
        let number = |name: &str| observed.fields.get(name).and_then(Value::as_f64);
        let (Some(wait), Some(growth)) = (number("wait"), number(GROWTH)) else { return false };
        let (before, doubt) = (wait / growth, self.gauge.allowance.as_secs_f64() * 1e6);
        let most = (wait + doubt) / (before - doubt).max(1.0);
        let least = (wait - doubt).max(0.0) / (before + doubt);
        [least, most].into_iter().any(|growth| self.fit().fits(asked, Some(&growth.into())))
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

/// Patterns of fields with their references replaced. A number in the place of a duration is a measured one: it may be
/// as far from its own nominal value as the one that is compared with it, so the whole tolerance reaches either way.
fn fields(
    patterns: &BTreeMap<String, Pattern>,
    gauge: Gauge,
    lookup: &Lookup<'_>,
) -> Result<BTreeMap<String, Pattern>, Lost> {
    let mut resolved = resolve_map(patterns, lookup)?;
    for name in Observed::DURATIONS {
        if let Some(pattern) = resolved.get_mut(name)
            && let Pattern::Equal(Value::Number(number)) = pattern
            && let Some(micros) = number.as_u64()
        {
            let measured = Duration::from_micros(micros);
            let reach = gauge.tolerance.latest(measured) - gauge.tolerance.earliest(measured);
            let range = DurationRange::Between(measured.saturating_sub(reach), measured + reach);
            *pattern = Pattern::Duration(range);
        }
    }
    Ok(resolved)
}

fn values(observation: &Observation, lookup: &Lookup<'_>) -> Result<Vec<Pattern>, Lost> {
    if observation.run.is_empty() {
        return Ok(vec![resolve(&observation.value, lookup)?]);
    }
    observation.run.iter().map(|value| resolve(value, lookup)).collect()
}

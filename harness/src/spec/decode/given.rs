//! The setting: clock, switches, data, tokens, and the rules in force from the start.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};
use sparring_mock_server::tokens::TokenSpec;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Decoder;
use super::reader::find;
use crate::spec::grammar;
use crate::spec::model::{ClockSetting, Given};
use crate::spec::reference;
use crate::spec::tree::{Entry, Node, Yaml, json_map};

impl Decoder<'_> {
    pub(super) fn given(&mut self, entry: Option<&Entry>) -> Given {
        let entries = entry.map(|entry| self.map(&entry.value, "`given`")).unwrap_or_default();
        if let Some(entry) = entry {
            self.refuse_records(&entry.value);
        }
        self.known_keys(entries, "key of `given`", grammar::GIVEN.iter().map(|keyword| keyword.name));
        self.cast(entries);
        let rules = find(entries, "server").map(|entry| self.rules(entry)).unwrap_or_default();
        let clock = find(entries, "clock").and_then(|entry| self.clock(entry));
        let switches = find(entries, "switches").map(|entry| self.switches(entry)).unwrap_or_default();
        let data = find(entries, "data").map(|entry| self.data(entry)).unwrap_or_default();
        Given { actors: self.cast.actors.clone(), rules, clock, switches, data }
    }

    /// The setting stands before the first step, so that there is no record to refer to.
    fn refuse_records(&mut self, node: &Node) {
        match &node.value {
            Yaml::Text(text) if reference::occurs_in(text) => {
                self.diagnostics.error(node.span, format!("`{text}`: before the first step there is no record"));
            }
            Yaml::List(items) => items.iter().for_each(|item| self.refuse_records(item)),
            Yaml::Map(entries) => entries.iter().for_each(|entry| self.refuse_records(&entry.value)),
            _ => {}
        }
    }

    /// A token of an actor; none is a token that is not there.
    pub(super) fn token(&mut self, node: &Node, what: &str) -> Option<TokenSpec> {
        // What is broken or refers to a record has been reported or cannot be known before the run.
        if node.has_broken() || refers(node) {
            return None;
        }
        match TokenSpec::read(&node.to_json(), self.contract) {
            Ok(token) => token,
            Err(errors) => {
                self.field_errors(node, what, errors);
                None
            }
        }
    }

    fn clock(&mut self, entry: &Entry) -> Option<ClockSetting> {
        let entries = self.map(&entry.value, "`clock`");
        self.known_keys(entries, "key of `clock`", ["freeze", "offset"]);
        match (find(entries, "freeze"), find(entries, "offset")) {
            (Some(freeze), None) => self.moment(freeze).map(ClockSetting::Freeze),
            (None, Some(offset)) => self.duration(offset).map(ClockSetting::Offset),
            _ => {
                self.expected(entry, "either `freeze` or `offset`");
                None
            }
        }
    }

    /// A moment in RFC 3339, as time since the Unix epoch.
    pub(super) fn moment(&mut self, entry: &Entry) -> Option<Duration> {
        let moment = entry.value.as_text().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
        let nanos = moment.and_then(|moment| u64::try_from(moment.unix_timestamp_nanos()).ok());
        if nanos.is_none() {
            self.expected(entry, "a moment in RFC 3339 from 1970 on, such as 2025-01-01T00:00:00Z");
        }
        nanos.map(Duration::from_nanos)
    }

    fn switches(&mut self, entry: &Entry) -> BTreeMap<String, String> {
        let contract = self.contract;
        let mut switches = BTreeMap::new();
        for switch in self.map(&entry.value, "`switches`") {
            let Some(known) = contract.switches.get(&switch.key) else {
                self.unknown(switch.key_span, "switch", &switch.key, contract.switches.keys().map(String::as_str));
                continue;
            };
            let Some(value) = switch.value.scalar_text() else {
                self.expected(switch, known.values.join(" or "));
                continue;
            };
            if !known.values.contains(&value) {
                let what = format!("value of switch `{}`", switch.key);
                self.unknown(switch.value.span, &what, &value, known.values.iter().map(String::as_str));
            }
            switches.insert(switch.key.clone(), value);
        }
        switches
    }

    fn data(&mut self, entry: &Entry) -> Map<String, Value> {
        let contract = self.contract;
        let entries = self.map(&entry.value, "`data`");
        if contract.data.is_empty() && !entries.is_empty() {
            self.diagnostics.error(entry.key_span, format!("{} holds no data at the start", contract.id));
        } else {
            self.known_keys(entries, "kind of data", contract.data.keys().map(String::as_str));
        }
        json_map(entries)
    }
}

/// Whether some text inside refers to a record.
pub(super) fn refers(node: &Node) -> bool {
    match &node.value {
        Yaml::Text(text) => reference::occurs_in(text),
        Yaml::List(items) => items.iter().any(refers),
        Yaml::Map(entries) => entries.iter().any(|entry| refers(&entry.value)),
        _ => false,
    }
}

//! Observations: which kind of record, its value, and its other fields.

use std::collections::BTreeMap;

use sparring_mock_server::journal::Actor;

use super::Decoder;
use crate::spec::error::Span;
use crate::spec::model::{Key, Observation, Pattern, Role};
use crate::spec::observations::{Kind, Shape, shape};
use crate::spec::tree::{Entry, Node};

/// The names of all observations.
fn keys() -> impl Iterator<Item = &'static str> + Clone {
    Key::ALL.into_iter().map(Key::name)
}

fn key_named(name: &str) -> Option<Key> {
    Key::ALL.into_iter().find(|key| key.name() == name)
}

impl Decoder<'_> {
    /// An observation of a check on these actors; keys in `besides` are no concern of it.
    pub(super) fn observation(&mut self, node: &Node, besides: &[&str], who: &[Actor]) -> Option<Observation> {
        let entries = self.map(node, "an observation");
        if entries.is_empty() {
            if node.as_map().is_some() {
                self.no_key(node.span);
            }
            return None;
        }
        let entry = self.key_entry(entries, node.span)?;
        let key = key_named(&entry.key)?;
        self.check_visible(key, entry.key_span, who);
        let shape = shape(key);
        let others: Vec<&Entry> =
            entries.iter().filter(|other| other.key != entry.key && !besides.contains(&other.key.as_str())).collect();
        let fields = self.observed_fields(&others, &shape);
        let (value, run) = self.value(entry, &shape);
        Some(Observation { key, value, run, fields })
    }

    /// The entry whose key says what kind of record is looked for.
    fn key_entry<'n>(&mut self, entries: &'n [Entry], span: Span) -> Option<&'n Entry> {
        let candidates: Vec<(&Entry, Key)> =
            entries.iter().filter_map(|entry| Some((entry, key_named(&entry.key)?))).collect();
        // `token` is an observation, and beside another one a field of that.
        let others = candidates.iter().filter(|(_, key)| *key != Key::Token).count();
        let mut own = candidates.iter().filter(|(_, key)| others == 0 || *key != Key::Token);
        match (own.next(), own.next()) {
            (Some((entry, _)), None) => Some(entry),
            (Some((first, _)), Some((second, _))) => {
                let message = format!("`{}` and `{}` are two observations", first.key, second.key);
                self.diagnostics.error_with_help(second.key_span, message, "make each a step of its own");
                None
            }
            _ => {
                match entries.iter().find(|entry| sparring_mock_server::values::closest(&entry.key, keys()).is_some()) {
                    Some(entry) => self.unknown(entry.key_span, "observation", &entry.key, keys()),
                    None => self.no_key(span),
                }
                None
            }
        }
    }

    fn no_key(&mut self, span: Span) {
        let known: Vec<&str> = keys().collect();
        self.diagnostics.error(span, format!("an observation needs one of {}", known.join(", ")));
    }

    /// Fields by name, checked against the shape of the observation.
    pub(super) fn observed_fields(&mut self, entries: &[&Entry], shape: &Shape) -> BTreeMap<String, Pattern> {
        let mut fields = BTreeMap::new();
        for entry in entries {
            match shape.field(&entry.key) {
                Some(field) => {
                    fields.insert(entry.key.clone(), self.pattern(entry, field.kind));
                }
                None if entry.key == "deviation" => {
                    let help = "it stands beside `expect`, or in a branch of `any_of`";
                    self.diagnostics.error_with_help(entry.key_span, "`deviation` is no field", help);
                }
                None => {
                    let what = format!("field of `{}`", shape.key.name());
                    self.unknown(entry.key_span, &what, &entry.key, shape.fields().map(|field| field.name));
                }
            }
        }
        fields
    }

    fn value(&mut self, entry: &Entry, shape: &Shape) -> (Pattern, Vec<Pattern>) {
        let Some(items) = entry.value.as_list() else {
            return (self.own_pattern(entry, shape.value), Vec::new());
        };
        if shape.key != Key::State || items.is_empty() {
            let expected = if shape.key == Key::State { "at least one state" } else { "one value" };
            self.expected(entry, expected);
            return (Pattern::Any, Vec::new());
        }
        let run = items.iter().map(|item| self.run_item(entry, item, shape.value)).collect();
        (Pattern::Any, run)
    }

    fn run_item(&mut self, entry: &Entry, item: &Node, kind: Kind) -> Pattern {
        self.own_pattern(&Entry { value: item.clone(), ..entry.clone() }, kind)
    }

    /// Whether actors of this role have such records at all.
    fn check_visible(&mut self, key: Key, span: Span, who: &[Actor]) {
        let (role, words) = match key {
            Key::State | Key::Event | Key::Token | Key::Result => (Role::Client, "the client under test"),
            Key::Stored => (Role::Probe, "a probe"),
            _ => return,
        };
        if let Some(actor) = who.iter().find(|actor| self.cast.role(actor).is_some_and(|found| found != role)) {
            let found = if role == Role::Client { "probe" } else { "client" };
            let message = format!("`{}` is observed of {words} only, and `{actor}` is a {found}", key.name());
            self.diagnostics.error(span, message);
        }
    }
}

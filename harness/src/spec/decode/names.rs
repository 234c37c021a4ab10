//! Names: what the system declares, what the scenario introduces, and the records that its steps name.

use std::collections::{BTreeMap, BTreeSet};

use sparring_mock_server::script::Fault;

use super::Decoder;
use super::reader::find;
use crate::spec::error::Span;
use crate::spec::grammar::{HANDSHAKE, PACKETS, PROTOCOL_REQUESTS, VerbName};
use crate::spec::model::Key;
use crate::spec::observations::{Names, shape};
use crate::spec::reference::{AXES, Target, is_name};
use crate::spec::tree::{Entry, Node, Yaml};

/// Names of messages that only this scenario knows: those that its rules give to events.
pub(super) fn introduced(tree: &Node) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    collect_introduced(tree, &mut names);
    names
}

/// What `unknown-event` calls its event unless told otherwise.
const UNDOCUMENTED: &str = "undocumented";

fn collect_introduced(node: &Node, names: &mut BTreeSet<String>) {
    match &node.value {
        Yaml::List(items) => items.iter().for_each(|item| collect_introduced(item, names)),
        Yaml::Map(entries) => {
            if let Some(fault) = find(entries, "fault") {
                names.extend(find(entries, "event").and_then(|entry| entry.value.as_text()).map(str::to_owned));
                names.extend((fault.value.as_text() == Some("unknown-event")).then(|| UNDOCUMENTED.to_owned()));
            }
            for entry in entries {
                collect_introduced(&entry.value, names);
            }
        }
        _ => {}
    }
}

/// The records that steps name.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// All names of the file.
    all: BTreeSet<String>,
    /// Those given so far, with what each may be.
    given: BTreeMap<String, Vec<Named>>,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// The moment of an action.
    Action(VerbName),
    /// A record that an `expect` took.
    Record(Key),
}

impl Records {
    /// The names of all steps of a file.
    pub(super) fn named_in(tree: &Node) -> Self {
        let steps = tree.get("steps").and_then(Node::as_list).unwrap_or_default();
        let names = steps.iter().filter_map(|step| step.get("as")?.as_text());
        Self { all: names.map(str::to_owned).collect(), given: BTreeMap::new() }
    }
}

impl Decoder<'_> {
    /// The name that a step gives.
    pub(super) fn name(&mut self, entry: &Entry) -> Option<String> {
        let name = self.text(entry)?;
        if is_name(&name) && name != AXES {
            return Some(name);
        }
        self.expected(entry, "a name of letters, digits, `-` and `_` other than `axes`");
        None
    }

    /// From here on the name is given.
    pub(super) fn give(&mut self, name: &str, what: Named) {
        self.records.given.entry(name.to_owned()).or_default().push(what);
    }

    /// A name that an earlier step has given.
    pub(super) fn earlier(&mut self, entry: &Entry) -> Option<String> {
        let name = self.text(entry)?;
        self.is_given(&name, entry.value.span).then_some(name)
    }

    /// A name that any step gives.
    pub(super) fn anywhere(&mut self, entry: &Entry) -> Option<String> {
        let name = self.text(entry)?;
        if !self.records.all.contains(&name) {
            let known: Vec<String> = self.records.all.iter().cloned().collect();
            self.unknown(entry.value.span, "step", &name, known.iter().map(String::as_str));
        }
        Some(name)
    }

    fn is_given(&mut self, name: &str, span: Span) -> bool {
        if self.records.given.contains_key(name) {
            return true;
        }
        if self.records.all.contains(name) {
            let message = format!("`{name}` is used before it is given");
            self.diagnostics.error_with_help(span, message, "only `until` looks forward");
        } else {
            let known: Vec<String> = self.records.given.keys().cloned().collect();
            if known.is_empty() {
                let help = "no earlier step has a name: give one with `as`";
                self.diagnostics.error_with_help(span, format!("`{name}` is no record"), help);
            } else {
                self.unknown(span, "record", name, known.iter().map(String::as_str));
            }
        }
        false
    }

    /// Checks what can be known of a reference before the run.
    pub(super) fn check_reference(&mut self, target: &Target<'_>, span: Span) {
        if !self.is_given(target.name, span) {
            return;
        }
        let Some(field) = target.path.first() else {
            self.diagnostics.error(span, format!("`{}` names no field", target.raw));
            return;
        };
        let named = self.records.given.get(target.name).cloned().unwrap_or_default();
        let keys: Vec<Key> =
            named.iter().filter_map(|named| if let Named::Record(key) = named { Some(*key) } else { None }).collect();
        if keys.is_empty() {
            let message = format!("`{}`: `{}` is the moment of an action and has no fields", target.raw, target.name);
            self.diagnostics.error(span, message);
        } else if !keys.iter().any(|key| key.name() == *field || shape(*key).field(field).is_some()) {
            let known = keys.iter().flat_map(|key| shape(*key).fields()).map(|field| field.name);
            let what = format!("field of record `{}`", target.name);
            self.unknown(span, &what, field, known.chain(keys.iter().map(|key| key.name())));
        }
    }

    /// Checks a scalar that names something.
    pub(super) fn check_name(&mut self, node: &Node, names: Names) {
        let Some(name) = node.as_text() else {
            self.expected_at(node, what(names), "a name");
            return;
        };
        let is_path = matches!(names, Names::Request | Names::Answer) && name.starts_with('/');
        let known = self.known(names);
        if !is_path && !known.iter().any(|known| known == name) {
            self.unknown(node.span, what(names), name, known.iter().map(String::as_str));
        }
    }

    /// Checks the name of an endpoint of the document.
    pub(super) fn check_endpoint(&mut self, node: &Node) {
        let contract = self.contract;
        match node.as_text() {
            Some(name) if contract.endpoints.contains_key(name) => {}
            Some(name) => self.unknown(node.span, "endpoint", name, contract.endpoints.keys().map(String::as_str)),
            None => self.expected_at(node, "endpoint", "a name"),
        }
    }

    fn known(&self, names: Names) -> Vec<String> {
        let contract = self.contract;
        let events = || contract.events.sent.iter().chain(&contract.events.received).map(|event| event.name.clone());
        let endpoints = || contract.endpoints.keys().cloned().chain(PROTOCOL_REQUESTS.into_iter().map(str::to_owned));
        match names {
            Names::State => contract.states.names.clone(),
            Names::Message => {
                events().chain(PACKETS.into_iter().map(str::to_owned)).chain(self.introduced.iter().cloned()).collect()
            }
            Names::LocalEvent => {
                contract.events.local.iter().cloned().chain(events()).chain(self.introduced.iter().cloned()).collect()
            }
            Names::Fault => Fault::ids().map(str::to_owned).collect(),
            Names::Request => endpoints().collect(),
            Names::Answer => endpoints().chain([HANDSHAKE.to_owned()]).collect(),
            Names::TokenKind => contract.tokens.keys().cloned().chain(["none".to_owned()]).collect(),
            Names::ActionStep => self.client_actions(),
        }
    }

    fn client_actions(&self) -> Vec<String> {
        let named = self.records.given.iter();
        named
            .filter(|(_, named)| named.contains(&Named::Action(VerbName::Client)))
            .map(|(name, _)| name.clone())
            .collect()
    }
}

fn what(names: Names) -> &'static str {
    match names {
        Names::State => "state",
        Names::Message => "message",
        Names::LocalEvent => "event",
        Names::Fault => "fault",
        Names::Request => "request",
        Names::Answer => "answer",
        Names::TokenKind => "token kind",
        Names::ActionStep => "client step",
    }
}

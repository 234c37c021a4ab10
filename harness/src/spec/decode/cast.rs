//! Who acts: clients and probes, counted names multiplied, and the resolution of `who`.

use std::collections::BTreeMap;

use serde_json::Map;
use sparring_mock_server::journal::Actor;

use super::Decoder;
use super::reader::find;
use crate::spec::error::Span;
use crate::spec::grammar::{self, Keyword};
use crate::spec::model::{ActorSpec, ProbeSetup, Role};
use crate::spec::reference::is_name;
use crate::spec::tree::{Entry, Node, json_map};

/// The actors of a scenario.
#[derive(Debug, Default)]
pub(super) struct Cast {
    /// All of them, in the order of the file.
    pub(super) actors: Vec<ActorSpec>,
    /// Names that `who` may hold: those of actors, and counted names.
    groups: BTreeMap<String, Vec<Actor>>,
}

/// The client of a scenario that names no actor.
const ONLY_CLIENT: &str = "client";

impl Cast {
    pub(super) fn has_clients(&self) -> bool {
        self.actors.iter().any(|spec| spec.role == Role::Client)
    }

    pub(super) fn everyone(&self) -> Vec<Actor> {
        self.actors.iter().map(|spec| spec.actor.clone()).collect()
    }

    pub(super) fn role(&self, actor: &Actor) -> Option<Role> {
        self.actors.iter().find(|spec| spec.actor == *actor).map(|spec| spec.role)
    }

    /// The actors of a name, if it is one.
    pub(super) fn named(&self, name: &str) -> Option<Vec<Actor>> {
        self.groups
            .get(name)
            .cloned()
            .or_else(|| self.actors.iter().find(|spec| spec.actor.name() == name).map(|spec| vec![spec.actor.clone()]))
    }

    /// The names to choose from.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(String::as_str)
    }

    fn add(&mut self, name: &str, count: Option<u64>, spec: &ActorSpec) {
        let actors: Vec<Actor> = match count {
            None => vec![Actor::new(name)],
            Some(count) => (1..=count).map(|ordinal| Actor::new(&format!("{name}/{ordinal}"))).collect(),
        };
        self.actors.extend(actors.iter().map(|actor| ActorSpec { actor: actor.clone(), ..spec.clone() }));
        self.groups.insert(name.to_owned(), actors);
    }
}

impl Decoder<'_> {
    /// Reads the actors of `given`.
    pub(super) fn cast(&mut self, given: &[Entry]) {
        let token = find(given, "token");
        let clients = find(given, "clients");
        let probes = find(given, "probes");
        if let (Some(token), Some(_)) = (token, clients) {
            let help = "give each client its own `token`";
            let message = "`token` is short for a single client and cannot stand beside `clients`";
            self.diagnostics.error_with_help(token.key_span, message, help);
        }
        if clients.is_none() && (token.is_some() || probes.is_none()) {
            let token = token.and_then(|entry| self.token(&entry.value, "`token`"));
            let spec = ActorSpec { token, ..blank(Role::Client) };
            self.cast.add(ONLY_CLIENT, None, &spec);
        }
        self.group(clients, Role::Client, &grammar::CLIENT);
        self.group(probes, Role::Probe, &grammar::PROBE);
    }

    fn group(&mut self, entry: Option<&Entry>, role: Role, keys: &[Keyword]) {
        let Some(entry) = entry else { return };
        let actors = self.map(&entry.value, &format!("`{}`", entry.key));
        if actors.is_empty() && entry.value.as_map().is_some() {
            self.expected(entry, "at least one actor");
        }
        for actor in actors {
            self.actor(actor, role, keys);
        }
    }

    fn actor(&mut self, entry: &Entry, role: Role, keys: &[Keyword]) {
        let name = entry.key.as_str();
        if !is_name(name) {
            let message = format!("`{name}` cannot name an actor: letters, digits, `-` and `_`");
            self.diagnostics.error(entry.key_span, message);
        }
        if self.cast.groups.contains_key(name) {
            self.diagnostics.error(entry.key_span, format!("actor `{name}` stands here a second time"));
            return;
        }
        let entries = self.map(&entry.value, &format!("actor `{name}`"));
        let what = if role == Role::Client { "key of a client" } else { "key of a probe" };
        self.known_keys(entries, what, keys.iter().map(|keyword| keyword.name));
        let count = find(entries, "count").and_then(|entry| self.count(entry));
        let spec = self.spec(entries, role);
        self.cast.add(name, count, &spec);
    }

    fn spec(&mut self, entries: &[Entry], role: Role) -> ActorSpec {
        let token = find(entries, "token").and_then(|entry| self.token(&entry.value, "`token`"));
        let user = find(entries, "user").and_then(|entry| self.text(entry));
        let options = find(entries, "options").map(|entry| json_map(self.map(&entry.value, "`options`")));
        let probe = if role == Role::Probe { self.probe_setup(entries) } else { ProbeSetup::default() };
        ActorSpec { token, user, options: options.unwrap_or_default(), probe, ..blank(role) }
    }

    fn probe_setup(&mut self, entries: &[Entry]) -> ProbeSetup {
        let origin = find(entries, "origin").and_then(|entry| self.text(entry));
        let headers = find(entries, "headers").map(|entry| self.header_fields(entry)).unwrap_or_default();
        let transports = find(entries, "transports").map(|entry| self.transports(entry)).unwrap_or_default();
        ProbeSetup { origin, headers, transports }
    }

    fn header_fields(&mut self, entry: &Entry) -> BTreeMap<String, String> {
        let fields = self.map(&entry.value, "`headers`");
        fields.iter().filter_map(|field| Some((field.key.clone(), self.text(field)?))).collect()
    }

    pub(super) fn transports(&mut self, entry: &Entry) -> Vec<String> {
        let names = self.texts(entry);
        let known = grammar::TRANSPORTS;
        for name in names.iter().filter(|name| !known.contains(&name.as_str())) {
            self.unknown(entry.value.span, "transport", name, known);
        }
        names
    }

    fn count(&mut self, entry: &Entry) -> Option<u64> {
        let count = self.whole(entry)?;
        if (1..=grammar::MAX_COUNT).contains(&count) {
            return Some(count);
        }
        self.expected(entry, format!("a number from 1 to {}", grammar::MAX_COUNT));
        None
    }

    /// The actors of a step: those named, else the only one.
    pub(super) fn who(&mut self, entry: Option<&Entry>, step: Span, optional: bool) -> Vec<Actor> {
        let Some(entry) = entry else {
            let everyone = self.cast.everyone();
            if everyone.len() > 1 && !optional {
                let names: Vec<&str> = self.cast.names().collect();
                let help = format!("actors are {}", names.join(", "));
                self.diagnostics.error_with_help(step, "`who` is needed where there are several actors", help);
            }
            return everyone;
        };
        let names: Vec<&Node> = match entry.value.as_list() {
            Some(names) => names.iter().collect(),
            None => vec![&entry.value],
        };
        if names.is_empty() {
            self.expected(entry, "an actor or a list of actors");
        }
        let mut actors = Vec::new();
        for node in names {
            actors.extend(self.text_at(node, "`who`").and_then(|name| self.actor_name(&name, node.span)));
        }
        let mut actors: Vec<Actor> = actors.into_iter().flatten().collect();
        let mut seen = std::collections::BTreeSet::new();
        actors.retain(|actor| seen.insert(actor.clone()));
        actors
    }

    /// The actors of one name.
    pub(super) fn actor_name(&mut self, name: &str, span: Span) -> Option<Vec<Actor>> {
        let actors = self.cast.named(name);
        if actors.is_none() {
            let known: Vec<String> = self.cast.names().map(str::to_owned).collect();
            self.unknown(span, "actor", name, known.iter().map(String::as_str));
        }
        actors
    }
}

fn blank(role: Role) -> ActorSpec {
    ActorSpec {
        actor: Actor::new(""),
        role,
        token: None,
        user: None,
        options: Map::new(),
        probe: ProbeSetup::default(),
    }
}

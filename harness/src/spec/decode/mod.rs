//! From the tree of a file, its axes put in, to a scenario.
//!
//! Reads on after each error: what could not be read becomes a default, and the file yields no scenario. Knows nothing
//! of files or YAML's syntax.

mod action;
mod cast;
mod check;
mod given;
mod names;
mod observation;
mod pattern;
mod reader;
mod rule;
mod step;

use std::collections::BTreeSet;
use std::time::Duration;

use sparring_mock_server::contract::{Contract, SystemId};

use self::cast::Cast;
use self::names::Records;
pub(super) use self::pattern::JSON_TYPES;
pub(super) use self::rule::script;

use super::catalogue::Catalogue;
use super::error::Diagnostics;
use super::grammar;
use super::model::{Scenario, Step, Subject, Times, Verb, Window};
use super::tree::{Entry, Node, Yaml};

/// What a file is read against, and what is known of it so far.
pub(super) struct Decoder<'a> {
    diagnostics: &'a mut Diagnostics,
    catalogue: &'a Catalogue,
    system: SystemId,
    contract: &'static Contract,
    /// Names of messages that only this scenario knows.
    introduced: BTreeSet<String>,
    cast: Cast,
    records: Records,
}

/// Reads one combination of a file.
pub(super) fn scenario(
    tree: &Node,
    (id, file): (String, &str),
    system: SystemId,
    catalogue: &Catalogue,
    diagnostics: &mut Diagnostics,
) -> Option<Scenario> {
    let introduced = names::introduced(tree);
    let records = Records::named_in(tree);
    let contract = system.contract();
    let mut decoder = Decoder { diagnostics, catalogue, system, contract, introduced, cast: Cast::default(), records };
    // Of what is no map at all, nothing else need be said.
    let entries = decoder.map(tree, "a scenario");
    tree.as_map().map(|_| decoder.file(tree, entries, id, file))
}

/// How long a case may wait beyond the windows and waits that it names.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

impl Decoder<'_> {
    fn file(&mut self, tree: &Node, entries: &[Entry], id: String, file: &str) -> Scenario {
        self.known_keys(entries, "key of a scenario", grammar::FILE.iter().map(|keyword| keyword.name));
        let get = |key: &str| reader::find(entries, key);
        let title = self.title(tree, get("title"));
        let tags = get("tags").map(|entry| self.texts(entry)).unwrap_or_default();
        self.note(get("note"));
        let given = self.given(get("given"));
        let steps = self.steps(tree, get("steps"));
        let limit = get("limit").and_then(|entry| self.duration(entry)).unwrap_or_else(|| default_limit(&steps));
        Scenario {
            id,
            file: file.to_owned(),
            title,
            tags,
            system: self.system,
            subject: self.cast.subject(),
            given,
            limit,
            steps,
        }
    }

    fn title(&mut self, tree: &Node, entry: Option<&Entry>) -> String {
        let Some(entry) = entry else {
            self.diagnostics.error(tree.span, "`title` is missing");
            return String::new();
        };
        let title = self.text(entry).unwrap_or_default();
        if title.ends_with('.') || title.contains('\n') || (title.is_empty() && !entry.value.is_broken()) {
            self.expected(entry, "one sentence without a full stop");
        }
        title
    }

    fn steps(&mut self, tree: &Node, entry: Option<&Entry>) -> Vec<Step> {
        let Some(entry) = entry else {
            self.diagnostics.error(tree.span, "`steps` is missing");
            return Vec::new();
        };
        let Some(nodes) = self.list(entry) else { return Vec::new() };
        let steps: Vec<Option<Step>> = nodes.iter().enumerate().map(|(index, node)| self.step(index, node)).collect();
        // A step that could not be read may have been the check.
        let readable: Vec<Step> = steps.iter().flatten().cloned().collect();
        let checks = readable.iter().any(|step| matches!(step.verb, Verb::Expect(_) | Verb::Never(_)));
        if !checks && readable.len() == steps.len() && !matches!(entry.value.value, Yaml::Broken) {
            let help = "add an `expect` or a `never`";
            self.diagnostics.error_with_help(entry.key_span, "no step checks anything", help);
        }
        readable
    }

    fn note(&mut self, entry: Option<&Entry>) {
        if let Some(entry) = entry {
            self.text(entry);
        }
    }
}

fn default_limit(steps: &[Step]) -> Duration {
    steps.iter().map(patience_for).fold(PATIENCE, Duration::saturating_add)
}

fn patience_for(step: &Step) -> Duration {
    let window = match &step.verb {
        Verb::Wait(duration) => return *duration,
        Verb::Never(never) => never.window.as_ref(),
        Verb::Expect(expect) => match &expect.times {
            Times::Counted(_, window) => Some(window),
            Times::Each(_) => None,
        },
        Verb::Client(_) | Verb::Probe(_) | Verb::Server(_) => None,
    };
    match window {
        Some(Window::For(duration)) => *duration,
        _ => Duration::ZERO,
    }
}

impl Cast {
    /// A scenario judges a server if probes are all that act in it.
    fn subject(&self) -> Subject {
        if self.has_clients() { Subject::Client } else { Subject::Server }
    }
}

//! Fault rules, and the mapping of what is wrong with their fields to places in the file.

use sparring_mock_server::contract::SystemId;
use sparring_mock_server::script::Rule;
use sparring_mock_server::values::FieldError;

use super::Decoder;
use super::given::refers;
use super::reader::find;
use crate::spec::error::{Diagnostics, Span, choices};
use crate::spec::tree::{Entry, Node, json_map};

impl Decoder<'_> {
    /// The rules of a list.
    pub(super) fn rules(&mut self, entry: &Entry) -> Vec<Rule> {
        let nodes = self.list(entry).unwrap_or_default();
        nodes.iter().filter_map(|node| self.rule(node)).collect()
    }

    fn rule(&mut self, node: &Node) -> Option<Rule> {
        let entries = self.map(node, "a rule");
        if entries.is_empty() || node.has_broken() || refers(node) {
            return None;
        }
        if let Some(who) = find(entries, "who").map(|entry| &entry.value) {
            let _ = who.as_text().and_then(|name| self.actor_name(name, who.span));
        }
        let read = Rule::read(&json_map(entries)).and_then(|rule| match self.unfit(&rule) {
            errors if errors.is_empty() => Ok(rule),
            errors => Err(errors),
        });
        read.map_err(|errors| self.field_errors(node, "a rule", errors)).ok()
    }

    /// What is wrong with a rule in this system, apart from names that the scenario introduces itself.
    fn unfit(&self, rule: &Rule) -> Vec<FieldError> {
        let introduced = |error: &FieldError| {
            self.introduced.iter().any(|name| error.found == format!("`{name}`")) && error.path != "fault"
        };
        rule.check(self.system).into_iter().filter(|error| !introduced(error)).collect()
    }

    /// Errors about fields of the data that a node holds, put where the fields stand.
    pub(super) fn field_errors(&mut self, node: &Node, what: &str, errors: Vec<FieldError>) {
        put(self.diagnostics, node, what, errors);
    }
}

/// The rules of a script file.
pub(in crate::spec) fn script(tree: &Node, system: SystemId, diagnostics: &mut Diagnostics) -> Vec<Rule> {
    let Some(items) = tree.as_list() else {
        if !tree.is_broken() {
            diagnostics.error(tree.span, format!("a script is a list of rules, found {}", tree.shown()));
        }
        return Vec::new();
    };
    items.iter().filter_map(|item| script_rule(item, system, diagnostics)).collect()
}

/// A rule of a script file, in which there is only one client.
fn script_rule(node: &Node, system: SystemId, diagnostics: &mut Diagnostics) -> Option<Rule> {
    if node.has_broken() {
        return None;
    }
    let Some(entries) = node.as_map() else {
        diagnostics.error(node.span, format!("a rule is a map with the key `fault`, found {}", node.shown()));
        return None;
    };
    if let Some(who) = find(entries, "who") {
        diagnostics.error(who.value.span, "no `who`: it tells the clients of a scenario apart; here there is only one");
    }
    let read = Rule::read(&json_map(entries)).and_then(|rule| match rule.check(system) {
        errors if errors.is_empty() => Ok(rule),
        errors => Err(errors),
    });
    read.map_err(|errors| put(diagnostics, node, "a rule", errors)).ok()
}

/// Puts errors where the fields stand.
fn put(diagnostics: &mut Diagnostics, node: &Node, what: &str, errors: Vec<FieldError>) {
    for error in errors {
        let (expected, listed) = without_names(&error);
        let stray = stray_key(node, &error);
        let span = stray.unwrap_or_else(|| node.locate(&error.path));
        let message = message(&error, what, expected, stray.is_some());
        match error.suggestion.map(|name| format!("did you mean `{name}`?")).or(listed) {
            Some(help) => diagnostics.error_with_help(span, message, help),
            None => diagnostics.error(span, message),
        }
    }
}

fn message(error: &FieldError, what: &str, expected: &str, stray: bool) -> String {
    let FieldError { path, found, .. } = error;
    match (stray, expected) {
        (true, ONE_OF) => {
            format!("{found} is no key of `{}`", path.rsplit_once('.').map_or(what, |(parent, _)| parent))
        }
        (true, _) => format!("{found} is no {}", expected.trim_start_matches("a ")),
        (false, ONE_OF) => format!("{found} is no value of `{path}`"),
        (false, _) if path.is_empty() => format!("{what}: expected {expected}, found {found}"),
        (false, _) => format!("`{path}`: expected {expected}, found {found}"),
    }
}

/// What [`FieldError::unknown`] is told where the names speak for themselves.
const ONE_OF: &str = "one of";

/// What was expected; the names that [`FieldError::unknown`] lists behind it go into the help.
fn without_names(error: &FieldError) -> (&str, Option<String>) {
    match error.expected.split_once(": ") {
        Some((what, names)) if !what.starts_with("no ") => (what, choices("", &names.split(", ").collect::<Vec<_>>())),
        _ => (&error.expected, None),
    }
}

/// The place of a key that should not be there, if that is what the error is about.
fn stray_key(node: &Node, error: &FieldError) -> Option<Span> {
    let (parent, key) = error.path.rsplit_once('.').unwrap_or(("", &error.path));
    if error.found != format!("`{key}`") {
        return None;
    }
    let owner = if parent.is_empty() { Some(node) } else { node.get(parent) };
    let entry = find(owner.and_then(Node::as_map)?, key)?;
    // A value that repeats its own key is no stray key.
    (entry.value.as_text() != Some(key)).then_some(entry.key_span)
}

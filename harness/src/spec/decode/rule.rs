//! Fault rules, and the mapping of what is wrong with their fields to places in the file.

use sparring_mock_server::script::Rule;
use sparring_mock_server::values::FieldError;

use super::Decoder;
use super::given::refers;
use super::reader::find;
use crate::spec::error::Span;
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
        for error in errors {
            let (span, message) = (place_of(node, &error), message_of(what, &error));
            match error.suggestion {
                Some(name) => self.diagnostics.error_with_help(span, message, format!("did you mean `{name}`?")),
                None => self.diagnostics.error(span, message),
            }
        }
    }
}

fn message_of(what: &str, error: &FieldError) -> String {
    let subject = if error.path.is_empty() { what.to_owned() } else { format!("`{}`", error.path) };
    format!("{subject}: expected {}, found {}", error.expected, error.found)
}

/// An error about a key that should not be there points at the key, all others at the value.
fn place_of(node: &Node, error: &FieldError) -> Span {
    let (parent, key) = error.path.rsplit_once('.').unwrap_or(("", &error.path));
    if error.found == format!("`{key}`") {
        let owner = if parent.is_empty() { Some(node) } else { node.get(parent) };
        let entry = owner.and_then(Node::as_map).and_then(|entries| find(entries, key));
        if let Some(entry) = entry.filter(|entry| entry.value.as_text() != Some(key)) {
            return entry.key_span;
        }
    }
    node.locate(&error.path)
}

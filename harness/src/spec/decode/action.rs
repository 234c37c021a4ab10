//! Actions and their arguments.

use serde_json::Map;
use sparring_mock_server::journal::Actor;

use super::Decoder;
use super::reader::find;
use crate::spec::error::Span;
use crate::spec::grammar::{self, ActionShape, Argument, MINTED, VerbName};
use crate::spec::model::{Action, Role};
use crate::spec::observations::Names;
use crate::spec::reference::{self, Part};
use crate::spec::tree::{Entry, Node, Yaml, json_map};

impl Decoder<'_> {
    /// The action of a step.
    pub(super) fn action(&mut self, verb: VerbName, entry: &Entry, step: &[Entry]) -> Option<Action> {
        let name = self.text(entry)?;
        let with = find(step, "with");
        let arguments = with.map(|with| self.map(&with.value, "`with`")).unwrap_or_default();
        for argument in arguments {
            self.argument_values(&argument.value);
        }
        match verb {
            VerbName::Client => self.client_action(&name, entry, arguments),
            VerbName::Probe => self.shaped(&name, entry, with, &grammar::PROBE_ACTIONS),
            _ => self.shaped(&name, entry, with, &grammar::SERVER_ACTIONS),
        }
        let args = if with.is_some() { json_map(arguments) } else { Map::new() };
        Some(Action { name, args })
    }

    /// Only actors of the right kind can take an action.
    pub(super) fn check_role(&mut self, verb: VerbName, span: Span, who: &[Actor]) {
        let (wanted, found) = match verb {
            VerbName::Client => (Role::Client, "probe"),
            VerbName::Probe => (Role::Probe, "client"),
            _ => return,
        };
        if let Some(actor) = who.iter().find(|actor| self.cast.role(actor).is_some_and(|role| role != wanted)) {
            self.diagnostics.error(span, format!("`{actor}` is a {found} and takes no `{}` action", verb.name()));
        }
    }

    fn client_action(&mut self, name: &str, entry: &Entry, arguments: &[Entry]) {
        let contract = self.contract;
        if !contract.actions.iter().any(|action| action == name) {
            self.unknown(entry.value.span, "action", name, contract.actions.iter().map(String::as_str));
        }
        for argument in arguments.iter().filter(|argument| !super::given::refers(&argument.value)) {
            match argument.key.as_str() {
                "event" => self.check_name(&argument.value, Names::Message),
                "token" => {
                    self.token(&argument.value, "`token`");
                }
                _ => {}
            }
        }
    }

    fn shaped(&mut self, name: &str, entry: &Entry, with: Option<&Entry>, shapes: &'static [ActionShape]) {
        let Some(shape) = shape_of(shapes, name) else {
            self.unknown(entry.value.span, "action", name, shapes.iter().map(|shape| shape.name));
            return;
        };
        let arguments = with.and_then(|with| with.value.as_map()).unwrap_or_default();
        let what = format!("argument of `{name}`");
        self.known_keys(arguments, &what, shape.arguments.iter().map(|(argument, _)| *argument));
        let given = shape.one_of.iter().filter(|needed| find(arguments, needed).is_some()).count();
        let readable = with.is_none_or(|with| with.value.as_map().is_some());
        if !shape.one_of.is_empty() && given != 1 && readable {
            let span = with.map_or(entry.value.span, |with| with.value.span);
            self.diagnostics.error(span, format!("`{name}` needs `{}`", shape.one_of.join("` or `")));
        }
        for argument in arguments {
            if let Some((_, kind)) = shape.arguments.iter().find(|(known, _)| *known == argument.key) {
                self.argument(argument, *kind);
            }
        }
    }

    fn argument(&mut self, entry: &Entry, kind: Argument) {
        // A reference takes its value from a record, and a minted token is text.
        if entry.value.as_text().is_some_and(reference::occurs_in) || entry.value.get(MINTED).is_some() {
            return;
        }
        match kind {
            Argument::Any => {}
            Argument::Map => {
                self.map(&entry.value, &format!("`{}`", entry.key));
            }
            Argument::Text => drop(self.text(entry)),
            Argument::Flag => drop(self.flag(entry)),
            Argument::Number => drop(self.whole(entry)),
            Argument::Duration => drop(self.duration(entry)),
            Argument::Moment => drop(self.moment(entry)),
            Argument::Event => self.check_name(&entry.value, Names::Message),
            Argument::Endpoint => self.check_endpoint(&entry.value),
            Argument::Transport => drop(self.word(entry, &grammar::TRANSPORTS)),
            Argument::Transports => drop(self.transports(entry)),
            Argument::Fault => self.check_name(&entry.value, Names::Fault),
            Argument::Rules => drop(self.rules(entry)),
            Argument::Hex => self.hex(entry),
        }
    }

    fn hex(&mut self, entry: &Entry) {
        let Some(text) = self.text(entry) else { return };
        let digits = text.chars().filter(|c| !c.is_whitespace());
        if digits.clone().count() % 2 != 0 || !digits.clone().all(|c| c.is_ascii_hexdigit()) {
            self.expected(entry, "pairs of hexadecimal digits");
        }
    }

    /// References and minted tokens, at any depth.
    fn argument_values(&mut self, node: &Node) {
        match &node.value {
            Yaml::Text(text) => {
                for part in reference::parts(text).unwrap_or_default() {
                    if let Part::Reference(target) = part {
                        self.check_reference(&target, node.span);
                    }
                }
            }
            Yaml::List(items) => items.iter().for_each(|item| self.argument_values(item)),
            Yaml::Map(entries) => self.argument_map(node, entries),
            _ => {}
        }
    }

    fn argument_map(&mut self, node: &Node, entries: &[Entry]) {
        if let Some(token) = find(entries, MINTED) {
            if entries.len() > 1 {
                self.diagnostics.error(node.span, format!("`{MINTED}` stands alone in its map"));
            }
            self.token(&token.value, &format!("`{MINTED}`"));
        }
        for entry in entries {
            self.argument_values(&entry.value);
        }
    }
}

/// Whether the action of a step concerns the server as a whole, so that it needs no actor.
pub(super) fn is_global(verb: VerbName, entry: &Entry, step: &[Entry]) -> bool {
    let shape = entry.value.as_text().and_then(|name| shape_of(&grammar::SERVER_ACTIONS, name));
    let room = find(step, "with").is_some_and(|with| with.value.get("room").is_some());
    verb == VerbName::Server && shape.is_some_and(|shape| shape.global || (shape.name == "emit" && room))
}

fn shape_of(shapes: &'static [ActionShape], name: &str) -> Option<&'static ActionShape> {
    shapes.iter().find(|shape| shape.name == name)
}

//! A step: its verb, its modifiers, and the text it was written as.

use super::Decoder;
use super::action;
use super::reader::find;
use crate::spec::error::{Span, line_and_column};
use crate::spec::grammar::{MODIFIERS, VerbName};
use crate::spec::model::{Step, Verb};
use crate::spec::tree::{Entry, Node};

impl Decoder<'_> {
    pub(super) fn step(&mut self, index: usize, node: &Node) -> Option<Step> {
        let entries = self.map(node, "a step");
        let (verb, entry) = self.verb(entries, node)?;
        self.modifiers(verb, entries);
        self.note(find(entries, "note"));
        let optional = verb == VerbName::Wait || action::is_global(verb, entry, entries);
        let mut who = self.who(find(entries, "who"), entry.key_span, optional);
        self.check_role(verb, entry.value.span, &who);
        let since = find(entries, "since").and_then(|entry| self.earlier(entry));
        let read = match verb {
            VerbName::Expect => Some(self.expect(entry, entries, &who)),
            VerbName::Never => self.never(entry, entries, &who),
            VerbName::Wait => self.duration(entry).map(Verb::Wait),
            VerbName::Client => self.action(verb, entry, entries).map(Verb::Client),
            VerbName::Probe => self.action(verb, entry, entries).map(Verb::Probe),
            VerbName::Server => self.action(verb, entry, entries).map(Verb::Server),
        };
        if verb == VerbName::Wait {
            who.clear();
        }
        let name = find(entries, "as").and_then(|entry| self.name(entry));
        let text = self.diagnostics.text();
        let line = line_and_column(&text, node.span.start).0;
        let step = Step { index, line, source: source(&text, node.span), who, name, since, verb: read? };
        self.give_names(&step);
        Some(step)
    }

    /// The one verb of a step.
    fn verb<'n>(&mut self, entries: &'n [Entry], node: &Node) -> Option<(VerbName, &'n Entry)> {
        let mut verbs = entries.iter().filter_map(|entry| Some((VerbName::from_name(&entry.key)?, entry)));
        let Some((verb, entry)) = verbs.next() else {
            if node.as_map().is_some() {
                self.no_verb(entries, node.span);
            }
            return None;
        };
        if let Some((_, second)) = verbs.next() {
            let message = format!("a step has one verb, found `{}` and `{}`", entry.key, second.key);
            self.diagnostics.error_with_help(second.key_span, message, "make each a step of its own");
            return None;
        }
        Some((verb, entry))
    }

    fn no_verb(&mut self, entries: &[Entry], span: Span) {
        let known = VerbName::ALL.map(VerbName::name);
        let is_modifier = |entry: &Entry| MODIFIERS.iter().any(|modifier| modifier.name == entry.key);
        let mut strangers = entries.iter().filter(|entry| !is_modifier(entry));
        match (strangers.next(), strangers.next()) {
            (Some(stranger), None) => self.unknown(stranger.key_span, "verb", &stranger.key, known),
            _ => self.diagnostics.error(span, format!("a step needs a verb: {}", known.join(", "))),
        }
    }

    fn modifiers(&mut self, verb: VerbName, entries: &[Entry]) {
        let taken: Vec<&str> = verb.modifiers().map(|modifier| modifier.name).collect();
        for entry in entries {
            let key = entry.key.as_str();
            if VerbName::from_name(key) == Some(verb) || taken.contains(&key) {
                continue;
            }
            self.refuse_modifier(verb, entry, &taken);
        }
    }

    fn refuse_modifier(&mut self, verb: VerbName, entry: &Entry, taken: &[&str]) {
        let key = entry.key.as_str();
        let Some(modifier) = MODIFIERS.iter().find(|modifier| modifier.name == key) else {
            let what = format!("key of `{}`", verb.name());
            return self.unknown(entry.key_span, &what, key, taken.iter().copied());
        };
        let message = format!("`{}` takes no `{key}`", verb.name());
        let on: Vec<&str> = modifier.on.iter().map(|verb| verb.name()).collect();
        self.diagnostics.error_with_help(entry.key_span, message, format!("`{key}` goes with {}", on.join(", ")));
    }
}

/// The text of a step, its own indentation taken off the lines behind the first.
fn source(text: &str, span: Span) -> String {
    let written = text[span.start.min(text.len())..span.end.min(text.len())].trim_end();
    let column = text[..span.start].rfind('\n').map_or(span.start, |newline| span.start - newline - 1);
    let mut lines = written.lines();
    let mut source = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        let indent = line.len() - line.trim_start_matches(' ').len();
        source.push('\n');
        source.push_str(&line[indent.min(column)..]);
    }
    source
}

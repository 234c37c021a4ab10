//! The two checks, `expect` and `never`, with the modifiers that belong to them.

use sparring_mock_server::values::{NumberRange, ValueError};

use super::Decoder;
use super::names::Named;
use super::reader::{as_number_range, as_whole, find};
use crate::spec::catalogue::Party;
use crate::spec::model::{Branch, Claim, Expect, Key, Never, Step, Subject, Times, Verb, Window};
use crate::spec::observations::shape;
use crate::spec::tree::{Entry, Node};
use sparring_mock_server::journal::Actor;

impl Decoder<'_> {
    /// `expect`, its branches and its modifiers.
    pub(super) fn expect(&mut self, verb: &Entry, step: &[Entry], who: &[Actor]) -> Verb {
        let mut branches = self.branches(&verb.value, who);
        if let Some(entry) = find(step, "where") {
            self.select(entry, &mut branches);
        }
        let expect = Expect {
            branches,
            within: find(step, "within").and_then(|entry| self.duration(entry)),
            after: find(step, "after").and_then(|entry| self.range(entry, ValueError::DurationRange)),
            times: self.times(step),
            optional: self.flag_of(step, "optional"),
            unordered: self.flag_of(step, "unordered"),
            eventually: self.flag_of(step, "eventually"),
            claim: self.claim(step),
        };
        self.check_state_modifiers(&expect, step);
        Verb::Expect(expect)
    }

    /// `never` and its modifiers.
    pub(super) fn never(&mut self, verb: &Entry, step: &[Entry], who: &[Actor]) -> Option<Verb> {
        if let Some(entry) = verb.value.as_map().and_then(|entries| find(entries, "any_of")) {
            let help = "write a step for each, or use {$any_of: [..]} in a field";
            self.diagnostics.error_with_help(entry.key_span, "`never` takes one observation", help);
            return None;
        }
        let observation = self.observation(&verb.value, &[], who);
        if let Some(entry) = verb.value.get("state").filter(|state| state.as_list().is_some()) {
            let help = "use {$any_of: [..]} for one of several states";
            self.diagnostics.error_with_help(entry.span, "`never` takes one state and no run", help);
        }
        let window = self.window(step);
        let claim = self.claim(step);
        Some(Verb::Never(Never { observation: observation?, window, claim }))
    }

    fn branches(&mut self, node: &Node, who: &[Actor]) -> Vec<Branch> {
        let alternatives = node.as_map().and_then(|entries| find(entries, "any_of").map(|entry| (entries, entry)));
        let Some((entries, any_of)) = alternatives else {
            let observation = self.observation(node, &[], who);
            return observation
                .map(|one| Branch { observation: one, filter: [].into(), deviation: None })
                .into_iter()
                .collect();
        };
        self.known_keys(entries, "key beside `any_of`", ["any_of"]);
        let items = self.list(any_of).unwrap_or_default();
        if items.is_empty() && any_of.value.as_list().is_some() {
            self.expected(any_of, "at least one observation");
        }
        items.iter().filter_map(|item| self.branch(item, who)).collect()
    }

    fn branch(&mut self, node: &Node, who: &[Actor]) -> Option<Branch> {
        let observation = self.observation(node, &["deviation"], who);
        let deviation = node.as_map().and_then(|entries| find(entries, "deviation"));
        let deviation = deviation.and_then(|entry| self.contradiction(entry));
        Some(Branch { observation: observation?, filter: [].into(), deviation })
    }

    fn select(&mut self, entry: &Entry, branches: &mut [Branch]) {
        let entries: Vec<&Entry> = self.map(&entry.value, "`where`").iter().collect();
        for branch in branches {
            branch.filter = self.observed_fields(&entries, &shape(branch.observation.key));
        }
    }

    fn flag_of(&mut self, step: &[Entry], key: &str) -> bool {
        find(step, key).and_then(|entry| self.flag(entry)).unwrap_or(false)
    }

    fn times(&mut self, step: &[Entry]) -> Times {
        match (find(step, "times"), self.window(step)) {
            (None, None) => Times::Each(1),
            (None, Some(_)) => {
                self.window_without_times(step);
                Times::Each(1)
            }
            (Some(entry), None) => self.each(entry),
            (Some(entry), Some(window)) => self.counted(entry, window),
        }
    }

    fn each(&mut self, entry: &Entry) -> Times {
        let count = as_whole(&entry.value).filter(|count| *count > 0);
        if count.is_none() {
            self.expected(entry, "a whole number above 0; a range needs `for` or `until`");
        }
        Times::Each(count.unwrap_or(1))
    }

    fn counted(&mut self, entry: &Entry, window: Window) -> Times {
        let range = as_number_range(&entry.value);
        if range.is_none() {
            self.expected(entry, ValueError::NumberRange);
        }
        Times::Counted(range.unwrap_or(NumberRange::exactly(1)), window)
    }

    fn window_without_times(&mut self, step: &[Entry]) {
        for entry in ["for", "until"].into_iter().filter_map(|key| find(step, key)) {
            let message = format!("`{}` on `expect` needs `times`", entry.key);
            self.diagnostics.error_with_help(entry.key_span, message, "a bound on one record is `within`");
        }
    }

    fn window(&mut self, step: &[Entry]) -> Option<Window> {
        match (find(step, "for"), find(step, "until")) {
            (None, None) => None,
            (Some(entry), None) => self.duration(entry).map(Window::For),
            (None, Some(entry)) => self.anywhere(entry).map(Window::Until),
            (Some(_), Some(entry)) => {
                self.diagnostics.error(entry.key_span, "a window ends by `for` or by `until`, not by both");
                None
            }
        }
    }

    fn check_state_modifiers(&mut self, expect: &Expect, step: &[Entry]) {
        let is_state = |branch: &Branch| branch.observation.key == Key::State;
        if let Some(entry) = find(step, "eventually").filter(|_| !expect.branches.iter().all(is_state)) {
            self.diagnostics.error(entry.key_span, "`eventually` is for states; other lanes pass over records anyway");
        }
        if let Some(entry) = find(step, "unordered").filter(|_| expect.branches.iter().any(is_state)) {
            let help = "`eventually` passes over states";
            self.diagnostics.error_with_help(entry.key_span, "the state lane is strict and takes no `unordered`", help);
        }
    }

    /// What the check is for.
    fn claim(&mut self, step: &[Entry]) -> Claim {
        let requirements = find(step, "req").map(|entry| self.requirements(entry)).unwrap_or_default();
        if let Some(entry) = find(step, "level").filter(|_| find(step, "req").is_some()) {
            let help = "the catalogue says how binding a requirement is";
            self.diagnostics.error_with_help(entry.key_span, "`level` is for checks without `req`", help);
        }
        let level = find(step, "level").and_then(|entry| self.word(entry, &["must", "should"]));
        let deviation = find(step, "deviation").and_then(|entry| self.contradiction(entry));
        Claim { requirements, level: level.and_then(|word| word.parse().ok()), deviation }
    }

    fn requirements(&mut self, entry: &Entry) -> Vec<String> {
        let nodes = self.list(entry).unwrap_or_default();
        if nodes.is_empty() && entry.value.as_list().is_some() {
            self.expected(entry, "at least one requirement id");
        }
        nodes.iter().filter_map(|node| self.requirement(node)).collect()
    }

    fn requirement(&mut self, node: &Node) -> Option<String> {
        let id = self.text_at(node, "`req`")?;
        let catalogue = self.catalogue;
        match catalogue.requirements.get(&id).map(|requirement| requirement.party) {
            Some(party) => self.check_party(&id, party, node),
            None if catalogue.contradictions.contains_key(&id) => {
                let message = format!("`{id}` is a contradiction, not a requirement");
                self.diagnostics.error_with_help(node.span, message, "contradictions are named by `deviation`");
            }
            None => self.unknown(node.span, "requirement", &id, catalogue.requirements.keys().map(String::as_str)),
        }
        Some(id)
    }

    fn check_party(&mut self, id: &str, party: Party, node: &Node) {
        let subject = if self.cast.has_clients() { Subject::Client } else { Subject::Server };
        let message = match (party, subject) {
            (Party::Client, Subject::Server) => "is about the client, and only probes act in this scenario",
            (Party::Server, Subject::Client) => "is about the server, and this scenario judges a client",
            _ => return,
        };
        self.diagnostics.error(node.span, format!("requirement `{id}` {message}"));
    }

    fn contradiction(&mut self, entry: &Entry) -> Option<String> {
        let id = self.text(entry)?;
        let catalogue = self.catalogue;
        if !catalogue.contradictions.contains_key(&id) {
            let known = catalogue.contradictions.keys().map(String::as_str);
            self.unknown(entry.value.span, "contradiction", &id, known);
        }
        Some(id)
    }

    /// What the name of this step stands for from here on.
    pub(super) fn give_names(&mut self, step: &Step) {
        let Some(name) = &step.name else { return };
        match &step.verb {
            Verb::Expect(expect) => {
                for branch in &expect.branches {
                    self.give(name, Named::Record(branch.observation.key));
                }
            }
            Verb::Client(_) => self.give(name, Named::Action(crate::spec::grammar::VerbName::Client)),
            Verb::Probe(_) => self.give(name, Named::Action(crate::spec::grammar::VerbName::Probe)),
            Verb::Server(_) => self.give(name, Named::Action(crate::spec::grammar::VerbName::Server)),
            Verb::Never(_) | Verb::Wait(_) => {}
        }
    }
}

//! Rules come and go while the server runs.
//!
//! Every change is one lock: no connection meets half of it. Knows nothing of who asks for it.

use std::sync::Arc;

use super::{Entry, Rule, Rules, Script};

/// A rule in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Armed {
    /// Its index, which is that of its records.
    pub index: usize,
    /// The rule.
    pub rule: Arc<Rule>,
    /// How often it has fired.
    pub fired: u64,
}

/// What became different when rules were exchanged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    /// Rules that are no longer in force.
    pub gone: Vec<Arc<Rule>>,
    /// Rules that were not in force before.
    pub new: Vec<Arc<Rule>>,
}

impl Script {
    /// Arms further rules, behind those that are there; returns the index of the first.
    pub fn arm(&self, rules: Vec<Rule>) -> usize {
        let mut inside = self.lock();
        let first = inside.next;
        for rule in rules {
            inside.push(rule, false);
        }
        self.told(inside, first)
    }

    /// Puts these in the place of all rules in force; returns the index of the first.
    ///
    /// A rule that was in force is a new one all the same: what it has done is forgotten.
    pub fn replace(&self, rules: Vec<Rule>) -> usize {
        let mut inside = self.lock();
        inside.disarm(|_| true);
        let first = inside.next;
        for rule in rules {
            inside.push(rule, false);
        }
        self.told(inside, first)
    }

    /// Makes these the rules of the start, in the place of those that were. Rules armed since stay in force behind them.
    ///
    /// A rule that was in force already keeps its index and what it has done.
    pub fn rebase(&self, rules: Vec<Rule>) -> Change {
        let mut inside = self.lock();
        let first = inside.next;
        inside.start.clone_from(&rules);
        let later = inside.entries.extract_if(.., |entry| !entry.of_start).collect::<Vec<_>>();
        let mut new = Vec::new();
        let mut before = std::mem::take(&mut inside.entries);
        for rule in rules {
            if let Some(place) = before.iter().position(|entry| *entry.rule == rule) {
                inside.entries.push(before.remove(place));
            } else {
                new.push(inside.push(rule, true));
            }
        }
        let gone = before.iter().map(|entry| Arc::clone(&entry.rule)).collect();
        for entry in before {
            inside.end(entry);
        }
        inside.entries.extend(later);
        self.told(inside, first);
        Change { gone, new }
    }

    /// Disarms the rule of this index: it fires no more, and a lasting effect is to be undone. None if there is none.
    pub fn remove(&self, index: usize) -> Option<Arc<Rule>> {
        self.lock().disarm(|entry| entry.index == index).pop()
    }

    /// Disarms all rules of this fault, as [`remove`](Script::remove) does. Returns how many.
    pub fn disarm(&self, fault: &str) -> usize {
        self.lock().disarm(|entry| entry.rule.fault.id() == fault).len()
    }

    /// Disarms all rules, as [`remove`](Script::remove) does. Returns how many.
    pub fn clear(&self) -> usize {
        self.lock().disarm(|_| true).len()
    }

    /// Arms the rules of the start as if there had been none before: they are counted from 0 again.
    ///
    /// For a server without connections and with an empty journal, where no index means anything any more.
    pub(crate) fn begin_again(&self) {
        let mut inside = self.lock();
        inside.disarm(|_| true);
        inside.next = 0;
        for rule in inside.start.clone() {
            inside.push(rule, true);
        }
        self.told(inside, 0);
    }

    /// Waits until nobody carries out a rule that has been disarmed: every effect has been undone.
    pub(crate) async fn settled(&self) {
        let ending = std::mem::take(&mut self.lock().ending);
        for rule in ending {
            rule.closed().await;
        }
    }

    /// The rules in force, with their indices, in the order in which they have their say.
    pub fn rules(&self) -> Vec<(usize, Arc<Rule>)> {
        self.lock().entries.iter().map(|entry| (entry.index, Arc::clone(&entry.rule))).collect()
    }

    /// The rules in force, and how often each has fired.
    pub fn list(&self) -> Vec<Armed> {
        self.lock().entries.iter().map(Entry::listed).collect()
    }

    /// Lets go of the rules and tells that some may have been armed.
    fn told(&self, inside: std::sync::MutexGuard<'_, Rules>, first: usize) -> usize {
        let number = inside.next;
        drop(inside);
        self.armed.send_replace(number);
        first
    }
}

impl Rules {
    fn push(&mut self, rule: Rule, of_start: bool) -> Arc<Rule> {
        let entry = Entry::new(self.next, rule, of_start);
        let rule = Arc::clone(&entry.rule);
        self.next += 1;
        self.entries.push(entry);
        rule
    }

    fn disarm(&mut self, which: impl Fn(&Entry) -> bool) -> Vec<Arc<Rule>> {
        let disarmed: Vec<Entry> = self.entries.extract_if(.., |entry| which(entry)).collect();
        let rules = disarmed.iter().map(|entry| Arc::clone(&entry.rule)).collect();
        for entry in disarmed {
            self.end(entry);
        }
        rules
    }

    fn end(&mut self, entry: Entry) {
        entry.armed.send_replace(false);
        self.ending.retain(|ending| !ending.is_closed());
        self.ending.push(entry.armed);
    }
}

impl Entry {
    fn listed(&self) -> Armed {
        let fired = self.actors.values().map(|history| history.fired).sum();
        Armed { index: self.index, rule: Arc::clone(&self.rule), fired }
    }
}

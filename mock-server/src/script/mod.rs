//! The rules: which fault, on which connection attempts, when.
//!
//! At each stage the honest code asks the [`Script`] once and obeys the answer. Everything a rule does stands in the
//! journal with the rule's index. Knows nothing of how a system does what it is told.

mod chance;
mod change;
mod check;
mod cold;
pub mod fault;
mod firing;
mod limit;
mod line;
mod read;
mod rule;
mod schema;
mod stage;
mod write;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::journal::{Actor, Journal, Moment};
use cold::ColdState;
use limit::LimitState;

pub use change::{Armed, Change};
pub use fault::{Fault, FaultInfo};
pub use firing::Firing;
pub use line::LineError;
pub use read::{COMMON_KEYS, read_rules};
pub use rule::{Rule, When};
pub use stage::{Direction, RequestKind, Stage, Subject};

/// The rules of one mock server, and what they have done so far.
///
/// Every answer is a list in the order of the rules. A firing counts when it is handed out: who asks, obeys.
#[derive(Debug)]
pub struct Script {
    seed: u64,
    journal: Arc<Journal>,
    rules: Mutex<Rules>,
    armed: watch::Sender<usize>,
}

/// The rules in force, and what is left of those that were.
#[derive(Debug, Default)]
struct Rules {
    /// Those in force, in the order in which they have their say.
    entries: Vec<Entry>,
    /// Index of the next rule: none is given twice, so that an index in the journal means one rule.
    next: usize,
    /// Those of the start, to which a reset returns.
    start: Vec<Rule>,
    /// The ends of disarmed rules that their executors still hold.
    ending: Vec<watch::Sender<bool>>,
}

/// A rule in force, with its history.
#[derive(Debug)]
struct Entry {
    index: usize,
    rule: Arc<Rule>,
    /// Whether it is one of those of the start.
    of_start: bool,
    /// True until the rule is disarmed.
    armed: watch::Sender<bool>,
    /// Whether a rule of the whole server has been handed out.
    handed_out: bool,
    actors: HashMap<Actor, History>,
    cold: ColdState,
    limit: LimitState,
}

/// What a rule has done to an actor.
#[derive(Debug, Default)]
struct History {
    /// Numbers drawn: one for each time that all else was right.
    draws: u64,
    /// Firings.
    fired: u64,
    /// When it first took effect.
    first: Option<Moment>,
}

impl Script {
    /// A script with these rules armed. `seed` decides every chance.
    pub fn new(rules: Vec<Rule>, seed: u64, journal: Arc<Journal>) -> Self {
        let script = Self { seed, journal, rules: Mutex::default(), armed: watch::Sender::new(0) };
        script.rebase(rules);
        script
    }

    /// Whether no rule has ever been armed, so that there is no need to ask.
    pub fn is_empty(&self) -> bool {
        *self.armed.borrow() == 0
    }

    /// Whether any rule is about such a message, whomever it concerns; so that not everybody need be asked about.
    pub fn is_about(&self, message: &str, direction: Direction) -> bool {
        !self.is_empty() && self.lock().entries.iter().any(|entry| entry.rule.is_about(message, direction))
    }

    /// What goes wrong at this stage. Rules that a message starts are not among it: see [`Script::on`].
    pub fn at(&self, stage: Stage, subject: &Subject<'_>) -> Vec<Firing> {
        self.fire(subject, |rule| rule.stage() == stage && rule.stage() != Stage::Message)
    }

    /// What goes wrong with this message: to be asked once, before it goes out or after it has come in.
    ///
    /// Faults of the message itself work on it; those that it starts begin when it has been sent or has come in.
    pub fn on(&self, message: &str, direction: Direction, subject: &Subject<'_>) -> Vec<Firing> {
        self.fire(subject, |rule| rule.is_about(message, direction))
    }

    /// What goes wrong with a TCP connection of the actor that has just been accepted.
    pub fn accept(&self, actor: &Actor) -> Vec<Firing> {
        self.at(Stage::Accept, &Subject::of(actor))
    }

    /// What time alone starts, each rule once: to be asked at the start, and again whenever [`Script::armed`] changes.
    ///
    /// These firings belong to the actor `server`, or to whom the rule names; see [`Firing::on_behalf_of`]. Whom the rule concerns is for the
    /// executor to ask, with [`Rule::is_for`].
    pub fn standing(&self) -> Vec<Firing> {
        let mut rules = self.lock();
        let mut firings = Vec::new();
        for entry in &mut rules.entries {
            if !entry.handed_out && entry.rule.stage() == Stage::Start {
                entry.handed_out = true;
                let server = Actor::new(entry.rule.who.as_deref().unwrap_or("server"));
                firings.extend(entry.fire(&Subject::of(&server), self));
            }
        }
        firings
    }

    /// Tells when rules have been armed: its value is their number so far.
    pub fn armed(&self) -> watch::Receiver<usize> {
        self.armed.subscribe()
    }

    fn fire(&self, subject: &Subject<'_>, works: impl Fn(&Rule) -> bool) -> Vec<Firing> {
        let mut rules = self.lock();
        let entries = rules.entries.iter_mut().filter(|entry| works(&entry.rule));
        entries.filter_map(|entry| entry.fire(subject, self)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Rules> {
        // A panic while the lock was held leaves counters that are at worst one short.
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn new(index: usize, rule: Rule, of_start: bool) -> Self {
        Self {
            index,
            rule: Arc::new(rule),
            of_start,
            armed: watch::Sender::new(true),
            handed_out: false,
            actors: HashMap::new(),
            cold: ColdState::default(),
            limit: LimitState::default(),
        }
    }

    /// Fires if the rule selects the subject, and if it is not used up and chance wills it.
    fn fire(&mut self, subject: &Subject<'_>, script: &Script) -> Option<Firing> {
        let (now, index) = (Moment::now(), self.index);
        if !self.rule.selects(subject) {
            return None;
        }
        let firing = |wait| Firing::new(index, &self.rule, wait, subject, &script.journal, self.armed.subscribe());
        if let Fault::RateLimit(fault) = &self.rule.fault {
            let history = self.actors.entry(subject.actor.clone()).or_default();
            let starts = || history.fire(&self.rule, script.seed, index, subject.actor, now);
            return self.limit.refuses(fault, subject, now, starts).then(|| firing(Duration::ZERO));
        }
        let Fault::ColdStart(fault) = &self.rule.fault else {
            let history = self.actors.entry(subject.actor.clone()).or_default();
            return history.fire(&self.rule, script.seed, index, subject.actor, now).then(|| firing(Duration::ZERO));
        };
        // A cold start is one firing, however many requests wait for its end.
        let history = self.actors.entry(subject.actor.clone()).or_default();
        let starts = || history.fire(&self.rule, script.seed, index, subject.actor, now);
        self.cold.wait(fault, now, starts).map(firing)
    }
}

impl History {
    /// Counts a firing, unless the rule is used up or chance is against it.
    fn fire(&mut self, rule: &Rule, seed: u64, index: usize, actor: &Actor, now: Moment) -> bool {
        let fires = !self.is_used_up(rule, now) && self.draw(rule, seed, index, actor);
        if fires {
            self.fired += 1;
            self.first.get_or_insert(now + rule.after);
        }
        fires
    }

    fn is_used_up(&self, rule: &Rule, now: Moment) -> bool {
        let spent = rule.times.is_some_and(|times| self.fired >= times);
        let over = self.first.zip(rule.in_force_for()).is_some_and(|(first, lasts)| now >= first + lasts);
        spent || over
    }

    fn draw(&mut self, rule: &Rule, seed: u64, index: usize, actor: &Actor) -> bool {
        let ordinal = self.draws;
        self.draws += 1;
        rule.probability.is_none_or(|chance| chance::draw(seed, index, actor, ordinal) < chance)
    }
}

#[cfg(test)]
mod tests;

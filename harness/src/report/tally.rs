//! Cases counted by what they count as, for each system and client. Knows nothing of how tables look.

use std::collections::BTreeMap;

use super::results::Results;
use super::status::Status;

/// The counts of one client on one system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<Status, usize>);

impl Counts {
    /// How many cases have this status.
    pub fn of(&self, status: Status) -> usize {
        self.0.get(&status).copied().unwrap_or_default()
    }

    /// How many cases there are.
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// Each status that occurs, with its number.
    pub fn iter(&self) -> impl Iterator<Item = (Status, usize)> {
        self.0.iter().map(|(status, number)| (*status, *number))
    }

    /// Counts one more.
    pub fn add(&mut self, status: Status) {
        *self.0.entry(status).or_default() += 1;
    }
}

/// A line of the matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// The system.
    pub system: &'a str,
    /// The client.
    pub client: &'a str,
    /// Its cases.
    pub counts: Counts,
}

/// The matrix of systems and clients, in the order in which they first appear.
pub fn matrix(results: &Results) -> Vec<Line<'_>> {
    let mut systems: Vec<&str> = Vec::new();
    let mut lines: Vec<Line<'_>> = Vec::new();
    for case in &results.cases {
        let (system, client) = (case.system.as_str(), case.client.as_str());
        if !systems.contains(&system) {
            systems.push(system);
        }
        let place = lines.iter().position(|line| (line.system, line.client) == (system, client));
        let place = place.unwrap_or_else(|| {
            lines.push(Line { system, client, counts: Counts::default() });
            lines.len() - 1
        });
        lines[place].counts.add(Status::of(case));
    }
    // The sort is stable: clients keep their order.
    lines.sort_by_key(|line| systems.iter().position(|system| *system == line.system));
    lines
}

/// All cases together.
pub fn total(results: &Results) -> Counts {
    let mut counts = Counts::default();
    results.cases.iter().for_each(|case| counts.add(Status::of(case)));
    counts
}

/// Only those that are not as expected.
pub fn unexpected(results: &Results) -> Counts {
    let mut counts = Counts::default();
    results.cases.iter().filter(|case| !case.expected).for_each(|case| counts.add(Status::of(case)));
    counts
}

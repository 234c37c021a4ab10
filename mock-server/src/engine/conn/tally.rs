//! How many messages of each name have left.
//!
//! Bounded, whatever names a client makes a server say: beyond so many, or so long ones, all others count as one, so
//! that a count is never too low. Knows nothing of messages.

use std::collections::HashMap;

/// Names that are counted for themselves.
const NAMES: usize = 1_024;

/// Bytes of a name that is.
const LONGEST: usize = 256;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: HashMap<Box<str>, u32>,
    others: u32,
}

impl Tally {
    /// One more of this name.
    pub(super) fn add(&mut self, name: &str) {
        if let Some(count) = self.counts.get_mut(name) {
            *count += 1;
        } else if name.len() <= LONGEST && self.counts.len() < NAMES {
            // What it counted as so far, and one more.
            self.counts.insert(name.into(), self.others + 1);
        } else {
            self.others += 1;
        }
    }

    /// How many there are of this name.
    pub(super) fn of(&self, name: &str) -> u32 {
        self.counts.get(name).copied().unwrap_or(self.others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_never_fall_and_rise_with_every_message() {
        let mut tally = Tally::default();
        tally.add("first");
        tally.add(&"x".repeat(LONGEST + 1));
        for number in 0..2 * NAMES {
            let (name, before) = (number.to_string(), tally.of(&number.to_string()));
            tally.add(&name);
            assert!(tally.of(&name) > before);
        }
        assert_eq!((tally.of("first"), tally.counts.len()), (1, NAMES));
        let (long, before) = ("x".repeat(LONGEST + 1), tally.others);
        tally.add(&long);
        assert_eq!(tally.of(&long), before + 1);
    }
}

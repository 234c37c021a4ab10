//! A line in which messages wait for their turn, so that none overtakes another.
//!
//! While nobody stands in it, a message passes at once. Knows nothing of messages.

use std::collections::VecDeque;

/// See the module. One task at a time takes the line through.
#[derive(Debug)]
pub(crate) struct Line<T> {
    waiting: VecDeque<T>,
    taken: bool,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), taken: false }
    }
}

impl<T> Line<T> {
    /// A line that somebody is about to take through.
    pub(crate) fn taken() -> Self {
        Self { taken: true, ..Self::default() }
    }

    /// Whether a message may pass at once.
    pub(crate) fn is_free(&self) -> bool {
        !self.taken
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Puts a message at the end; yes if the caller now has to see to it that the line is taken through.
    pub(crate) fn push(&mut self, item: T) -> bool {
        self.waiting.push_back(item);
        !std::mem::replace(&mut self.taken, true)
    }

    /// The next message, for who takes the line through; with none, the line is free again.
    pub(crate) fn next(&mut self) -> Option<T> {
        let next = self.waiting.pop_front();
        self.taken = next.is_some();
        next
    }
}

//! From the journal and the client's report to one trace.

mod history;
mod merge;
mod record;

pub use merge::{Ending, Merger, Stamp};
pub use record::{Observed, Record, What};

#[cfg(test)]
mod tests;

//! A piece of the journal, for whoever reads it by offsets.
//!
//! Knows nothing of how it is written down.

use std::ops::Range;
use std::sync::Arc;

use super::Record;

/// Records from an offset on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The records, oldest first.
    pub records: Vec<Arc<Record>>,
    /// Offsets that were asked for and are no longer kept.
    pub gap: Option<Range<u64>>,
    /// The offset behind the last of them: where to read on.
    pub next: u64,
}

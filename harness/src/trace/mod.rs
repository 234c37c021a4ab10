//! From the journal and the client's report to one trace.

mod record;

pub use record::{Observed, Record, What};

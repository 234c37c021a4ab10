//! From verdicts and traces to what people and programs read.
//!
//! Every report is made from [`results::Results`] or from the stream of [`events::RunEvent`]s, and writes only to the
//! writer it is given. A new report is one file here and one row in [`mod@format`]. [`status`] and [`words`] are shared, so that all reports say the same of a case.

pub mod events;
pub mod faults;
pub mod format;
pub mod json;
pub mod junit;
pub mod library;
pub mod ndjson;
pub mod requirement;
pub mod requirements;
pub mod results;
#[cfg(test)]
mod sample;
pub mod status;
pub mod tally;
pub mod terminal;
pub mod words;

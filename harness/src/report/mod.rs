//! From verdicts and traces to what people and programs read.
//!
//! Every report is made from [`results::Results`] or from the stream of [`events::RunEvent`]s, and writes only to the
//! writer it is given. A new report is one file here and one line in the command line's table of formats.

pub mod events;
pub mod junit;
pub mod results;
pub mod words;

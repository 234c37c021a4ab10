//! Running planned cases: the only stage with I/O.

pub mod adapter;
pub mod lateness;
pub mod warp;

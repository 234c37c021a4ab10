//! The routes, one file for each kind of thing.
//!
//! Each route says in its doc what the OpenAPI document says of it, and does what it does by calls that Rust code has
//! too.

pub(super) mod clock;
pub(super) mod connections;
pub(super) mod journal;
pub(super) mod rules;
pub(super) mod server;
pub(super) mod tokens;

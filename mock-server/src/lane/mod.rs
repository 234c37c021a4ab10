//! The words of the wire lane: how request heads, bodies and packets stand in records.
//!
//! Whoever writes down traffic takes its words from here, so that one packet has the same record on either side of it.
//! Knows nothing of connections, sessions or rules.

mod head;
mod packet;
mod plain;

pub use head::{Head, Kind, body, headers};
pub use packet::{message, with_token};
pub use plain::{binary, frame, text};

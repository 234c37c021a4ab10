//! The listener and the byte stream beneath HTTP: the only place that resets, cuts, stalls, delays, drops, replaces,
//! coalesces or injects bytes.
//!
//! Honest code sees an ordinary byte stream. Whoever has a connection's [`Link`] bends it: at once, from anywhere, and
//! in the order of the calls. A connection that nobody bends passes its bytes straight to the socket. Knows nothing of
//! HTTP beyond the answer that ends it, of Engine.IO, of rules or of the journal.
//!
//! ```text
//! layer above ── tap ── lane (latency, stall) ── socket ── peer
//! ```

mod detour;
mod frame;
mod graveyard;
mod latency;
mod link;
mod listener;
mod stream;
mod tap;
mod tapped;
#[cfg(test)]
mod tests;
mod upgrade;

pub(crate) use frame::{FIN, Head, apply_mask, put_length};
pub use frame::{Frame, FrameReader, LARGEST_KEPT, Opcode, Piece};
pub use latency::{Direction, Latency};
pub use link::{By, End, How, Link};
pub use listener::Listener;
pub use stream::Stream;
pub use tap::{Passage, Tap};

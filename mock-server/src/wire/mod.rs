//! The listener and the byte stream beneath HTTP: the only place that resets, cuts, stalls, delays, paces, slices,
//! limits, drops, replaces, coalesces or injects bytes.
//!
//! Honest code sees an ordinary byte stream. Whoever has a connection's [`Link`] bends it: at once, from anywhere, and
//! in the order of the calls. A connection that nobody bends passes its bytes straight to the socket. Knows nothing of
//! HTTP beyond the answer that ends it, of Engine.IO, of rules or of the journal.
//!
//! ```text
//! layer above ── tap or injection ── lane (latency, pace, stall) ── limit ── socket or TLS ── peer
//! ```

mod activity;
mod batch;
mod boundary;
mod course;
mod crew;
mod detour;
mod flow;
mod frame;
mod lane;
mod latency;
mod limit;
mod link;
mod listener;
mod pace;
mod socket;
mod stream;
mod tap;
mod tapped;
#[cfg(test)]
mod tests;
mod tls;
mod untapped;
mod upgrade;

pub use activity::Activity;
pub(crate) use frame::{FIN, Head, apply_mask, put_length};
pub use frame::{Frame, FrameReader, LARGEST_KEPT, Opcode, Piece};
pub use latency::{Direction, Latency};
pub use limit::Limit;
pub use link::{By, End, How, Link};
pub use listener::Listener;
pub use pace::{Bandwidth, Shape, Slices};
pub use stream::Stream;
pub use tap::{Passage, Tap};
pub use tls::{Flaw, Tls, TlsError};

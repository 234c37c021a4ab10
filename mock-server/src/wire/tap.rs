//! What looks at whole WebSocket frames and decides on each.
//!
//! Knows nothing of bytes, sockets or time.

use super::{End, Frame};

/// Sees every frame of a connection, in both directions, and decides what becomes of it.
///
/// Called on the task that serves the connection, so it must not block. It may use the connection's link. Frames from
/// the peer are shown when the layer above reads them, after any latency; frames to the peer when they are written.
///
/// A frame waits here until all of it has come, unless its payload exceeds [`LARGEST_KEPT`](super::LARGEST_KEPT): such
/// a frame is shown by its head alone, without payload ([`Frame::is_whole`] is false), and passes in pieces as it comes.
/// It can be dropped or replaced, but not held.
pub trait Tap: Send + Sync {
    /// A frame that the layer above has written.
    fn outgoing(&self, frame: &Frame) -> Passage {
        let _ = frame;
        Passage::Pass
    }

    /// A frame that has come from the peer. Its payload is unmasked.
    fn incoming(&self, frame: &Frame) -> Passage {
        let _ = frame;
        Passage::Pass
    }

    /// The connection is over. Called once.
    fn ended(&self, end: End) {
        let _ = end;
    }
}

/// What becomes of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passage {
    /// It goes on, byte for byte as it came.
    Pass,
    /// It vanishes.
    Drop,
    /// It waits for the next frame that passes, or for a release; then all that wait go on in one write.
    Hold,
    /// These go on in its place. Frames that come from the peer are masked as needed.
    Instead(Vec<Frame>),
}

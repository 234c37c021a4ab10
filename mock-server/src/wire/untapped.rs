//! Injection into a connection that nobody taps: at the boundary between two frames.
//!
//! Knows nothing of sockets or time.

use bytes::Bytes;

use super::batch::Batch;
use super::boundary::Boundary;
use super::flow::Flow;

/// What waits for the boundary.
#[derive(Default)]
pub(super) struct Untapped {
    pub(super) outward: Batch,
    pub(super) inward: Batch,
}

impl Untapped {
    pub(super) fn is_empty(&self) -> bool {
        self.outward.is_empty() && self.inward.is_empty()
    }

    /// Takes what the layer above writes, and gives what goes out of it.
    pub(super) fn outgoing(&mut self, bytes: &[u8], flow: &mut Flow, out: &mut Batch) {
        let http = flow.upgrade.take(bytes);
        out.copy(&bytes[..http]);
        weave(Bytes::copy_from_slice(&bytes[http..]), &mut flow.outward, &mut self.outward, out);
    }

    /// Takes what the peer has sent, and gives what the layer above gets of it.
    pub(super) fn incoming(&mut self, bytes: Bytes, flow: &mut Flow, ready: &mut Batch) {
        if flow.upgrade.is_done() {
            weave(bytes, &mut flow.inward, &mut self.inward, ready);
        } else {
            ready.add(bytes);
        }
    }

    /// Sends bytes. As long as HTTP is spoken, nobody knows where an answer ends.
    pub(super) fn send(&mut self, bytes: Bytes, flow: &Flow, out: &mut Batch) {
        self.outward.add(bytes);
        if flow.outward.is_here() {
            out.append(&mut self.outward);
        }
    }

    /// Gives the layer above the bytes of a frame.
    pub(super) fn feed(&mut self, bytes: Bytes, flow: &Flow, ready: &mut Batch) {
        self.inward.add(bytes);
        self.take_fed(flow, ready);
    }

    /// What was to be fed before the upgrade, once that is done.
    pub(super) fn take_fed(&mut self, flow: &Flow, ready: &mut Batch) {
        if flow.upgrade.is_done() && flow.inward.is_here() {
            ready.append(&mut self.inward);
        }
    }
}

/// Passes bytes of frames on, with what waits put in at the first boundary.
fn weave(mut bytes: Bytes, boundary: &mut Boundary, waiting: &mut Batch, out: &mut Batch) {
    while !waiting.is_empty() && !bytes.is_empty() {
        if boundary.is_here() {
            out.append(waiting);
        } else {
            out.add(bytes.split_to(boundary.pass_frame(&bytes)));
        }
    }
    if boundary.is_here() && bytes.is_empty() {
        out.append(waiting);
    }
    boundary.pass(&bytes);
    out.add(bytes);
}

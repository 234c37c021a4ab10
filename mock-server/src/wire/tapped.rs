//! The two directions of a connection under a tap: cut into frames, judged, and put together again.
//!
//! The bytes given out end within a frame only while a frame above [`LARGEST_KEPT`](super::frame::LARGEST_KEPT) passes;
//! bytes to be injected wait until then, and until the upgrade. Knows nothing of sockets or time.

use std::sync::Arc;

use bytes::Bytes;

use super::batch::Batch;
use super::boundary::Boundary;
use super::flow::Flow;
use super::frame::{FrameReader, Piece};
use super::untapped::Untapped;
use super::upgrade::Upgrade;
use super::{End, Frame, Passage, Tap};

/// A tap and what it needs.
pub(super) struct Tapped {
    tap: Arc<dyn Tap>,
    upgrade: Upgrade,
    outward: Way,
    inward: Way,
}

impl Tapped {
    /// Goes on where the connection is; what was to be injected still is.
    pub(super) fn new(tap: Arc<dyn Tap>, flow: Flow, untapped: Untapped) -> Self {
        let (outward, inward) = (Way::at(flow.outward, untapped.outward), Way::at(flow.inward, untapped.inward));
        Self { tap, upgrade: flow.upgrade, outward, inward }
    }

    /// Another tap looks from now on; frames that were begun stay whole.
    pub(super) fn replace(&mut self, tap: Arc<dyn Tap>) {
        self.tap = tap;
    }

    /// Takes what the layer above writes, and gives what goes out of it.
    pub(super) fn outgoing(&mut self, bytes: &[u8], out: &mut Batch) {
        let http = self.upgrade.take(bytes);
        out.copy(&bytes[..http]);
        if self.upgrade.is_done() {
            let tap = &self.tap;
            self.outward.take(&bytes[http..], out, |frame| tap.outgoing(frame), |frame| frame.to_bytes());
        }
    }

    /// Takes what the peer has sent, and gives what the layer above gets of it.
    pub(super) fn incoming(&mut self, bytes: Bytes, ready: &mut Batch) {
        if self.upgrade.is_done() {
            let tap = &self.tap;
            self.inward.take(&bytes, ready, |frame| tap.incoming(frame), forged);
        } else {
            ready.add(bytes);
        }
    }

    /// Sends bytes past the tap.
    pub(super) fn send(&mut self, bytes: Bytes, out: &mut Batch) {
        self.outward.inject(bytes, self.upgrade.is_done(), out);
    }

    /// Gives the layer above a frame past the tap.
    pub(super) fn feed(&mut self, frame: Frame, ready: &mut Batch) {
        self.inward.inject(forged(frame), self.upgrade.is_done(), ready);
    }

    /// What was to be fed before the upgrade, once that is done.
    pub(super) fn take_fed(&mut self, ready: &mut Batch) {
        if self.upgrade.is_done() {
            self.inward.take_waiting(ready);
        }
    }

    /// Lets go what is held towards the peer.
    pub(super) fn release_outward(&mut self, out: &mut Batch) {
        self.outward.release(out);
    }

    /// Lets go what is held towards the layer above.
    pub(super) fn release_inward(&mut self, ready: &mut Batch) {
        self.inward.release(ready);
    }

    /// The layer above writes no more: what is held goes, and the frame that it began.
    pub(super) fn end_outward(&mut self, out: &mut Batch) {
        self.outward.end(out);
    }

    /// The peer sends no more.
    pub(super) fn end_inward(&mut self, ready: &mut Batch) {
        self.inward.end(ready);
    }

    pub(super) fn ended(&self, end: End) {
        self.tap.ended(end);
    }
}

/// One direction.
#[derive(Default)]
struct Way {
    /// Within a frame that was begun before the tap came: it passes without a look.
    begun: Boundary,
    reader: FrameReader,
    held: Batch,
    /// Injections that wait for a frame boundary.
    waiting: Batch,
    /// Whether the large frame that is on its way vanishes.
    swallows: bool,
}

impl Way {
    fn at(begun: Boundary, waiting: Batch) -> Self {
        Self { begun, waiting, ..Self::default() }
    }

    fn take(
        &mut self,
        bytes: &[u8],
        out: &mut Batch,
        judge: impl Fn(&Frame) -> Passage,
        write: impl Fn(Frame) -> Bytes,
    ) {
        let unseen = if self.begun.is_here() { 0 } else { self.begun.pass_frame(bytes) };
        out.copy(&bytes[..unseen]);
        self.take_waiting(out);
        self.reader.push(&bytes[unseen..]);
        while let Some(piece) = self.reader.next_piece() {
            match piece {
                Piece::Whole(frame, raw) => match judge(&frame) {
                    Passage::Pass => self.pass([raw], out),
                    Passage::Drop => {}
                    Passage::Hold => self.hold(raw, out),
                    Passage::Instead(frames) => self.pass(frames.into_iter().map(&write), out),
                },
                Piece::Head(frame, raw) => {
                    let passage = judge(&frame);
                    self.swallows = matches!(passage, Passage::Drop | Passage::Instead(_));
                    match passage {
                        // Too large to be held.
                        Passage::Pass | Passage::Hold => self.pass([raw], out),
                        Passage::Drop => {}
                        Passage::Instead(frames) => self.pass(frames.into_iter().map(&write), out),
                    }
                }
                Piece::Rest(raw) if !self.swallows => out.add(raw),
                Piece::Rest(_) => {}
            }
            self.take_waiting(out);
        }
    }

    fn pass(&mut self, frames: impl IntoIterator<Item = Bytes>, out: &mut Batch) {
        let mut frames = frames.into_iter().peekable();
        if frames.peek().is_some() {
            out.append(&mut self.held);
            frames.for_each(|raw| out.add(raw));
        }
    }

    fn hold(&mut self, raw: Bytes, out: &mut Batch) {
        self.held.add(raw);
        if self.held.size() > MOST_HELD {
            self.release(out);
        }
    }

    fn inject(&mut self, bytes: Bytes, upgraded: bool, out: &mut Batch) {
        self.waiting.add(bytes);
        if upgraded {
            self.take_waiting(out);
        }
    }

    fn take_waiting(&mut self, out: &mut Batch) {
        if !self.is_within() {
            out.append(&mut self.waiting);
        }
    }

    /// Whether what has been given out ends within a frame.
    fn is_within(&self) -> bool {
        !self.begun.is_here() || self.reader.is_within()
    }

    fn release(&mut self, out: &mut Batch) {
        if self.is_within() {
            self.waiting.append(&mut self.held);
        } else {
            out.append(&mut self.held);
        }
    }

    fn end(&mut self, out: &mut Batch) {
        out.append(&mut self.held);
        out.add(self.reader.rest());
    }
}

/// A frame as a client would send it.
pub(super) fn forged(frame: Frame) -> Bytes {
    /// Any key will do: it hides nothing.
    const KEY: [u8; 4] = [0x5A, 0xA5, 0x3C, 0xC3];
    let mask = frame.mask.unwrap_or(KEY);
    frame.masked(mask).to_bytes()
}

/// Bytes held from which on a tap's holding has no effect.
const MOST_HELD: usize = 1024 * 1024;

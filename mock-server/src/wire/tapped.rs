//! The two directions of a connection under a tap: cut into frames, judged, and put together again.
//!
//! The bytes given out end within a frame only while a frame above [`LARGEST_KEPT`](super::frame::LARGEST_KEPT) passes;
//! bytes to be injected wait until then, and until the upgrade. Knows nothing of sockets or time.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::frame::{FrameReader, Piece};
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
    pub(super) fn new(tap: Arc<dyn Tap>) -> Self {
        Self { tap, upgrade: Upgrade::default(), outward: Way::default(), inward: Way::default() }
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
    reader: FrameReader,
    held: Batch,
    /// Injections that wait for a frame boundary.
    waiting: Batch,
    /// Whether the large frame that is on its way vanishes.
    swallows: bool,
}

impl Way {
    fn take(
        &mut self,
        bytes: &[u8],
        out: &mut Batch,
        judge: impl Fn(&Frame) -> Passage,
        write: impl Fn(Frame) -> Bytes,
    ) {
        self.take_waiting(out);
        self.reader.push(bytes);
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
        if self.held.size > MOST_HELD {
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
        if !self.reader.is_within() {
            out.append(&mut self.waiting);
        }
    }

    fn release(&mut self, out: &mut Batch) {
        if self.reader.is_within() {
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

/// Bytes that go on together. One portion is not copied.
#[derive(Default)]
pub(super) struct Batch {
    portions: Vec<Bytes>,
    size: usize,
}

impl Batch {
    pub(super) fn add(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.size += bytes.len();
            self.portions.push(bytes);
        }
    }

    pub(super) fn copy(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.add(Bytes::copy_from_slice(bytes));
        }
    }

    /// Moves all of `other` behind what is here.
    pub(super) fn append(&mut self, other: &mut Self) {
        self.size += std::mem::take(&mut other.size);
        self.portions.append(&mut other.portions);
    }

    /// All of it in one piece.
    pub(super) fn join(mut self) -> Bytes {
        if self.portions.len() <= 1 {
            return self.portions.pop().unwrap_or_default();
        }
        let mut joined = BytesMut::with_capacity(self.size);
        self.portions.iter().for_each(|portion| joined.extend_from_slice(portion));
        joined.freeze()
    }
}

/// Bytes held from which on a tap's holding has no effect.
const MOST_HELD: usize = 1024 * 1024;

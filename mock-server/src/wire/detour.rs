//! The way of a bent connection's bytes: through the tap and over a lane in each direction.
//!
//! Exists only while something is bent. Does what it is told at once; who tells it and why is the link's and the
//! stream's. Whatever it waits for wakes the context it was last polled with.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::ReadBuf;

use super::batch::Batch;
use super::flow::Flow;
use super::lane::{Cargo, Lane};
use super::link::Bend;
use super::socket::Socket;
use super::tapped::{Tapped, forged};
use super::untapped::Untapped;
use super::{End, Frame, Latency, Limit, Shape, Tap};

/// See the module.
#[derive(Default)]
pub(super) struct Detour {
    tapped: Option<Tapped>,
    /// In place of a tap.
    untapped: Untapped,
    limit: Option<Limit>,
    /// How much longer than bytes the end takes to the peer.
    slow_close: Duration,
    /// Whether the socket keeps bytes that it has taken.
    unflushed: bool,
    /// On the way to the peer.
    out: Lane,
    /// On the way from the peer.
    inn: Lane,
    /// For the layer above.
    ready: VecDeque<Bytes>,
    stalled: bool,
    writing: Writing,
    reading: Reading,
}

/// How far the direction to the peer is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Writing {
    #[default]
    Open,
    /// The layer above has ended it; the end is on its way.
    Ended,
    /// The end has reached the socket.
    Done,
    /// The socket takes no more.
    Broken(io::ErrorKind),
}

/// How far the direction from the peer is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Reading {
    #[default]
    Open,
    /// The peer has ended it; the end is on its way.
    Ended,
    /// The layer above is to learn of the end.
    Done,
    /// The layer above is to learn that the stream broke.
    Broken(io::ErrorKind),
}

impl Detour {
    /// A detour around this socket, which may keep bytes from before.
    pub(super) fn around(socket: &Socket) -> Self {
        Self { unflushed: socket.is_secure(), ..Self::default() }
    }

    /// Does what the link was told.
    pub(super) fn bend(&mut self, bend: Bend, flow: &mut Flow) {
        match bend {
            Bend::Stall => self.stalled = true,
            Bend::Resume => self.stalled = false,
            Bend::Latency(latency) => self.set_latency(latency.as_ref()),
            Bend::Shape(shape) => self.set_shape(&shape),
            Bend::Limit(limit) => self.limit = limit,
            Bend::Tap(tap) => self.set_tap(tap, flow),
            Bend::Send(bytes) => self.send(bytes, flow),
            Bend::Feed(frame) => self.feed(frame, flow),
            Bend::Release => self.release(),
        }
    }

    /// Tells the tap, if there is one.
    pub(super) fn tell_end(&self, end: End) {
        if let Some(tapped) = &self.tapped {
            tapped.ended(end);
        }
    }

    /// Whether bytes could as well go straight.
    pub(super) fn is_needless(&self) -> bool {
        let unbent = !self.stalled && self.tapped.is_none() && self.limit.is_none() && self.slow_close.is_zero();
        unbent
            && self.untapped.is_empty()
            && !self.unflushed
            && self.out.is_idle()
            && self.inn.is_idle()
            && self.ready.is_empty()
            && (self.writing, self.reading) == (Writing::Open, Reading::Open)
    }

    pub(super) fn is_stalled(&self) -> bool {
        self.stalled
    }

    /// Whether bytes or the end are on the way to the peer.
    pub(super) fn has_outgoing(&self) -> bool {
        !self.out.is_empty() || self.unflushed
    }

    /// Whether the peer has been told the end of the stream.
    pub(super) fn has_ended(&self) -> bool {
        self.writing == Writing::Done
    }

    /// Whether the layer above should wait before it writes more.
    pub(super) fn is_full(&self) -> bool {
        self.out.is_full()
    }

    /// Whether something waits for the layer above.
    pub(super) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes what the layer above writes, all of it or the first part; how much.
    pub(super) fn write(&mut self, bufs: &[IoSlice<'_>], flow: &mut Flow) -> io::Result<usize> {
        match self.writing {
            Writing::Open => {}
            Writing::Ended | Writing::Done => return Err(io::ErrorKind::BrokenPipe.into()),
            Writing::Broken(kind) => return Err(kind.into()),
        }
        let mut taken = 0;
        self.outward(|mut tapped, untapped, out| {
            for buf in bufs {
                let part = &buf[..buf.len().min(MOST_AT_ONCE - taken)];
                match &mut tapped {
                    Some(tapped) => tapped.outgoing(part, out),
                    None => untapped.outgoing(part, flow, out),
                }
                taken += part.len();
            }
        });
        // The upgrade may have been among it.
        self.inward(|tapped, untapped, ready| match tapped {
            Some(tapped) => tapped.take_fed(ready),
            None => untapped.take_fed(flow, ready),
        });
        Ok(taken)
    }

    /// The layer above writes no more: all that it wrote goes, then the end.
    pub(super) fn end(&mut self) {
        if self.writing == Writing::Open {
            self.writing = Writing::Ended;
            self.outward(|tapped, _, out| tapped.into_iter().for_each(|tapped| tapped.end_outward(out)));
            self.out.push_later(Cargo::Fin, self.slow_close);
        }
    }

    /// Gives the socket what is due, as far as it takes it.
    pub(super) fn push_out(&mut self, socket: &mut Socket, cx: &mut Context<'_>) -> io::Result<()> {
        while !self.stalled
            && let Poll::Ready((cargo, most)) = self.out.poll_front(cx)
        {
            let outcome = match cargo {
                Cargo::Bytes(bytes) => write(socket, cx, &bytes[..most], self.limit.as_ref()),
                Cargo::Fin | Cargo::Broken(_) => socket.poll_shutdown(cx).map_ok(|()| 0),
            };
            match outcome {
                Poll::Pending => break,
                Poll::Ready(Ok(0)) => {
                    self.out.clear();
                    self.writing = Writing::Done;
                }
                Poll::Ready(Ok(size)) => {
                    self.out.advance(size);
                    self.unflushed = true;
                }
                Poll::Ready(Err(error)) => return Err(self.broken(error)),
            }
        }
        if self.unflushed
            && !self.stalled
            && let Poll::Ready(outcome) = socket.poll_flush(cx)
        {
            self.unflushed = false;
            outcome.map_err(|error| self.broken(error))?;
        }
        Ok(())
    }

    fn broken(&mut self, error: io::Error) -> io::Error {
        self.out.clear();
        self.unflushed = false;
        self.writing = Writing::Broken(error.kind());
        error
    }

    /// Gives the layer above what is due for it, as far as `buf` takes it; nothing at the end of the stream.
    pub(super) fn pull_in(
        &mut self,
        socket: &mut Socket,
        flow: &mut Flow,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while buf.remaining() > 0 && !self.deliver(buf) {
            match self.reading {
                Reading::Done => break,
                Reading::Broken(kind) => return Poll::Ready(Err(kind.into())),
                Reading::Open | Reading::Ended if self.stalled => return Poll::Pending,
                Reading::Open | Reading::Ended => {}
            }
            if let Poll::Ready((_, most)) = self.inn.poll_front(cx) {
                self.arrive(most, flow);
            } else if self.inn.is_full() || self.reading == Reading::Ended {
                return Poll::Pending;
            } else {
                ready!(self.fetch(socket, cx, buf));
            }
        }
        Poll::Ready(Ok(()))
    }

    fn set_latency(&mut self, latency: Option<&Latency>) {
        self.out.set_delays(latency.and_then(Latency::outward));
        self.inn.set_delays(latency.and_then(Latency::inward));
    }

    fn set_shape(&mut self, shape: &Shape) {
        self.out.set_pace(shape.outward());
        self.inn.set_pace(shape.inward());
        self.slow_close = shape.slow_close.unwrap_or_default();
    }

    fn set_tap(&mut self, tap: Arc<dyn Tap>, flow: &mut Flow) {
        match &mut self.tapped {
            Some(tapped) => tapped.replace(tap),
            None => self.tapped = Some(Tapped::new(tap, std::mem::take(flow), std::mem::take(&mut self.untapped))),
        }
    }

    fn send(&mut self, bytes: Bytes, flow: &Flow) {
        self.outward(|tapped, untapped, out| match tapped {
            Some(tapped) => tapped.send(bytes, out),
            None => untapped.send(bytes, flow, out),
        });
    }

    fn feed(&mut self, frame: Frame, flow: &Flow) {
        self.inward(|tapped, untapped, ready| match tapped {
            Some(tapped) => tapped.feed(frame, ready),
            None => untapped.feed(forged(frame), flow, ready),
        });
    }

    fn release(&mut self) {
        self.outward(|tapped, _, out| tapped.into_iter().for_each(|tapped| tapped.release_outward(out)));
        self.inward(|tapped, _, ready| tapped.into_iter().for_each(|tapped| tapped.release_inward(ready)));
    }

    /// Copies what is ready; whether there was something.
    fn deliver(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let before = buf.filled().len();
        while buf.remaining() > 0
            && let Some(first) = self.ready.front_mut()
        {
            let size = first.len().min(buf.remaining());
            buf.put_slice(&first[..size]);
            first.advance(size);
            if first.is_empty() {
                self.ready.pop_front();
            }
        }
        buf.filled().len() > before
    }

    /// Lets the first of what is on its way arrive.
    fn arrive(&mut self, most: usize, flow: &mut Flow) {
        match self.inn.take_front(most) {
            Some(Cargo::Bytes(bytes)) => self.inward(|tapped, untapped, ready| match tapped {
                Some(tapped) => tapped.incoming(bytes, ready),
                None => untapped.incoming(bytes, flow, ready),
            }),
            Some(Cargo::Fin) => {
                self.inward(|tapped, _, ready| tapped.into_iter().for_each(|tapped| tapped.end_inward(ready)));
                self.reading = Reading::Done;
            }
            Some(Cargo::Broken(kind)) => self.reading = Reading::Broken(kind),
            None => {}
        }
    }

    /// Reads a portion from the socket onto the lane. The layer above lends its buffer, so that none is kept here.
    fn fetch(&mut self, socket: &mut Socket, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<()> {
        let before = buf.filled().len();
        let outcome = ready!(socket.poll_read(cx, buf));
        let cargo = match outcome {
            Err(error) => Cargo::Broken(error.kind()),
            Ok(()) if buf.filled().len() == before => Cargo::Fin,
            Ok(()) => Cargo::Bytes(Bytes::copy_from_slice(&buf.filled()[before..])),
        };
        buf.set_filled(before);
        if !matches!(cargo, Cargo::Bytes(_)) {
            self.reading = Reading::Ended;
        }
        self.inn.push(cargo);
        Poll::Ready(())
    }

    /// Puts what `fill` gives onto the lane to the peer, as one portion.
    fn outward(&mut self, fill: impl FnOnce(Option<&mut Tapped>, &mut Untapped, &mut Batch)) {
        let mut out = Batch::default();
        fill(self.tapped.as_mut(), &mut self.untapped, &mut out);
        self.out.push(Cargo::Bytes(out.join()));
    }

    /// Makes what `fill` gives ready for the layer above.
    fn inward(&mut self, fill: impl FnOnce(Option<&mut Tapped>, &mut Untapped, &mut Batch)) {
        let mut ready = Batch::default();
        fill(self.tapped.as_mut(), &mut self.untapped, &mut ready);
        let bytes = ready.join();
        if !bytes.is_empty() {
            self.ready.push_back(bytes);
        }
    }
}

/// Writes as many of the bytes as the limit leaves.
fn write(socket: &mut Socket, cx: &mut Context<'_>, bytes: &[u8], limit: Option<&Limit>) -> Poll<io::Result<usize>> {
    let Some(limit) = limit else { return socket.poll_write(cx, &[IoSlice::new(bytes)]) };
    let spent = limit.spend(bytes.len(), |granted| {
        let outcome = socket.poll_write(cx, &[IoSlice::new(&bytes[..granted])]);
        let written = if let Poll::Ready(Ok(size)) = outcome { size } else { 0 };
        (outcome, written)
    });
    // Without a wake: nothing more will leave.
    spent.unwrap_or(Poll::Pending)
}

/// Bytes taken from one write of the layer above.
const MOST_AT_ONCE: usize = 256 * 1024;

//! The course of one connection: what happens when the layer above reads and writes, and when the link is called.
//!
//! While nobody bends it, each call goes straight to the socket and nothing is copied. Else it takes the [`Detour`].
//! Whoever uses a course has it for himself: see [`Link`]. Knows nothing of what is carried.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::ReadBuf;
use tokio_rustls::TlsAcceptor;

use super::detour::Detour;
use super::flow::Flow;
use super::link::Command;
use super::socket::Socket;
use super::{By, End, How, Link};

/// See the module.
pub(super) struct Course {
    /// None once the connection is over for the kernel as well.
    socket: Option<Socket>,
    /// Where it is, as far as bytes went straight or on a detour without a tap.
    flow: Flow,
    /// None while bytes go straight.
    detour: Option<Box<Detour>>,
    /// Whether the layer above has it.
    above: bool,
    /// Whether somebody else drives it too.
    driven: bool,
}

impl Course {
    pub(super) fn new(socket: Socket) -> Self {
        Self { socket: Some(socket), flow: Flow::default(), detour: None, above: true, driven: false }
    }

    #[cfg(test)]
    pub(super) fn socket(&self) -> Option<&Socket> {
        self.socket.as_ref()
    }

    // The layer above.

    pub(super) fn poll_read(
        &mut self,
        link: &Arc<Link>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.obey(link);
        let before = buf.filled().len();
        if self.detour.is_none()
            && let Some(socket) = &mut self.socket
        {
            return match socket.poll_read(cx, buf) {
                Poll::Ready(outcome) => {
                    self.flow.read(&buf.filled()[before..]);
                    self.note_read(link, outcome, buf, before)
                }
                Poll::Pending => {
                    link.reader.register(cx.waker());
                    Poll::Pending
                }
            };
        }
        link.reader.register(cx.waker());
        let waker = link.waker();
        let own = &mut Context::from_waker(&waker);
        self.push_out(link, own);
        match (&mut self.socket, &mut self.detour) {
            (Some(socket), Some(detour)) => {
                let outcome = ready!(detour.pull_in(socket, &mut self.flow, own, buf));
                self.note_read(link, outcome, buf, before)
            }
            // The last of the detour has just left.
            (Some(_), None) => self.poll_read(link, cx, buf),
            (None, _) => Poll::Ready(read_after_end(link)),
        }
    }

    pub(super) fn poll_write(
        &mut self,
        link: &Arc<Link>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.obey(link);
        if self.detour.is_some() {
            link.writer.register(cx.waker());
            self.push_out(link, &mut Context::from_waker(&link.waker()));
        }
        match (&mut self.socket, &mut self.detour) {
            (None, _) => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            (Some(_), Some(detour)) if detour.is_full() => Poll::Pending,
            (Some(_), Some(detour)) => {
                let outcome = detour.write(bufs, &mut self.flow);
                if detour.is_ready() {
                    link.reader.wake();
                }
                self.push_out(link, &mut Context::from_waker(&link.waker()));
                Poll::Ready(outcome)
            }
            (Some(socket), None) => match socket.poll_write(cx, bufs) {
                Poll::Ready(outcome) => Poll::Ready(self.note_written(link, bufs, outcome)),
                Poll::Pending => {
                    link.writer.register(cx.waker());
                    Poll::Pending
                }
            },
        }
    }

    /// What was written is on its way already, or waits for its time.
    pub(super) fn poll_flush(&mut self, link: &Arc<Link>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.obey(link);
        let straight = self.detour.is_none();
        match &mut self.socket {
            Some(socket) if straight => socket.poll_flush(cx),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// The end follows what was written; on a detour nobody waits until it has left.
    pub(super) fn poll_shutdown(&mut self, link: &Arc<Link>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.obey(link);
        if self.detour.is_some() {
            self.end(link);
        } else if let Some(socket) = &mut self.socket {
            ready!(socket.poll_shutdown(cx))?;
            self.finish(link, End { by: By::Server, how: How::Fin });
        }
        Poll::Ready(Ok(()))
    }

    /// Drives a TLS handshake, and starts it if need be; a stall holds it up.
    pub(super) fn poll_greeting(
        &mut self,
        link: &Arc<Link>,
        cx: &mut Context<'_>,
        tls: &TlsAcceptor,
    ) -> Poll<io::Result<()>> {
        link.reader.register(cx.waker());
        self.obey(link);
        if self.is_stalled() {
            return Poll::Pending;
        }
        self.socket = self.socket.take().map(|socket| socket.greet(tls));
        let Some(socket) = &mut self.socket else { return Poll::Ready(gone(link)) };
        let outcome = ready!(socket.poll_greeting(cx));
        if outcome.is_err() {
            self.finish(link, End { by: By::Server, how: How::Fin });
            self.socket = None;
        }
        self.push_out(link, &mut Context::from_waker(&link.waker()));
        Poll::Ready(outcome)
    }

    /// Waits for the peer's first byte; a stall holds that up.
    pub(super) fn poll_heard(&mut self, link: &Arc<Link>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        link.reader.register(cx.waker());
        self.obey(link);
        match &self.socket {
            Some(_) if self.is_stalled() => Poll::Pending,
            Some(socket) => socket.poll_heard(cx),
            None => Poll::Ready(gone(link)),
        }
    }

    /// The layer above is gone: what it wrote must still arrive, unless the connection is stalled.
    pub(super) fn leave(&mut self, link: &Arc<Link>) {
        self.obey(link);
        self.above = false;
        if let Some(socket) = self.socket.as_ref().filter(|socket| socket.is_secure()) {
            // TLS has an end of its own, which may have to wait.
            self.detour.get_or_insert_with(|| Box::new(Detour::around(socket)));
        }
        if self.detour.is_some() {
            self.end(link);
        }
        let silent = self.has_business() && self.is_stalled();
        let silence = End { by: By::Fault, how: How::Silence };
        self.finish(link, if silent { silence } else { End { by: By::Server, how: How::Fin } });
        if !self.has_business() {
            self.drop_all(link);
        }
    }

    // Those who drive it besides.

    /// Whether it must be driven from now on, because nobody else may do it; true once.
    pub(super) fn wants_driver(&mut self) -> bool {
        let wants = !self.driven && self.detour.is_some() && self.is_driven_on();
        self.driven |= wants;
        wants
    }

    /// Goes on; ready when nothing is left to do for a driver.
    pub(super) fn poll_drive(&mut self, link: &Arc<Link>) -> Poll<()> {
        self.obey(link);
        self.push_out(link, &mut Context::from_waker(&link.waker()));
        if self.is_driven_on() {
            return Poll::Pending;
        }
        self.driven = false;
        if !self.above {
            self.socket.take().into_iter().for_each(Socket::close_gently);
            self.drop_all(link);
        }
        Poll::Ready(())
    }

    /// The driver is gone; without a layer above, nobody has it any more.
    pub(super) fn undriven(&mut self, link: &Link) {
        self.driven = false;
        if !self.above {
            self.drop_all(link);
        }
    }

    /// Obeys the link, and does at once what can be done.
    pub(super) fn attend(&mut self, link: &Arc<Link>) {
        self.obey(link);
        self.push_out(link, &mut Context::from_waker(&link.waker()));
    }

    fn is_driven_on(&self) -> bool {
        if self.above { self.has_business() && !self.is_stalled() } else { self.has_business() }
    }

    /// Whether it must not be dropped yet.
    fn has_business(&self) -> bool {
        let detour = self.detour.as_ref();
        self.socket.is_some() && detour.is_some_and(|detour| detour.is_stalled() || detour.has_outgoing())
    }

    fn is_stalled(&self) -> bool {
        self.detour.as_ref().is_some_and(|detour| detour.is_stalled())
    }

    /// Sends what is due. Whatever is left wakes `cx`.
    fn push_out(&mut self, link: &Link, cx: &mut Context<'_>) {
        let (Some(socket), Some(detour)) = (&mut self.socket, &mut self.detour) else { return };
        let outcome = detour.push_out(socket, cx);
        let ended = detour.has_ended();
        if outcome.is_err() {
            self.finish(link, End { by: By::Peer, how: How::Reset });
        } else if ended {
            self.finish(link, End { by: By::Server, how: How::Fin });
        }
        if self.detour.as_ref().is_some_and(|detour| detour.is_needless()) {
            self.detour = None;
        }
    }

    /// Lets the end follow what is on its way.
    fn end(&mut self, link: &Arc<Link>) {
        if let Some(detour) = &mut self.detour {
            detour.end();
            self.push_out(link, &mut Context::from_waker(&link.waker()));
        }
    }

    fn drop_all(&mut self, link: &Link) {
        self.socket = None;
        // With it goes the tap, which may hold the link.
        self.detour = None;
        link.close_mailbox();
    }

    // The link.

    fn obey(&mut self, link: &Arc<Link>) {
        while link.has_mail() {
            link.take_mail().into_iter().for_each(|command| self.apply(link, command));
        }
    }

    fn apply(&mut self, link: &Arc<Link>, command: Command) {
        match command {
            Command::Reset => self.break_off(link, How::Reset, Socket::close_hard),
            Command::Cut => self.break_off(link, How::Fin, Socket::close_gently),
            Command::Activity(activity) => {
                self.socket.iter_mut().for_each(|socket| socket.set_activity(activity.clone()));
            }
            Command::Bend(bend) => {
                let Some(socket) = &self.socket else { return };
                self.detour.get_or_insert_with(|| Box::new(Detour::around(socket))).bend(bend, &mut self.flow);
            }
        }
    }

    fn break_off(&mut self, link: &Arc<Link>, how: How, close: impl FnOnce(Socket)) {
        // What came before the call is not lost for want of a chance to leave.
        self.push_out(link, &mut Context::from_waker(&link.waker()));
        if let Some(socket) = self.socket.take() {
            close(socket);
            self.finish(link, End { by: By::Fault, how });
            self.detour = None;
        }
    }

    fn finish(&self, link: &Link, end: End) {
        if link.finish(end)
            && let Some(detour) = &self.detour
        {
            detour.tell_end(end);
        }
    }

    /// Notes what went straight to the socket.
    fn note_written(&mut self, link: &Link, bufs: &[IoSlice<'_>], outcome: io::Result<usize>) -> io::Result<usize> {
        let Ok(size) = outcome else {
            self.finish(link, End { by: By::Peer, how: How::Reset });
            return outcome;
        };
        let mut left = size;
        for buf in bufs {
            let part = &buf[..buf.len().min(left)];
            self.flow.wrote(part);
            left -= part.len();
        }
        outcome
    }

    fn note_read(
        &self,
        link: &Link,
        outcome: io::Result<()>,
        buf: &ReadBuf<'_>,
        before: usize,
    ) -> Poll<io::Result<()>> {
        if outcome.is_err() {
            self.finish(link, End { by: By::Peer, how: How::Reset });
        } else if buf.filled().len() == before && buf.remaining() > 0 {
            self.finish(link, End { by: By::Peer, how: How::Fin });
        }
        Poll::Ready(outcome)
    }
}

/// A fault has ended the connection: the layer above sees what it would have seen of the network.
fn read_after_end(link: &Link) -> io::Result<()> {
    match link.end() {
        Some(End { how: How::Reset, .. }) => Err(io::ErrorKind::ConnectionReset.into()),
        _ => Ok(()),
    }
}

/// The same for who waits for more than bytes.
fn gone(link: &Link) -> io::Result<()> {
    read_after_end(link).and(Err(io::ErrorKind::UnexpectedEof.into()))
}

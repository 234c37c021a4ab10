//! The byte stream of one connection, as the layer above has it.
//!
//! While nobody bends it, each call goes straight to the socket: one flag is looked at, nothing is copied or locked.
//! Else it first obeys what came over the link and then takes the [`Detour`]. Knows nothing of what is carried.

use std::io::{self, IoSlice, Read};
use std::mem;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::detour::Detour;
use super::graveyard::Graveyard;
use super::link::Command;
use super::{By, End, How, Link};

/// One accepted connection. The layer above must keep reading, or faults come late.
pub struct Stream(Course);

/// A connection, with or without a layer above.
pub(super) struct Course {
    /// None once the connection is over for the kernel as well.
    socket: Option<TcpStream>,
    link: Arc<Link>,
    /// None while bytes go straight.
    detour: Option<Box<Detour>>,
    graveyard: Weak<Graveyard>,
}

impl Stream {
    pub(super) fn new(socket: TcpStream, link: Arc<Link>, graveyard: Weak<Graveyard>) -> Self {
        Self(Course { socket: Some(socket), link, detour: None, graveyard })
    }

    /// The handle that bends it.
    pub fn link(&self) -> &Arc<Link> {
        &self.0.link
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.0.poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_shutdown(cx)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Stream").field(&self.0.link).finish()
    }
}

impl Course {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        loop {
            if let Some(socket) = self.straight()
                && let Poll::Ready(outcome) = Pin::new(socket).poll_read(cx, buf)
            {
                return self.note_read(outcome, buf, before);
            }
            self.link.reader.register(cx.waker());
            // Only now is it certain that a call from here on wakes us.
            if self.straight().is_some() {
                return Poll::Pending;
            }
            let waker = self.link.waker();
            let mut own = Context::from_waker(&waker);
            self.settle(&mut own);
            if let (Some(socket), Some(detour)) = (&mut self.socket, &mut self.detour) {
                let outcome = ready!(detour.pull_in(socket, &mut own, buf));
                return self.note_read(outcome, buf, before);
            } else if self.socket.is_none() {
                return Poll::Ready(self.read_after_end());
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        loop {
            if let Some(socket) = self.straight()
                && let Poll::Ready(outcome) = write_straight(socket, cx, bufs)
            {
                return Poll::Ready(self.note_write(outcome));
            }
            self.link.writer.register(cx.waker());
            if self.straight().is_some() {
                return Poll::Pending;
            }
            let waker = self.link.waker();
            let mut own = Context::from_waker(&waker);
            self.settle(&mut own);
            if let (Some(_), Some(detour)) = (&self.socket, &mut self.detour) {
                if detour.is_full() {
                    return Poll::Pending;
                }
                let outcome = detour.write(bufs);
                if detour.is_ready() {
                    self.link.reader.wake();
                }
                self.settle(&mut own);
                return Poll::Ready(outcome);
            } else if self.socket.is_none() {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
        }
    }

    /// What was written is on its way already, or waits for its time.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.straight().is_none() {
            self.link.writer.register(cx.waker());
            self.settle(&mut Context::from_waker(&self.link.waker()));
        }
        Poll::Ready(Ok(()))
    }

    /// The end follows what was written; on a detour nobody waits until it has left.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.straight().is_none() {
            self.link.writer.register(cx.waker());
            self.end(&mut Context::from_waker(&self.link.waker()));
        }
        if let Some(socket) = self.straight() {
            ready!(Pin::new(socket).poll_shutdown(cx))?;
            self.finish(End { by: By::Server, how: How::Fin });
        }
        Poll::Ready(Ok(()))
    }

    /// The layer above is gone: what it wrote must still arrive, unless the connection is stalled.
    fn leave(&mut self) {
        self.end(&mut Context::from_waker(Waker::noop()));
        if self.has_business() {
            let stalled = self.detour.as_ref().is_some_and(|detour| detour.is_stalled());
            let silence = End { by: By::Fault, how: How::Silence };
            self.finish(if stalled { silence } else { End { by: By::Server, how: How::Fin } });
            let left = Self { socket: None, link: Arc::clone(&self.link), detour: None, graveyard: Weak::new() };
            let course = mem::replace(self, left);
            match course.graveyard.upgrade() {
                Some(graveyard) => graveyard.bury(course),
                None => course.link.close_mailbox(),
            }
        } else {
            self.finish(End { by: By::Server, how: How::Fin });
            self.link.close_mailbox();
        }
    }

    /// Goes on without a layer above until nothing is left to do.
    pub(super) fn poll_remains(&mut self, cx: &Context<'_>) -> Poll<()> {
        self.link.reader.register(cx.waker());
        self.settle(&mut Context::from_waker(&self.link.waker()));
        if self.has_business() {
            return Poll::Pending;
        }
        self.socket.take().into_iter().for_each(close_gently);
        Poll::Ready(())
    }

    /// Nobody obeys from now on.
    pub(super) fn close_mailbox(&self) {
        self.link.close_mailbox();
    }

    /// The socket, if bytes go straight and no call waits.
    fn straight(&mut self) -> Option<&mut TcpStream> {
        let straight = self.detour.is_none() && !self.link.has_mail();
        self.socket.as_mut().filter(|_| straight)
    }

    /// Whether it must not be dropped yet.
    fn has_business(&self) -> bool {
        let detour = self.detour.as_ref();
        self.socket.is_some() && detour.is_some_and(|detour| detour.is_stalled() || detour.has_outgoing())
    }

    /// Obeys, and sends what is due. Whatever is left wakes `cx`.
    fn settle(&mut self, cx: &mut Context<'_>) {
        self.obey();
        self.push_out(cx);
    }

    fn push_out(&mut self, cx: &mut Context<'_>) {
        let (Some(socket), Some(detour)) = (&mut self.socket, &mut self.detour) else { return };
        let outcome = detour.push_out(socket, cx);
        let ended = detour.has_ended();
        if detour.is_needless() {
            self.detour = None;
        }
        if outcome.is_err() {
            self.finish(End { by: By::Peer, how: How::Reset });
        } else if ended {
            self.finish(End { by: By::Server, how: How::Fin });
        }
    }

    /// Obeys, sends what is due, and lets the end follow, if there is a detour.
    fn end(&mut self, cx: &mut Context<'_>) {
        self.obey();
        if let Some(detour) = &mut self.detour {
            detour.end();
            self.settle(cx);
        }
    }

    fn obey(&mut self) {
        while self.link.has_mail() {
            self.link.take_mail().into_iter().for_each(|command| self.apply(command));
        }
    }

    fn apply(&mut self, command: Command) {
        match command {
            Command::Reset => self.break_off(How::Reset, close_hard),
            Command::Cut => self.break_off(How::Fin, close_gently),
            Command::Bend(bend) if self.socket.is_some() => self.detour.get_or_insert_default().bend(bend),
            Command::Bend(_) => {}
        }
    }

    fn break_off(&mut self, how: How, close: impl FnOnce(TcpStream)) {
        // What came before the call is not lost for want of a chance to leave.
        self.push_out(&mut Context::from_waker(Waker::noop()));
        if let Some(socket) = self.socket.take() {
            close(socket);
            self.finish(End { by: By::Fault, how });
            self.detour = None;
        }
    }

    fn finish(&self, end: End) {
        if self.link.finish(end)
            && let Some(detour) = &self.detour
        {
            detour.tell_end(end);
        }
    }

    fn note_read(&self, outcome: io::Result<()>, buf: &ReadBuf<'_>, before: usize) -> Poll<io::Result<()>> {
        if outcome.is_err() {
            self.finish(End { by: By::Peer, how: How::Reset });
        } else if buf.filled().len() == before && buf.remaining() > 0 {
            self.finish(End { by: By::Peer, how: How::Fin });
        }
        Poll::Ready(outcome)
    }

    fn note_write(&self, outcome: io::Result<usize>) -> io::Result<usize> {
        if outcome.is_err() {
            self.finish(End { by: By::Peer, how: How::Reset });
        }
        outcome
    }

    /// A fault has ended the connection: the layer above sees what it would have seen of the network.
    fn read_after_end(&self) -> io::Result<()> {
        match self.link.end() {
            Some(End { how: How::Reset, .. }) => Err(io::ErrorKind::ConnectionReset.into()),
            _ => Ok(()),
        }
    }
}

fn write_straight(socket: &mut TcpStream, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
    match bufs {
        [buf] => Pin::new(socket).poll_write(cx, buf),
        bufs => Pin::new(socket).poll_write_vectored(cx, bufs),
    }
}

/// Resets the connection.
fn close_hard(socket: TcpStream) {
    // Fails only on a socket that is broken already.
    let _ = socket.set_zero_linger();
    drop(socket);
}

/// Ends the stream in both directions. What the peer has sent is read first: a socket that is closed over unread bytes
/// resets, which could overtake the end.
fn close_gently(stream: TcpStream) {
    let socket = SockRef::from(&stream);
    // Fails only on a socket that is broken already.
    let _ = socket.shutdown(Shutdown::Write);
    let mut scratch = [0; 4096];
    for _ in 0..MOST_UNREAD / scratch.len() {
        if !matches!((&*socket).read(&mut scratch), Ok(1..)) {
            break;
        }
    }
    drop(stream);
}

/// Unread bytes that are read away at the end.
const MOST_UNREAD: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::super::Listener;
    use super::TcpStream;

    #[tokio::test]
    async fn small_writes_leave_at_once() {
        let listener = Listener::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let (accepted, _peer) = tokio::join!(listener.accept(), TcpStream::connect(listener.local_addr()));
        assert!(accepted.0.0.socket.as_ref().unwrap().nodelay().unwrap());
    }
}

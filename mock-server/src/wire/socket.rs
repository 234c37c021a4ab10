//! The socket itself: plain TCP, or TLS over it.
//!
//! The layer above reads and writes the same bytes either way, and the connection can be ended beneath TLS. Knows
//! nothing of certificates.

use std::io::{self, IoSlice, Read};
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

use super::Activity;

/// See the module.
pub(super) struct Socket {
    io: Io,
    activity: Option<Activity>,
}

enum Io {
    Plain(TcpStream),
    /// The handshake is on its way.
    Greeting(Box<Accept<TcpStream>>),
    Secure(Box<TlsStream<TcpStream>>),
}

impl Socket {
    pub(super) fn new(tcp: TcpStream) -> Self {
        Self { io: Io::Plain(tcp), activity: None }
    }

    /// What notes every byte from now on.
    pub(super) fn set_activity(&mut self, activity: Option<Activity>) {
        self.activity = activity;
    }

    /// Whether it speaks TLS, or is about to.
    pub(super) fn is_secure(&self) -> bool {
        !matches!(self.io, Io::Plain(_))
    }

    /// Starts the handshake, if it has not been started.
    pub(super) fn greet(self, tls: &TlsAcceptor) -> Self {
        match self.io {
            Io::Plain(tcp) => Self { io: Io::Greeting(Box::new(tls.accept(tcp))), ..self },
            _ => self,
        }
    }

    /// Drives the handshake to its end. If that is an error, the socket is gone.
    pub(super) fn poll_greeting(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Io::Greeting(greeting) = &mut self.io {
            self.io = Io::Secure(Box::new(ready!(Pin::new(greeting).poll(cx))?));
        }
        Poll::Ready(Ok(()))
    }

    /// Waits until the peer has sent something, which is not read.
    pub(super) fn poll_heard(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.io {
            Io::Plain(tcp) => match ready!(tcp.poll_peek(cx, &mut ReadBuf::new(&mut [0])))? {
                0 => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                _ => Poll::Ready(Ok(())),
            },
            Io::Greeting(_) | Io::Secure(_) => Poll::Ready(Ok(())),
        }
    }

    /// Resets the connection.
    pub(super) fn close_hard(self) {
        // Fails only on a socket that is broken already.
        let _ = self.tcp().map(TcpStream::set_zero_linger);
    }

    /// Ends the stream in both directions, without TLS's own end. What the peer has sent is read first: a socket that
    /// is closed over unread bytes resets, which could overtake the end.
    pub(super) fn close_gently(self) {
        let Some(tcp) = self.tcp() else { return };
        let socket = SockRef::from(tcp);
        // Fails only on a socket that is broken already.
        let _ = socket.shutdown(Shutdown::Write);
        let mut scratch = [0; 4096];
        for _ in 0..MOST_UNREAD / scratch.len() {
            if !matches!((&*socket).read(&mut scratch), Ok(1..)) {
                break;
            }
        }
    }

    /// None once a handshake has failed.
    fn tcp(&self) -> Option<&TcpStream> {
        match &self.io {
            Io::Plain(tcp) => Some(tcp),
            Io::Greeting(greeting) => greeting.get_ref(),
            Io::Secure(tls) => Some(tls.get_ref().0),
        }
    }

    fn note(&self, moved: bool) {
        if let Some(activity) = &self.activity
            && moved
        {
            activity.note();
        }
    }

    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = match &mut self.io {
            Io::Plain(tcp) => ready!(Pin::new(tcp).poll_read(cx, buf)),
            Io::Greeting(_) => return Poll::Pending,
            Io::Secure(tls) => match ready!(Pin::new(tls).poll_read(cx, buf)) {
                // The peer has ended TCP without TLS's own end, as many do.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
                outcome => outcome,
            },
        };
        self.note(buf.filled().len() > before);
        Poll::Ready(outcome)
    }

    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let outcome = match (&mut self.io, bufs) {
            (Io::Plain(tcp), [buf]) => ready!(Pin::new(tcp).poll_write(cx, buf)),
            (Io::Plain(tcp), bufs) => ready!(Pin::new(tcp).poll_write_vectored(cx, bufs)),
            (Io::Greeting(_), _) => return Poll::Pending,
            (Io::Secure(tls), bufs) => ready!(Pin::new(tls).poll_write_vectored(cx, bufs)),
        };
        self.note(matches!(outcome, Ok(1..)));
        Poll::Ready(outcome)
    }

    /// TLS keeps what TCP did not take at once.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(_) | Io::Greeting(_) => Poll::Ready(Ok(())),
            Io::Secure(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    /// Ends the direction to the peer, with TLS's own end.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Io::Secure(tls) => Pin::new(tls).poll_shutdown(cx),
            Io::Greeting(greeting) => match greeting.get_mut() {
                Some(tcp) => Pin::new(tcp).poll_shutdown(cx),
                None => Poll::Ready(Ok(())),
            },
        }
    }
}

/// Unread bytes that are read away at the end.
const MOST_UNREAD: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::super::Listener;
    use super::*;

    #[tokio::test]
    async fn small_writes_leave_at_once() {
        let listener = Listener::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let (accepted, _peer) = tokio::join!(listener.accept(), TcpStream::connect(listener.local_addr()));
        assert!(accepted.1.socket(|socket| socket.tcp().unwrap().nodelay().unwrap()));
    }
}

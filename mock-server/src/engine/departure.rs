//! When a polling answer has really left: the first write of its TCP connection after the answer was given.
//!
//! A fault that is to come after a packet waits for this. Knows nothing of packets.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::conn::Conn;
use crate::server::lock;
use crate::wire::{Link, Stream};

/// Whose packets the next write of a TCP connection carries.
#[derive(Debug, Default)]
pub(super) struct Departures {
    any: AtomicBool,
    waiting: Mutex<Vec<Arc<Conn>>>,
    /// The connection, if it is to end behind the next write.
    last: Mutex<Option<Arc<Link>>>,
}

impl Departures {
    /// The next write carries packets of this connection.
    pub(super) fn expect(&self, conn: Arc<Conn>) {
        lock(&self.waiting).push(conn);
        self.any.store(true, Ordering::Release);
    }

    /// The next write is the last.
    pub(super) fn end(&self, link: &Arc<Link>) {
        *lock(&self.last) = Some(Arc::clone(link));
        self.any.store(true, Ordering::Release);
    }

    fn note(&self) {
        if self.any.swap(false, Ordering::AcqRel) {
            if let Some(link) = lock(&self.last).take() {
                link.cut();
            }
            let waiting = std::mem::take(&mut *lock(&self.waiting));
            for conn in waiting {
                conn.departed();
            }
        }
    }
}

/// A stream that notes its writes.
pub(crate) struct Noted {
    stream: Stream,
    departures: Arc<Departures>,
}

impl Noted {
    pub(super) fn new(stream: Stream, departures: Arc<Departures>) -> Self {
        Self { stream, departures }
    }

    fn noted(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(_)) = written {
            self.departures.note();
        }
        written
    }
}

impl AsyncRead for Noted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Noted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.noted(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.noted(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

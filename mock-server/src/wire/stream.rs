//! The byte stream of one connection, as the layer above has it.
//!
//! Knows nothing of what is carried, nor of what bends it: see [`Link`].

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsAcceptor;

use super::Link;

/// One accepted connection.
pub struct Stream(Arc<Link>);

impl Stream {
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self(link)
    }

    /// The handle that bends it.
    pub fn link(&self) -> &Arc<Link> {
        &self.0
    }

    /// Waits until the peer has sent its first byte, which is not read.
    pub async fn heard(&self) -> io::Result<()> {
        std::future::poll_fn(|cx| self.0.course(|course| course.poll_heard(&self.0, cx))).await
    }

    /// Makes it speak TLS: what is read and written from here on, and what the link sees, is within. Resolves when the
    /// handshake has been made. If that fails, the connection is over.
    pub async fn secure(&self, tls: &TlsAcceptor) -> io::Result<()> {
        std::future::poll_fn(|cx| self.0.course(|course| course.poll_greeting(&self.0, cx, tls))).await
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.0.course(|course| course.poll_read(&self.0, cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.0.course(|course| course.poll_write(&self.0, cx, &[IoSlice::new(buf)]))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.course(|course| course.poll_write(&self.0, cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.course(|course| course.poll_flush(&self.0, cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.course(|course| course.poll_shutdown(&self.0, cx))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.course(|course| course.leave(&self.0));
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Stream").field(&self.0).finish()
    }
}

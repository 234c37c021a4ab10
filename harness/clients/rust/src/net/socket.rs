//! TCP connections that are counted while they are open, and that can be made to end with a reset.
//!
//! Knows nothing of what is spoken over them.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The connections of one session or peer.
#[derive(Debug, Clone, Default)]
pub struct Sockets(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    open: AtomicUsize,
    abortive: AtomicBool,
}

impl Sockets {
    /// How many are open.
    pub fn open(&self) -> usize {
        self.0.open.load(Ordering::SeqCst)
    }

    /// From now on these connections end with a TCP reset when they are dropped, not with an orderly close.
    pub fn end_with_reset(&self) {
        self.0.abortive.store(true, Ordering::SeqCst);
    }

    /// Opens one more.
    pub async fn dial(&self, authority: &str) -> io::Result<Stream> {
        let tcp = TcpStream::connect(authority).await?;
        tcp.set_nodelay(true)?;
        self.0.open.fetch_add(1, Ordering::SeqCst);
        Ok(Stream { tcp, sockets: self.clone() })
    }
}

/// A connection of [`Sockets`].
#[derive(Debug)]
pub struct Stream {
    tcp: TcpStream,
    sockets: Sockets,
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.sockets.0.abortive.load(Ordering::SeqCst) {
            // A connection that is already gone cannot be reset, and need not be.
            let _ = self.tcp.set_zero_linger();
        }
        self.sockets.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

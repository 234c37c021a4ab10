//! The outgoing direction: frames into bytes.
//!
//! Dropping a call of [`Writer::flush`] loses nothing: what has not left is still there for the next one. Knows nothing
//! of messages, nor whether a frame may be sent.

use std::io;
use std::pin::Pin;
use std::task::ready;

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::wire::{FIN, Opcode, put_length};

/// See the module.
#[derive(Debug)]
pub(crate) struct Writer<W> {
    io: W,
    waiting: BytesMut,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    pub(super) fn new(io: W) -> Self {
        Self { io, waiting: BytesMut::new() }
    }

    /// Puts a whole frame behind what waits.
    pub(crate) fn feed(&mut self, opcode: Opcode, payload: &[u8]) {
        self.waiting.reserve(10 + payload.len());
        self.waiting.put_u8(FIN | opcode.code());
        put_length(&mut self.waiting, payload.len(), 0);
        self.waiting.put_slice(payload);
    }

    /// Puts a close frame behind what waits; without a code it has no payload.
    pub(crate) fn feed_close(&mut self, code: Option<u16>, reason: &str) {
        let mut payload = BytesMut::new();
        if let Some(code) = code {
            payload.put_u16(code);
            payload.put_slice(reason.as_bytes());
        }
        self.feed(Opcode::Close, &payload);
    }

    /// Puts bytes behind what waits, whatever they are.
    pub(crate) fn feed_raw(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
    }

    /// How many bytes wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Sends all that waits.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        let Self { io, waiting } = self;
        std::future::poll_fn(|cx| {
            while waiting.has_remaining() {
                match ready!(Pin::new(&mut *io).poll_write(cx, waiting)) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()).into(),
                    Ok(count) => waiting.advance(count),
                    Err(error) => return Err(error).into(),
                }
            }
            Pin::new(&mut *io).poll_flush(cx)
        })
        .await?;
        // A connection at rest holds no buffer.
        self.waiting = BytesMut::new();
        Ok(())
    }

    /// Ends the stream.
    pub(crate) async fn end(&mut self) -> io::Result<()> {
        self.io.shutdown().await
    }
}

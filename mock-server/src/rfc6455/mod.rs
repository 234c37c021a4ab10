//! The server's end of a WebSocket (RFC 6455): messages out of bytes, frames into bytes.
//!
//! It answers nothing by itself. Pongs and close frames are the caller's, so that a mock can withhold them, and a close
//! frame is told as it came, however illegal. What breaks the protocol is found as early as it can be: a wrong head
//! before its payload, invalid UTF-8 with the byte that makes it so. A connection at rest holds no buffer. Knows nothing
//! of connections, rules or records.

mod close;
mod reader;
#[cfg(test)]
mod tests;
mod utf8;
mod writer;

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Utf8Bytes;

pub(crate) use close::Close;
pub(crate) use reader::Reader;
pub(crate) use writer::Writer;

/// The two directions of a WebSocket whose handshake is over. `before` has come behind the handshake already; messages
/// may have up to `limit` bytes.
pub(crate) fn split<T>(
    io: T,
    before: &[u8],
    limit: usize,
) -> (Reader<tokio::io::ReadHalf<T>>, Writer<tokio::io::WriteHalf<T>>)
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite,
{
    let (read, write) = tokio::io::split(io);
    (Reader::new(read, before, limit), Writer::new(write))
}

/// What comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// A whole text message.
    Text(Utf8Bytes),
    /// A whole binary message.
    Binary(Bytes),
    /// A ping.
    Ping(Bytes),
    /// A pong.
    Pong(Bytes),
    /// A close frame; nothing that comes behind it means anything.
    Close(Close),
}

/// Why nothing more comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// The stream has ended or broken.
    #[error("the stream has ended")]
    Gone,
    /// The peer has broken the protocol.
    #[error("{0}")]
    Protocol(&'static str),
    /// A text is not UTF-8.
    #[error("invalid UTF-8")]
    Utf8,
    /// A message is larger than is taken.
    #[error("message too large")]
    TooLarge,
}

impl Failure {
    /// The close code with which the connection is failed; none if there is nobody to tell.
    pub(crate) fn code(self) -> Option<u16> {
        match self {
            Self::Gone => None,
            Self::Protocol(_) => Some(1002),
            Self::Utf8 => Some(1007),
            Self::TooLarge => Some(1009),
        }
    }
}

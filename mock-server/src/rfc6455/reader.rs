//! The incoming direction: bytes into messages and control frames.
//!
//! ```text
//! unread ── head ── current frame (unmasked as it comes) ── message begun by earlier frames ── Incoming
//! ```
//!
//! Dropping a call of [`Reader::next`] loses nothing. Knows nothing of the outgoing direction.

use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::utf8::Utf8;
use super::{Close, Failure, Incoming};
use crate::wire::{FIN, Head, Opcode, apply_mask};

/// Bytes read at once.
const PORTION: usize = 16 * 1024;

/// Longest payload of a control frame.
const LONGEST_CONTROL: u64 = 125;

/// See the module.
#[derive(Debug)]
pub(crate) struct Reader<R> {
    io: R,
    unread: BytesMut,
    current: Option<Current>,
    message: Option<Message>,
    limit: usize,
}

/// A frame whose payload is coming.
#[derive(Debug)]
struct Current {
    fin: bool,
    opcode: Opcode,
    mask: [u8; 4],
    /// Bytes still to come.
    missing: usize,
    payload: BytesMut,
}

/// A message of which some frames have come.
#[derive(Debug)]
struct Message {
    text: bool,
    payload: BytesMut,
    utf8: Utf8,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(super) fn new(io: R, before: &[u8], limit: usize) -> Self {
        Self { io, unread: BytesMut::from(before), current: None, message: None, limit }
    }

    /// What comes next. After a failure there is nothing that it could be.
    pub(crate) async fn next(&mut self) -> Result<Incoming, Failure> {
        loop {
            if let Some(incoming) = self.take()? {
                return Ok(incoming);
            }
            self.fill().await?;
        }
    }

    /// Reads and forgets, until the stream ends.
    pub(crate) async fn drain(&mut self) {
        while self.fill().await.is_ok() {
            self.unread = BytesMut::new();
        }
    }

    /// Reads once. The space for it lies on the stack, so that a connection at rest holds none.
    async fn fill(&mut self) -> Result<(), Failure> {
        let Self { io, unread, .. } = self;
        std::future::poll_fn(|cx| {
            let mut space = [MaybeUninit::uninit(); PORTION];
            let mut portion = ReadBuf::uninit(&mut space);
            let read = ready!(Pin::new(&mut *io).poll_read(cx, &mut portion));
            unread.extend_from_slice(portion.filled());
            let gone = read.is_err() || portion.filled().is_empty();
            Poll::Ready(if gone { Err(Failure::Gone) } else { Ok(()) })
        })
        .await
    }

    fn take(&mut self) -> Result<Option<Incoming>, Failure> {
        loop {
            if self.current.is_none() && !self.begin()? {
                return Ok(None);
            }
            let Some(frame) = self.payload()? else { return Ok(None) };
            if let Some(incoming) = self.finish(frame)? {
                return Ok(Some(incoming));
            }
        }
    }

    /// Takes a frame's head; false until all of it has come.
    fn begin(&mut self) -> Result<bool, Failure> {
        let Some(head) = Head::read(&self.unread) else { return Ok(false) };
        let opcode = Opcode::from_code(head.first);
        let fin = head.first & FIN != 0;
        self.judge(&head, opcode, fin)?;
        let Some(mask) = head.mask else { return Err(Failure::Protocol("unmasked frame from a client")) };
        let missing = self.room(head.length, opcode)?;
        self.unread.advance(head.size);
        self.current = Some(Current { fin, opcode, mask, missing, payload: BytesMut::new() });
        Ok(true)
    }

    /// Whether a frame with this head may come now.
    fn judge(&self, head: &Head, opcode: Opcode, fin: bool) -> Result<(), Failure> {
        let wrong = match (opcode, &self.message) {
            _ if head.first & 0x70 != 0 => "reserved bits",
            (Opcode::Reserved(_), _) => "reserved opcode",
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) if !fin => "fragmented control frame",
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) if head.length > LONGEST_CONTROL => {
                "control frame too long"
            }
            (Opcode::Continuation, None) => "continuation of nothing",
            (Opcode::Text | Opcode::Binary, Some(_)) => "a message within a message",
            _ if head.length > u64::MAX / 2 => "length of more than 63 bits",
            _ => return Ok(()),
        };
        Err(Failure::Protocol(wrong))
    }

    /// The length of a payload, if the message has room for it.
    fn room(&self, length: u64, opcode: Opcode) -> Result<usize, Failure> {
        let begun = self.message.as_ref().filter(|_| opcode == Opcode::Continuation);
        let left = self.limit - begun.map_or(0, |message| message.payload.len());
        usize::try_from(length).ok().filter(|length| *length <= left).ok_or(Failure::TooLarge)
    }

    /// Takes what has come of the current frame's payload; the frame once that is all.
    fn payload(&mut self) -> Result<Option<Current>, Failure> {
        let Some(current) = &mut self.current else { return Ok(None) };
        let mut piece = self.unread.split_to(current.missing.min(self.unread.len()));
        if self.unread.is_empty() {
            self.unread = BytesMut::new();
        }
        let at_once = piece.len() == current.missing && current.payload.is_empty();
        current.unmask(&mut piece);
        // A text in one frame that came at once is looked at as a whole.
        if !(at_once && current.fin && current.opcode == Opcode::Text) {
            check(&mut self.message, current.opcode, &piece)?;
        }
        current.add(piece);
        Ok(if current.missing == 0 { self.current.take() } else { None })
    }

    fn finish(&mut self, frame: Current) -> Result<Option<Incoming>, Failure> {
        let payload = frame.payload;
        Ok(Some(match frame.opcode {
            Opcode::Ping => Incoming::Ping(payload.freeze()),
            Opcode::Pong => Incoming::Pong(payload.freeze()),
            Opcode::Close => Incoming::Close(Close::read(&payload)),
            _ => return self.assemble(frame.opcode, frame.fin, payload),
        }))
    }

    /// Puts a data frame to its message; the message once that is whole.
    fn assemble(&mut self, opcode: Opcode, fin: bool, payload: BytesMut) -> Result<Option<Incoming>, Failure> {
        let mut message = self.message.take().unwrap_or_else(|| Message::new(opcode == Opcode::Text));
        if message.payload.is_empty() {
            message.payload = payload;
        } else {
            message.payload.extend_from_slice(&payload);
        }
        if fin {
            return message.finish().map(Some);
        }
        self.message = Some(message);
        Ok(None)
    }
}

impl Current {
    fn unmask(&self, piece: &mut [u8]) {
        let mut mask = self.mask;
        mask.rotate_left(self.payload.len() % 4);
        apply_mask(piece, mask);
    }

    fn add(&mut self, piece: BytesMut) {
        self.missing -= piece.len();
        if self.payload.is_empty() {
            self.payload = piece;
        } else {
            self.payload.extend_from_slice(&piece);
        }
    }
}

/// Looks at a piece of a data frame as part of its message, which it may begin.
fn check(message: &mut Option<Message>, opcode: Opcode, piece: &[u8]) -> Result<(), Failure> {
    let message = match opcode {
        Opcode::Text => message.get_or_insert_with(|| Message::new(true)),
        Opcode::Continuation => match message {
            Some(message) if message.text => message,
            _ => return Ok(()),
        },
        _ => return Ok(()),
    };
    if message.utf8.take(piece) { Ok(()) } else { Err(Failure::Utf8) }
}

impl Message {
    fn new(text: bool) -> Self {
        Self { text, payload: BytesMut::new(), utf8: Utf8::default() }
    }

    fn finish(self) -> Result<Incoming, Failure> {
        let payload: Bytes = self.payload.freeze();
        if !self.text {
            return Ok(Incoming::Binary(payload));
        }
        if !self.utf8.is_complete() {
            return Err(Failure::Utf8);
        }
        Utf8Bytes::try_from(payload).map(Incoming::Text).map_err(|_| Failure::Utf8)
    }
}

//! WebSocket frames (RFC 6455, section 5.2): types, writing and incremental reading.
//!
//! ```text
//! frame  = first second [length] [mask] payload
//! first  = FIN(1 bit) RSV(3 bits) opcode(4 bits)
//! second = MASK(1 bit) length(7 bits): 0-125 itself, 126: 16 bits follow, 127: 64 bits follow, big-endian
//! mask   = 4 bytes, if MASK; payload byte i on the wire is byte i exclusive-or mask[i % 4]
//! ```
//!
//! Any two bytes start some frame, so reading cannot fail; whether a frame is legal is not judged here. Knows nothing of
//! messages, taps or sockets.

use bytes::{BufMut, Bytes, BytesMut};

/// The kind of a frame. Reserved codes can be written, so that a peer can be shown them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Opcode {
    /// Continues a fragmented message.
    Continuation,
    /// Starts a text message.
    Text,
    /// Starts a binary message.
    Binary,
    /// Closes the connection.
    Close,
    /// Asks for a pong.
    Ping,
    /// Answers a ping.
    Pong,
    /// One of the codes 3 to 7 and 11 to 15, which have no meaning.
    Reserved(u8),
}

impl Opcode {
    /// The opcode in the low four bits of a frame's first byte.
    pub fn from_code(code: u8) -> Self {
        match code & 0x0F {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            reserved => Self::Reserved(reserved),
        }
    }

    /// Its four bits.
    pub fn code(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
            Self::Reserved(code) => code & 0x0F,
        }
    }
}

/// A WebSocket frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Whether it ends its message.
    pub fin: bool,
    /// The three reserved bits.
    pub rsv: u8,
    /// Its kind.
    pub opcode: Opcode,
    /// The masking key; clients mask, servers do not.
    pub mask: Option<[u8; 4]>,
    /// The payload, unmasked. Empty if the frame is too large to be kept.
    pub payload: Bytes,
    /// Length of the payload that the head announces. Writing a frame announces what `payload` holds.
    pub length: u64,
}

impl Frame {
    /// A whole, unmasked frame.
    pub fn new(opcode: Opcode, payload: impl Into<Bytes>) -> Self {
        let payload = payload.into();
        let length = payload.len() as u64;
        Self { fin: true, rsv: 0, opcode, mask: None, payload, length }
    }

    /// A text message in one frame.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Opcode::Text, text.into())
    }

    /// A close frame; without a code it has no payload.
    pub fn close(code: Option<u16>, reason: &str) -> Self {
        let mut payload = BytesMut::new();
        if let Some(code) = code {
            payload.put_u16(code);
            payload.put_slice(reason.as_bytes());
        }
        Self::new(Opcode::Close, payload.freeze())
    }

    /// The same frame under a masking key.
    #[must_use]
    pub fn masked(self, mask: [u8; 4]) -> Self {
        Self { mask: Some(mask), ..self }
    }

    /// Whether the payload is here: it is not if the frame was too large to be kept.
    pub fn is_whole(&self) -> bool {
        self.length == self.payload.len() as u64
    }
}

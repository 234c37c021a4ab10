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

use bytes::{Buf, BufMut, Bytes, BytesMut};

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

    /// Its bytes on the wire.
    pub fn to_bytes(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(LONGEST_HEAD + self.payload.len());
        let fin = if self.fin { FIN } else { 0 };
        bytes.put_u8(fin | (self.rsv & 7) << 4 | self.opcode.code());
        put_length(&mut bytes, self.payload.len(), if self.mask.is_some() { MASK } else { 0 });
        let start = bytes.len();
        if let Some(mask) = self.mask {
            bytes.put_slice(&mask);
            bytes.put_slice(&self.payload);
            apply_mask(&mut bytes[start + mask.len()..], mask);
        } else {
            bytes.put_slice(&self.payload);
        }
        bytes.freeze()
    }

    /// Whether the payload is here: it is not if the frame was too large to be kept.
    pub fn is_whole(&self) -> bool {
        self.length == self.payload.len() as u64
    }
}

/// What a [`FrameReader`] finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A whole frame, and its bytes as they came.
    Whole(Frame, Bytes),
    /// The head of a frame that is too large to be kept, and its bytes. Its payload follows in pieces.
    Head(Frame, Bytes),
    /// Payload of the frame whose head came before.
    Rest(Bytes),
}

/// Cuts a row of bytes, given in any portions, into frames. Keeps at most one frame, and none above
/// [`LARGEST_KEPT`].
#[derive(Debug, Default)]
pub struct FrameReader {
    unread: BytesMut,
    /// Bytes still to come of a frame that is not kept.
    passing: u64,
}

impl FrameReader {
    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
    }

    /// The next piece; none until more bytes come.
    pub fn next_piece(&mut self) -> Option<Piece> {
        if self.passing > 0 {
            return self.next_rest();
        }
        let head = Head::read(&self.unread)?;
        if head.length > LARGEST_KEPT {
            self.passing = head.length;
            return Some(Piece::Head(head.frame(Bytes::new()), self.take(head.size)));
        }
        let size = head.size + usize::try_from(head.length).expect("no more than LARGEST_KEPT");
        if self.unread.len() < size {
            return None;
        }
        let raw = self.take(size);
        Some(Piece::Whole(head.frame(raw.slice(head.size..)), raw))
    }

    /// Whether the bytes given out so far end within a frame.
    pub fn is_within(&self) -> bool {
        self.passing > 0
    }

    /// The bytes of a frame that was begun.
    pub fn rest(&mut self) -> Bytes {
        std::mem::take(&mut self.unread).freeze()
    }

    fn next_rest(&mut self) -> Option<Piece> {
        let size = self.unread.len().min(usize::try_from(self.passing).unwrap_or(usize::MAX));
        if size == 0 {
            return None;
        }
        self.passing -= size as u64;
        Some(Piece::Rest(self.take(size)))
    }

    /// Takes bytes off the front. An empty buffer is let go, so that an idle connection holds none.
    fn take(&mut self, size: usize) -> Bytes {
        if size == self.unread.len() { self.rest() } else { self.unread.split_to(size).freeze() }
    }
}

/// A frame's head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    /// The first byte: whether it ends its message, the reserved bits and the opcode.
    pub(crate) first: u8,
    /// The masking key.
    pub(crate) mask: Option<[u8; 4]>,
    /// Length of the payload.
    pub(crate) length: u64,
    /// How many bytes the head has.
    pub(crate) size: usize,
}

impl Head {
    /// The head at the front of `bytes`, if it is all there.
    pub(crate) fn read(mut bytes: &[u8]) -> Option<Self> {
        let given = bytes.len();
        let first = bytes.try_get_u8().ok()?;
        let second = bytes.try_get_u8().ok()?;
        let length = match second & !MASK {
            MEDIUM => u64::from(bytes.try_get_u16().ok()?),
            LONG => bytes.try_get_u64().ok()?,
            short => u64::from(short),
        };
        let mask = if second & MASK == 0 { None } else { Some(bytes.try_get_u32().ok()?.to_be_bytes()) };
        Some(Self { first, mask, length, size: given - bytes.len() })
    }

    /// The frame of this head, with its payload as it is on the wire.
    fn frame(&self, payload: Bytes) -> Frame {
        let payload = match self.mask {
            Some(mask) if !payload.is_empty() => {
                let mut plain = BytesMut::from(&payload[..]);
                apply_mask(&mut plain, mask);
                plain.freeze()
            }
            _ => payload,
        };
        let opcode = Opcode::from_code(self.first);
        let (fin, rsv) = (self.first & FIN != 0, self.first >> 4 & 7);
        Frame { fin, rsv, opcode, mask: self.mask, payload, length: self.length }
    }
}

/// Writes the second byte of a head, and the length as far as that does not hold it.
pub(crate) fn put_length(bytes: &mut BytesMut, length: usize, mask_bit: u8) {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..=125), _) => bytes.put_u8(mask_bit | short),
        (_, Ok(medium)) => {
            bytes.put_u8(mask_bit | MEDIUM);
            bytes.put_u16(medium);
        }
        _ => {
            bytes.put_u8(mask_bit | LONG);
            bytes.put_u64(length as u64);
        }
    }
}

/// Masks or unmasks a payload from its first byte on.
pub(crate) fn apply_mask(payload: &mut [u8], mask: [u8; 4]) {
    let (words, rest) = payload.as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(mask)).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(mask) {
        *byte ^= key;
    }
}

/// The bit of a head's first byte that ends a message.
pub(crate) const FIN: u8 = 0x80;
const MASK: u8 = 0x80;
/// In place of a length: 16 bits with the length follow.
const MEDIUM: u8 = 0x7E;
/// In place of a length: 64 bits with the length follow.
const LONG: u8 = 0x7F;
const LONGEST_HEAD: usize = 14;

/// The largest payload that is kept for a look at the whole frame.
pub const LARGEST_KEPT: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

    /// A frame, the start of its bytes, and how many bytes there are.
    #[rstest]
    #[case::empty(Frame::text(""), &[0x81, 0], 2)]
    #[case::hello(Frame::text("Hello"), b"\x81\x05Hello", 7)]
    #[case::hello_masked(Frame::text("Hello").masked(KEY), &[0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58], 11)]
    #[case::empty_masked(Frame::new(Opcode::Ping, "").masked(KEY), &[0x89, 0x80, 0x37, 0xFA, 0x21, 0x3D], 6)]
    #[case::longest_short(binary(125), &[0x82, 125, b'x'], 127)]
    #[case::shortest_medium(binary(126), &[0x82, 126, 0, 126, b'x'], 130)]
    #[case::longest_medium(binary(65_535), &[0x82, 126, 0xFF, 0xFF, b'x'], 65_539)]
    #[case::shortest_long(binary(65_536), &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0, b'x'], 65_546)]
    #[case::medium_masked(binary(200).masked(KEY), &[0x82, 0xFE, 0, 200, 0x37, 0xFA, 0x21, 0x3D, b'x' ^ 0x37], 208)]
    #[case::fragment(Frame::text("Hel").unfinished(), b"\x01\x03Hel", 5)]
    #[case::continuation(Frame::new(Opcode::Continuation, "lo"), b"\x80\x02lo", 4)]
    #[case::reserved(Frame { rsv: 5, ..Frame::new(Opcode::Reserved(11), "?") }, b"\xDB\x01?", 3)]
    #[case::close(Frame::close(Some(1000), "bye"), b"\x88\x05\x03\xE8bye", 7)]
    #[case::bare_close(Frame::close(None, ""), b"\x88\x00", 2)]
    fn a_frame_is_written_and_read(#[case] frame: Frame, #[case] start: &[u8], #[case] size: usize) {
        let bytes = frame.to_bytes();
        assert_eq!((&bytes[..start.len()], bytes.len()), (start, size));
        assert_eq!(read(&[&bytes]), [Piece::Whole(frame, bytes)]);
    }

    #[rstest]
    fn a_frame_may_be_split_anywhere(#[values(3, 126)] length: usize, #[values(false, true)] masked: bool) {
        let mut frames = vec![binary(length).unfinished(), Frame::new(Opcode::Continuation, "y")];
        if masked {
            frames = frames.into_iter().map(|frame| frame.masked(KEY)).collect();
        }
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::to_bytes).collect();
        let expected: Vec<_> = frames.into_iter().map(|frame| Piece::Whole(frame.clone(), frame.to_bytes())).collect();
        for middle in 0..=bytes.len() {
            let (left, right) = bytes.split_at(middle);
            assert_eq!(read(&[left, right]), expected, "split at {middle}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&single), expected, "byte by byte");
    }

    #[test]
    fn a_frame_that_is_too_large_passes_in_pieces() {
        let length = LARGEST_KEPT + 1;
        let mut head = vec![0x82, 127];
        head.extend(length.to_be_bytes());
        let mut reader = FrameReader::default();
        reader.push(&head);
        let Some(Piece::Head(frame, raw)) = reader.next_piece() else { panic!("no head") };
        assert_eq!((frame.length, frame.is_whole(), &raw[..]), (length, false, &head[..]));
        let mut passed = 0;
        while passed < length {
            assert!(reader.is_within());
            reader.push(&[0; 4096]);
            let Some(Piece::Rest(rest)) = reader.next_piece() else { panic!("nothing after {passed}") };
            passed += rest.len() as u64;
        }
        assert!(!reader.is_within());
        // The last portion was longer than the frame: the rest of it is the next frame.
        assert_eq!(reader.next_piece(), Some(whole(Frame::new(Opcode::Continuation, "").unfinished())));
    }

    #[test]
    fn a_length_beyond_all_bounds_does_no_harm() {
        let mut reader = FrameReader::default();
        reader.push(&[0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255]);
        assert!(matches!(reader.next_piece(), Some(Piece::Head(frame, _)) if frame.length == u64::MAX));
        reader.push(b"rest");
        assert_eq!(reader.next_piece(), Some(Piece::Rest(Bytes::from("rest"))));
    }

    /// All pieces of bytes that come in these portions.
    fn read(portions: &[&[u8]]) -> Vec<Piece> {
        let mut reader = FrameReader::default();
        let mut pieces = Vec::new();
        for portion in portions {
            reader.push(portion);
            pieces.extend(std::iter::from_fn(|| reader.next_piece()));
        }
        assert_eq!(reader.rest(), "", "bytes left over");
        pieces
    }

    fn whole(frame: Frame) -> Piece {
        let bytes = frame.to_bytes();
        Piece::Whole(frame, bytes)
    }

    fn binary(length: usize) -> Frame {
        Frame::new(Opcode::Binary, vec![b'x'; length])
    }

    impl Frame {
        fn unfinished(self) -> Self {
            Self { fin: false, ..self }
        }
    }
}

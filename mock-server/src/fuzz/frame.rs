//! WebSocket frames, in whatever portions their bytes come.

use bolero::{Driver, ValueGenerator, check};
use bytes::Bytes;
use sparring_fuzz::{Memory, corpus, portions};

use crate::wire::{Frame, FrameReader, Opcode, Piece};

/// The bytes themselves, a copy without mask, and a piece for every two of them.
const PIECES: Memory = Memory { base: 16_384, per_byte: 512 };

#[test]
fn bytes() {
    check!(name = corpus("frames")).for_each(|bytes: &[u8]| read(bytes, &[bytes.len()]));
}

#[test]
fn portioned() {
    check!().with_generator(Portioned).for_each(|(bytes, sizes)| read(bytes, sizes));
}

#[test]
fn written_frames() {
    check!().with_generator(Portioned).for_each(|(payload, sizes)| {
        let frame = Frame::new(Opcode::Binary, payload.clone()).masked([1, 2, 3, payload.len().to_le_bytes()[0]]);
        let bytes = frame.to_bytes();
        let mut reader = FrameReader::default();
        reader.push(&bytes[..bytes.len() - 1]);
        assert_eq!(reader.next_piece(), None, "{sizes:?}");
        reader.push(&bytes[bytes.len() - 1..]);
        assert_eq!(reader.next_piece(), Some(Piece::Whole(frame, bytes)));
    });
}

/// Some bytes, which often begin as large frames do, and the sizes of the portions in which they come.
struct Portioned;

impl ValueGenerator for Portioned {
    type Output = (Vec<u8>, Vec<usize>);

    fn generate<D: Driver>(&self, driver: &mut D) -> Option<Self::Output> {
        let mut bytes: Vec<u8> = match driver.produce::<u8>()? % 4 {
            0 => vec![0x82, 0x7F, 0, 0, 0, 0, 0, 0x10, 0, driver.produce()?],
            1 => vec![0x81, 0xFE, 0, driver.produce()?],
            2 => vec![driver.produce()?, 0x7F],
            _ => Vec::new(),
        };
        bytes.extend(driver.produce::<Vec<u8>>()?);
        let sizes = portions(driver, bytes.len())?;
        Some((bytes, sizes))
    }
}

fn read(bytes: &[u8], sizes: &[usize]) {
    let (pieces, rest) = PIECES.bounds(bytes.len(), || pieces(bytes, sizes));
    let raw = |piece: &Piece| match piece {
        Piece::Whole(_, raw) | Piece::Head(_, raw) | Piece::Rest(raw) => raw.clone(),
    };
    let passed: Vec<u8> = pieces.iter().map(raw).chain([rest]).flatten().collect();
    assert_eq!(passed, bytes, "each byte passes once, in its place");
    for piece in &pieces {
        if let Piece::Whole(frame, _) = piece {
            written_again(frame);
        }
    }
}

fn pieces(bytes: &[u8], sizes: &[usize]) -> (Vec<Piece>, Bytes) {
    let mut reader = FrameReader::default();
    let mut pieces = Vec::new();
    let mut left = bytes;
    for &size in sizes {
        let (portion, behind) = left.split_at(size);
        reader.push(portion);
        pieces.extend(std::iter::from_fn(|| reader.next_piece()));
        left = behind;
    }
    (pieces, reader.rest())
}

/// Its length may have been written in more bytes than it needs; in its shortest form it is the same frame.
fn written_again(frame: &Frame) {
    let bytes = frame.to_bytes();
    let mut reader = FrameReader::default();
    reader.push(&bytes);
    assert_eq!(reader.next_piece(), Some(Piece::Whole(frame.clone(), bytes)));
}

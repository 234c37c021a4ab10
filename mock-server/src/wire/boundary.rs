//! Where frames end in a row of bytes that somebody else reads or writes.
//!
//! Nothing is kept or copied: of each frame's head only the length is looked at. So it can watch every connection. Knows
//! nothing of what frames carry.

/// A place in a row of frames. Starts between two of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Boundary {
    head: Head,
    /// Bytes of the frame behind what its head has told of it.
    rest: u64,
}

/// How much of a frame's head has passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Head {
    /// Nothing, or all of it.
    #[default]
    Whole,
    /// The byte with the opcode.
    First,
    /// The length's field, but for its last bytes.
    Length {
        /// How many are missing.
        missing: u8,
        /// What they add to.
        length: u64,
        /// Whether the frame has a masking key.
        masked: bool,
    },
}

impl Boundary {
    /// Whether no frame has been begun.
    pub(super) fn is_here(self) -> bool {
        self.head == Head::Whole && self.rest == 0
    }

    /// Passes all of these bytes.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = &bytes[self.pass_frame(bytes)..];
        }
    }

    /// Passes bytes up to the next boundary, but at least one; how many.
    pub(super) fn pass_frame(&mut self, bytes: &[u8]) -> usize {
        let mut passed = 0;
        while let Some(byte) = bytes.get(passed) {
            if self.rest > 0 {
                let size = self.rest.min((bytes.len() - passed) as u64);
                self.rest -= size;
                passed += usize::try_from(size).expect("no more than the length of a slice");
            } else {
                self.pass_head(*byte);
                passed += 1;
            }
            if self.is_here() {
                break;
            }
        }
        passed
    }

    fn pass_head(&mut self, byte: u8) {
        match self.head {
            Head::Whole => self.head = Head::First,
            Head::First => {
                let masked = byte & MASK != 0;
                match byte & !MASK {
                    MEDIUM => self.head = Head::Length { missing: 2, length: 0, masked },
                    LONG => self.head = Head::Length { missing: 8, length: 0, masked },
                    short => self.begin(u64::from(short), masked),
                }
            }
            Head::Length { missing, length, masked } => {
                let length = length << 8 | u64::from(byte);
                match missing - 1 {
                    0 => self.begin(length, masked),
                    missing => self.head = Head::Length { missing, length, masked },
                }
            }
        }
    }

    /// The length is known: what follows is the key and the payload.
    fn begin(&mut self, length: u64, masked: bool) {
        self.head = Head::Whole;
        self.rest = length.saturating_add(if masked { KEY_SIZE } else { 0 });
    }
}

const MASK: u8 = 0x80;
/// In place of a length: 16 bits with the length follow.
const MEDIUM: u8 = 0x7E;
/// In place of a length: 64 bits with the length follow.
const LONG: u8 = 0x7F;
const KEY_SIZE: u64 = 4;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::{Frame, Opcode};
    use super::*;

    /// Frames of all lengths and both kinds; the boundaries are where they were put together.
    #[rstest]
    fn boundaries_are_found_however_the_bytes_come(#[values(1, 2, 3, 7, 1000, 200_000)] portion: usize) {
        let mut bytes = Vec::new();
        let mut expected = vec![0];
        for size in [0, 1, 125, 126, 65_535, 65_536, 0] {
            for frame in [Frame::new(Opcode::Binary, vec![0x81; size]), Frame::new(Opcode::Text, vec![7; size])] {
                let frame = if frame.opcode == Opcode::Text { frame.masked([1, 2, 3, 4]) } else { frame };
                bytes.extend(frame.to_bytes());
                expected.push(bytes.len());
            }
        }
        let mut boundary = Boundary::default();
        let (mut found, mut passed) = (vec![0], 0);
        for mut portion in bytes.chunks(portion) {
            while !portion.is_empty() {
                let size = boundary.pass_frame(portion);
                passed += size;
                portion = &portion[size..];
                if boundary.is_here() {
                    found.push(passed);
                }
            }
        }
        assert_eq!(found, expected);
    }

    #[test]
    fn a_length_beyond_all_bounds_does_no_harm() {
        let mut boundary = Boundary::default();
        boundary.pass(&[0x82, 0xFF, 255, 255, 255, 255, 255, 255, 255, 255]);
        boundary.pass(&[0; 4096]);
        assert!(!boundary.is_here());
    }
}

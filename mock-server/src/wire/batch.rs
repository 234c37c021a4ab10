//! Bytes that go on together, in portions.
//!
//! Knows nothing of where they go.

use bytes::{Bytes, BytesMut};

/// Bytes that go on together. One portion is not copied.
#[derive(Default)]
pub(super) struct Batch {
    portions: Vec<Bytes>,
    size: usize,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// How many bytes it has.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn add(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.size += bytes.len();
            self.portions.push(bytes);
        }
    }

    pub(super) fn copy(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.add(Bytes::copy_from_slice(bytes));
        }
    }

    /// Moves all of `other` behind what is here.
    pub(super) fn append(&mut self, other: &mut Self) {
        self.size += std::mem::take(&mut other.size);
        self.portions.append(&mut other.portions);
    }

    /// All of it in one piece.
    pub(super) fn join(mut self) -> Bytes {
        if self.portions.len() <= 1 {
            return self.portions.pop().unwrap_or_default();
        }
        let mut joined = BytesMut::with_capacity(self.size);
        self.portions.iter().for_each(|portion| joined.extend_from_slice(portion));
        joined.freeze()
    }
}

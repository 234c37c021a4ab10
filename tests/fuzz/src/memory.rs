//! How much memory a reader may hold at once for the size of its input.

/// A bound: `base` bytes, and so many more for each byte of the input.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// For an input of any size.
    pub base: usize,
    /// For each byte of the input.
    pub per_byte: usize,
}

impl Memory {
    /// Runs a reader over an input of this many bytes.
    ///
    /// # Panics
    ///
    /// When it holds more than the bound at any moment, not counting what its thread held before.
    pub fn bounds<T>(self, bytes: usize, read: impl FnOnce() -> T) -> T {
        let mut result = None;
        let used = allocation_counter::measure(|| result = Some(read())).bytes_max;
        let most = self.base + self.per_byte * bytes;
        assert!(used <= most as u64, "{used} bytes of memory for {bytes} bytes of input, at most {most} are allowed");
        result.expect("the reader has run")
    }
}

#[cfg(test)]
mod tests {
    use super::Memory;

    const BOUND: Memory = Memory { base: 1_000, per_byte: 2 };

    #[test]
    fn what_stays_below_passes() {
        assert_eq!(BOUND.bounds(100, || vec![1_u8; 1_100].len()), 1_100);
    }

    #[test]
    #[should_panic(expected = "at most 1200 are allowed")]
    fn what_is_held_in_between_counts() {
        BOUND.bounds(100, || vec![1_u8; 1_300].len());
    }
}

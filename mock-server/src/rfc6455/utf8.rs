//! Whether a text that comes in pieces is still on the way to being UTF-8.
//!
//! Knows nothing of frames.

/// The bytes of a character that is not complete.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Utf8 {
    begun: [u8; 4],
    count: usize,
}

impl Utf8 {
    /// Takes the next piece; false if no continuation can make the text valid.
    pub(super) fn take(&mut self, mut piece: &[u8]) -> bool {
        while let ([first, rest @ ..], 1..=3) = (piece, self.count) {
            self.begun[self.count] = *first;
            self.count += 1;
            piece = rest;
            match std::str::from_utf8(&self.begun[..self.count]) {
                Ok(_) => self.count = 0,
                Err(error) if error.error_len().is_some() => return false,
                Err(_) => {}
            }
        }
        let Err(error) = std::str::from_utf8(piece) else { return true };
        let begun = &piece[error.valid_up_to()..];
        self.count = begun.len().min(self.begun.len());
        self.begun[..self.count].copy_from_slice(&begun[..self.count]);
        error.error_len().is_none()
    }

    /// Whether the text could end here.
    pub(super) fn is_complete(self) -> bool {
        self.count == 0
    }
}

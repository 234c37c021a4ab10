//! The payload of a close frame.
//!
//! Knows nothing of who sent it.

use super::Failure;

/// What a close frame says, legal or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Close {
    /// The code; none if there is no room for one.
    pub(crate) code: Option<u16>,
    /// The reason, as far as it is UTF-8.
    pub(crate) reason: String,
    /// What is wrong with it, if anything.
    pub(crate) fault: Option<Failure>,
}

impl Close {
    /// Reads a payload.
    pub(super) fn read(payload: &[u8]) -> Self {
        let (code, text) = match payload {
            [high, low, text @ ..] => (Some(u16::from_be_bytes([*high, *low])), text),
            _ => (None, &[][..]),
        };
        let fault = match code {
            None if payload.is_empty() => None,
            None => Some(Failure::Protocol("close frame with half a code")),
            Some(code) if !is_legal(code) => Some(Failure::Protocol("reserved close code")),
            Some(_) => std::str::from_utf8(text).is_err().then_some(Failure::Utf8),
        };
        Self { code, reason: String::from_utf8_lossy(text).into_owned(), fault }
    }

    /// The code of the close frame that answers this one.
    pub(crate) fn answer(&self) -> Option<u16> {
        self.fault.map_or(self.code, Failure::code)
    }
}

/// Whether a close frame may bear this code: those that RFC 6455 and its registry define, and those free for use.
fn is_legal(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

//! Messages and frames of a plain WebSocket as messages of the journal.
//!
//! The name of a message is its `type`, if it is a JSON object that has one; else it is `TEXT` or `BINARY`. Frames that
//! are no messages are named after what they are. Knows nothing of who sends what.

use std::fmt::Write as _;

use serde_json::Value;

use super::packet::{KEPT, named, shortened};
use crate::journal::Message;

/// A text message.
pub fn text(text: &str) -> Message {
    let data: Option<Value> = serde_json::from_str(text).ok();
    let name = data.as_ref().and_then(|data| data.get("type")).and_then(Value::as_str).unwrap_or("TEXT").to_owned();
    Message { name, data, raw: shortened(text), ..Message::default() }
}

/// A binary message; its bytes are kept in hexadecimal.
pub fn binary(data: &[u8]) -> Message {
    Message { binary: true, raw: hex(data), ..named("BINARY") }
}

/// Bytes of frames that are no message, by the name that says what they are.
pub fn frame(name: &str, bytes: &[u8]) -> Message {
    Message { raw: hex(bytes), ..named(name) }
}

/// Bytes in hexadecimal, of bounded length.
fn hex(bytes: &[u8]) -> String {
    let kept = &bytes[..bytes.len().min(KEPT / 2)];
    let mut text = String::with_capacity(2 * kept.len());
    for byte in kept {
        write!(text, "{byte:02x}").expect("a string takes all that is written");
    }
    if kept.len() < bytes.len() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("{\"type\":\"PING\",\"n\":1}", "PING", Some(json!({"type": "PING", "n": 1})))]
    #[case("{\"type\":7}", "TEXT", Some(json!({"type": 7})))]
    #[case("[1]", "TEXT", Some(json!([1])))]
    #[case("Hello", "TEXT", None)]
    #[case("", "TEXT", None)]
    fn texts(#[case] raw: &str, #[case] name: &str, #[case] data: Option<Value>) {
        let message = text(raw);
        assert_eq!((message.name.as_str(), message.data, message.raw.as_str()), (name, data, raw));
    }

    #[test]
    fn bytes_are_kept_up_to_a_length() {
        assert_eq!(binary(&[0, 0xFF]).raw, "00ff");
        assert_eq!(frame("PING_FRAME", &[0x89, 0]).raw, "8900");
        assert_eq!(binary(&vec![1; KEPT]).raw.chars().count(), KEPT + 1);
    }
}

//! Engine.IO v4 packets: a digit, then data; in a polling payload several of them, separated by U+001E.
//!
//! ```text
//! packet  = type data            0 open, 1 close, 2 ping, 3 pong, 4 message, 5 upgrade, 6 noop
//! binary  = "b" base64           in a polling payload; a binary frame over WebSocket
//! payload = packet *(RS packet)
//! ```
//!
//! Knows nothing of what a message holds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;

/// Separates the packets of a polling payload.
const SEPARATOR: char = '\u{1e}';

/// One packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// The server's settings, as JSON text.
    Open(String),
    /// Goodbye.
    Close,
    /// Heartbeat, with its payload.
    Ping(String),
    /// Answer to a heartbeat.
    Pong(String),
    /// A message.
    Message(Payload),
    /// The WebSocket takes over.
    Upgrade,
    /// Nothing.
    Noop,
    /// Never read, only written: exactly these bytes, right or wrong.
    Raw(Payload),
}

/// What a message or a frame holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
}

/// Not a packet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an Engine.IO packet: {0:?}")]
pub struct PacketError(pub String);

/// What an `Open` packet announces.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Handshake {
    /// Session id.
    pub sid: String,
    /// Transports to move to.
    #[serde(default)]
    pub upgrades: Vec<String>,
    /// Milliseconds between pings.
    pub ping_interval: u64,
    /// Milliseconds a ping may be late.
    pub ping_timeout: u64,
}

impl Packet {
    /// Reads a text frame, or one part of a polling payload.
    pub fn read(text: &str) -> Result<Self, PacketError> {
        let wrong = || PacketError(text.chars().take(40).collect());
        let mut chars = text.chars();
        let kind = chars.next().ok_or_else(wrong)?;
        let data = chars.as_str().to_owned();
        match kind {
            '0' => Ok(Self::Open(data)),
            '1' => Ok(Self::Close),
            '2' => Ok(Self::Ping(data)),
            '3' => Ok(Self::Pong(data)),
            '4' => Ok(Self::Message(Payload::Text(data))),
            '5' => Ok(Self::Upgrade),
            '6' => Ok(Self::Noop),
            'b' => match STANDARD.decode(data) {
                Ok(bytes) => Ok(Self::Message(Payload::Binary(bytes.into()))),
                Err(_) => Err(wrong()),
            },
            _ => Err(wrong()),
        }
    }

    /// Reads a polling payload.
    pub fn read_all(payload: &str) -> Result<Vec<Self>, PacketError> {
        payload.split(SEPARATOR).map(Self::read).collect()
    }

    /// The packet as a WebSocket frame.
    pub fn frame(&self) -> Payload {
        let text = match self {
            Self::Message(payload @ Payload::Binary(_)) | Self::Raw(payload) => return payload.clone(),
            Self::Open(data) => format!("0{data}"),
            Self::Close => "1".to_owned(),
            Self::Ping(data) => format!("2{data}"),
            Self::Pong(data) => format!("3{data}"),
            Self::Message(Payload::Text(text)) => format!("4{text}"),
            Self::Upgrade => "5".to_owned(),
            Self::Noop => "6".to_owned(),
        };
        Payload::Text(text)
    }

    /// Several packets as the body of a POST.
    pub fn payload(packets: &[Self]) -> Vec<u8> {
        let mut body = Vec::new();
        for (index, packet) in packets.iter().enumerate() {
            if index > 0 {
                body.push(SEPARATOR as u8);
            }
            match (packet, packet.frame()) {
                (Self::Raw(_), Payload::Binary(bytes)) => body.extend_from_slice(&bytes),
                (_, Payload::Binary(bytes)) => {
                    body.extend_from_slice(format!("b{}", STANDARD.encode(bytes)).as_bytes());
                }
                (_, Payload::Text(text)) => body.extend_from_slice(text.as_bytes()),
            }
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("4hello", Some(Packet::Message(Payload::Text("hello".into()))))]
    #[case("2probe", Some(Packet::Ping("probe".into())))]
    #[case("6", Some(Packet::Noop))]
    #[case("bAQID", Some(Packet::Message(Payload::Binary(Bytes::from_static(&[1, 2, 3])))))]
    #[case("b?", None)]
    #[case("9", None)]
    #[case("x", None)]
    #[case("", None)]
    fn packets(#[case] text: &str, #[case] expected: Option<Packet>) {
        assert_eq!(Packet::read(text).ok(), expected);
    }

    #[test]
    fn payloads_are_split_and_joined() {
        let packets = Packet::read_all("40{}\u{1e}bAQID\u{1e}2").expect("well-formed");
        assert_eq!(packets.len(), 3);
        assert_eq!(Packet::payload(&packets), "40{}\u{1e}bAQID\u{1e}2".as_bytes());
        assert!(Packet::read_all("40{}\u{1e}").is_err());
    }
}

//! Engine.IO packets: reading and writing, and how they stand in the journal.
//!
//! ```text
//! engine packet   <digit><data>            0 open, 1 close, 2 ping, 3 pong, 4 message, 5 upgrade, 6 noop
//! polling body    packet [0x1E packet]*    binary as b<base64>
//! message         4<text>, whatever the protocol above makes of it
//! ```
//!
//! Knows nothing of connections, rules or who sends what.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::parcel::MessageText;
use crate::journal::Message;
use crate::lane;
use crate::wire::Opcode;

/// Between the packets of a polling body.
const SEPARATOR: char = '\u{1e}';

/// One Engine.IO packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Packet {
    /// The session's settings, as JSON.
    Open(String),
    /// The end of the session.
    Close,
    /// Heartbeat, or `probe`.
    Ping(String),
    /// Its answer.
    Pong(String),
    /// A message.
    Message(MessageText),
    /// A message of bytes; in Socket.IO an attachment of the message before it.
    Binary(Bytes),
    /// The client moves to the probed transport.
    Upgrade,
    /// Nothing: ends a poll.
    Noop,
    /// Text that is to go out as it stands, whatever it is.
    Raw(String),
    /// A text message of a plain WebSocket.
    Text(MessageText),
    /// A binary message of a plain WebSocket.
    Data(Bytes),
    /// Frames of a WebSocket.
    Frames(Box<Frames>),
}

/// Frames that go out as they stand, legal or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frames {
    /// What they are in the journal, and what goes out in their place where there is no WebSocket; nothing if they are
    /// none of its business.
    pub(crate) packet: Option<Packet>,
    /// What they are called in the journal where they are no packet.
    pub(crate) name: String,
    /// Their bytes, frame by frame.
    pub(crate) bytes: Vec<Bytes>,
    /// Time between one and the next.
    pub(crate) pause: Duration,
}

impl Frames {
    /// Frames without a packet, which go out at once.
    pub(crate) fn new(name: &str, bytes: Vec<Bytes>) -> Self {
        Self { packet: None, name: name.to_owned(), bytes, pause: Duration::ZERO }
    }

    /// As many of their bytes as the journal may want, and some more.
    fn start(&self) -> Vec<u8> {
        self.bytes.iter().flatten().copied().take(MOST_TOLD).collect()
    }
}

/// Bytes of frames from which on nobody looks at more.
const MOST_TOLD: usize = 8_192;

/// Why a packet could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PacketError {
    /// No text at all, or an unknown type.
    #[error("no engine packet type")]
    Type,
    /// `b` without base64 behind it.
    #[error("a binary packet is not base64")]
    Base64,
}

impl Packet {
    /// Reads the text form of one packet, which a message keeps.
    pub(crate) fn take(text: Utf8Bytes) -> Result<Self, PacketError> {
        if text.starts_with('4') { Ok(Self::Message(MessageText::new(text))) } else { Self::read(&text) }
    }

    /// Reads the text form of one packet.
    pub(crate) fn read(text: &str) -> Result<Self, PacketError> {
        let mut rest = text.chars();
        let kind = rest.next().ok_or(PacketError::Type)?;
        let data = rest.as_str();
        Ok(match kind {
            '0' => Self::Open(data.to_owned()),
            '1' => Self::Close,
            '2' => Self::Ping(data.to_owned()),
            '3' => Self::Pong(data.to_owned()),
            '4' => Self::Message(MessageText::new(text)),
            '5' => Self::Upgrade,
            '6' => Self::Noop,
            'b' => Self::Binary(BASE64_STANDARD.decode(data).map_err(|_| PacketError::Base64)?.into()),
            _ => return Err(PacketError::Type),
        })
    }

    /// Reads a polling body, packet by packet.
    pub(crate) fn read_body(body: &str) -> impl Iterator<Item = Result<Self, PacketError>> {
        body.split(SEPARATOR).map(Self::read)
    }

    /// Writes a polling body.
    pub(crate) fn write_body(packets: &[Self]) -> String {
        let texts: Vec<String> = packets.iter().map(Self::write).collect();
        texts.join(&SEPARATOR.to_string())
    }

    /// The text form.
    pub(crate) fn write(&self) -> String {
        match self {
            Self::Open(data) => format!("0{data}"),
            Self::Close => "1".to_owned(),
            Self::Ping(data) => format!("2{data}"),
            Self::Pong(data) => format!("3{data}"),
            Self::Message(text) | Self::Text(text) => text.whole().to_string(),
            Self::Upgrade => "5".to_owned(),
            Self::Noop => "6".to_owned(),
            Self::Raw(text) => text.clone(),
            Self::Data(data) => String::from_utf8_lossy(data).into_owned(),
            Self::Frames(frames) => frames.packet.as_ref().unwrap_or(&Self::Noop).write(),
            Self::Binary(data) => format!("b{}", BASE64_STANDARD.encode(data)),
        }
    }

    /// A text message of a plain WebSocket.
    pub(crate) fn plain(text: impl Into<Utf8Bytes>) -> Self {
        Self::Text(MessageText::plain(text))
    }

    /// Frames as they stand, by the name that the journal has for them.
    pub(crate) fn frames(name: &str, bytes: Vec<Bytes>) -> Self {
        Self::Frames(Box::new(Frames::new(name, bytes)))
    }

    /// What a WebSocket carries of it: the opcode and the payload.
    pub(crate) fn content(&self) -> (Opcode, Bytes) {
        match self {
            Self::Data(data) | Self::Binary(data) => (Opcode::Binary, data.clone()),
            Self::Message(text) | Self::Text(text) => (Opcode::Text, text.whole().into()),
            Self::Frames(frames) => frames.packet.as_ref().map_or((Opcode::Text, Bytes::new()), Self::content),
            other => (Opcode::Text, other.write().into()),
        }
    }

    /// What the journal has for it: the packet itself, or that of which it is the frames.
    pub(crate) fn told(&self) -> &Self {
        match self {
            Self::Frames(frames) => frames.packet.as_ref().unwrap_or(self),
            other => other,
        }
    }

    /// The name that the journal has for it; empty if it has none.
    pub(crate) fn name(&self) -> String {
        self.message().map(|message| message.name.clone()).unwrap_or_default()
    }

    /// Whether it is a message of a plain WebSocket, which can have any name.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Data(_))
    }

    /// How many bytes it has besides its type.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Open(data) | Self::Ping(data) | Self::Pong(data) | Self::Raw(data) => data.len(),
            Self::Message(text) | Self::Text(text) => text.content().len(),
            Self::Binary(data) | Self::Data(data) => data.len(),
            // A fault by frames is not to be undone by a limit.
            Self::Close | Self::Upgrade | Self::Noop | Self::Frames(_) => 0,
        }
    }

    /// Whether it is a message with this Socket.IO name: a packet in capitals, or an event.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.message().is_some_and(|message| message.name == name)
    }

    /// How it stands in the journal; none for heartbeats, which have records of their own.
    pub(crate) fn message(&self) -> Option<Arc<Message>> {
        match self {
            Self::Message(text) | Self::Text(text) => Some(text.message()),
            Self::Data(data) => Some(lane::binary(data).into()),
            Self::Frames(frames) => match &frames.packet {
                Some(packet) => packet.message(),
                None => Some(lane::frame(&frames.name, &frames.start()).into()),
            },
            other => lane::message(&other.write()).map(Arc::new),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("")]
    #[case("x")]
    #[case("7")]
    #[case("b!")]
    fn what_is_no_packet_is_refused(#[case] text: &str) {
        assert!(Packet::read(text).is_err());
    }

    #[test]
    fn bodies_hold_several_packets() {
        let body = "40{\"sid\":\"a\"}\u{1e}bAQI=\u{1e}6";
        let packets: Vec<Packet> = Packet::read_body(body).collect::<Result<_, _>>().unwrap();
        assert_eq!(packets[1], Packet::Binary(Bytes::from_static(&[1, 2])));
        assert_eq!(Packet::write_body(&packets), body);
    }
}

//! Engine.IO packets: reading and writing, and how they stand in the journal.
//!
//! ```text
//! engine packet   <digit><data>            0 open, 1 close, 2 ping, 3 pong, 4 message, 5 upgrade, 6 noop
//! polling body    packet [0x1E packet]*    binary as b<base64>
//! message         4<text>, whatever the protocol above makes of it
//! ```
//!
//! Knows nothing of connections, rules or who sends what.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::journal::Message;
use crate::lane;
use crate::socket_io::{self, Args};

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
    Message(Text),
    /// A message of bytes; in Socket.IO an attachment of the message before it.
    Binary(Bytes),
    /// The client moves to the probed transport.
    Upgrade,
    /// Nothing: ends a poll.
    Noop,
    /// Text that is to go out as it stands, whatever it is.
    Raw(String),
}

/// The text of a message with the engine's digit before it, shared by all packets that carry it: a broadcast is written
/// and read for the journal once.
#[derive(Debug, Clone)]
pub(crate) struct Text(Arc<Written>);

#[derive(Debug)]
struct Written {
    text: Utf8Bytes,
    message: OnceLock<Arc<Message>>,
}

impl Text {
    /// The message of this text, which begins with the digit 4.
    pub(crate) fn new(text: impl Into<Utf8Bytes>) -> Self {
        let text = text.into();
        debug_assert!(text.starts_with('4'), "the engine's digit is part of it");
        Self(Arc::new(Written { text, message: OnceLock::new() }))
    }

    /// All of it, to be sent without a copy.
    pub(crate) fn whole(&self) -> Utf8Bytes {
        self.0.text.clone()
    }

    /// The message without the engine's digit.
    pub(crate) fn content(&self) -> &str {
        &self.0.text.as_str()[1..]
    }

    fn message(&self) -> Arc<Message> {
        let read = || Arc::new(lane::message(&self.0.text).expect("only heartbeats are no messages"));
        Arc::clone(self.0.message.get_or_init(read))
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for Text {}

/// What leaves together: a packet, and the attachments right behind it.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    /// The packet.
    pub(crate) packet: Packet,
    /// Its attachments.
    pub(crate) attachments: Vec<Bytes>,
    /// The event that it acknowledges, if it is an acknowledgement.
    pub(crate) answers: Option<Arc<str>>,
}

impl From<Packet> for Parcel {
    fn from(packet: Packet) -> Self {
        Self { packet, attachments: Vec::new(), answers: None }
    }
}

impl Parcel {
    /// The name that the journal has for it; empty if it has none.
    pub(crate) fn name(&self) -> String {
        self.packet.message().map(|message| message.name.clone()).unwrap_or_default()
    }

    /// The namespace that it is about; the root if it is no packet of Socket.IO.
    pub(crate) fn namespace(&self) -> Cow<'static, str> {
        self.decoded().map_or(Cow::Borrowed(socket_io::packet::ROOT), |packet| packet.namespace)
    }

    /// The same with other arguments, if it is a packet of Socket.IO that has any.
    #[must_use]
    pub(crate) fn with_args(self, change: impl FnOnce(Args) -> Args) -> Self {
        self.altered(|packet| {
            if let Some(args) = packet.args_mut() {
                *args = change(std::mem::take(args));
            }
        })
    }

    /// The same with something else in it, if it is a packet of Socket.IO.
    #[must_use]
    pub(crate) fn altered(self, change: impl FnOnce(&mut socket_io::packet::Packet)) -> Self {
        let Some(mut packet) = self.decoded() else { return self };
        change(&mut packet);
        Self { answers: self.answers, ..packet.encode() }
    }

    fn decoded(&self) -> Option<socket_io::packet::Packet> {
        let Packet::Message(text) = &self.packet else { return None };
        let (mut packet, _) = socket_io::packet::decode(text.content()).ok()?;
        if let Some(args) = packet.args_mut() {
            args.attachments.clone_from(&self.attachments);
        }
        Some(packet)
    }

    /// Its packets, in the order in which they go out.
    pub(crate) fn into_packets(self) -> impl Iterator<Item = Packet> {
        std::iter::once(self.packet).chain(self.attachments.into_iter().map(Packet::Binary))
    }
}

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
        if text.starts_with('4') { Ok(Self::Message(Text::new(text))) } else { Self::read(&text) }
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
            '4' => Self::Message(Text::new(text)),
            '5' => Self::Upgrade,
            '6' => Self::Noop,
            'b' => Self::Binary(BASE64_STANDARD.decode(data).map_err(|_| PacketError::Base64)?.into()),
            _ => return Err(PacketError::Type),
        })
    }

    /// Reads a polling body.
    pub(crate) fn read_body(body: &str) -> Result<Vec<Self>, PacketError> {
        body.split(SEPARATOR).map(Self::read).collect()
    }

    /// Writes a polling body.
    pub(crate) fn write_body(packets: &[Self]) -> String {
        let texts: Vec<String> = packets.iter().map(Self::write).collect();
        texts.join(&SEPARATOR.to_string())
    }

    /// The text form, without a copy where it is kept.
    pub(crate) fn text(self) -> Utf8Bytes {
        match self {
            Self::Message(text) => text.whole(),
            other => other.write().into(),
        }
    }

    /// The text form.
    pub(crate) fn write(&self) -> String {
        match self {
            Self::Open(data) => format!("0{data}"),
            Self::Close => "1".to_owned(),
            Self::Ping(data) => format!("2{data}"),
            Self::Pong(data) => format!("3{data}"),
            Self::Message(text) => text.whole().to_string(),
            Self::Upgrade => "5".to_owned(),
            Self::Noop => "6".to_owned(),
            Self::Raw(text) => text.clone(),
            Self::Binary(data) => format!("b{}", BASE64_STANDARD.encode(data)),
        }
    }

    /// Whether it is a message with this Socket.IO name: a packet in capitals, or an event.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.message().is_some_and(|message| message.name == name)
    }

    /// How it stands in the journal; none for heartbeats, which have records of their own.
    pub(crate) fn message(&self) -> Option<Arc<Message>> {
        match self {
            Self::Message(text) => Some(text.message()),
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
        let packets = Packet::read_body(body).unwrap();
        assert_eq!(packets[1], Packet::Binary(Bytes::from_static(&[1, 2])));
        assert_eq!(Packet::write_body(&packets), body);
    }
}

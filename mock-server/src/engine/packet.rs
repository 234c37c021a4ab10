//! Engine.IO packets and the Socket.IO packets inside them: reading, writing, and how they stand in the journal.
//!
//! ```text
//! engine packet   <digit><data>            0 open, 1 close, 2 ping, 3 pong, 4 message, 5 upgrade, 6 noop
//! polling body    packet [0x1E packet]*    binary as b<base64>
//! socket packet   4<type>[<n>-][/<ns>,][<id>]<json>
//! ```
//!
//! Knows nothing of connections, rules or who sends what.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde_json::Value;

use crate::journal::Message;

/// Between the packets of a polling body.
const SEPARATOR: char = '\u{1e}';

/// Longest packet text that the journal keeps whole.
const KEPT: usize = 4_096;

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
    /// A Socket.IO packet.
    Message(String),
    /// An attachment of the Socket.IO packet before it.
    Binary(Bytes),
    /// The client moves to the probed transport.
    Upgrade,
    /// Nothing: ends a poll.
    Noop,
    /// Text that is to go out as it stands, whatever it is.
    Raw(String),
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
            '4' => Self::Message(data.to_owned()),
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

    /// The text form.
    pub(crate) fn write(&self) -> String {
        match self {
            Self::Open(data) => format!("0{data}"),
            Self::Close => "1".to_owned(),
            Self::Ping(data) => format!("2{data}"),
            Self::Pong(data) => format!("3{data}"),
            Self::Message(data) => format!("4{data}"),
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
    pub(crate) fn message(&self) -> Option<Message> {
        let named = |name: &str| Message { name: name.to_owned(), raw: shortened(&self.write()), ..Message::default() };
        Some(match self {
            Self::Ping(data) | Self::Pong(data) if data == "probe" => named("PROBE"),
            Self::Ping(_) | Self::Pong(_) => return None,
            Self::Open(data) => Message { data: serde_json::from_str(data).ok(), ..named("OPEN") },
            Self::Close => named("CLOSE"),
            Self::Upgrade => named("UPGRADE"),
            Self::Noop => named("NOOP"),
            Self::Message(text) => Message { raw: shortened(&self.write()), ..socket_message(text) },
            Self::Binary(_) => Message { binary: true, ..named("BINARY") },
            Self::Raw(text) => match Self::read(text) {
                Ok(packet) if packet.write() == *text => return packet.message(),
                _ => named("RAW"),
            },
        })
    }
}

/// A text of bounded length, for the journal.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(KEPT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The parts of a Socket.IO packet's text.
struct Parts<'a> {
    kind: char,
    id: Option<u64>,
    json: &'a str,
}

impl<'a> Parts<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let kind = text.chars().next()?;
        let mut rest = &text[kind.len_utf8()..];
        if matches!(kind, '5' | '6') {
            rest = rest.split_once('-')?.1;
        }
        if rest.starts_with('/') {
            rest = rest.split_once(',').map_or("", |(_, rest)| rest);
        }
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (id, json) = rest.split_at(digits);
        Some(Self { kind, id: id.parse().ok(), json })
    }
}

/// Reads a Socket.IO packet for the journal; what is not one has the name `RAW`.
fn socket_message(text: &str) -> Message {
    let unknown = || Message { name: "RAW".to_owned(), ..Message::default() };
    let Some(Parts { kind, id, json }) = Parts::read(text) else { return unknown() };
    let data: Option<Value> = serde_json::from_str(json).ok();
    let named = |name: &str| Message { name: name.to_owned(), data: data.clone(), ..Message::default() };
    match (kind, &data) {
        ('0', _) => named("CONNECT"),
        ('1', _) => named("DISCONNECT"),
        ('4', _) => named("CONNECT_ERROR"),
        ('2' | '5', Some(Value::Array(items))) => event(items, id, kind == '5').unwrap_or_else(unknown),
        ('3' | '6', Some(Value::Array(items))) => Message {
            name: "ACK".to_owned(),
            data: items.first().cloned(),
            args: items.clone(),
            binary: kind == '6',
            id,
            ..Message::default()
        },
        _ => unknown(),
    }
}

fn event(items: &[Value], id: Option<u64>, binary: bool) -> Option<Message> {
    let (name, args) = items.split_first()?;
    Some(Message {
        name: name.as_str()?.to_owned(),
        data: args.first().cloned(),
        args: args.to_vec(),
        binary,
        ack: id.is_some(),
        id,
        ..Message::default()
    })
}

/// The text of an event packet without its engine type.
pub(crate) fn event_text(name: &str, args: &[Value]) -> String {
    let items: Vec<&Value> = args.iter().collect();
    let name = Value::from(name);
    let all: Vec<&Value> = std::iter::once(&name).chain(items).collect();
    format!("2{}", serde_json::to_string(&all).expect("JSON values can be written as JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("0{\"sid\":\"a\"}", "OPEN", Some(json!({"sid": "a"})))]
    #[case("1", "CLOSE", None)]
    #[case("2probe", "PROBE", None)]
    #[case("3probe", "PROBE", None)]
    #[case("5", "UPGRADE", None)]
    #[case("6", "NOOP", None)]
    #[case("40", "CONNECT", None)]
    #[case("40{\"token\":\"t\"}", "CONNECT", Some(json!({"token": "t"})))]
    #[case("40/admin,{\"token\":\"t\"}", "CONNECT", Some(json!({"token": "t"})))]
    #[case("41", "DISCONNECT", None)]
    #[case("41/admin,", "DISCONNECT", None)]
    #[case("44{\"message\":\"no\"}", "CONNECT_ERROR", Some(json!({"message": "no"})))]
    #[case("42[\"hello\",1,2]", "hello", Some(json!(1)))]
    #[case("42[\"hello\"]", "hello", None)]
    #[case("4212[\"hello\",1]", "hello", Some(json!(1)))]
    #[case("42/a,12[\"hello\",1]", "hello", Some(json!(1)))]
    #[case("4312[\"yes\"]", "ACK", Some(json!("yes")))]
    #[case("451-[\"file\",{\"_placeholder\":true,\"num\":0}]", "file", Some(json!({"_placeholder": true, "num": 0})))]
    #[case("42nonsense", "RAW", None)]
    #[case("4", "RAW", None)]
    #[case("42[1]", "RAW", None)]
    fn journal_names(#[case] text: &str, #[case] name: &str, #[case] data: Option<Value>) {
        let message = Packet::read(text).unwrap().message().unwrap();
        assert_eq!((message.name.as_str(), message.data, message.raw.as_str()), (name, data, text));
    }

    #[test]
    fn an_event_that_asks_for_an_answer_says_so() {
        let message = Packet::read("427[\"save\",{}]").unwrap().message().unwrap();
        assert_eq!((message.ack, message.id, message.args.len()), (true, Some(7), 1));
    }

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

    #[test]
    fn events_are_written_with_their_arguments() {
        assert_eq!(event_text("a", &[]), "2[\"a\"]");
        assert_eq!(event_text("a", &[json!({"b": 1})]), "2[\"a\",{\"b\":1}]");
    }
}

//! Socket.IO v5 packets inside Engine.IO messages.
//!
//! ```text
//! packet = type [attachments "-"] ["/" namespace ","] [id] [json]
//! type     0 connect, 1 disconnect, 2 event, 3 ack, 4 connect error, 5 binary event, 6 binary ack
//! ```
//!
//! What is accepted and what is refused follows the official parser. Knows nothing of connections.

use serde_json::Value;

/// Names that an event cannot have.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// The kinds of packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the protocol's")]
pub enum Kind {
    Connect,
    Disconnect,
    Event,
    Ack,
    ConnectError,
}

/// One packet.
#[derive(Debug, Clone, PartialEq)]
pub struct Packet {
    /// Kind.
    pub kind: Kind,
    /// How many binary messages belong to it; none for a packet without binary parts.
    pub attachments: Option<usize>,
    /// Namespace, `/` if none is written.
    pub namespace: String,
    /// Acknowledgement id.
    pub id: Option<u64>,
    /// Payload.
    pub data: Option<Value>,
}

/// Not a packet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a Socket.IO packet: {0}")]
pub struct PacketError(pub &'static str);

impl Packet {
    /// A packet of the main namespace.
    pub fn new(kind: Kind, id: Option<u64>, data: Option<Value>) -> Self {
        Self { kind, attachments: None, namespace: "/".to_owned(), id, data }
    }

    /// Reads the text of a message.
    pub fn read(text: &str) -> Result<Self, PacketError> {
        let (kind, binary) = kind(text)?;
        let mut rest = &text[1..];
        let mut attachments = None;
        if binary {
            let (count, tail) = rest.split_once('-').ok_or(PacketError("no number of attachments"))?;
            attachments = Some(count.parse().map_err(|_| PacketError("no number of attachments"))?);
            rest = tail;
        }
        let mut namespace = "/";
        if rest.starts_with('/') {
            (namespace, rest) = rest.split_once(',').unwrap_or((rest, ""));
        }
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (id, json) = rest.split_at(digits);
        let id = if id.is_empty() { None } else { Some(id.parse().map_err(|_| PacketError("id too large"))?) };
        let data = match json {
            "" => None,
            json => Some(serde_json::from_str(json).map_err(|_| PacketError("payload is not JSON"))?),
        };
        fitting(kind, data.as_ref())?;
        Ok(Self { kind, attachments, namespace: namespace.to_owned(), id, data })
    }

    /// The text of a message. Packets with attachments are read, never written.
    pub fn write(&self) -> String {
        let kind = match self.kind {
            Kind::Connect => '0',
            Kind::Disconnect => '1',
            Kind::Event => '2',
            Kind::Ack => '3',
            Kind::ConnectError => '4',
        };
        let namespace = if self.namespace == "/" { String::new() } else { format!("{},", self.namespace) };
        let id = self.id.map_or_else(String::new, |id| id.to_string());
        let data = self.data.as_ref().map_or_else(String::new, Value::to_string);
        format!("{kind}{namespace}{id}{data}")
    }
}

fn kind(text: &str) -> Result<(Kind, bool), PacketError> {
    match text.as_bytes().first() {
        Some(b'0') => Ok((Kind::Connect, false)),
        Some(b'1') => Ok((Kind::Disconnect, false)),
        Some(b'2') => Ok((Kind::Event, false)),
        Some(b'3') => Ok((Kind::Ack, false)),
        Some(b'4') => Ok((Kind::ConnectError, false)),
        Some(b'5') => Ok((Kind::Event, true)),
        Some(b'6') => Ok((Kind::Ack, true)),
        _ => Err(PacketError("unknown type")),
    }
}

/// Whether the payload is of the form that its kind asks for. Only an event cannot do without.
fn fitting(kind: Kind, data: Option<&Value>) -> Result<(), PacketError> {
    let fits = match (kind, data) {
        (Kind::Event, None) | (Kind::Disconnect, Some(_)) => false,
        (_, None) => true,
        (Kind::Connect, Some(data)) => data.is_object(),
        (Kind::ConnectError, Some(data)) => data.is_object() || data.is_string(),
        (Kind::Ack, Some(data)) => data.is_array(),
        (Kind::Event, Some(data)) => match data.get(0) {
            Some(Value::String(name)) => !RESERVED.contains(&name.as_str()),
            Some(Value::Number(_)) => true,
            _ => false,
        },
    };
    if fits { Ok(()) } else { Err(PacketError("payload does not fit the type")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(r#"0{"sid":"a"}"#)]
    #[case("1")]
    #[case(r#"2["session_created",{"sessionId":"s"}]"#)]
    #[case(r#"212["ask",1]"#)]
    #[case(r#"2/admin,["e"]"#)]
    #[case(r#"312["answer"]"#)]
    #[case(r#"4{"message":"no"}"#)]
    fn packets_are_written_as_read(#[case] text: &str) {
        assert_eq!(Packet::read(text).map(|packet| packet.write()), Ok(text.to_owned()));
    }

    #[rstest]
    #[case("")]
    #[case("7")]
    #[case("ü")]
    #[case("0[]")]
    #[case("1{}")]
    #[case("2")]
    #[case("2{}")]
    #[case("2[]")]
    #[case(r#"2["disconnect"]"#)]
    #[case(r#"2["e""#)]
    #[case("4[]")]
    #[case(r#"5["e"]"#)]
    #[case("399999999999999999999999[]")]
    fn what_is_no_packet(#[case] text: &str) {
        assert!(Packet::read(text).is_err(), "{text}");
    }

    #[test]
    fn attachments_are_counted() {
        let packet = Packet::read(r#"51-["e",{"_placeholder":true,"num":0}]"#).expect("well-formed");
        assert_eq!((packet.kind, packet.attachments), (Kind::Event, Some(1)));
    }
}

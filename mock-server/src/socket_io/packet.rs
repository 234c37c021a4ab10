//! Socket.IO packets, revision 5 of the protocol: reading and writing.
//!
//! ```text
//! packet    <type>[<n>-][/<ns>,][<id>][<json>]        behind the engine's type digit 4
//! types     0 connect, 1 disconnect, 2 event, 3 ack, 4 connect error, 5 binary event, 6 binary ack
//! binary    n packets of bytes follow; {"_placeholder":true,"num":i} stands for the i-th
//! ```
//!
//! What the official parser refuses is refused, each case by its name; the few differences are listed in `official`.
//! Placeholders stay in the arguments, in the order of the bytes beside them. Knows nothing of connections.

use std::borrow::Cow;
use std::io::Write as _;

use bytes::Bytes;
use serde_json::Value;

use crate::engine;
use crate::engine::parcel::{MessageText, Parcel};

/// The namespace that needs no name on the wire.
pub(crate) const ROOT: &str = "/";

/// Most attachments of one packet, as in the official server.
const MOST_ATTACHMENTS: usize = 10;

/// Names that mean something to the official libraries themselves, and that no event can have.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// A packet with all that belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Packet {
    /// The namespace that it is about.
    pub(crate) namespace: Cow<'static, str>,
    /// Asks for an acknowledgement of this id, or is the one.
    pub(crate) id: Option<u64>,
    /// What it says.
    pub(crate) body: Body,
}

/// The kinds of packet, with what each says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    /// A client wants in, and says this about itself; or it is in.
    Connect(Value),
    /// Either side leaves the namespace.
    Disconnect,
    /// An event.
    Event {
        /// Its name.
        name: String,
        /// Its arguments.
        args: Args,
    },
    /// An event without even a name, which nobody hears.
    Nothing,
    /// The answer to an event.
    Ack(Args),
    /// The client does not get in.
    ConnectError(Value),
}

/// Arguments of an event or acknowledgement.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Args {
    /// The arguments; where one holds bytes, there is a placeholder.
    pub(crate) values: Vec<Value>,
    /// The bytes, in the order of the placeholders' numbers.
    pub(crate) attachments: Vec<Bytes>,
}

impl Args {
    /// One argument or none, without bytes.
    pub(crate) fn maybe(value: Option<Value>) -> Self {
        Self { values: value.into_iter().collect(), attachments: Vec::new() }
    }

    /// The first argument.
    pub(crate) fn first(&self) -> Option<&Value> {
        self.values.first()
    }
}

impl From<Value> for Args {
    fn from(value: Value) -> Self {
        Self::maybe(Some(value))
    }
}

impl From<&Value> for Args {
    fn from(value: &Value) -> Self {
        Self::from(value.clone())
    }
}

/// Why a client's packet cannot be taken; the official server closes the connection for each of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PacketError {
    /// The first character is none of the seven digits.
    #[error("unknown packet type")]
    Type,
    /// No whole number above 0 before the dash, or no dash.
    #[error("illegal attachments")]
    Attachments,
    /// More than [`MOST_ATTACHMENTS`].
    #[error("too many attachments")]
    TooManyAttachments,
    /// An id that no number can hold.
    #[error("illegal acknowledgement id")]
    Id,
    /// No JSON, or not what this type of packet carries.
    #[error("invalid payload")]
    Payload,
    /// Text came where an attachment was due.
    #[error("got plaintext data when reconstructing a packet")]
    TextForAttachment,
    /// An attachment came where none was due.
    #[error("got binary data when not reconstructing a packet")]
    StrayAttachment,
    /// A placeholder has a number that no attachment has.
    #[error("illegal attachments: no such placeholder")]
    Placeholder,
}

/// Reads the text of one packet, without the engine's digit. Attachments are still to come if it announces any: their
/// number is returned too.
pub(crate) fn decode(text: &str) -> Result<(Packet, Option<usize>), PacketError> {
    let kind = text.bytes().next().filter(|kind| (b'0'..=b'6').contains(kind)).ok_or(PacketError::Type)?;
    let mut rest = &text[1..];
    let mut announced = None;
    if matches!(kind, b'5' | b'6') {
        let (number, behind) = rest.split_once('-').ok_or(PacketError::Attachments)?;
        announced = Some(attachments(number)?);
        rest = behind;
    }
    let mut namespace = Cow::Borrowed(ROOT);
    if rest.starts_with('/') {
        let (name, behind) = rest.split_once(',').unwrap_or((rest, ""));
        if name != ROOT {
            namespace = Cow::Owned(name.to_owned());
        }
        rest = behind;
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (id, json) = rest.split_at(digits);
    let id = if id.is_empty() { None } else { Some(id.parse().map_err(|_| PacketError::Id)?) };
    Ok((Packet { namespace, id, body: body(kind, json)? }, announced))
}

fn attachments(number: &str) -> Result<usize, PacketError> {
    let digits = number.trim_start_matches('0');
    if digits.is_empty() || !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(PacketError::Attachments);
    }
    digits.parse().ok().filter(|number| *number <= MOST_ATTACHMENTS).ok_or(PacketError::TooManyAttachments)
}

/// What a packet of this kind says, with no attachments yet.
fn body(kind: u8, json: &str) -> Result<Body, PacketError> {
    let data: Option<Value> = match json {
        "" => None,
        json => Some(serde_json::from_str(json).map_err(|_| PacketError::Payload)?),
    };
    match (kind, data) {
        (b'0', None) => Ok(Body::Connect(Value::Object(serde_json::Map::new()))),
        (b'0', Some(auth @ Value::Object(_))) => Ok(Body::Connect(auth)),
        (b'1', None) => Ok(Body::Disconnect),
        (b'2' | b'5', None) => Ok(Body::Nothing),
        (b'2' | b'5', Some(Value::Array(items))) => event(items),
        (b'3' | b'6', None) => Ok(Body::Ack(Args::default())),
        (b'3' | b'6', Some(Value::Array(values))) => Ok(Body::Ack(Args { values, attachments: Vec::new() })),
        (b'4', data) if data.as_ref().is_none_or(|data| data.is_object() || data.is_string()) => {
            Ok(Body::ConnectError(data.unwrap_or_default()))
        }
        _ => Err(PacketError::Payload),
    }
}

fn event(mut values: Vec<Value>) -> Result<Body, PacketError> {
    if values.is_empty() {
        return Err(PacketError::Payload);
    }
    let name = match values.remove(0) {
        Value::String(name) if !RESERVED.contains(&name.as_str()) => name,
        Value::Number(number) => number.to_string(),
        _ => return Err(PacketError::Payload),
    };
    Ok(Body::Event { name, args: Args { values, attachments: Vec::new() } })
}

impl Packet {
    /// The name that the journal has for it.
    pub(crate) fn name(&self) -> &str {
        match &self.body {
            Body::Connect(_) => "CONNECT",
            Body::Disconnect => "DISCONNECT",
            Body::Event { name, .. } => name,
            Body::Nothing => "RAW",
            Body::Ack(_) => "ACK",
            Body::ConnectError(_) => "CONNECT_ERROR",
        }
    }

    /// Its arguments, if it is of a kind that has any.
    pub(crate) fn args_mut(&mut self) -> Option<&mut Args> {
        match &mut self.body {
            Body::Event { args, .. } | Body::Ack(args) => Some(args),
            _ => None,
        }
    }

    /// Writes it, with its attachments behind it.
    pub(crate) fn encode(&self) -> Parcel {
        let ns = &self.namespace;
        match &self.body {
            Body::Connect(data) => plain(b'0', ns, Some(data)),
            Body::Disconnect => plain(b'1', ns, None),
            Body::ConnectError(data) => plain(b'4', ns, Some(data).filter(|data| !data.is_null())),
            Body::Event { name, args } => encode_event(ns, self.id, name, args),
            Body::Ack(args) => encode_ack(ns, self.id.unwrap_or_default(), args),
            Body::Nothing => encoded(head(b'2', ns, self.id, &[]), &[]),
        }
    }
}

/// A packet that says who has got in, or why not.
pub(crate) fn plain(kind: u8, namespace: &str, data: Option<&Value>) -> Parcel {
    let mut text = head(kind, namespace, None, &[]);
    if let Some(data) = data {
        json(&mut text, data);
    }
    encoded(text, &[])
}

/// An event; with an id it asks for an acknowledgement.
pub(crate) fn encode_event(namespace: &str, id: Option<u64>, name: &str, args: &Args) -> Parcel {
    let kind = if args.attachments.is_empty() { b'2' } else { b'5' };
    let mut text = head(kind, namespace, id, &args.attachments);
    text.push(b'[');
    json(&mut text, name);
    for value in &args.values {
        text.push(b',');
        json(&mut text, value);
    }
    text.push(b']');
    encoded(text, &args.attachments)
}

/// The answer to the event of this id.
pub(crate) fn encode_ack(namespace: &str, id: u64, args: &Args) -> Parcel {
    let kind = if args.attachments.is_empty() { b'3' } else { b'6' };
    let mut text = head(kind, namespace, Some(id), &args.attachments);
    json(&mut text, &args.values);
    encoded(text, &args.attachments)
}

/// All before the JSON, the engine's digit included.
fn head(kind: u8, namespace: &str, id: Option<u64>, attachments: &[Bytes]) -> Vec<u8> {
    let mut text = Vec::with_capacity(64);
    text.extend([b'4', kind]);
    let written = (|| {
        if matches!(kind, b'5' | b'6') {
            write!(text, "{}-", attachments.len())?;
        }
        if namespace != ROOT {
            write!(text, "{namespace},")?;
        }
        id.map_or(Ok(()), |id| write!(text, "{id}"))
    })();
    written.expect("memory takes every write");
    text
}

fn json<T: serde::Serialize + ?Sized>(text: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(text, value).expect("JSON values can be written as JSON");
}

fn encoded(text: Vec<u8>, attachments: &[Bytes]) -> Parcel {
    let text = String::from_utf8(text).expect("it is made of texts, digits and JSON");
    Parcel {
        attachments: attachments.to_vec(),
        ..Parcel::from(engine::packet::Packet::Message(MessageText::new(text)))
    }
}

/// Puts packets together again whose attachments come behind them.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    /// The packet whose attachments are still to come, and how many it has.
    pending: Option<Box<(Packet, usize)>>,
}

impl Decoder {
    /// Takes a text; none if attachments are still to come.
    pub(crate) fn text(&mut self, text: &str) -> Result<Option<Packet>, PacketError> {
        if self.pending.is_some() {
            return Err(PacketError::TextForAttachment);
        }
        let (packet, announced) = decode(text)?;
        let Some(number) = announced else { return Ok(Some(packet)) };
        self.pending = Some(Box::new((packet, number)));
        Ok(None)
    }

    /// Takes an attachment; the packet if it was the last.
    pub(crate) fn binary(&mut self, data: Bytes) -> Result<Option<Packet>, PacketError> {
        let mut pending = self.pending.take().ok_or(PacketError::StrayAttachment)?;
        let Some(args) = pending.0.args_mut() else { return Ok(Some(pending.0)) };
        args.attachments.push(data);
        if args.attachments.len() < pending.1 {
            self.pending = Some(pending);
            return Ok(None);
        }
        args.number()?;
        Ok(Some(pending.0))
    }
}

impl Args {
    /// Numbers the placeholders in the order in which they stand, and the attachments with them, as the official server
    /// does by putting bytes in their place and taking them out again: one that stands nowhere is gone.
    fn number(&mut self) -> Result<(), PacketError> {
        let came = std::mem::take(&mut self.attachments);
        self.values.iter_mut().try_for_each(|value| renumber(value, &came, &mut self.attachments))
    }
}

fn renumber(value: &mut Value, came: &[Bytes], placed: &mut Vec<Bytes>) -> Result<(), PacketError> {
    match value {
        Value::Object(members) if members.get("_placeholder") == Some(&Value::Bool(true)) => {
            let number = members.get("num").and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
            let data = number.and_then(|number| came.get(number)).ok_or(PacketError::Placeholder)?;
            *value = serde_json::json!({"_placeholder": true, "num": placed.len()});
            placed.push(data.clone());
            Ok(())
        }
        Value::Object(members) => members.values_mut().try_for_each(|value| renumber(value, came, placed)),
        Value::Array(values) => values.iter_mut().try_for_each(|value| renumber(value, came, placed)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn packet(namespace: &'static str, id: Option<u64>, body: Body) -> Packet {
        Packet { namespace: Cow::Borrowed(namespace), id, body }
    }

    fn event(name: &str, values: Value) -> Body {
        Body::Event { name: name.to_owned(), args: Args { values: list(values), attachments: Vec::new() } }
    }

    fn ack(values: Value) -> Body {
        Body::Ack(Args { values: list(values), attachments: Vec::new() })
    }

    fn list(values: Value) -> Vec<Value> {
        match values {
            Value::Array(values) => values,
            _ => Vec::new(),
        }
    }

    #[rstest]
    #[case("0{}", packet("/", None, Body::Connect(json!({}))))]
    #[case("0/admin,{\"token\":\"t\"}", packet("/admin", None, Body::Connect(json!({"token": "t"}))))]
    #[case("1", packet("/", None, Body::Disconnect))]
    #[case("1/admin,", packet("/admin", None, Body::Disconnect))]
    #[case("2[\"a\"]", packet("/", None, event("a", json!([]))))]
    #[case("2[\"a\",1,\"2\",{\"3\":[true]}]", packet("/", None, event("a", json!([1, "2", {"3": [true]}]))))]
    #[case("2/admin,456[\"a\",[]]", packet("/admin", Some(456), event("a", json!([[]]))))]
    #[case("312[]", packet("/", Some(12), ack(json!([]))))]
    #[case("3/admin,0[null]", packet("/admin", Some(0), ack(json!([null]))))]
    #[case("4{\"message\":\"no\"}", packet("/", None, Body::ConnectError(json!({"message": "no"}))))]
    fn packets_read_and_written(#[case] text: &str, #[case] expected: Packet) {
        assert_eq!(decode(text), Ok((expected.clone(), None)));
        assert_eq!(expected.encode().packet.write(), format!("4{text}"));
    }

    #[rstest]
    #[case("0", packet("/", None, Body::Connect(json!({}))))]
    #[case("0/admin", packet("/admin", None, Body::Connect(json!({}))))]
    #[case("0/admin?a=1,", packet("/admin?a=1", None, Body::Connect(json!({}))))]
    #[case("2/,[\"a\"]", packet("/", None, event("a", json!([]))))]
    #[case("2[7,1]", packet("/", None, event("7", json!([1]))))]
    #[case("2", packet("/", None, Body::Nothing))]
    #[case("27", packet("/", Some(7), Body::Nothing))]
    #[case("37", packet("/", Some(7), ack(json!([]))))]
    #[case("4\"no\"", packet("/", None, Body::ConnectError(json!("no"))))]
    fn odd_packets_read(#[case] text: &str, #[case] expected: Packet) {
        assert_eq!(decode(text), Ok((expected, None)));
    }

    #[rstest]
    #[case("", PacketError::Type)]
    #[case("7", PacketError::Type)]
    #[case("abc", PacketError::Type)]
    #[case("ä", PacketError::Type)]
    #[case("0[]", PacketError::Payload)]
    #[case("0\"a\"", PacketError::Payload)]
    #[case("1{}", PacketError::Payload)]
    #[case("2{}", PacketError::Payload)]
    #[case("2[]", PacketError::Payload)]
    #[case("2[null]", PacketError::Payload)]
    #[case("2[{}]", PacketError::Payload)]
    #[case("2[\"a\"", PacketError::Payload)]
    #[case("2abc[\"a\"]", PacketError::Payload)]
    #[case("2[\"connect\"]", PacketError::Payload)]
    #[case("2[\"disconnecting\"]", PacketError::Payload)]
    #[case("3{}", PacketError::Payload)]
    #[case("4[]", PacketError::Payload)]
    #[case("299999999999999999999[\"a\"]", PacketError::Id)]
    #[case("5[\"a\"]", PacketError::Attachments)]
    #[case("5x-[\"a\"]", PacketError::Attachments)]
    #[case("51.5-[\"a\"]", PacketError::Attachments)]
    #[case("5-1-[\"a\"]", PacketError::Attachments)]
    #[case("50-[\"a\"]", PacketError::Attachments)]
    #[case("500-[\"a\"]", PacketError::Attachments)]
    #[case("511-[\"a\"]", PacketError::TooManyAttachments)]
    #[case("599999999999999999999-[\"a\"]", PacketError::TooManyAttachments)]
    fn what_is_refused(#[case] text: &str, #[case] error: PacketError) {
        assert_eq!(decode(text), Err(error));
    }

    #[test]
    fn attachments_come_behind_their_packet() {
        let mut decoder = Decoder::default();
        let text = "52-7[\"file\",{\"_placeholder\":true,\"num\":0},{\"deep\":[{\"_placeholder\":true,\"num\":1}]}]";
        assert_eq!(decoder.text(text), Ok(None));
        assert_eq!(decoder.binary(Bytes::from_static(&[1])), Ok(None));
        let packet = decoder.binary(Bytes::from_static(&[2])).unwrap().unwrap();
        let parcel = packet.encode();
        assert_eq!(parcel.packet.write(), format!("4{text}"));
        assert_eq!(parcel.attachments, [Bytes::from_static(&[1]), Bytes::from_static(&[2])]);
        assert_eq!(decoder.text("2[\"next\"]").map(|next| next.is_some()), Ok(true));
    }

    #[rstest]
    #[case("{\"_placeholder\":true,\"num\":1}")]
    #[case("{\"_placeholder\":true,\"num\":-1}")]
    #[case("{\"_placeholder\":true,\"num\":\"0\"}")]
    #[case("[{\"a\":{\"_placeholder\":true}}]")]
    fn placeholders_without_attachment(#[case] argument: &str) {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.text(&format!("51-[\"file\",{argument}]")), Ok(None));
        assert_eq!(decoder.binary(Bytes::new()), Err(PacketError::Placeholder));
    }

    #[test]
    fn text_and_attachments_out_of_order() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.binary(Bytes::new()), Err(PacketError::StrayAttachment));
        assert_eq!(decoder.text("61-0[]"), Ok(None));
        assert_eq!(decoder.text("2[\"a\"]"), Err(PacketError::TextForAttachment));
    }

    #[rstest]
    #[case::none("[\"x\"]", "[\"x\"]", &[])]
    #[case::another_order("[\"x\",P1,P0]", "[\"x\",P0,P1]", &[2, 1])]
    #[case::one_twice("[\"x\",P1,{\"a\":P1}]", "[\"x\",P0,{\"a\":P1}]", &[2, 2])]
    #[case::with_more_to_it("[\"x\",{\"_placeholder\":true,\"num\":1,\"a\":1}]", "[\"x\",P0]", &[2])]
    #[case::none_after_all("[\"x\",{\"_placeholder\":false,\"num\":9}]", "[\"x\",{\"_placeholder\":false,\"num\":9}]", &[])]
    fn attachments_are_numbered_as_they_stand(#[case] came: &str, #[case] goes: &str, #[case] bytes: &[u8]) {
        let full = |text: &str| {
            let placeholder = |number: u8| format!("{{\"_placeholder\":true,\"num\":{number}}}");
            text.replace("P0", &placeholder(0)).replace("P1", &placeholder(1))
        };
        let mut decoder = Decoder::default();
        assert_eq!(decoder.text(&format!("52-{}", full(came))), Ok(None));
        assert_eq!(decoder.binary(Bytes::from_static(&[1])), Ok(None));
        let parcel = decoder.binary(Bytes::from_static(&[2])).unwrap().unwrap().encode();
        let head = if bytes.is_empty() { "42".to_owned() } else { format!("45{}-", bytes.len()) };
        assert_eq!(parcel.packet.write(), head + &full(goes));
        assert_eq!(parcel.attachments.concat(), bytes);
    }
}

//! Fuzz targets for what servers send, and for the lines of the harness.
//!
//! Nothing may panic or hold much more memory than its input; what is accepted is written and read back as the same.

use bolero::{Driver, ValueGenerator, check};
use bytes::Bytes;
use sparring_fuzz::{Json, Memory, Words, corpus};

use crate::engine_io::{Handshake, Packet, Payload};
use crate::net::Base;
use crate::socket_io::{Kind, Packet as SocketPacket};

/// A packet of a payload is a few dozen bytes beside its text, which a byte and its separator can ask for.
const PAYLOAD: Memory = Memory { base: 4_096, per_byte: 128 };
/// A JSON map of one member costs some hundred bytes.
const PACKET: Memory = Memory { base: 32_768, per_byte: 256 };

const ENGINE_WORDS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "b",
    "bAQI=",
    "2probe",
    "3probe",
    "{\"sid\":\"a\",\"pingInterval\":25000,",
    "\"pingTimeout\":20000,",
    "\"upgrades\":[\"websocket\"]}",
    "\u{1e}",
    "\u{1e}",
];
const SOCKET_WORDS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "1-",
    "99999999999999999999-",
    "/",
    "/admin,",
    "12",
    "[\"event\"",
    ",1]",
    "[1]",
    "{\"sid\":\"a\"}",
    "{\"_placeholder\":true,\"num\":0}",
    "[\"connect\"]",
    "[]",
    "{}",
    "\"no\"",
];

#[test]
fn engine_io_bytes() {
    check!(name = corpus("engine-io")).for_each(|bytes: &[u8]| engine_io(&String::from_utf8_lossy(bytes)));
}

#[test]
fn engine_io_words() {
    check!().with_generator(Words(ENGINE_WORDS)).for_each(|text| engine_io(text));
}

#[test]
fn engine_io_written() {
    check!().with_generator(Packets).for_each(|packets| {
        let payload = String::from_utf8(Packet::payload(packets)).expect("no raw bytes are among them");
        assert_eq!(Packet::read_all(&payload).as_ref(), Ok(packets), "written as {payload:?}");
    });
}

#[test]
fn socket_io_bytes() {
    check!(name = corpus("socket-io")).for_each(|bytes: &[u8]| socket_io(&String::from_utf8_lossy(bytes)));
}

#[test]
fn socket_io_words() {
    check!().with_generator(Words(SOCKET_WORDS)).for_each(|text| socket_io(text));
}

#[test]
fn socket_io_written() {
    let generator = (0..5_u8, 0..4_u8, bolero::produce::<Option<u64>>(), Json(SOCKET_WORDS));
    check!().with_generator(generator).for_each(|(kind, namespace, id, data)| {
        let (kind, data) = match kind {
            0 => (Kind::Connect, data.as_object().map(|_| data.clone())),
            1 => (Kind::Disconnect, None),
            2 => (Kind::Event, Some(serde_json::json!(["event", data]))),
            3 => (Kind::Ack, Some(serde_json::json!([data]))),
            _ => (Kind::ConnectError, Some(serde_json::json!({"message": data}))),
        };
        let namespace = ["/", "/admin", "/a/b?c=d", "/ä"][usize::from(*namespace)].to_owned();
        let packet = SocketPacket { namespace, ..SocketPacket::new(kind, *id, data) };
        assert_eq!(SocketPacket::read(&packet.write()).as_ref(), Ok(&packet), "written as {}", packet.write());
    });
}

#[test]
fn addresses() {
    let words =
        &["http://", "ws://", "https://", "[::1]", "127.0.0.1", "host", ":80", ":99999", "/path/", "?q", "#f", "u:p@"];
    check!().with_generator(Words(words)).for_each(|text: &String| {
        if let Ok(base) = text.parse::<Base>() {
            let written = format!("http://{}{}", base.authority(), base.target(""));
            assert_eq!(written.parse(), Ok(base), "written as {written}");
        }
    });
}

fn engine_io(text: &str) {
    let Ok(packets) = PAYLOAD.bounds(text.len(), || Packet::read_all(text)) else { return };
    let written = String::from_utf8(Packet::payload(&packets)).expect("no raw bytes are read");
    for packet in &packets {
        if let Packet::Open(data) = packet {
            let _ = PACKET.bounds(data.len(), || serde_json::from_str::<Handshake>(data));
        }
    }
    assert_eq!(Packet::read_all(&written), Ok(packets), "written as {written:?}");
}

fn socket_io(text: &str) {
    let Ok(packet) = PACKET.bounds(text.len(), || SocketPacket::read(text)) else { return };
    // Packets with attachments are read, never written.
    if packet.attachments.is_none() {
        assert_eq!(SocketPacket::read(&packet.write()), Ok(packet));
    }
}

/// Payloads that can be written: text that holds a separator cannot.
struct Packets;

impl ValueGenerator for Packets {
    type Output = Vec<Packet>;

    fn generate<D: Driver>(&self, driver: &mut D) -> Option<Self::Output> {
        (0..=driver.produce::<u8>()? % 4).map(|_| packet(driver)).collect()
    }
}

fn packet<D: Driver>(driver: &mut D) -> Option<Packet> {
    let text = |driver: &mut D| Some(Words(ENGINE_WORDS).generate(driver)?.replace('\u{1e}', ""));
    Some(match driver.produce::<u8>()? % 8 {
        0 => Packet::Open(text(driver)?),
        1 => Packet::Close,
        2 => Packet::Ping(text(driver)?),
        3 => Packet::Pong(text(driver)?),
        4 => Packet::Message(Payload::Text(text(driver)?)),
        5 => Packet::Message(Payload::Binary(Bytes::from(driver.produce::<Vec<u8>>()?))),
        6 => Packet::Upgrade,
        _ => Packet::Noop,
    })
}

//! Socket.IO packets, with and without attachments.

use bolero::{Driver, ValueGenerator, check};
use bytes::Bytes;
use sparring_fuzz::{Json, Memory, Words, corpus};

use crate::engine::packet::Packet as Engine;
use crate::socket_io::packet::{Args, Body, Decoder, Packet};

/// A JSON map of one member costs some hundred bytes.
const PACKET: Memory = Memory { base: 32_768, per_byte: 256 };

const WORDS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "1-",
    "10-",
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
fn bytes() {
    check!(name = corpus("socket-io")).for_each(|bytes: &[u8]| read(&String::from_utf8_lossy(bytes)));
}

#[test]
fn words() {
    check!().with_generator(Words(WORDS)).for_each(|text| read(text));
}

#[test]
fn written_packets() {
    check!().with_generator(Packets).for_each(|packet| assert_eq!(written_again(packet).as_ref(), Some(packet)));
}

/// Reads a text, and an attachment behind it if one is due. What has an id for nothing loses it when it is written.
fn read(text: &str) {
    let mut decoder = Decoder::default();
    let packet = PACKET.bounds(text.len(), || match decoder.text(text) {
        Ok(None) => decoder.binary(Bytes::from_static(b"1")),
        read => read,
    });
    let Ok(Some(packet)) = packet else { return };
    let again = written_again(&packet).expect("what is written is read");
    assert_eq!((&again.namespace, &again.body), (&packet.namespace, &packet.body));
    assert_eq!(written_again(&again), Some(again), "written twice it is the same");
}

/// Writes a packet and its attachments, and reads them as they would arrive.
fn written_again(packet: &Packet) -> Option<Packet> {
    let mut decoder = Decoder::default();
    let parts = packet.encode().into_packets().map(|part| match part {
        Engine::Binary(data) => decoder.binary(data).expect("an attachment is due"),
        text => decoder.text(&text.write()[1..]).expect("what is written is read"),
    });
    parts.last().flatten()
}

/// Packets that a server sends.
struct Packets;

impl ValueGenerator for Packets {
    type Output = Packet;

    fn generate<D: Driver>(&self, driver: &mut D) -> Option<Packet> {
        let json = Json(&["a", "_placeholder", "event"]);
        let namespace = ["/", "/admin", "/a/b?c=d", "/ä"][usize::from(driver.produce::<u8>()? % 4)];
        let some = driver.produce::<Option<u64>>()?;
        let (id, body) = match driver.produce::<u8>()? % 5 {
            0 => (None, Body::Connect(serde_json::json!({"sid": json.generate(driver)?}))),
            1 => (None, Body::Disconnect),
            2 => (some, Body::Event { name: "event".to_owned(), args: args(driver)? }),
            3 => (some.or(Some(0)), Body::Ack(args(driver)?)),
            _ => (None, Body::ConnectError(serde_json::json!({"message": json.generate(driver)?}))),
        };
        Some(Packet { namespace: namespace.into(), id, body })
    }
}

fn args<D: Driver>(driver: &mut D) -> Option<Args> {
    let attachments = (0..driver.produce::<u8>()? % 3).map(|_| Some(Bytes::from(driver.produce::<Vec<u8>>()?)));
    let attachments: Vec<Bytes> = attachments.collect::<Option<_>>()?;
    let placeholder = |num| serde_json::json!({"_placeholder": true, "num": num});
    let mut values: Vec<_> = (0..attachments.len()).map(placeholder).collect();
    values.push(Json(&["a", "b"]).generate(driver)?);
    Some(Args { values, attachments })
}

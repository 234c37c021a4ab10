//! Engine.IO packets and polling bodies, and how they stand in the journal.

use bolero::{Driver, ValueGenerator, check};
use bytes::Bytes;
use sparring_fuzz::{Memory, Words, corpus};

use crate::engine::packet::{Packet, PacketError};
use crate::lane;

/// A packet of a body is a few dozen bytes beside its text, which a byte and its separator can ask for.
const BODY: Memory = Memory { base: 4_096, per_byte: 128 };
/// A JSON map of one member costs some hundred bytes, and a record holds its arguments twice.
const RECORD: Memory = Memory { base: 32_768, per_byte: 256 };

const WORDS: &[&str] = &[
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
    "40",
    "41",
    "42",
    "43",
    "44",
    "451-",
    "461-",
    "/admin,",
    "[\"event\"",
    "[\"event\",1]",
    "{\"_placeholder\":true,\"num\":0}",
    "{\"token\":\"guest_\"}",
    "12",
    "\u{1e}",
    "\u{1e}",
];

#[test]
fn bytes() {
    check!(name = corpus("engine-io")).for_each(|bytes: &[u8]| read(&String::from_utf8_lossy(bytes)));
}

#[test]
fn words() {
    check!().with_generator(Words(WORDS)).for_each(|text| read(text));
}

#[test]
fn written_packets() {
    check!().with_generator(Packets).for_each(|packets| {
        assert_eq!(body(&Packet::write_body(packets)).as_ref(), Ok(packets));
    });
}

fn read(text: &str) {
    if let Ok(packets) = BODY.bounds(text.len(), || body(text)) {
        let written = Packet::write_body(&packets);
        assert_eq!(body(&written), Ok(packets), "written as {written:?}");
    }
    let message = RECORD.bounds(text.len(), || lane::message(text).map(lane::with_token));
    assert!(message.is_none_or(|message| message.raw.chars().count() <= 4_097), "records keep no more than 4096");
}

fn body(text: &str) -> Result<Vec<Packet>, PacketError> {
    Packet::read_body(text).collect()
}

/// Bodies that can be written: text that holds a separator cannot.
struct Packets;

impl ValueGenerator for Packets {
    type Output = Vec<Packet>;

    fn generate<D: Driver>(&self, driver: &mut D) -> Option<Self::Output> {
        let more = 1..=1 + driver.produce::<u8>()? % 4;
        more.map(|_| packet(driver)).collect()
    }
}

fn packet<D: Driver>(driver: &mut D) -> Option<Packet> {
    let text = |driver: &mut D| Some(Words(WORDS).generate(driver)?.replace('\u{1e}', ""));
    Some(match driver.produce::<u8>()? % 8 {
        0 => Packet::Open(text(driver)?),
        1 => Packet::Close,
        2 => Packet::Ping(text(driver)?),
        3 => Packet::Pong(text(driver)?),
        4 => Packet::read(&format!("4{}", text(driver)?)).expect("any text can be a message"),
        5 => Packet::Binary(Bytes::from(driver.produce::<Vec<u8>>()?)),
        6 => Packet::Upgrade,
        _ => Packet::Noop,
    })
}

//! Faults of WebSocket frames: the exact bytes, over plain WebSocket and over Engine.IO's.

use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::journal::{Closer, Entry, FaultPhase};
use sparring_mock_server::script::read_rules;
use sparring_mock_server::server::{Heartbeat, MockServer};
use sparring_mock_server::wire::{Frame, Opcode};

use crate::client::World;
use crate::raw::{Seen, Wire, closing, seen};

async fn plain(rules: Value) -> World {
    World::built(MockServer::builder(SystemId::WebSocket).rules(read_rules(&rules).unwrap())).await
}

/// A client of the Socket.IO echo server over WebSocket alone, which has joined.
async fn joined(world: &World) -> Wire {
    let mut wire = Wire::open(world, "/socket.io/?EIO=4&transport=websocket").await;
    assert!(wire.next_text().await.starts_with("0{"));
    wire.text("40").await;
    assert!(wire.next_text().await.starts_with("40{"));
    wire
}

async fn socket_io(rules: Value) -> World {
    World::built(MockServer::builder(SystemId::SocketIo).rules(read_rules(&rules).unwrap())).await
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().filter_map(|c| c.to_digit(16)).map(|digit| u8::try_from(digit).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

const ILLEGAL: [(&str, &str); 13] = [
    ("reserved-bits", "c1 05 48656c6c6f"),
    ("reserved-opcode", "83 05 48656c6c6f"),
    ("reserved-control-opcode", "8b 00"),
    ("masked", "81 85 37fa213d 7f9f4d5158"),
    ("bad-length", "81 7f ffffffffffffffff"),
    ("invalid-utf8", "81 02 c328"),
    ("fragmented-control", "09 00"),
    ("oversized-control", "89 7e 007e"),
    ("orphan-continuation", "80 05 48656c6c6f"),
    ("interleaved-message", "01 03 48656c 81 02 6c6f"),
    ("reserved-close-code", "88 02 03ed"),
    ("short-close", "88 01 03"),
    ("bad-close-reason", "88 04 03e8 c328"),
];

fn illegal(kind: &str) -> Vec<u8> {
    let (_, hex) = ILLEGAL.iter().find(|(known, _)| *known == kind).unwrap();
    let mut bytes = bytes(hex);
    if kind == "oversized-control" {
        bytes.extend([b'x'; 126]);
    }
    bytes
}

/// The frame stands between two messages, and the connection goes on.
#[tokio::test]
async fn illegal_frames_over_a_plain_websocket() {
    for (kind, _) in ILLEGAL {
        let mut world = plain(json!([{"fault": "illegal-frame", "kind": kind, "on": "TEXT", "times": 1}])).await;
        let mut wire = Wire::open(&world, "/").await;
        wire.text("a").await;
        let mut came = wire.rest().await;
        world.fault("illegal-frame", FaultPhase::Fired).await;
        wire.text("b").await;
        let more = wire.rest().await;
        came.0.extend(more.0);
        let expected = [illegal(kind), b"\x81\x01a".to_vec(), b"\x81\x01b".to_vec()].concat();
        assert_eq!((came.0, more.1), (expected, true), "{kind}");
    }
}

#[tokio::test]
async fn illegal_frames_over_engine_io() {
    for (kind, _) in ILLEGAL {
        let world = socket_io(json!([{"fault": "illegal-frame", "kind": kind}])).await;
        let mut wire = joined(&world).await;
        let (came, open) = wire.rest().await;
        let at = came.windows(illegal(kind).len()).position(|window| window == illegal(kind));
        assert!(at.is_some() && open, "{kind}: {came:02x?}");
        assert!(world.words().contains(&"fault illegal-frame".to_owned()));
    }
}

#[rstest]
#[case::usual(json!({}), closing(1011, ""), Some(1011))]
#[case::chosen(json!({"code": 4321, "reason": "go away"}), closing(4321, "go away"), Some(4321))]
#[case::none(json!({"code": 1005}), seen(&Frame::close(None, "")), None)]
#[case::reserved(json!({"code": 1006}), closing(1006, ""), Some(1006))]
#[tokio::test]
async fn close_frames(#[case] params: Value, #[case] expected: Seen, #[case] code: Option<u16>) {
    let mut rule = json!({"fault": "close-frame", "phase": "post-open"});
    rule.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
    let mut world = plain(json!([rule])).await;
    let mut wire = Wire::open(&world, "/").await;
    assert_eq!(wire.next().await, expected);
    wire.send(Frame::close(Some(1000), "")).await;
    assert_eq!(wire.next().await, Seen::End);
    drop(wire);
    let record = world.record(|entry| matches!(entry, Entry::Closed(_))).await;
    let Entry::Closed(closed) = &record.entry else { unreachable!() };
    assert_eq!((closed.by, closed.code, closed.clean), (Closer::Server, code, true));
    let words = world.words();
    assert_eq!(words[2..], ["fault close-frame", "sent CLOSE", "received CLOSE", "closed server"]);
}

#[tokio::test]
async fn a_close_frame_follows_a_message() {
    let world = plain(json!([{"fault": "close-frame", "on": "b", "code": 1001}])).await;
    let mut wire = Wire::open(&world, "/").await;
    wire.text(r#"{"type":"a"}"#).await;
    wire.text(r#"{"type":"b"}"#).await;
    assert_eq!(wire.next_text().await, r#"{"type":"a"}"#);
    // It is triggered by the receipt already, so that nothing has come back.
    assert_eq!((wire.next().await, wire.next().await), (closing(1001, ""), Seen::End));
}

#[tokio::test]
async fn a_close_frame_over_engine_io() {
    let world = socket_io(json!([{"fault": "close-frame", "code": 4001, "reason": "x", "on": "a"}])).await;
    let mut wire = joined(&world).await;
    wire.text("42[\"a\"]").await;
    let (came, _) = wire.rest().await;
    assert!(came.ends_with(b"\x88\x03\x0f\xa1x"), "{came:02x?}");
}

#[rstest]
#[case::plain(SystemId::WebSocket, "/")]
#[case::engine_io(SystemId::SocketIo, "/socket.io/?EIO=4&transport=websocket")]
#[tokio::test]
async fn a_close_is_answered_late(#[case] system: SystemId, #[case] path: &str) {
    let rules = json!([{"fault": "close-handshake-stall", "delay": "300ms"}]);
    let mut world = World::built(MockServer::builder(system).rules(read_rules(&rules).unwrap())).await;
    let mut wire = Wire::open(&world, path).await;
    if system == SystemId::SocketIo {
        wire.next_text().await;
    }
    let asked = Instant::now();
    wire.send(Frame::close(Some(1000), "")).await;
    world.fault("close-handshake-stall", FaultPhase::Fired).await;
    assert_eq!((wire.next().await, wire.next().await), (closing(1000, ""), Seen::End));
    assert!(asked.elapsed() >= Duration::from_millis(300));
}

#[rstest]
#[case::plain(SystemId::WebSocket, "/")]
#[case::engine_io(SystemId::SocketIo, "/socket.io/?EIO=4&transport=websocket")]
#[tokio::test]
async fn a_close_is_never_answered(#[case] system: SystemId, #[case] path: &str) {
    let rules = json!([{"fault": "close-handshake-stall"}]);
    let mut world = World::built(MockServer::builder(system).rules(read_rules(&rules).unwrap())).await;
    let mut wire = Wire::open(&world, path).await;
    if system == SystemId::SocketIo {
        wire.next_text().await;
    }
    wire.send(Frame::close(Some(1000), "")).await;
    world.fault("close-handshake-stall", FaultPhase::Fired).await;
    assert_eq!(wire.rest().await, (Vec::new(), true));
    drop(wire);
    assert_eq!(world.closed().await, (Closer::Client, true));
}

#[tokio::test]
async fn a_stalled_close_is_answered_once_the_rule_is_over() {
    let mut world = plain(json!([{"fault": "close-handshake-stall"}])).await;
    let mut wire = Wire::open(&world, "/").await;
    wire.send(Frame::close(Some(1000), "")).await;
    world.fault("close-handshake-stall", FaultPhase::Fired).await;
    assert_eq!(world.mock.script().disarm("close-handshake-stall"), 1);
    assert_eq!((wire.next().await, wire.next().await), (closing(1000, ""), Seen::End));
    world.fault("close-handshake-stall", FaultPhase::Undone).await;
}

#[rstest]
#[case::empty(json!({}), b"")]
#[case::text(json!({"payload": "abcd"}), b"abcd")]
#[case::bytes(json!({"payload": "0x00ff"}), b"\x00\xff")]
#[tokio::test]
async fn a_ping_at_a_chosen_moment(#[case] params: Value, #[case] payload: &'static [u8]) {
    let mut rule = json!({"fault": "ws-ping"});
    rule.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
    let world = plain(json!([rule])).await;
    let mut wire = Wire::open(&world, "/").await;
    assert_eq!(wire.next().await, seen(&Frame::new(Opcode::Ping, payload)));
    wire.send(Frame::new(Opcode::Pong, payload)).await;
    assert_eq!(wire.rest().await, (Vec::new(), true));
    assert_eq!(world.words()[2..], ["fault ws-ping", "ping 1", "pong 1"]);
}

#[tokio::test]
async fn pings_go_on_for_a_while() {
    let mut world = plain(json!([{"fault": "ws-ping", "payload": "x", "period": "20ms", "for": "200ms"}])).await;
    let mut wire = Wire::open(&world, "/").await;
    for _ in 0..3 {
        assert_eq!(wire.next().await, seen(&Frame::new(Opcode::Ping, "x")));
    }
    world.fault("ws-ping", FaultPhase::Undone).await;
    let (came, open) = wire.rest().await;
    assert!(came.len() % 3 == 0 && open);
}

#[tokio::test]
async fn a_ping_over_engine_io() {
    let world = socket_io(json!([{"fault": "ws-ping", "payload": "hi"}])).await;
    let (came, open) = joined(&world).await.rest().await;
    assert!(came.ends_with(b"\x89\x02hi") && open, "{came:02x?}");
}

#[tokio::test]
async fn the_heartbeat_can_be_switched_off() {
    let rules = read_rules(&json!([{"fault": "ws-ping-suppress", "for": "150ms"}])).unwrap();
    let heartbeat = Heartbeat { interval: Duration::from_millis(20), timeout: Duration::from_secs(10) };
    let mut world = World::built(MockServer::builder(SystemId::WebSocket).rules(rules).heartbeat(heartbeat)).await;
    let mut wire = Wire::open(&world, "/").await;
    assert_eq!(wire.next().await, seen(&Frame::new(Opcode::Ping, "")));
    let words = world.words();
    assert_eq!(words[2..4], ["fault ws-ping-suppress", "fault ws-ping-suppress"], "no ping before it is undone");
    world.fault("ws-ping-suppress", FaultPhase::Undone).await;
}

#[rstest]
#[case::plain(SystemId::WebSocket, "/")]
#[case::engine_io(SystemId::EngineIo, "/engine.io/?EIO=4&transport=websocket")]
#[tokio::test]
async fn pings_of_the_client_go_unanswered(#[case] system: SystemId, #[case] path: &str) {
    let rules = json!([{"fault": "ws-pong-suppress"}]);
    let world = World::built(MockServer::builder(system).rules(read_rules(&rules).unwrap())).await;
    let mut wire = Wire::open(&world, path).await;
    if system == SystemId::EngineIo {
        wire.next_text().await;
    }
    wire.send(Frame::new(Opcode::Ping, "?")).await;
    wire.text("4still here").await;
    assert_eq!(wire.next_text().await, "4still here");
    world.mock.script().disarm("ws-pong-suppress");
    while !world.words().iter().filter(|word| *word == "fault ws-pong-suppress").count().eq(&2) {
        tokio::task::yield_now().await;
    }
    wire.send(Frame::new(Opcode::Ping, "!")).await;
    assert_eq!(wire.next().await, seen(&Frame::new(Opcode::Pong, "!")));
}

#[rstest]
#[case::thirds(json!({"fragment_bytes": 2}), b"\x01\x02He\x00\x02ll\x80\x01o")]
#[case::whole(json!({"fragment_bytes": 5}), b"\x81\x05Hello")]
#[tokio::test]
async fn messages_in_fragments(#[case] params: Value, #[case] expected: &[u8]) {
    let mut rule = json!({"fault": "fragmented-frame", "on": "TEXT"});
    rule.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
    let world = plain(json!([rule])).await;
    let mut wire = Wire::open(&world, "/").await;
    wire.text("Hello").await;
    assert_eq!(wire.rest().await, (expected.to_vec(), true));
    assert_eq!(world.words()[2..], ["received TEXT", "fault fragmented-frame", "sent TEXT"]);
}

#[tokio::test]
async fn fragments_come_one_by_one() {
    let rule = json!([{"fault": "fragmented-frame", "on": "BINARY", "fragment_bytes": 1, "pause": "100ms"}]);
    let world = plain(rule).await;
    let mut wire = Wire::open(&world, "/").await;
    wire.send(Frame::new(Opcode::Binary, "ab")).await;
    let first = Frame { fin: false, ..Frame::new(Opcode::Binary, "a") };
    assert_eq!(wire.next().await, seen(&first));
    let began = Instant::now();
    assert_eq!(wire.next().await, seen(&Frame::new(Opcode::Continuation, "b")));
    assert!(began.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn an_event_of_socket_io_in_fragments() {
    let world = socket_io(json!([{"fault": "fragmented-frame", "on": "a", "fragment_bytes": 4}])).await;
    let mut wire = joined(&world).await;
    wire.text("42[\"a\"]").await;
    let (came, _) = wire.rest().await;
    assert!(came.ends_with(b"\x01\x0442[\"\x80\x03a\"]"), "{came:02x?}");
}

#[rstest]
#[case::itself(json!({}), b"\x82\x05Hello")]
#[case::before(json!({"payload": "0xff"}), b"\x82\x01\xff\x81\x05Hello")]
#[tokio::test]
async fn binary_frames(#[case] params: Value, #[case] expected: &[u8]) {
    let mut rule = json!({"fault": "binary-frame", "on": "TEXT"});
    rule.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
    let world = plain(json!([rule])).await;
    let mut wire = Wire::open(&world, "/").await;
    wire.text("Hello").await;
    assert_eq!(wire.rest().await, (expected.to_vec(), true));
}

#[tokio::test]
async fn a_large_message_of_exact_size() {
    let world = plain(json!([{"fault": "oversized-frame", "bytes": 3_000_000, "event": "big"}])).await;
    let mut wire = Wire::open(&world, "/").await;
    let text = wire.next_text().await;
    let message: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((text.len(), &message["type"]), (3_000_000, &json!("big")));
    wire.text("and on").await;
    assert_eq!(wire.next_text().await, "and on");
    assert_eq!(world.words()[2..4], ["fault oversized-frame", "sent big"]);
}

#[tokio::test]
async fn a_large_event_of_socket_io() {
    let world = socket_io(json!([{"fault": "oversized-frame", "bytes": 200_000}])).await;
    let mut wire = joined(&world).await;
    let mut text = wire.next_text().await;
    while !text.starts_with("42[\"oversized\"") {
        text = wire.next_text().await;
    }
    assert_eq!(text.len(), 200_000);
}

#[rstest]
#[case::nothing(json!({}), &[], b"")]
#[case::other_words(json!({"replace_with": "pong"}), &[], b"\x81\x04pong")]
#[case::other_message(json!({"replace_with": {"type": "n"}}), &[], b"\x81\x0c{\"type\":\"n\"}")]
#[case::control_frame(json!({"control_frame": true}), &[], b"\x8a\x00")]
#[case::after_two(json!({"after_count": 2}), &["PONG", "PONG"], b"")]
#[tokio::test]
async fn an_application_pong_is_withheld(#[case] params: Value, #[case] before: &[&str], #[case] expected: &[u8]) {
    let mut rule = json!({"fault": "pong-withhold"});
    rule.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
    let world = plain(json!([rule])).await;
    let mut wire = Wire::open(&world, "/").await;
    for _ in before {
        wire.text(r#"{"type":"PING"}"#).await;
        assert_eq!(wire.next_text().await, r#"{"type":"PONG"}"#);
    }
    wire.text(r#"{"type":"PING"}"#).await;
    assert_eq!(wire.rest().await, (expected.to_vec(), true));
    assert!(world.words().contains(&"fault pong-withhold".to_owned()));
}

#[tokio::test]
async fn an_application_pong_comes_late_and_holds_nothing_up() {
    let world = plain(json!([{"fault": "pong-delay", "delay": "200ms"}])).await;
    let mut wire = Wire::open(&world, "/").await;
    let asked = Instant::now();
    wire.text(r#"{"type":"PING"}"#).await;
    wire.text("other").await;
    assert_eq!(wire.next_text().await, "other");
    assert_eq!(wire.next_text().await, r#"{"type":"PONG"}"#);
    assert!(asked.elapsed() >= Duration::from_millis(200));
}

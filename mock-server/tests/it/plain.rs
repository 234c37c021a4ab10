//! The plain WebSocket echo server: its handshake, its messages, its heartbeat and its ends.

use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::journal::{Closer, Entry};
use sparring_mock_server::script::read_rules;
use sparring_mock_server::server::{Builder, Heartbeat, MockServer};
use sparring_mock_server::wire::{Frame, Opcode};

use crate::client::World;
use crate::raw::{Seen, Wire, closing, request, seen};

fn builder(rules: &Value) -> Builder {
    MockServer::builder(SystemId::WebSocket).rules(read_rules(rules).unwrap())
}

async fn echo() -> World {
    World::built(builder(&json!([]))).await
}

#[rstest]
#[case::no_upgrade("GET", "/", &[], 426, "upgrade: websocket")]
#[case::no_get("POST", "/", &[], 405, "allow: get")]
#[case::post_with_upgrade("POST", "/", &[("Upgrade", "websocket"), ("Connection", "Upgrade")], 405, "allow: get")]
#[case::other_path("GET", "/ws", &[("Upgrade", "websocket"), ("Connection", "Upgrade, close")], 404, "")]
#[case::no_key("GET", "/", &[("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13")], 400, "")]
#[case::short_key("GET", "/", &[("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "AAAA")], 400, "")]
#[case::old_version("GET", "/", &[("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "8"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")], 400, "sec-websocket-version: 13")]
#[tokio::test]
async fn what_is_no_websocket_is_refused(
    #[case] method: &str,
    #[case] path: &str,
    #[case] fields: &[(&str, &str)],
    #[case] status: u16,
    #[case] header: &str,
) {
    let response = echo().await.http(method, path, fields, "").await;
    assert_eq!((response.status, response.head.contains(header)), (status, true), "{}", response.head);
}

#[rstest]
#[case::none(&[], None)]
#[case::first(&[("Sec-WebSocket-Protocol", "chat, superchat")], Some("chat"))]
#[case::two_fields(&[("Sec-WebSocket-Protocol", ""), ("Sec-WebSocket-Protocol", "b")], Some("b"))]
#[case::extensions_are_declined(&[("Sec-WebSocket-Extensions", "permessage-deflate")], None)]
#[tokio::test]
async fn the_upgrade_is_answered(#[case] fields: &[(&str, &str)], #[case] protocol: Option<&str>) {
    let wire = Wire::asked(&echo().await, &request("/", fields)).await;
    let head = wire.head.to_lowercase();
    assert!(wire.head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "the answer of RFC 6455 to its own example");
    assert!(!head.contains("sec-websocket-extensions"));
    let answered = head.lines().find_map(|line| line.strip_prefix("sec-websocket-protocol: "));
    assert_eq!(answered, protocol);
}

#[tokio::test]
async fn messages_come_back_as_they_came() {
    let world = echo().await;
    let mut wire = Wire::open(&world, "/?a=1").await;
    for frame in [Frame::text("Hällo"), Frame::text(""), Frame::new(Opcode::Binary, vec![0, 255]), Frame::text("{}")] {
        wire.send(frame.clone()).await;
        assert_eq!(wire.next().await, seen(&frame));
    }
    let words = world.words();
    let expected = ["attempt 1", "answer upgrade 101", "received TEXT", "sent TEXT", "received TEXT", "sent TEXT"];
    assert_eq!(words[..6], expected);
    assert_eq!(words[6..], ["received BINARY", "sent BINARY", "received TEXT", "sent TEXT"]);
}

#[tokio::test]
async fn an_application_ping_has_an_application_pong() {
    let world = echo().await;
    let mut wire = Wire::open(&world, "/").await;
    wire.text(r#"{"type":"PING"}"#).await;
    assert_eq!(wire.next_text().await, r#"{"type":"PONG"}"#);
    assert_eq!(world.words()[2..], ["received PING", "sent PONG"]);
}

#[tokio::test]
async fn a_broadcast_goes_to_all() {
    let world = echo().await;
    let mut wires = Vec::new();
    for _ in 0..3 {
        let mut wire = Wire::open(&world, "/").await;
        wire.text("here").await;
        assert_eq!(wire.next_text().await, "here");
        wires.push(wire);
    }
    wires[0].text(r#"{"type":"broadcast","n":1}"#).await;
    for wire in &mut wires {
        assert_eq!(wire.next_text().await, r#"{"type":"broadcast","n":1}"#);
    }
}

#[tokio::test]
async fn control_frames_of_the_client_are_answered_and_recorded() {
    let world = echo().await;
    let mut wire = Wire::open(&world, "/").await;
    wire.send(Frame::new(Opcode::Ping, "abc")).await;
    assert_eq!(wire.next().await, seen(&Frame::new(Opcode::Pong, "abc")));
    wire.send(Frame::new(Opcode::Pong, "unasked")).await;
    wire.text("still here").await;
    assert_eq!(wire.next_text().await, "still here");
    let expected = ["received PING_FRAME", "sent PONG_FRAME", "pong 0", "received TEXT", "sent TEXT"];
    assert_eq!(world.words()[2..], expected);
}

#[rstest]
#[case::normal(Frame::close(Some(1000), "bye"), closing(1000, "bye"), Some(1000), true)]
#[case::private(Frame::close(Some(4321), ""), closing(4321, ""), Some(4321), true)]
#[case::empty(Frame::close(None, ""), seen(&Frame::close(None, "")), None, true)]
#[case::reserved(Frame::close(Some(1005), "no"), closing(1002, ""), Some(1005), false)]
#[tokio::test]
async fn the_client_closes(#[case] close: Frame, #[case] answer: Seen, #[case] code: Option<u16>, #[case] clean: bool) {
    let mut world = echo().await;
    let mut wire = Wire::open(&world, "/").await;
    wire.send(close).await;
    assert_eq!((wire.next().await, wire.next().await), (answer, Seen::End));
    drop(wire);
    let record = world.record(|entry| matches!(entry, Entry::Closed(_))).await;
    let Entry::Closed(closed) = &record.entry else { unreachable!() };
    assert_eq!((closed.by, closed.code, closed.clean), (Closer::Client, code, clean));
    assert_eq!(world.words()[2..], ["received CLOSE", "sent CLOSE", "closed client"]);
}

#[rstest]
#[case::with_a_code(json!({"type": "close", "code": 4000, "reason": "asked"}), closing(4000, "asked"))]
#[case::without(json!({"type": "close"}), seen(&Frame::close(None, "")))]
#[tokio::test]
async fn the_client_asks_for_a_close(#[case] message: Value, #[case] expected: Seen) {
    let mut world = echo().await;
    let mut wire = Wire::open(&world, "/").await;
    wire.text(&message.to_string()).await;
    assert_eq!(wire.next().await, expected);
    wire.send(Frame::close(Some(1000), "")).await;
    assert_eq!(wire.next().await, Seen::End);
    assert_eq!(world.closed().await, (Closer::Server, true));
}

#[tokio::test]
async fn the_client_vanishes() {
    let mut world = echo().await;
    drop(Wire::open(&world, "/").await);
    assert_eq!(world.closed().await, (Closer::Client, false));
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_it() {
    let mut world = echo().await;
    let mut wire = Wire::open(&world, "/").await;
    let largest = Frame::new(Opcode::Binary, vec![7; 1_048_576]);
    wire.send(largest.clone()).await;
    assert_eq!(wire.next().await, seen(&largest));
    wire.send(Frame::new(Opcode::Binary, vec![7; 1_048_577])).await;
    assert_eq!((wire.next().await, wire.next().await), (closing(1009, ""), Seen::End));
    drop(wire);
    assert_eq!(world.closed().await, (Closer::Server, true));
}

fn heartbeat(interval: u64, timeout: u64) -> Heartbeat {
    Heartbeat { interval: Duration::from_millis(interval), timeout: Duration::from_millis(timeout) }
}

#[tokio::test]
async fn pings_that_are_answered_go_on() {
    let world = World::built(builder(&json!([])).heartbeat(heartbeat(30, 10_000))).await;
    let mut wire = Wire::open(&world, "/").await;
    for _ in 0..3 {
        assert_eq!(wire.next().await, seen(&Frame::new(Opcode::Ping, "")));
        wire.send(Frame::new(Opcode::Pong, "")).await;
    }
    assert_eq!(wire.next().await, seen(&Frame::new(Opcode::Ping, "")));
    assert_eq!(world.words()[2..8], ["ping 1", "pong 1", "ping 2", "pong 2", "ping 3", "pong 3"]);
}

#[tokio::test]
async fn a_ping_without_answer_ends_the_connection_without_a_word() {
    let mut world = World::built(builder(&json!([])).heartbeat(heartbeat(20, 50))).await;
    let mut wire = Wire::open(&world, "/").await;
    assert_eq!((wire.next().await, wire.next().await), (seen(&Frame::new(Opcode::Ping, "")), Seen::End));
    assert_eq!(world.closed().await, (Closer::Server, false));
}

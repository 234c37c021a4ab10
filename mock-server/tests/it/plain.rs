//! The plain WebSocket echo server: its handshake, its messages, its heartbeat and its ends.

use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::journal::{Closer, Entry, FaultPhase};
use sparring_mock_server::live::LiveAction;
use sparring_mock_server::script::read_rules;
use sparring_mock_server::server::{Builder, Heartbeat, MockServer};
use sparring_mock_server::wire::{Frame, Opcode};

use crate::client::{World, actor};
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

/// What comes back of three messages under a rule.
#[rstest]
#[case::drop(json!({"fault": "event-drop", "on": "b"}), &["a", "c"])]
#[case::duplicate(json!({"fault": "duplicate-event", "on": "b"}), &["a", "b", "b", "c"])]
#[case::late_in_order(json!({"fault": "event-delay", "on": "b", "delay": "100ms"}), &["a", "b", "c"])]
#[case::reorder(json!({"fault": "event-reorder", "order": ["b", "a"]}), &["b", "a", "c"])]
#[case::unknown(json!({"fault": "unknown-event", "on": "b"}), &["a", "undocumented", "b", "c"])]
#[case::coalesce(json!({"fault": "packet-coalesce", "packets": ["a", "c"]}), &["a", "b", "c"])]
#[tokio::test]
async fn rules_on_messages(#[case] rule: Value, #[case] expected: &[&str]) {
    let mut world = World::built(builder(&json!([rule]))).await;
    let mut wire = Wire::open(&world, "/").await;
    for name in ["a", "b", "c"] {
        wire.text(&json!({"type": name}).to_string()).await;
    }
    for name in expected {
        assert_eq!(wire.next_text().await, json!({"type": name}).to_string());
    }
    assert!(wire.is_quiet(Duration::from_millis(100)).await);
    world.fault(rule["fault"].as_str().unwrap(), FaultPhase::Fired).await;
}

#[rstest]
#[case::other_message(json!({"fault": "malformed-payload", "payload": {"x": 1}}), "{\"x\":1}")]
#[case::nothing_but_its_name(json!({"fault": "malformed-payload"}), "{\"type\":\"b\"}")]
#[case::no_json(json!({"fault": "malformed-payload", "raw": "{oops"}), "{oops")]
#[case::more_fields(json!({"fault": "unknown-event", "event": "e", "add": {"y": 2}}), "{\"type\":\"e\"} {\"type\":\"b\",\"n\":1,\"y\":2}")]
#[case::undocumented(json!({"fault": "unknown-event", "event": "e", "payload": {"z": 3}}), "{\"type\":\"e\",\"z\":3} {\"type\":\"b\",\"n\":1}")]
#[tokio::test]
async fn messages_that_rules_write(#[case] mut rule: Value, #[case] expected: &str) {
    rule["on"] = json!("b");
    let world = World::built(builder(&json!([rule]))).await;
    let mut wire = Wire::open(&world, "/").await;
    wire.text(r#"{"type":"b","n":1}"#).await;
    for text in expected.split(' ') {
        assert_eq!(wire.next_text().await, text);
    }
    assert!(wire.is_quiet(Duration::from_millis(100)).await);
}

#[rstest]
#[case::handshake("handshake", &["attempt 1", "fault abrupt-close", "closed network"])]
#[case::open("post-open", &["attempt 1", "answer upgrade 101", "fault abrupt-close", "closed network"])]
#[case::ready("established", &["attempt 1", "answer upgrade 101", "fault abrupt-close", "closed network"])]
#[tokio::test]
async fn connections_end_at_their_phase(#[case] phase: &str, #[case] words: &[&str]) {
    let mut world = World::built(builder(&json!([{"fault": "abrupt-close", "phase": phase}]))).await;
    if phase == "handshake" {
        let response = world.http("GET", "/", &UPGRADE, "").await;
        assert_eq!((response.status, response.head.as_str()), (0, ""), "{response:?}");
    } else {
        assert_eq!(Wire::open(&world, "/").await.next().await, Seen::End);
    }
    world.closed().await;
    assert_eq!(world.words(), words);
}

const UPGRADE: [(&str, &str); 4] = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

#[rstest]
#[case::emit("emit", json!({"event": "hello", "data": {"a": 1}}), seen(&Frame::text("{\"type\":\"hello\",\"a\":1}")))]
#[case::emit_alone("emit", json!({"event": "hello"}), seen(&Frame::text("{\"type\":\"hello\"}")))]
#[case::raw("raw", json!({"text": "{oops"}), seen(&Frame::text("{oops")))]
#[case::raw_bytes("raw", json!({"hex": "82 01 ff"}), seen(&Frame::new(Opcode::Binary, vec![255])))]
#[case::ping("ping", json!({"payload": "p"}), seen(&Frame::new(Opcode::Ping, "p")))]
#[case::empty_ping("ping", json!({}), seen(&Frame::new(Opcode::Ping, "")))]
#[case::close("close", json!({"code": 4008, "reason": "bye"}), closing(4008, "bye"))]
#[case::disconnect("disconnect", json!({}), seen(&Frame::close(None, "")))]
#[case::cut("cut", json!({}), Seen::End)]
#[case::reset("reset", json!({}), Seen::Reset)]
#[tokio::test]
async fn live_actions(#[case] action: &str, #[case] args: Value, #[case] expected: Seen) {
    let world = echo().await;
    let mut wire = Wire::open(&world, "/").await;
    wire.text("here").await;
    assert_eq!(wire.next_text().await, "here");
    let action = LiveAction::read(action, args.as_object().unwrap()).unwrap();
    world.mock.act(&action, &actor()).await.unwrap();
    assert_eq!(wire.next().await, expected);
}

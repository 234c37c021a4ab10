//! Faults of Socket.IO packets: what a client of the echo server gets to read.

use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::journal::{Entry, FaultPhase};
use sparring_mock_server::script::read_rules;
use sparring_mock_server::server::{MockServer, StartError};

use crate::client::{Socket, World};

async fn world(rule: &Value) -> World {
    World::reference(SystemId::SocketIo, &json!([rule])).await
}

/// What a member reads after it has said something, up to the echo of `last`; and each rule is in the journal.
async fn check(rule: Value, sent: &str, expected: &[&str]) {
    let mut world = world(&rule).await;
    let (mut socket, _) = world.member().await;
    socket.send(sent).await;
    socket.send("42[\"last\"]").await;
    assert_eq!(until_last(&mut socket).await, expected);
    world.fault(rule["fault"].as_str().unwrap(), FaultPhase::Fired).await;
}

async fn until_last(socket: &mut Socket) -> Vec<String> {
    let mut texts = Vec::new();
    loop {
        let text = socket.next().await;
        if text == "42[\"last\"]" {
            return texts;
        }
        texts.push(text);
    }
}

#[rstest]
#[case::withheld(json!({"fault": "ack-withheld"}), "427[\"save\",1]", &["42[\"save\",1]"])]
#[case::withheld_by_name(json!({"fault": "ack-withheld", "on": "save"}), "427[\"save\"]", &["42[\"save\"]"])]
#[case::error(json!({"fault": "ack-error", "error": "no"}), "427[\"save\",1,2]", &["42[\"save\",1,2]", "437[{\"error\":\"no\"}]"])]
#[case::duplicate(json!({"fault": "ack-duplicate"}), "427[\"message-with-ack\",1]", &["437[1]", "437[1]"])]
#[case::three(json!({"fault": "ack-duplicate", "copies": 3}), "420[\"message-with-ack\"]", &["430[]", "430[]", "430[]"])]
#[case::wrong_id(json!({"fault": "ack-wrong-id"}), "427[\"message-with-ack\",1]", &["431000007[1]"])]
#[case::wrong_large_id(json!({"fault": "ack-wrong-id"}), "4218446744073709551615[\"message-with-ack\"]", &["4318446744073708551615[]"])]
#[case::elsewhere(json!({"fault": "event-wrong-namespace", "on": "chat"}), "42[\"chat\",1]", &["42/nowhere,[\"chat\",1]"])]
#[case::elsewhere_by_name(
    json!({"fault": "event-wrong-namespace", "on": "chat", "namespace": "/custom"}),
    "42[\"chat\"]",
    &["42/custom,[\"chat\"]"]
)]
#[case::attachment(
    json!({"fault": "binary-attachment-missing", "on": "chat"}),
    "42[\"chat\",{\"a\":1}]",
    &["451-[\"chat\",{\"a\":1}]"]
)]
#[case::application_error(
    json!({"fault": "application-error", "on": "message"}),
    "42[\"message\"]",
    &["42[\"error\",{\"message\":\"Internal server error\"}]", "42[\"message-back\"]"]
)]
#[tokio::test]
async fn what_a_member_reads(#[case] rule: Value, #[case] sent: &str, #[case] expected: &[&str]) {
    check(rule, sent, expected).await;
}

#[rstest]
#[case("ack-withheld", "428[\"message-with-ack\",1]", "438[1]")]
#[case("ack-error", "428[\"message-with-ack\",1]", "438[1]")]
#[case("ack-wrong-id", "428[\"message-with-ack\",1]", "438[1]")]
#[tokio::test]
async fn other_events_are_acknowledged_as_they_should_be(
    #[case] fault: &str,
    #[case] sent: &str,
    #[case] expected: &str,
) {
    let world = world(&json!({"fault": fault, "on": "save"})).await;
    let (mut socket, _) = world.member().await;
    socket.send(sent).await;
    assert_eq!(socket.next().await, expected);
    // Neither does an event that asks for nothing use the rule up.
    socket.send("42[\"save\"]").await;
    assert_eq!(socket.next().await, "42[\"save\"]");
    assert!(!world.words().contains(&format!("fault {fault}")));
}

#[tokio::test]
async fn an_acknowledgement_is_withheld_so_many_times() {
    let world = world(&json!({"fault": "ack-withheld", "on": "message-with-ack", "times": 1})).await;
    let (mut socket, _) = world.member().await;
    socket.send("421[\"message-with-ack\"]").await;
    socket.send("422[\"message-with-ack\"]").await;
    assert_eq!(socket.next().await, "432[]");
}

#[tokio::test]
async fn nothing_else_waits_for_a_late_acknowledgement() {
    let world = world(&json!({"fault": "ack-delay", "delay": "300ms"})).await;
    let (mut socket, _) = world.member().await;
    let asked = Instant::now();
    socket.send("427[\"message-with-ack\",1]").await;
    socket.send("42[\"last\"]").await;
    assert_eq!([socket.next().await, socket.next().await], ["42[\"last\"]", "437[1]"]);
    assert!(asked.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_malformed_event_keeps_its_namespace_and_id() {
    let world = world(&json!({"fault": "malformed-payload", "on": "question", "payload": 1})).await;
    let (mut socket, _) = world.member().await;
    socket.send("40/custom").await;
    assert!(socket.next().await.starts_with("40/custom,"));
    assert_eq!(socket.next().await, "42/custom,[\"auth\",{}]");
    socket.send("42/custom,[\"ask\",\"how?\"]").await;
    assert_eq!(socket.next().await, "42/custom,0[\"question\",1]");
}

#[tokio::test]
async fn the_last_attachment_does_not_come() {
    let world = world(&json!({"fault": "binary-attachment-missing", "on": "file"})).await;
    let (mut socket, _) = world.member().await;
    let file = "452-[\"file\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]";
    socket.send(file).await;
    socket.send_bytes(&[1]).await;
    socket.send_bytes(&[2]).await;
    socket.send("42[\"last\"]").await;
    assert_eq!(until_last(&mut socket).await, [file, "! Binary(b\"\\x01\")"]);
}

#[rstest]
#[case::dropped(json!({"fault": "event-drop", "on": "file"}), 0)]
#[case::twice(json!({"fault": "duplicate-event", "on": "file"}), 2)]
#[tokio::test]
async fn attachments_go_with_their_event(#[case] rule: Value, #[case] copies: usize) {
    let world = world(&rule).await;
    let (mut socket, _) = world.member().await;
    let file = "451-[\"file\",{\"_placeholder\":true,\"num\":0}]";
    socket.send(file).await;
    socket.send_bytes(&[1]).await;
    socket.send("42[\"last\"]").await;
    let expected = [file, "! Binary(b\"\\x01\")"].repeat(copies);
    assert_eq!(until_last(&mut socket).await, expected);
}

#[rstest]
#[case(json!({"fault": "application-error", "after": "50ms"}), "42[\"error\",{\"message\":\"Internal server error\"}]")]
#[case(json!({"fault": "application-error", "event": "exception", "payload": null}), "42[\"exception\"]")]
#[tokio::test]
async fn an_error_comes_behind_the_verdict(#[case] rule: Value, #[case] expected: &str) {
    let world = World::start(json!([rule])).await;
    let mut socket = world.established().await;
    assert_eq!(socket.rest().await, [expected, "open"]);
    assert!(world.mock.violations().is_empty());
}

#[rstest]
#[case::any_room(json!({"fault": "cross-room-leak", "on": "news", "attempts": 2}), true)]
#[case::this_room(json!({"fault": "cross-room-leak", "on": "news", "room": "r", "attempts": 2}), true)]
#[case::another_room(json!({"fault": "cross-room-leak", "on": "news", "room": "q", "attempts": 2}), false)]
#[case::another_event(json!({"fault": "cross-room-leak", "on": "olds", "attempts": 2}), false)]
#[tokio::test]
async fn an_event_leaks_out_of_its_room(#[case] rule: Value, #[case] leaks: bool) {
    let world = world(&rule).await;
    let (mut inside, _) = world.member().await;
    let (mut outside, _) = world.member().await;
    let (mut unconcerned, _) = world.member().await;
    inside.send("421[\"join\",\"r\"]").await;
    assert_eq!(inside.next().await, "431[\"r\"]");
    inside.send("42[\"publish\",{\"room\":\"r\",\"event\":\"news\",\"data\":1}]").await;
    assert_eq!(inside.rest().await, ["42[\"news\",1]", "open"]);
    let expected: &[&str] = if leaks { &["42[\"news\",1]", "open"] } else { &["open"] };
    assert_eq!(outside.rest().await, expected);
    assert_eq!(unconcerned.rest().await, ["open"]);
    let concerned = |entry: &Entry| matches!(entry, Entry::Fault(_));
    let records = world.mock.journal().since(0);
    let firings: Vec<_> = records.iter().filter(|record| concerned(&record.entry)).map(|it| it.connection).collect();
    assert_eq!(firings, if leaks { vec![Some(2)] } else { vec![] });
}

#[rstest]
#[case::released(json!({"fault": "packet-coalesce", "packets": ["auth", "never"], "wait": "300ms"}))]
#[tokio::test]
async fn messages_do_not_wait_for_ever_for_one_that_does_not_come(#[case] rule: Value) {
    let world = world(&rule).await;
    let asked = Instant::now();
    let (mut socket, _) = world.member().await;
    assert!(asked.elapsed() >= Duration::from_millis(300));
    socket.send("42[\"chat\"]").await;
    assert_eq!(socket.next().await, "42[\"chat\"]");
}

#[tokio::test]
async fn messages_that_wait_leave_when_the_session_ends() {
    let world = world(&json!({"fault": "packet-coalesce", "packets": ["never"]})).await;
    let mut socket = world.socket("/socket.io/?EIO=4&transport=websocket").await.unwrap();
    socket.next().await;
    socket.send("40").await;
    socket.send("4rubbish").await;
    assert!(socket.next().await.starts_with("40{"));
    assert_eq!([socket.next().await, socket.next().await], ["42[\"auth\",{}]", "close"]);
}

#[tokio::test]
async fn a_transport_ends_with_a_disconnect_behind_a_message() {
    let rule = json!({"fault": "server-disconnect", "on": "chat", "close_transport": true});
    let world = world(&rule).await;
    let (mut socket, _) = world.member().await;
    socket.send("42[\"chat\"]").await;
    let texts = socket.rest().await;
    assert_eq!(texts[texts.len() - 2..], ["41", "close"]);
}

#[rstest]
#[case(json!({"fault": "event-wrong-namespace", "on": "chat", "namespace": "nowhere"}))]
#[case(json!({"fault": "silent-auth"}))]
#[case(json!({"fault": "late-session-created"}))]
#[tokio::test]
async fn rules_that_cannot_strike_are_refused(#[case] rule: Value) {
    let rules = read_rules(&json!([rule])).unwrap();
    let refused = MockServer::builder(SystemId::SocketIo).rules(rules).start().await;
    assert!(matches!(refused, Err(StartError::Setting(errors)) if errors.len() == 1));
}

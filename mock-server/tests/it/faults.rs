//! Faults of messages, verdicts and sessions: what a client over WebSocket alone gets to read.

use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::journal::{Entry, FaultPhase};
use sparring_mock_server::server::{ClockSetting, MockServer};

use crate::client::{World, actor, builder, name, payload};

/// Joins with a token under rules; compares the names of what comes, and finds each rule in the journal.
async fn check(rules: Value, token: &str, expected: &[&str]) -> Vec<String> {
    let faults: Vec<String> =
        rules.as_array().unwrap().iter().map(|rule| format!("fault {}", rule["fault"].as_str().unwrap())).collect();
    let world = World::start(rules).await;
    let mut socket = world.join(&world.token(&json!(token))).await;
    let texts = socket.rest().await;
    assert_eq!(texts.iter().map(|text| name(text)).collect::<Vec<_>>(), expected);
    let words = world.words();
    for fault in faults {
        assert!(words.contains(&fault), "{fault} in {words:?}");
    }
    assert!(world.mock.violations().is_empty());
    texts
}

const REFUSED: [&str; 4] = ["CONNECT", "auth_error", "DISCONNECT", "open"];
const HAPPY: [&str; 3] = ["CONNECT", "session_created", "open"];

#[rstest]
#[case(json!({"fault": "silent-auth"}), &["CONNECT", "open"])]
#[case(json!({"fault": "connect-ack-withheld"}), &["open"])]
#[case(json!({"fault": "connect-ack-delay", "delay": "100ms"}), &HAPPY)]
#[case(json!({"fault": "socketio-connect-error", "message": "no"}), &["CONNECT_ERROR", "open"])]
#[case(json!({"fault": "forced-auth-error"}), &REFUSED)]
#[case(json!({"fault": "forced-auth-error", "event": "error", "disconnect": false}), &["CONNECT", "error", "open"])]
#[case(json!({"fault": "auth-error-without-disconnect"}), &["CONNECT", "auth_error", "open"])]
#[case(json!({"fault": "disconnect-without-verdict"}), &["CONNECT", "DISCONNECT", "open"])]
#[case(json!({"fault": "disconnect-without-verdict", "via": "close-frame"}), &["CONNECT", "close"])]
#[case(json!({"fault": "disconnect-without-verdict", "via": "tcp"}), &["CONNECT", "error"])]
#[case(json!({"fault": "verification-delay", "delay": "100ms"}), &HAPPY)]
#[case(json!({"fault": "verification-delay"}), &["CONNECT", "open"])]
#[case(json!({"fault": "verification-error"}), &REFUSED)]
#[case(json!({"fault": "session-creation-delay", "delay": "100ms"}), &HAPPY)]
#[case(json!({"fault": "session-creation-error"}), &REFUSED)]
#[case(json!({"fault": "session-revoked", "phase": "before-connect"}), &REFUSED)]
#[case(json!({"fault": "session-revoked"}), &["CONNECT", "session_created", "auth_error", "DISCONNECT", "open"])]
#[case(json!({"fault": "session-expiry", "lifetime": "50ms"}), &["CONNECT", "session_created", "auth_error", "DISCONNECT", "open"])]
#[case(json!({"fault": "token-expired"}), &REFUSED)]
#[case(json!({"fault": "token-expires-mid-session"}), &["CONNECT", "session_created", "auth_error", "DISCONNECT", "open"])]
#[case(json!({"fault": "token-expires-mid-session", "action": "close"}), &["CONNECT", "session_created", "close"])]
#[case(json!({"fault": "server-disconnect"}), &["CONNECT", "session_created", "DISCONNECT", "open"])]
#[case(json!({"fault": "server-disconnect", "close_transport": true}), &["CONNECT", "session_created", "DISCONNECT", "close"])]
#[case(json!({"fault": "server-disconnect", "phase": "authenticating"}), &["CONNECT", "DISCONNECT", "open"])]
#[case(json!({"fault": "server-disconnect", "on": "session_created"}), &["CONNECT", "session_created", "DISCONNECT", "open"])]
#[case(json!({"fault": "engine-close"}), &["CONNECT", "session_created", "1", "close"])]
#[case(json!({"fault": "engine-close", "phase": "post-open"}), &["1", "close"])]
#[case(json!({"fault": "event-drop", "on": "session_created"}), &["CONNECT", "open"])]
#[case(json!({"fault": "event-drop", "on": "CONNECT"}), &["session_created", "open"])]
#[case(json!({"fault": "event-delay", "on": "session_created", "delay": "100ms"}), &HAPPY)]
#[case(json!({"fault": "duplicate-event", "on": "session_created"}), &["CONNECT", "session_created", "session_created", "open"])]
#[case(json!({"fault": "duplicate-event", "on": "session_created", "copies": 3, "gap": "20ms"}), &["CONNECT", "session_created", "session_created", "session_created", "open"])]
#[case(json!({"fault": "unknown-event", "on": "session_created"}), &["CONNECT", "undocumented", "session_created", "open"])]
#[case(json!({"fault": "event-reorder", "order": ["session_created", "CONNECT"]}), &["session_created", "CONNECT", "open"])]
#[case(json!({"fault": "packet-coalesce"}), &HAPPY)]
#[case(json!({"fault": "connection-reset"}), &["CONNECT", "session_created", "error"])]
#[case(json!({"fault": "abrupt-close"}), &["CONNECT", "session_created", "error"])]
#[case(json!({"fault": "connection-reset", "phase": "authenticating", "after": "20ms"}), &["CONNECT", "error"])]
#[case(json!({"fault": "connection-reset", "phase": "post-connect"}), &["CONNECT", "error"])]
#[case(json!({"fault": "connection-reset", "on": "CONNECT"}), &["error"])]
#[case(json!({"fault": "abrupt-close", "phase": "post-open", "after": "50ms"}), &["error"])]
#[case(json!({"fault": "connection-reset", "on": "OPEN"}), &["error"])]
#[case(json!({"fault": "half-open"}), &["CONNECT", "session_created", "open"])]
#[case(json!({"fault": "half-open", "phase": "authenticating"}), &["CONNECT", "open"])]
#[case(json!({"fault": "max-connection-lifetime", "lifetime": "150ms"}), &["CONNECT", "session_created", "error"])]
#[case(json!({"fault": "latency", "delay": "60ms"}), &HAPPY)]
#[tokio::test]
async fn what_a_user_reads(#[case] rule: Value, #[case] expected: &[&str]) {
    check(json!([rule]), "jwt", expected).await;
}

#[rstest]
#[case(json!({"fault": "guest-tokens-unrecognised"}), &REFUSED)]
#[case(json!({"fault": "session-creation-error", "target": "guest"}), &REFUSED)]
#[tokio::test]
async fn what_a_guest_reads(#[case] rule: Value, #[case] expected: &[&str]) {
    check(json!([rule]), "guest", expected).await;
    let world = World::start(json!([rule])).await;
    let mut socket = world.join(&world.token(&json!("jwt"))).await;
    assert_eq!(socket.rest().await.iter().map(|text| name(text)).collect::<Vec<_>>(), HAPPY);
}

#[rstest]
#[case(json!({"fault": "forced-auth-error", "code": "AUTH_EXPIRED"}), json!({"code": "AUTH_EXPIRED", "message": "Authentication token expired"}))]
#[case(json!({"fault": "forced-auth-error", "code": "AUTH_BANNED"}), json!({"code": "AUTH_BANNED", "message": ""}))]
#[case(json!({"fault": "forced-auth-error", "code": "AUTH_EXPIRED", "message": "abgelaufen"}), json!({"code": "AUTH_EXPIRED", "message": "abgelaufen"}))]
#[case(json!({"fault": "session-creation-error"}), json!({"code": "AUTH_INVALID", "message": "Failed to establish connection"}))]
#[case(json!({"fault": "token-expired"}), json!({"code": "AUTH_EXPIRED", "message": "Authentication token expired"}))]
#[tokio::test]
async fn error_texts(#[case] rule: Value, #[case] expected: Value) {
    let texts = check(json!([rule]), "jwt", &REFUSED).await;
    let mut error = payload(&texts[1]);
    assert!(error.as_object_mut().unwrap().remove("timestamp").is_some());
    assert_eq!(error, expected);
}

#[rstest]
#[case(json!({"fault": "malformed-payload", "on": "session_created"}), "42[\"session_created\"]")]
#[case(json!({"fault": "malformed-payload", "on": "session_created", "payload": {}}), "42[\"session_created\",{}]")]
#[case(json!({"fault": "malformed-payload", "on": "session_created", "raw": "42[oops"}), "42[oops")]
#[case(json!({"fault": "forced-auth-error", "payload": null}), "42[\"auth_error\"]")]
#[case(json!({"fault": "forced-auth-error", "payload": {}}), "42[\"auth_error\",{}]")]
#[tokio::test]
async fn payloads_that_break_the_contract(#[case] rule: Value, #[case] expected: &str) {
    let world = World::start(json!([rule])).await;
    let mut socket = world.join(&world.token(&json!("jwt"))).await;
    socket.next().await;
    assert_eq!(socket.next().await, expected);
    assert!(world.mock.violations().is_empty());
}

#[tokio::test]
async fn a_connect_error_has_data() {
    let rules = json!([{"fault": "socketio-connect-error", "message": "no", "data": {"a": 1}}]);
    let texts = check(rules, "jwt", &["CONNECT_ERROR", "open"]).await;
    assert_eq!(texts[0], "44{\"message\":\"no\",\"data\":{\"a\":1}}");
}

#[tokio::test]
async fn extra_fields_stand_in_the_payload() {
    let rules = json!([{"fault": "unknown-event", "on": "session_created", "event": "odd", "payload": 1, "add": {"extra": true}}]);
    let texts = check(rules, "jwt", &["CONNECT", "odd", "session_created", "open"]).await;
    assert_eq!((texts[1].as_str(), payload(&texts[2])["extra"].clone()), ("42[\"odd\",1]", json!(true)));
}

#[tokio::test]
async fn a_late_verdict_follows_an_error() {
    let rules = json!([{"fault": "auth-error-without-disconnect"}, {"fault": "late-session-created", "after": "30ms"}]);
    let texts = check(rules, "jwt", &["CONNECT", "auth_error", "session_created", "open"]).await;
    assert_eq!(payload(&texts[2])["isGuest"], false);
}

#[tokio::test]
async fn coalesced_packets_share_a_polling_payload() {
    let world = World::start(json!([{"fault": "packet-coalesce"}])).await;
    let session = world.open().await;
    session.connect(&world.token(&json!("jwt"))).await;
    let packets: Vec<String> = session.poll().await.body.split('\u{1e}').map(str::to_owned).collect();
    assert_eq!(packets.iter().map(|text| name(text)).collect::<Vec<_>>(), ["CONNECT", "session_created"]);
}

#[tokio::test]
async fn guests_are_refused_an_operation_and_stay() {
    let rules = json!([{"fault": "guest-restriction", "on": "get_protected", "error": "no guests"}]);
    let world = World::start(rules).await;
    let mut socket = world.join(&world.token(&json!("guest"))).await;
    socket.rest().await;
    socket.send("42[\"get_protected\"]").await;
    assert_eq!(payload(&socket.next().await), json!({"event": "get_protected", "error": "no guests"}));
    socket.send("42[\"get_history\"]").await;
    assert_eq!(name(&socket.next().await), "operation_done");
}

#[tokio::test]
async fn an_exception_is_logged_and_stays_off_the_wire() {
    let mut world = World::start(json!([{"fault": "session-creation-error"}])).await;
    let mut socket = world.join(&world.token(&json!("jwt"))).await;
    let texts = socket.rest().await;
    let record = world.record(|entry| matches!(entry, Entry::Log(_))).await;
    let Entry::Log(log) = &record.entry else { unreachable!() };
    assert_eq!(log.message, "Connection handling failed");
    assert!(["error", "stack", "socketId"].iter().all(|field| log.fields[*field].is_string()));
    assert!(!texts[1].contains(log.fields["error"].as_str().unwrap()));
}

#[tokio::test]
async fn a_guest_session_ends_by_the_servers_clock() {
    let world = World::start(json!([])).await;
    let mut socket = world.join(&world.token(&json!("guest"))).await;
    socket.rest().await;
    world.mock.clock().advance(Duration::from_millis(3_590_000));
    assert_eq!(socket.rest().await, ["open"]);
    world.mock.clock().advance(Duration::from_secs(10));
    assert_eq!(payload(&socket.next().await)["message"], "Guest token expired");
    assert_eq!(socket.next().await, "41");
}

#[tokio::test]
async fn the_next_operation_finds_the_token_expired() {
    let mut world = World::start(json!([{"fault": "token-expires-mid-session", "action": "next-operation"}])).await;
    let mut socket = world.established().await;
    world.fault("token-expires-mid-session", FaultPhase::Fired).await;
    assert_eq!(socket.rest().await, ["open"]);
    socket.send("42[\"get_history\"]").await;
    assert_eq!(payload(&socket.next().await)["code"], "AUTH_EXPIRED");
}

#[tokio::test]
async fn later_sessions_of_a_revoked_user_are_refused_too() {
    let rules = json!([{"fault": "session-revoked", "also_new_sessions": true, "attempts": 1}]);
    let world = World::start(rules).await;
    world.established().await.rest().await;
    let mut socket = world.join(&world.token(&json!("jwt"))).await;
    assert_eq!(socket.rest().await.iter().map(|text| name(text)).collect::<Vec<_>>(), REFUSED);
}

#[tokio::test]
async fn a_frozen_clock_hits_age_limits_exactly() {
    let frozen = Duration::from_secs(1_733_547_600);
    let world = World::built(MockServer::builder(SystemId::Digitwin).clock(ClockSetting::Frozen(frozen))).await;
    for (age, event) in [("3599999ms", "session_created"), ("3600000ms", "auth_error")] {
        let mut socket = world.join(&world.token(&json!({"kind": "guest", "age": age}))).await;
        socket.next().await;
        let text = socket.next().await;
        assert_eq!(name(&text), event);
        assert_eq!(payload(&text)["timestamp"], 1_733_547_600_000_u64);
    }
}

#[tokio::test]
async fn clock_rules_come_with_the_start() {
    let rules =
        json!([{"fault": "clock-freeze", "at": "2024-12-07T05:00:00Z"}, {"fault": "clock-advance", "by": "1h"}]);
    let mut world = World::built(builder(&rules)).await;
    world.fault("clock-advance", FaultPhase::Fired).await;
    assert_eq!(world.mock.clock().now(), Duration::from_secs(1_733_551_200));
    let frozen = world.mock.journal().since(0).iter().filter(|record| record.actor == actor()).count();
    assert_eq!(frozen, 2);
}

#[rstest]
#[case("jwt_expired_code", "AUTH_INVALID", json!({"kind": "jwt", "age": "2h"}))]
#[case("future_guest_tokens", "reject", json!({"kind": "guest", "expires_in": "2h"}))]
#[tokio::test]
async fn switches_choose_the_other_reading(#[case] switch: &str, #[case] value: &str, #[case] token: Value) {
    let switches = [(switch.to_owned(), value.to_owned())].into();
    let world = World::built(builder(&json!([])).switches(switches)).await;
    let mut socket = world.join(&world.token(&token)).await;
    socket.next().await;
    assert_eq!(payload(&socket.next().await)["code"], "AUTH_INVALID");
}

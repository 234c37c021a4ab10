//! One attempt and the next: the path of states for each way in which a server can fail the first.

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::journal::{Entry, Transport};

use super::driver::{Adapter, count, mock, presented};

/// The document's waits, a tenth of their length or less.
pub(crate) fn quick() -> Value {
    json!({"connectTimeout": 3000, "sessionTimeout": 1000, "guestDelay": 40, "backoffBase": 20, "backoffCap": 200})
}

/// Connects with a JWT and expects this path of states, without repetition, to `connected`.
async fn check(rules: Value, path: &str) -> (Adapter, sparring_mock_server::server::MockServer) {
    let mock = mock(&rules).await;
    let mut adapter = Adapter::open(&mock, &json!("jwt"), &quick()).await;
    assert_eq!(adapter.act("connect").await, Value::Null);
    let expected: Vec<&str> = path.split_whitespace().collect();
    let connected = expected.iter().filter(|state| **state == "connected").count();
    adapter.state("connected", connected).await;
    assert_eq!(adapter.states(), expected, "{rules}");
    (adapter, mock)
}

const FIRST: &str = "connecting authenticating connected";
const BEFORE_CONNECT: &str = "connecting error reconnecting connecting authenticating connected";
const BEFORE_VERDICT: &str = "connecting authenticating error reconnecting connecting authenticating connected";
const AFTER_VERDICT: &str =
    "connecting authenticating connected disconnected reconnecting connecting authenticating connected";

#[rstest]
#[case::honest(json!([]), FIRST)]
#[case::upgrade_refused(json!([{"fault": "upgrade-reject"}]), FIRST)]
#[case::probe_ignored(json!([{"fault": "upgrade-probe-ignored"}]), FIRST)]
#[case::coalesced(json!([{"fault": "packet-coalesce"}]), FIRST)]
#[case::repeated(json!([{"fault": "duplicate-event", "on": "session_created"}]), FIRST)]
#[case::undocumented(json!([{"fault": "unknown-event", "on": "session_created", "add": {"more": 1}}]), FIRST)]
#[case::slow(json!([{"fault": "latency", "delay": "40ms"}]), FIRST)]
#[case::refused(json!([{"fault": "http-error", "attempts": 1}]), BEFORE_CONNECT)]
#[case::polling_blocked(json!([{"fault": "http-error", "status": 403, "only": "polling", "attempts": 1}]), BEFORE_CONNECT)]
#[case::without_affinity(json!([{"fault": "affinity-loss", "request": 1, "attempts": 1}]), BEFORE_CONNECT)]
#[case::reset_at_once(json!([{"fault": "connection-reset", "phase": "handshake", "attempts": 1}]), BEFORE_CONNECT)]
#[case::closed_at_once(json!([{"fault": "abrupt-close", "phase": "handshake", "attempts": 1}]), BEFORE_CONNECT)]
#[case::never_acknowledged(json!([{"fault": "connect-ack-withheld", "attempts": 1}]), BEFORE_CONNECT)]
#[case::connect_error(json!([{"fault": "socketio-connect-error", "message": "no", "attempts": 1}]), BEFORE_CONNECT)]
#[case::blackhole(json!([{"fault": "half-open", "phase": "handshake", "attempts": 1}]), BEFORE_CONNECT)]
#[case::silent(json!([{"fault": "silent-auth", "attempts": 1}]), BEFORE_VERDICT)]
#[case::half_open(json!([{"fault": "half-open", "phase": "authenticating", "attempts": 1}]), BEFORE_VERDICT)]
#[case::empty_verdict(json!([{"fault": "malformed-payload", "on": "session_created", "payload": {}, "attempts": 1}]), BEFORE_VERDICT)]
#[case::no_verdict(json!([{"fault": "malformed-payload", "on": "session_created", "attempts": 1}]), BEFORE_VERDICT)]
#[case::broken_verdict(json!([{"fault": "malformed-payload", "on": "session_created", "raw": "42nonsense", "attempts": 1}]), BEFORE_VERDICT)]
#[case::broken_packet(json!([{"fault": "malformed-payload", "on": "session_created", "raw": "x", "attempts": 1}]), BEFORE_VERDICT)]
#[case::dismissed(json!([{"fault": "disconnect-without-verdict", "attempts": 1}]), BEFORE_VERDICT)]
#[case::dropped(json!([{"fault": "disconnect-without-verdict", "via": "tcp", "attempts": 1}]), BEFORE_VERDICT)]
#[case::reset_unjudged(json!([{"fault": "connection-reset", "phase": "authenticating", "attempts": 1}]), BEFORE_VERDICT)]
#[case::invalid(json!([{"fault": "forced-auth-error", "attempts": 1}]), BEFORE_VERDICT)]
#[case::unknown_code(json!([{"fault": "forced-auth-error", "payload": {"code": "AUTH_BANNED"}, "attempts": 1}]), BEFORE_VERDICT)]
#[case::no_code(json!([{"fault": "forced-auth-error", "payload": null, "attempts": 1}]), BEFORE_VERDICT)]
#[case::kept_open(json!([{"fault": "auth-error-without-disconnect", "attempts": 1}]), BEFORE_VERDICT)]
#[case::closed(json!([{"fault": "engine-close", "attempts": 1}]), AFTER_VERDICT)]
#[case::disconnected(json!([{"fault": "server-disconnect", "attempts": 1}]), AFTER_VERDICT)]
#[case::reset(json!([{"fault": "connection-reset", "attempts": 1}]), AFTER_VERDICT)]
#[case::ended(json!([{"fault": "abrupt-close", "attempts": 1}]), AFTER_VERDICT)]
#[tokio::test]
async fn paths(#[case] rules: Value, #[case] path: &str) {
    let (mut adapter, mock) = check(rules, path).await;
    adapter.close().await;
    assert_eq!(mock.violations(), []);
}

#[tokio::test]
async fn an_honest_attempt_polls_upgrades_and_reports_its_session_once() {
    let (mut adapter, mock) = check(json!([]), FIRST).await;
    let created = adapter.until("sessionCreated", |line| line["params"]["name"] == "sessionCreated").await;
    let payload = created["params"]["data"].as_object().expect("a payload");
    assert_eq!(payload.keys().collect::<Vec<_>>(), ["sessionId", "userId", "isGuest", "timestamp"]);
    // The upgrade is under way; the goodbye waits for nothing, so ask the journal for the move first.
    let mut journal = mock.journal().subscribe();
    while let Some(record) = journal.recv().await {
        match &record.entry {
            Entry::Attempt(_) => assert_eq!(record.transport, Some(Transport::Polling)),
            Entry::Received(message) if message.name == "UPGRADE" => break,
            _ => {}
        }
    }
    adapter.close().await;
    let records = mock.journal().since(0);
    let moved = records.iter().rposition(|record| is_received(&record.entry, "UPGRADE")).expect("it has moved");
    let polls = records[moved..].iter().filter(|record| is_poll(&record.entry)).count();
    assert_eq!(polls, 0);
}

fn is_received(entry: &Entry, name: &str) -> bool {
    matches!(entry, Entry::Received(message) if message.name == name)
}

fn is_poll(entry: &Entry) -> bool {
    matches!(entry, Entry::Request(request) if request.name == "polling")
}

#[tokio::test]
async fn the_log_names_what_the_document_asks_for() {
    let (mut adapter, mock) = check(json!([{"fault": "http-error", "attempts": 1}]), BEFORE_CONNECT).await;
    let changes = adapter.logs("Connection state changed");
    for pair in changes.windows(2) {
        assert_eq!(pair[0]["to"], pair[1]["from"]);
    }
    assert_eq!(adapter.logs("Connection error")[0]["description"], 503);
    assert_eq!(adapter.logs("Scheduling reconnection")[0]["attempt"], 1);
    assert_eq!(adapter.logs("Connecting with token")[0]["tokenType"], "jwt");
    assert!(adapter.logs("Socket.IO connected")[0]["socketId"].is_string());
    let (transport, session) = (&adapter.logs("Transport established")[0], &adapter.logs("Session created")[0]);
    assert!(transport["durationMs"].as_u64() <= session["durationMs"].as_u64());
    let token = presented(&mock).remove(0).expect("a token");
    assert!(!adapter.seen.iter().any(|line| line.to_string().contains(&token)), "the whole token was told");
    adapter.close().await;
}

#[rstest]
#[case("connecting", json!([{"fault": "response-delay", "delay": "1m"}]))]
#[case("authenticating", json!([{"fault": "silent-auth"}]))]
#[case("connected", json!([]))]
#[case("reconnecting", json!([{"fault": "http-error"}]))]
#[tokio::test]
async fn the_application_can_leave_from_every_state(#[case] state: &str, #[case] rules: Value) {
    let mock = mock(&rules).await;
    let mut adapter = Adapter::open(&mock, &json!("jwt"), &json!({"backoffBase": 20_000})).await;
    adapter.act("connect").await;
    adapter.state(state, 1).await;
    adapter.act("disconnect").await;
    assert_eq!(adapter.states().last().map(String::as_str), Some("disconnected"));
    adapter.close().await;
}

#[tokio::test]
async fn a_second_connect_opens_nothing() {
    let mock = mock(&json!([])).await;
    let mut adapter = Adapter::open(&mock, &json!("jwt"), &json!({})).await;
    assert_eq!(adapter.states(), [""; 0]);
    assert_eq!(count(&mock, |_| true), 0, "there is traffic before connect()");
    adapter.act("connect").await;
    adapter.act("connect").await;
    adapter.state("connected", 1).await;
    adapter.act("connect").await;
    adapter.close().await;
    assert_eq!(count(&mock, |entry| matches!(entry, Entry::Attempt(_))), 1);
}

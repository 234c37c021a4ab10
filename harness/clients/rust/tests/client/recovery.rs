//! After an `auth_error`: which token the next attempt carries, who is asked for a new one, and when it stops.

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::journal::Entry;

use super::attempts::quick;
use super::driver::{Adapter, count, mock, presented};

/// What the second attempt carries.
#[derive(Debug, PartialEq)]
enum Next {
    Same,
    Refreshed,
    Guest,
}

fn refreshes(mock: &sparring_mock_server::server::MockServer) -> usize {
    count(mock, |entry| matches!(entry, Entry::Request(request) if request.name == "refresh"))
}

#[rstest]
#[case::expired(json!([{"fault": "forced-auth-error", "code": "AUTH_EXPIRED", "message": "", "attempts": 1}]), Next::Refreshed, 1)]
#[case::refused_refresh(
    json!([{"fault": "forced-auth-error", "code": "AUTH_EXPIRED", "attempts": 1},
        {"fault": "rest-error", "status": 401}]), Next::Guest, 1)]
#[case::failed_refresh(
    json!([{"fault": "forced-auth-error", "code": "AUTH_EXPIRED", "attempts": 1}, {"fault": "rest-error"}]), Next::Guest, 1)]
#[case::dropped_refresh(
    json!([{"fault": "forced-auth-error", "code": "AUTH_EXPIRED", "attempts": 1},
        {"fault": "rest-error", "drop": true}]), Next::Guest, 1)]
#[case::malformed_refresh(
    json!([{"fault": "forced-auth-error", "code": "AUTH_EXPIRED", "attempts": 1}, {"fault": "rest-malformed"}]),
    Next::Guest, 1)]
#[case::invalid(json!([{"fault": "forced-auth-error", "attempts": 1}]), Next::Guest, 0)]
#[case::required(json!([{"fault": "forced-auth-error", "code": "AUTH_REQUIRED", "attempts": 1}]), Next::Guest, 0)]
#[case::unknown(json!([{"fault": "forced-auth-error", "payload": {"code": "AUTH_BANNED"}, "attempts": 1}]), Next::Same, 0)]
#[case::silent(json!([{"fault": "silent-auth", "attempts": 1}]), Next::Same, 0)]
#[tokio::test]
async fn the_next_token(#[case] rules: Value, #[case] expected: Next, #[case] asked: usize) {
    let mock = mock(&rules).await;
    let mut adapter = Adapter::open(&mock, &json!("jwt"), &quick()).await;
    adapter.act("connect").await;
    adapter.state("connected", 1).await;
    let tokens = presented(&mock);
    let [Some(first), Some(second)] = tokens.as_slice() else { panic!("two attempts with tokens: {tokens:?}") };
    let next = match (first == second, second.starts_with("guest_")) {
        (true, _) => Next::Same,
        (false, true) => Next::Guest,
        (false, false) => Next::Refreshed,
    };
    assert_eq!((next, refreshes(&mock)), (expected, asked));
    assert_eq!(adapter.act("read_storage").await["token"], second.as_str());
    adapter.close().await;
}

#[tokio::test]
async fn a_failed_refresh_is_logged() {
    let rules = json!([{"fault": "forced-auth-error", "code": "AUTH_EXPIRED", "attempts": 1}, {"fault": "rest-error"}]);
    let mock = mock(&rules).await;
    let mut adapter = Adapter::open(&mock, &json!("jwt"), &quick()).await;
    adapter.act("connect").await;
    adapter.state("connected", 1).await;
    assert_eq!(adapter.logs("Token refresh failed").len(), 1);
    assert_eq!(adapter.logs("Switched to guest mode").len(), 1);
    adapter.close().await;
}

#[tokio::test]
async fn leaving_during_a_refresh_cancels_it() {
    let rules = json!([{"fault": "forced-auth-error", "code": "AUTH_EXPIRED"}, {"fault": "rest-delay"}]);
    let mock = mock(&rules).await;
    let mut journal = mock.journal().subscribe();
    let mut adapter = Adapter::open(&mock, &json!("jwt"), &json!({})).await;
    let stored = adapter.act("read_storage").await;
    adapter.act("connect").await;
    while let Some(record) = journal.recv().await {
        if matches!(&record.entry, Entry::Request(request) if request.name == "refresh") {
            break;
        }
    }
    adapter.act("connect").await;
    assert_eq!(presented(&mock).len(), 1, "an attempt was made while the refresh was pending");
    adapter.act("disconnect").await;
    assert_eq!(adapter.states()[2..], ["error", "disconnected"]);
    assert_eq!(adapter.act("read_storage").await, stored);
    adapter.close().await;
}

#[tokio::test]
async fn a_guest_has_nothing_to_refresh() {
    let mock = mock(&json!([])).await;
    let mut adapter = Adapter::open(&mock, &json!({"kind": "guest", "age": "2h"}), &quick()).await;
    adapter.act("connect").await;
    adapter.state("connected", 1).await;
    let tokens = presented(&mock);
    assert_ne!(tokens[0], tokens[1]);
    assert_eq!(refreshes(&mock), 0);
    adapter.close().await;
}

#[tokio::test]
async fn the_guard_stops_at_the_eleventh_and_an_explicit_connect_re_arms_it() {
    let mock = mock(&json!([{"fault": "forced-auth-error", "code": "AUTH_EXPIRED", "attempts": "1-11"}])).await;
    let mut adapter = Adapter::open(&mock, &json!("jwt"), &quick()).await;
    adapter.act("connect").await;
    let tripped =
        adapter.until("the guard", |line| line["params"]["message"] == "Too many reconnection attempts").await;
    assert_eq!(tripped["params"]["fields"]["count"], 11);
    assert_eq!(presented(&mock).len(), 11);
    assert_eq!(adapter.act("read_state").await["state"], "error");
    adapter.act("connect").await;
    adapter.state("connected", 1).await;
    adapter.close().await;
}

#[tokio::test]
async fn waits_grow_and_start_anew_once_connected() {
    let rules = json!([
        {"fault": "connection-reset", "phase": "handshake", "attempts": "1-4"},
        {"fault": "server-disconnect", "attempts": 5},
    ]);
    let mock = mock(&rules).await;
    let mut adapter = Adapter::open(&mock, &json!("jwt"), &quick()).await;
    adapter.act("connect").await;
    adapter.state("connected", 2).await;
    let logs = adapter.logs("Scheduling reconnection");
    let delays: Vec<u64> = logs.iter().filter_map(|fields| fields["delay"].as_u64()).collect();
    assert_eq!(delays, [20, 40, 80, 160, 20]);
    adapter.close().await;
}

#[tokio::test]
async fn the_screen_offers_guests_to_sign_in() {
    let mock = mock(&json!([])).await;
    let mut adapter = Adapter::open(&mock, &json!("none"), &quick()).await;
    let screen = adapter.act("read_state").await["screen"].clone();
    assert_eq!(screen, json!({"status": "disconnected", "texts": [], "controls": ["Skip", "Sign In"]}));
    adapter.act_with("press_control", &json!({"control": "Skip"})).await.expect("skipped");
    adapter.state("connected", 1).await;
    let screen = adapter.act("read_state").await["screen"].clone();
    let texts = json!(["Guest Mode", "Sign in to save your data"]);
    assert_eq!(screen, json!({"status": "connected", "texts": texts, "controls": ["Sign In"]}));
    adapter.act_with("press_control", &json!({"control": "Sign In"})).await.expect("signed in");
    adapter.state("connected", 2).await;
    let screen = adapter.act("read_state").await["screen"].clone();
    assert_eq!(screen, json!({"status": "connected", "texts": [], "controls": []}));
    adapter.close().await;
}

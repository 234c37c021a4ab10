//! The protocol's loop: answers, errors that name the field, and the end of the input.

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::journal::Entry;

use super::driver::{Adapter, count, mock};

#[tokio::test]
async fn initialize_says_what_it_can_do() {
    let mut adapter = Adapter::start();
    let result = adapter.ask("initialize", &json!({"protocol": 1, "seed": 7})).await.expect("an answer");
    assert_eq!(result["name"], "built-in");
    assert_eq!(result["systems"], json!(["digitwin"]));
    assert_eq!(result["exposes"], json!(["states", "events", "tokens", "logs"]));
    assert_eq!(result["declarations"]["state_map"]["reconnecting"], "reconnecting");
    adapter.end().await;
}

#[rstest]
#[case("initialize", json!({"protocol": 2, "seed": 7}), -32602, json!({"field": "protocol"}))]
#[case("initialize", json!({"protocol": 1}), -32602, json!({"field": "seed"}))]
#[case("dance", json!({}), -32601, Value::Null)]
#[case("open", json!({}), -32602, json!({"field": "session"}))]
#[case("open", json!({"session": "s", "system": "x"}), -32602, json!({"field": "system"}))]
#[case("open", json!({"session": "s", "system": "digitwin", "url": "nowhere"}), -32602, json!({"field": "url"}))]
#[case("open", json!({"session": "s", "system": "digitwin", "url": "http://a", "api": "ftp://a"}), -32602, json!({"field": "api"}))]
#[case("act", json!({"session": "s", "action": "connect", "args": {}}), -32002, json!({"session": "s"}))]
#[case("close", json!({"session": "s"}), -32002, json!({"session": "s"}))]
#[tokio::test]
async fn wrong_requests(#[case] method: &str, #[case] params: Value, #[case] code: i32, #[case] data: Value) {
    let mut adapter = Adapter::start();
    let error = adapter.ask(method, &params).await.expect_err("an error");
    assert_eq!((&error["code"], &error["data"]), (&json!(code), &data));
    adapter.end().await;
}

#[rstest]
#[case("fly", json!({}), -32001, json!({"action": "fly"}))]
#[case("set_token", json!({}), -32602, json!({"field": "token"}))]
#[case("press_control", json!({}), -32602, json!({"field": "control"}))]
#[case("press_control", json!({"control": "Self-destruct"}), -32003, json!({"error": "failed"}))]
#[tokio::test]
async fn wrong_actions(#[case] action: &str, #[case] args: Value, #[case] code: i32, #[case] data: Value) {
    let mock = mock(&json!([])).await;
    let mut adapter = Adapter::open(&mock, &json!("none"), &json!({})).await;
    let error = adapter.act_with(action, &args).await.expect_err("an error");
    assert_eq!((&error["code"], &error["data"]), (&json!(code), &data));
    adapter.close().await;
}

#[tokio::test]
async fn a_refused_sign_in_says_refused() {
    let mock = mock(&json!([])).await;
    let gone = super::driver::url(&mock);
    mock.shutdown().await;
    let mut adapter = Adapter::start();
    let params = json!({"session": "s", "system": "digitwin", "url": gone, "api": gone, "token": null, "options": {}});
    adapter.ask("open", &params).await.expect("opened");
    let error = adapter.act_with("press_control", &json!({"control": "Sign In"})).await.expect_err("nobody is there");
    assert_eq!(error["data"], json!({"error": "refused"}));
    adapter.close().await;
}

#[tokio::test]
async fn a_destroyed_client_does_not_connect() {
    let mock = mock(&json!([])).await;
    let mut adapter = Adapter::open(&mock, &json!("none"), &json!({})).await;
    adapter.act("destroy").await;
    let error = adapter.act_with("connect", &json!({})).await.expect_err("it is gone");
    assert_eq!(error["code"], -32003);
    adapter.close().await;
}

#[tokio::test]
async fn rubbish_is_passed_over() {
    let mut adapter = Adapter::start();
    adapter.write("what?").await;
    adapter.write("").await;
    adapter.write("[1]").await;
    adapter.write(r#"{"id": 99}"#).await;
    let answer = adapter.until("an answer", |line| line["id"] == 99).await;
    assert_eq!(answer["error"]["code"], -32600);
    assert_eq!(adapter.seen.len(), 1);
    adapter.end().await;
}

#[tokio::test]
async fn the_storage_is_driven_without_a_word_of_the_client() {
    let mock = mock(&json!([])).await;
    let mut adapter = Adapter::open(&mock, &json!("none"), &json!({})).await;
    adapter.act_with("set_token", &json!({"token": "a.b.c"})).await.expect("set");
    assert_eq!(adapter.act("read_storage").await, json!({"token": "a.b.c"}));
    adapter.act("clear_storage").await;
    assert_eq!(adapter.act("read_storage").await, json!({"token": null}));
    assert!(adapter.seen.iter().all(|line| line["method"] != "token"));
    adapter.close().await;
}

#[tokio::test]
async fn two_hundred_sessions_live_side_by_side() {
    let mock = mock(&json!([])).await;
    let mut adapter = Adapter::start();
    let url = super::driver::url(&mock);
    for number in 0..200 {
        let params = json!({"session": format!("s{number}"), "system": "digitwin", "url": url, "api": url,
            "token": format!("guest_550e8400-e29b-41d4-a716-446655440000_{}", 9_000_000_000_000_u64), "options": {}});
        adapter.ask("open", &params).await.expect("opened");
    }
    for number in 0..200 {
        let params = json!({"session": format!("s{number}"), "action": "connect", "args": {}});
        adapter.ask("act", &params).await.expect("connecting");
    }
    adapter.state("connected", 200).await;
    adapter.end().await;
    assert_eq!(count(&mock, |entry| matches!(entry, Entry::Attempt(_))), 200);
}

#[tokio::test]
async fn the_end_of_the_input_closes_what_is_open() {
    let mock = mock(&json!([])).await;
    let mut journal = mock.journal().subscribe();
    let mut adapter = Adapter::open(&mock, &json!("jwt"), &json!({})).await;
    adapter.act("connect").await;
    adapter.state("connected", 1).await;
    adapter.end().await;
    while let Some(record) = journal.recv().await {
        if let Entry::Closed(closed) = &record.entry {
            assert!(closed.clean, "{closed:?}");
            break;
        }
    }
}

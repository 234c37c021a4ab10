//! Connections over HTTP: listed, and acted on one by one.

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::control::Setting;
use sparring_mock_server::journal::{Actor, Closer};

use super::{get, ok, refused, world};
use crate::client::{World, builder, name};

#[tokio::test]
async fn connections_are_listed_with_what_is_known_of_them() {
    let world = world(json!([{"fault": "silent-auth", "attempts": 3}])).await;
    let _one = world.established().await;
    let polled = world.open().await;
    let mut silent = world.join(&world.token(&json!("guest"))).await;
    silent.next().await;
    let connections = get(&world, "/connections").await;
    let told: Vec<Value> = connections
        .as_array()
        .unwrap()
        .iter()
        .map(|conn| {
            json!([conn["id"], conn["number"], conn["transport"], conn["token_kind"], conn["user"], conn["state"]])
        })
        .collect();
    let guest = &connections[2]["user"];
    assert!(guest.as_str().is_some_and(|user| user.starts_with("guest_")), "{guest}");
    let expected = [
        json!(["client.1", 1, "websocket", "jwt", "user_123", "established"]),
        json!(["client.2", 2, "polling", null, null, "open"]),
        json!(["client.3", 3, "websocket", "guest", guest, "connected"]),
    ];
    assert_eq!(told, expected);
    assert_eq!(connections[1]["sid"], polled.open["sid"]);
    assert!(connections[0]["since"].as_u64().unwrap() <= connections[1]["since"].as_u64().unwrap());
    assert_eq!(get(&world, "/connections/2").await, connections[1]);
    assert_eq!(get(&world, "/connections/client.2").await, connections[1]);
    assert_eq!(get(&world, "/connections/newest").await, connections[2]);
}

#[rstest]
#[case("emit", json!({"event": "hello", "data": {"a": 1}}), "42[\"hello\",{\"a\":1}]", None)]
#[case("raw", json!({"text": "42[oops"}), "42[oops", None)]
#[case("raw", json!({"hex": "81 02 36 36"}), "66", None)]
#[case("disconnect", Value::Null, "41", None)]
#[case("close", json!({"code": 4008, "reason": "bye"}), "close 4008 bye", Some((Closer::Server, true)))]
#[case("cut", Value::Null, "error", Some((Closer::Network, false)))]
#[case("reset", json!({}), "error", Some((Closer::Network, false)))]
#[tokio::test]
async fn one_connection_is_acted_on_and_no_other(
    #[case] action: &str,
    #[case] args: Value,
    #[case] expected: &str,
    #[case] ended: Option<(Closer, bool)>,
) {
    let mut world = world(json!([])).await;
    let mut first = world.established().await;
    let mut second = world.established().await;
    ok(&world, "POST", &format!("/connections/1/{action}"), args).await;
    assert_eq!(first.next().await, expected);
    drop(first);
    if let Some(ended) = ended {
        assert_eq!(world.closed().await, ended);
        assert_eq!(
            refused(&world, "POST", &format!("/connections/1/{action}"), "").await.0,
            if action == "emit" { 422 } else { 404 }
        );
    }
    assert_eq!(second.rest().await, ["open"]);
}

#[tokio::test]
async fn a_stall_is_shown_and_ends() {
    let world = world(json!([])).await;
    let mut socket = world.established().await;
    ok(&world, "POST", "/connections/newest/stall", Value::Null).await;
    assert_eq!(get(&world, "/connections/1").await["stalled"], true);
    socket.send("42[\"get_history\"]").await;
    assert_eq!(socket.rest().await, ["open"]);
    ok(&world, "POST", "/connections/client.newest/resume", Value::Null).await;
    assert_eq!(name(&socket.next().await), "operation_done");
    assert_eq!(get(&world, "/connections/1").await["stalled"], false);
}

#[tokio::test]
async fn a_session_is_revoked() {
    let world = world(json!([])).await;
    let mut socket = world.established().await;
    ok(&world, "POST", "/connections/1/revoke", Value::Null).await;
    assert_eq!(name(&socket.next().await), "auth_error");
    assert_eq!(socket.next().await, "41");
    assert_eq!(get(&world, "/connections/1").await["state"], "disconnected");
}

#[rstest]
#[case("/connections/newest/cut", "", 409, &[])]
#[case("/connections/3/cut", "", 404, &[])]
#[case("/connections/x/cut", "", 422, &["connection"])]
#[case("/connections/bob.1/cut", "", 422, &["connection"])]
#[case("/connections/1/explode", "", 422, &["action"])]
#[case("/connections/1/restart", r#"{"down": "1s"}"#, 422, &["action"])]
#[case("/connections/1/close", r#"{"code": 70000, "why": 1}"#, 422, &["why", "code"])]
#[case("/connections/1/emit", "[1]", 422, &[""])]
#[tokio::test]
async fn wrong_requests(#[case] path: &str, #[case] body: &str, #[case] status: u16, #[case] fields: &[&str]) {
    let world = world(json!([])).await;
    assert_eq!(refused(&world, "POST", path, body).await, (status, fields.iter().map(ToString::to_string).collect()));
}

#[tokio::test]
async fn actors_are_told_apart() {
    let actors = vec![Actor::new("alice"), Actor::new("crowd/1")];
    let world = World::built(builder(&json!([])).actors(actors).control(Setting::default())).await;
    assert_eq!(refused(&world, "POST", "/connections/1/cut", "").await, (422, vec!["connection".to_owned()]));
    assert_eq!(refused(&world, "POST", "/connections/crowd%2F1.1/cut", "").await.0, 404);
    assert_eq!(refused(&world, "POST", "/connections/alice.newest/cut", "").await.0, 409);
    let urls = get(&world, "/server").await["urls"].clone();
    assert_eq!(urls["crowd/1"], json!(world.mock.url(&Actor::new("crowd/1"))));
}

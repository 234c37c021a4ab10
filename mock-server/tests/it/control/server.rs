//! The whole server over HTTP: tokens, clock, faults, restart and reset.

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::control::Setting;
use sparring_mock_server::journal::Entry;
use sparring_mock_server::script::Fault;
use sparring_mock_server::server::ClockSetting;
use std::time::Duration;

use super::{controlled, get, ok, refused, world};
use crate::client::{World, actor, builder, name};

#[tokio::test]
async fn what_the_server_is() {
    let world = world(json!([{"fault": "silent-auth"}])).await;
    let server = get(&world, "/server").await;
    assert_eq!(
        json!([
            server["system"],
            server["urls"],
            server["rules"],
            server["connections"],
            server["journal"]["capacity"]
        ]),
        json!(["digitwin", {"client": world.mock.url(&actor())}, 1, 0, 100_000])
    );
    assert_eq!(get(&world, "/health").await, json!({"status": "ok", "violations": []}));
}

#[tokio::test]
async fn faults_are_those_of_the_catalogue_or_what_the_embedder_says() {
    let faults = get(&world(json!([])).await, "/faults").await;
    let ids: Vec<&str> = faults.as_array().unwrap().iter().map(|fault| fault["id"].as_str().unwrap()).collect();
    assert_eq!(ids, Fault::ids().collect::<Vec<_>>());
    let own = || json!([{"id": "own"}]);
    let world = controlled(json!([]), Setting { faults: Some(own), ..Setting::default() }).await;
    assert_eq!(get(&world, "/faults").await, own());
}

#[rstest]
#[case(json!("jwt"), "jwt", "")]
#[case(json!("guest"), "guest", "guest_")]
#[case(json!("none"), "none", "")]
#[case(json!({"kind": "jwt", "malformed": "two-segments"}), "jwt", "")]
#[case(json!({"literal": "abc"}), "jwt", "abc")]
#[tokio::test]
async fn tokens_are_minted(#[case] described: Value, #[case] kind: &str, #[case] begins: &str) {
    let world = world(json!([])).await;
    let token = ok(&world, "POST", "/tokens", described).await;
    assert_eq!(token["kind"], kind);
    assert!(token["token"].as_str().unwrap().starts_with(begins), "{token}");
}

#[tokio::test]
async fn a_minted_token_is_good_and_names_its_user() {
    let world = world(json!([])).await;
    let kinds = get(&world, "/tokens").await;
    assert_eq!(kinds.as_array().unwrap().iter().map(|kind| &kind["kind"]).collect::<Vec<_>>(), ["guest", "jwt"]);
    let token = ok(&world, "POST", "/tokens?user=alice", json!({"kind": "jwt", "expires_in": "1h"})).await;
    let mut socket = world.join(&token["token"]).await;
    socket.next().await;
    assert_eq!(name(&socket.next().await), "session_created");
    assert_eq!(get(&world, "/connections/1").await["user"], "alice");
    let expired = ok(&world, "POST", "/tokens", json!({"kind": "jwt", "age": "100h"})).await;
    let mut socket = world.join(&expired["token"]).await;
    socket.next().await;
    assert_eq!(name(&socket.next().await), "auth_error");
}

#[tokio::test]
async fn the_clock_obeys() {
    let world = world(json!([])).await;
    let frozen = ok(&world, "POST", "/clock/freeze", json!({"at": "2024-12-07T05:00:00Z"})).await;
    assert_eq!(frozen, json!({"now": "2024-12-07T05:00:00Z", "millis": 1_733_547_600_000_u64, "frozen": true}));
    let later = ok(&world, "POST", "/clock/advance", json!({"by": "1.5s"})).await;
    assert_eq!(later["now"], "2024-12-07T05:00:01.5Z");
    assert_eq!(get(&world, "/clock").await, later);
    assert_eq!(ok(&world, "POST", "/clock/thaw", Value::Null).await["frozen"], false);
}

#[rstest]
#[case("/clock/explode", "", &["action"])]
#[case("/clock/cut", "", &["action"])]
#[case("/clock/advance", r#"{"by": 5, "at": 1}"#, &["at", "by"])]
#[case("/clock/advance", "", &["by"])]
#[case("/clock/freeze", r#"{"at": "noon"}"#, &["at"])]
#[case("/tokens", "\"jwd\"", &[""])]
#[case("/tokens?usr=a", "\"jwt\"", &["usr"])]
#[case("/tokens", r#"{"kind": "guest", "claims": {}, "malformed": "x"}"#, &["malformed", "claims"])]
#[case("/restart", r#"{"down": "soon", "keep": 1}"#, &["keep", "down"])]
#[tokio::test]
async fn wrong_requests(#[case] path: &str, #[case] body: &str, #[case] fields: &[&str]) {
    let world = world(json!([])).await;
    assert_eq!(refused(&world, "POST", path, body).await, (422, fields.iter().map(ToString::to_string).collect()));
}

#[tokio::test]
async fn a_restart_ends_all_and_the_server_comes_back() {
    let mut world = world(json!([])).await;
    let mut socket = world.established().await;
    ok(&world, "POST", "/restart", json!({"down": "1ms"})).await;
    assert_eq!(socket.next().await, "error");
    world.closed().await;
    let back = async {
        while tokio::net::TcpStream::connect(world.mock.addr(&actor())).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(super::LONG, back).await.expect("it comes back");
    world.established().await;
}

/// After a reset, a rule for the first attempt meets the first attempt, whatever was going on before.
#[tokio::test]
async fn a_reset_goes_back_to_the_start() {
    let rules = json!([{"fault": "silent-auth", "attempts": 1}]);
    let setting = ClockSetting::Frozen(Duration::from_secs(1_733_547_600));
    let world = World::built(builder(&rules).clock(setting).control(Setting::default())).await;
    let mut silent = world.join(&world.token(&json!("jwt"))).await;
    silent.next().await;
    let mut socket = world.established().await;
    let polled = world.open().await.path.clone();
    ok(
        &world,
        "PUT",
        "/rules",
        json!([{"fault": "half-open"}, {"fault": "clock-freeze"}, {"fault": "connection-refused", "after": "10m"}]),
    )
    .await;
    ok(&world, "POST", "/clock/advance", json!({"by": "9h"})).await;
    ok(&world, "POST", "/connections/2/stall", Value::Null).await;
    let before = get(&world, "/server").await["journal"]["end"].as_u64().unwrap();

    let server = ok(&world, "POST", "/reset", Value::Null).await;
    assert_eq!(server["connections"], 0);
    assert_eq!(server["clock"]["now"], "2024-12-07T05:00:00Z");
    assert_eq!(server["journal"]["from"], server["journal"]["end"]);
    assert!(server["journal"]["end"].as_u64().unwrap() >= before);
    assert_eq!(socket.next().await, "error");
    assert_eq!(world.get(&polled).await.status, 400);
    assert_eq!(get(&world, "/rules").await[0]["index"], 0);
    assert_eq!(get(&world, "/rules").await.as_array().unwrap().len(), 1);

    let mut first = world.join(&world.token(&json!("jwt"))).await;
    first.next().await;
    assert_eq!(first.rest().await, ["open"]);
    let silent = world.mock.journal().since(0).into_iter().filter(|record| matches!(record.entry, Entry::Fault(_)));
    assert_eq!(silent.map(|record| record.connection).collect::<Vec<_>>(), [Some(1)]);
    let _second = world.established().await;
    assert_eq!(get(&world, "/connections/newest").await["number"], 2);
}

#[tokio::test]
async fn a_reset_brings_back_what_was_shut() {
    let world = world(json!([{"fault": "connection-refused", "for": "10m"}])).await;
    let connect = async || tokio::net::TcpStream::connect(world.mock.addr(&actor())).await.is_ok();
    assert!(!connect().await);
    ok(&world, "DELETE", "/rules", Value::Null).await;
    ok(&world, "POST", "/reset", Value::Null).await;
    assert!(!connect().await, "the rule of the start is in force again");
    ok(&world, "PUT", "/rules", json!([{"fault": "server-restart", "down": "10m"}])).await;
    ok(&world, "PUT", "/rules", json!([])).await;
    world.mock.script().rebase(Vec::new());
    world.mock.reset().await;
    assert!(connect().await);
}

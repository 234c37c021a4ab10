//! Live actions on a server that is up, and its end.

use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::journal::{Actor, Closer};
use sparring_mock_server::live::{LIVE_ACTIONS, LiveAction};
use sparring_mock_server::server::{ActError, StartError};
use tokio::net::TcpStream;

use crate::client::{World, actor, builder, name};

fn read(name: &str, args: &Value) -> LiveAction {
    LiveAction::read(name, args.as_object().unwrap()).unwrap()
}

#[rstest]
#[case("emit", json!({"event": "hello", "data": {"a": 1}}), "42[\"hello\",{\"a\":1}]", None)]
#[case("emit", json!({"event": "hello"}), "42[\"hello\"]", None)]
#[case("raw", json!({"text": "42[oops"}), "42[oops", None)]
#[case("raw", json!({"hex": "81 02 36 36"}), "66", None)]
#[case("disconnect", json!({}), "41", None)]
#[case("close", json!({"code": 4008, "reason": "bye"}), "close 4008 bye", Some((Closer::Server, true)))]
#[case("close", json!({}), "close", Some((Closer::Server, true)))]
#[case("cut", json!({}), "error", Some((Closer::Network, false)))]
#[case("reset", json!({}), "error", Some((Closer::Network, false)))]
#[case("restart", json!({"down": "10ms"}), "error", Some((Closer::Server, false)))]
#[tokio::test]
async fn what_a_client_reads(
    #[case] action: &str,
    #[case] args: Value,
    #[case] expected: &str,
    #[case] ended: Option<(Closer, bool)>,
) {
    let mut world = World::start(json!([])).await;
    let mut socket = world.established().await;
    world.mock.act(&read(action, &args), &actor()).await.unwrap();
    assert_eq!(socket.next().await, expected);
    drop(socket);
    if let Some(ended) = ended {
        assert_eq!(world.closed().await, ended);
    }
}

#[tokio::test]
async fn a_transport_can_end_with_the_disconnect() {
    let world = World::start(json!([])).await;
    let mut socket = world.established().await;
    world.mock.act(&read("disconnect", &json!({"transport": true})), &actor()).await.unwrap();
    assert_eq!(socket.rest().await, ["41", "close"]);
}

#[tokio::test]
async fn a_stall_ends_with_resume() {
    let world = World::start(json!([])).await;
    let mut socket = world.established().await;
    world.mock.act(&LiveAction::Stall, &actor()).await.unwrap();
    socket.send("42[\"get_history\"]").await;
    assert_eq!(socket.rest().await, ["open"]);
    world.mock.act(&LiveAction::Resume, &actor()).await.unwrap();
    assert_eq!(name(&socket.next().await), "operation_done");
}

#[tokio::test]
async fn a_revoked_session_ends() {
    let world = World::start(json!([])).await;
    let mut socket = world.established().await;
    world.mock.act(&LiveAction::Revoke, &actor()).await.unwrap();
    assert_eq!(name(&socket.next().await), "auth_error");
    assert_eq!(socket.next().await, "41");
}

#[tokio::test]
async fn the_clock_obeys() {
    let world = World::start(json!([])).await;
    let act = async |action| world.mock.act(&action, &actor()).await.unwrap();
    act(read("freeze", &json!({"at": "2024-12-07T05:00:00Z"}))).await;
    act(read("advance", &json!({"by": "1h"}))).await;
    assert_eq!(world.mock.clock().now(), Duration::from_secs(1_733_551_200));
    act(LiveAction::Thaw).await;
    assert!(world.mock.clock().now() >= Duration::from_secs(1_733_551_200));
}

#[tokio::test]
async fn rules_come_and_go() {
    let world = World::start(json!([])).await;
    world.mock.act(&read("arm", &json!({"rules": [{"fault": "silent-auth"}]})), &actor()).await.unwrap();
    let mut socket = world.join(&world.token(&json!("jwt"))).await;
    assert_eq!(socket.rest().await.len(), 2);
    world.mock.act(&read("disarm", &json!({"fault": "silent-auth"})), &actor()).await.unwrap();
    world.established().await;
    let again = world.mock.act(&read("disarm", &json!({"fault": "latency"})), &actor()).await;
    assert_eq!(again, Err(ActError::NotArmed("latency".to_owned())));
}

#[tokio::test]
async fn nobody_can_be_acted_on_before_they_come() {
    let world = World::start(json!([])).await;
    let refused = world.mock.act(&LiveAction::Cut, &actor()).await;
    assert_eq!(refused, Err(ActError::NoConnection { actor: Actor::new("client"), action: "cut" }));
}

#[rstest]
#[case("explode", json!({}), &["explode"])]
#[case("emit", json!({"evnt": "a"}), &["evnt", "event"])]
#[case("restart", json!({"down": 5, "keep_sessions": 1}), &["keep_sessions", "down"])]
#[case("close", json!({"code": 70_000, "reason": 1}), &["code", "reason"])]
#[case("raw", json!({"text": "a", "hex": "00"}), &["text"])]
#[case("raw", json!({"hex": "0"}), &["hex"])]
#[case("arm", json!({"rules": [{"fault": "silent-aut"}, 3]}), &["rules[0].fault", "rules[1]"])]
#[case("disarm", json!({"fault": "x"}), &["fault"])]
#[case("freeze", json!({"at": "tomorrow"}), &["at"])]
#[case("cut", json!({"now": true}), &["now"])]
fn wrong_actions(#[case] action: &str, #[case] args: Value, #[case] about: &[&str]) {
    let errors = LiveAction::read(action, args.as_object().unwrap()).unwrap_err();
    assert_eq!(errors.len(), about.len(), "{errors:?}");
    for (error, about) in errors.iter().zip(about) {
        assert!(error.to_string().contains(about), "{error}");
    }
}

#[test]
fn every_action_can_be_read() {
    let args = json!({"emit": {"event": "a"}, "raw": {"text": ""}, "advance": {"by": "1s"}, "restart": {"down": "1s"},
        "arm": {"rules": []}, "disarm": {"fault": "latency"}});
    for action in LIVE_ACTIONS {
        let args = args.get(action).cloned().unwrap_or(json!({}));
        assert_eq!(read(action, &args).name(), action);
    }
}

#[tokio::test]
async fn all_ends_with_the_mock() {
    let world = World::start(json!([{"fault": "silent-auth"}])).await;
    let mut socket = world.join(&world.token(&json!("jwt"))).await;
    socket.next().await;
    let addr = world.mock.addr(&actor());
    world.mock.shutdown().await;
    assert_eq!(socket.rest().await, ["error"]);
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn dropping_the_mock_ends_it_too() {
    let world = World::start(json!([])).await;
    let mut socket = world.established().await;
    drop(world);
    assert_eq!(socket.rest().await, ["error"]);
}

#[tokio::test]
async fn wrong_settings_are_all_told() {
    let rules = json!([{"fault": "event-drop", "on": "no_such_event"}]);
    let switches = [("jwt_expired_code".to_owned(), "x".to_owned()), ("future".to_owned(), "x".to_owned())].into();
    match builder(&rules).switches(switches).start().await {
        Err(StartError::Setting(errors)) => assert_eq!(errors.len(), 3, "{errors:?}"),
        other => panic!("{other:?}"),
    }
}

//! Rate limits: what is above the limit is refused, in each of the ways, and what comes later passes again.

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::journal::FaultPhase;
use sparring_mock_server::script::{Rule, read_rules};
use sparring_mock_server::server::MockServer;

use crate::chatgenius::{ask, data, user, world};
use crate::client::{World, name, payload};

fn rule(members: &Value) -> Value {
    let mut rule = json!({"fault": "rate-limit", "limit": 2, "window": "1m"});
    rule.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    json!([rule])
}

#[tokio::test]
async fn a_burst_is_refused_in_acknowledgements_and_what_comes_later_passes() {
    let mut world = world(rule(&json!({"on": "typing:get", "window": "1s"}))).await;
    let mut bob = user(&world, "bob").await;
    let here = json!({"channelId": "c1"});
    for expected in [json!({"data": []}), json!({"data": []}), json!({"error": "rate limited"})] {
        assert_eq!(ask(&mut bob, "typing:get", Some(here.clone())).await.1, expected);
    }
    world.fault("rate-limit", FaultPhase::Fired).await;
    assert_eq!(ask(&mut bob, "message:getOfflineCount", None).await.1, json!({"data": 0}), "another event");
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(data(&mut bob, "typing:get", here).await, json!([]));
}

#[rstest]
#[case::socket("socket", false, false)]
#[case::user("user", true, false)]
#[case::address("address", true, true)]
#[tokio::test]
async fn a_limit_counts_for_its_scope(#[case] scope: &str, #[case] same_user: bool, #[case] same_address: bool) {
    let world = world(rule(&json!({"on": "typing:get", "scope": scope}))).await;
    let mut bob = user(&world, "bob").await;
    let (mut again, mut alice) = (user(&world, "bob").await, user(&world, "alice").await);
    let here = json!({"channelId": "c1"});
    for _ in 0..2 {
        data(&mut bob, "typing:get", here.clone()).await;
    }
    for (socket, limited) in [(&mut bob, true), (&mut again, same_user), (&mut alice, same_address)] {
        let (_, answer) = ask(socket, "typing:get", Some(here.clone())).await;
        assert_eq!(answer == json!({"error": "rate limited"}), limited, "{answer}");
    }
}

#[rstest]
#[case::by_event(json!({"via": "event"}), "427")]
#[case::without_acknowledgement(json!({}), "42")]
#[tokio::test]
async fn a_refusal_is_an_event(#[case] members: Value, #[case] prefix: &str) {
    let mut limit = members;
    (limit["on"], limit["limit"]) = ("typing:get".into(), 1.into());
    let world = world(rule(&limit)).await;
    let mut bob = user(&world, "bob").await;
    let asked = format!("{prefix}[\"typing:get\",{{\"channelId\":\"c1\"}}]");
    bob.send(&asked).await;
    bob.send(&asked).await;
    let texts = bob.rest().await;
    assert!(texts.iter().any(|text| text == "42[\"error\",{\"message\":\"rate limited\"}]"), "{texts:?}");
    assert_eq!(texts.last().map(String::as_str), Some("open"));
}

#[tokio::test]
async fn attempts_above_the_limit_are_refused_by_http() {
    let mut world = world(rule(&json!({"via": "http"}))).await;
    let _first = user(&world, "bob").await;
    let _second = user(&world, "bob").await;
    let refused = world.socket("/socket.io/?EIO=4&transport=websocket").await.err().expect("it is refused");
    let tokio_tungstenite::tungstenite::Error::Http(answer) = refused else { panic!("{refused}") };
    assert_eq!(answer.status(), 429);
    world.fault("rate-limit", FaultPhase::Fired).await;
}

#[tokio::test]
async fn an_echo_server_limits_too() {
    let world = World::reference(SystemId::SocketIo, &rule(&json!({}))).await;
    let (mut socket, _) = world.member().await;
    for _ in 0..3 {
        socket.send("421[\"x\"]").await;
    }
    let texts = socket.rest().await;
    assert_eq!(texts.iter().filter(|text| name(text) == "x").count(), 2, "{texts:?}");
    assert!(texts.contains(&"431[{\"error\":\"rate limited\"}]".to_owned()), "{texts:?}");
}

#[tokio::test]
async fn a_plain_websocket_is_refused_by_a_message() {
    let world =
        World::built(MockServer::builder(SystemId::WebSocket).rules(read_rules(&rule(&json!({"limit": 1}))).unwrap()))
            .await;
    let mut socket = world.socket("/").await.unwrap();
    socket.send("{\"type\":\"a\"}").await;
    socket.send("{\"type\":\"a\"}").await;
    assert_eq!(socket.next().await, "{\"type\":\"a\"}");
    let refusal: Value = serde_json::from_str(&socket.next().await).unwrap();
    assert_eq!(refusal["type"], "error", "{refusal}");
}

#[tokio::test]
async fn digitwin_refuses_by_its_own_event() {
    let world = World::start(rule(&json!({"limit": 1}))).await;
    let mut socket = world.established().await;
    socket.send("42[\"get_history\"]").await;
    socket.send("42[\"get_history\"]").await;
    assert_eq!(name(&socket.next().await), "operation_done");
    assert_eq!(payload(&socket.next().await), json!({"event": "get_history", "error": "rate limited"}));
}

#[test]
fn attempts_are_no_messages() {
    let rule = Rule::parse_line("rate-limit via=http on=typing").unwrap();
    let errors = rule.check(SystemId::Chatgenius);
    assert_eq!(errors.iter().map(|error| error.path.as_str()).collect::<Vec<_>>(), ["on"]);
}

//! Faults of ChatGenius: what its clients get to read, and what the journal says.

use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::journal::{Entry, FaultPhase};
use sparring_mock_server::script::{Fault, read_rules};

use crate::chatgenius::{ask, data, heard, post, token, user, world};
use crate::client::{Socket, World, name, payload};

const REJECTED: &str = "42[\"error\",{\"message\":\"authentication failed\"}]";

/// Whether a user with this token is let in.
async fn admits(world: &World, token: &Value) -> bool {
    let mut socket = world.join(token).await;
    let (before, answer) = ask(&mut socket, "message:getOfflineCount", None).await;
    if answer == json!({"data": 0}) {
        return true;
    }
    assert!(before.iter().any(|text| text == REJECTED), "{before:?} {answer}");
    false
}

async fn rejected(socket: &mut Socket) {
    assert!(socket.next().await.starts_with("40"));
    assert_eq!([socket.next().await, socket.next().await], [REJECTED.to_owned(), "41".to_owned()]);
}

#[tokio::test]
async fn a_blacklisted_token_is_refused_until_its_entry_expires() {
    let mut world = world(json!([{"fault": "blacklist-token", "ttl": "10s", "attempts": 1}])).await;
    let listed = token(&world, "bob", &json!("jwt"));
    rejected(&mut world.join(&listed).await).await;
    world.fault("blacklist-token", FaultPhase::Fired).await;
    let stored = world.mock.journal().since(0).iter().find_map(|record| match &record.entry {
        Entry::Stored(stored) => Some(stored.clone()),
        _ => None,
    });
    let stored = stored.expect("an entry of the store");
    let key = format!("blacklist:token:{}", listed.as_str().unwrap());
    assert_eq!((stored.key, stored.value, stored.ttl_s), (key, json!("1"), Some(10)));
    let other = token(&world, "bob", &json!({"kind": "jwt", "claims": {"jti": "another"}}));
    assert!(admits(&world, &other).await, "the list is one of tokens, not of users");
    world.mock.clock().advance(Duration::from_secs(5));
    rejected(&mut world.join(&listed).await).await;
    world.mock.clock().advance(Duration::from_secs(5));
    assert!(admits(&world, &listed).await, "the entry has expired");
}

#[tokio::test]
async fn a_token_blacklisted_in_the_session_is_refused_at_the_next_event() {
    let mut world =
        world(json!([{"fault": "blacklist-token", "phase": "after-connect", "after": "100ms", "attempts": 2}])).await;
    let mut bob = user(&world, "bob").await;
    let mut alice = user(&world, "alice").await;
    world.fault("blacklist-token", FaultPhase::Fired).await;
    let (_, answer) = ask(&mut alice, "sendMessage", Some(json!({"channelId": "c1", "content": "x"}))).await;
    assert_eq!(answer, json!({"error": "authentication failed"}));
    assert_eq!([alice.next().await, alice.next().await], [REJECTED.to_owned(), "41".to_owned()]);
    assert_eq!(bob.rest().await, ["open"]);
}

#[tokio::test]
async fn a_store_that_is_down_lets_nobody_in() {
    let mut world = world(json!([{"fault": "blacklist-store-down"}])).await;
    world.fault("blacklist-store-down", FaultPhase::Fired).await;
    rejected(&mut world.join(&token(&world, "bob", &json!("jwt"))).await).await;
    world.mock.script().disarm("blacklist-store-down");
    world.fault("blacklist-store-down", FaultPhase::Undone).await;
    user(&world, "bob").await;
}

#[tokio::test]
async fn a_store_that_hangs_answers_when_it_is_back() {
    let mut world = world(json!([{"fault": "blacklist-store-down", "mode": "hang"}])).await;
    let mut socket = world.join(&token(&world, "bob", &json!("jwt"))).await;
    assert!(socket.next().await.starts_with("40"));
    let (_, answer) = ask(&mut socket, "message:getOfflineCount", None).await;
    assert_eq!(answer, json!({"error": "the socket is not authenticated"}));
    world.mock.script().disarm("blacklist-store-down");
    world.fault("blacklist-store-down", FaultPhase::Undone).await;
    while ask(&mut socket, "message:getOfflineCount", None).await.1 != json!({"data": 0}) {}
}

#[tokio::test]
async fn a_store_that_hangs_for_too_long_lets_nobody_in() {
    let world = world(json!([{"fault": "blacklist-store-down", "mode": "hang"}])).await;
    let begun = Instant::now();
    rejected(&mut world.join(&token(&world, "bob", &json!("jwt"))).await).await;
    assert!(begun.elapsed() >= Duration::from_millis(4_900), "{:?}", begun.elapsed());
}

#[rstest]
#[case::as_written(json!({}), &[1, 2, 3], 3)]
#[case::shuffled(json!({"order": "shuffled"}), &[2, 3, 1], 3)]
#[case::asked_for(json!({"via": "rest", "messages": 2}), &[], 2)]
#[tokio::test]
async fn a_user_finds_missed_messages(#[case] params: Value, #[case] events: &[u32], #[case] count: usize) {
    let mut rule = params;
    rule["fault"] = "offline-queue".into();
    let mut world = world(json!([rule])).await;
    let mut socket = world.join(&token(&world, "bob", &json!("jwt"))).await;
    world.fault("offline-queue", FaultPhase::Fired).await;
    let (before, answer) = ask(&mut socket, "message:getOfflineCount", None).await;
    assert_eq!(answer, json!({"data": count}));
    let contents =
        before.iter().filter(|text| name(text) == "message.created").map(|text| payload(text)["content"].clone());
    let expected: Vec<Value> = events.iter().map(|number| format!("missed message {number}").into()).collect();
    assert_eq!(contents.collect::<Vec<_>>(), expected);
    let body = json!({"token": token(&world, "bob", &json!("jwt"))}).to_string();
    let history = world.http("POST", "/messages/missed", &[("Content-Type", "application/json")], &body).await.json();
    assert_eq!(history["data"].as_array().unwrap().len(), count);
    assert_eq!(history["data"][0]["content"], "missed message 1");
    assert!(world.mock.violations().is_empty(), "{:?}", world.mock.violations());
}

#[tokio::test]
async fn a_message_that_fails_reaches_nobody_and_its_author_learns_it() {
    let mut world = world(json!([{"fault": "delivery-failure", "message": "doomed"}])).await;
    let (mut alice, mut bob) = (user(&world, "alice").await, user(&world, "bob").await);
    let sent = data(&mut alice, "sendMessage", json!({"channelId": "c1", "content": "doomed"})).await;
    assert_eq!(sent["deliveryStatus"], "SENDING");
    let told = heard(&mut alice, "message.status").await;
    assert_eq!((&told["messageId"], &told["status"]), (&sent["id"], &json!("FAILED")));
    world.fault("delivery-failure", FaultPhase::Fired).await;
    post(&mut alice, "c1", "fine").await;
    assert_eq!(heard(&mut bob, "message.created").await["content"], "fine");
    assert!(world.mock.violations().is_empty(), "{:?}", world.mock.violations());
}

#[tokio::test]
async fn a_message_whose_failure_is_called_off_is_delivered() {
    let world = world(json!([{"fault": "delivery-failure", "after": "1m"}])).await;
    let (mut alice, mut bob) = (user(&world, "alice").await, user(&world, "bob").await);
    post(&mut alice, "c1", "saved").await;
    assert_eq!(bob.rest().await, ["open"]);
    world.mock.script().disarm("delivery-failure");
    assert_eq!(heard(&mut bob, "message.created").await["content"], "saved");
}

#[rstest]
#[case::silent(json!({"fault": "silent-auth"}), &["40", "open"])]
#[case::no_verdict(json!({"fault": "disconnect-without-verdict"}), &["40", "41", "open"])]
#[case::forced(json!({"fault": "forced-auth-error", "message": "no"}), &["40", "42[\"error\",{\"message\":\"no\"}]", "41", "open"])]
#[case::left_open(json!({"fault": "auth-error-without-disconnect"}), &["40", REJECTED, "open"])]
#[case::throws(json!({"fault": "verification-error"}), &["40", REJECTED, "41", "open"])]
#[case::expired(json!({"fault": "token-expired"}), &["40", REJECTED, "41", "open"])]
#[case::in_session(json!({"fault": "token-expires-mid-session"}), &["40", REJECTED, "41", "open"])]
#[tokio::test]
async fn faults_of_the_verdict_work_here_too(#[case] rule: Value, #[case] expected: &[&str]) {
    let world = world(json!([rule])).await;
    let mut socket = world.join(&token(&world, "bob", &json!("jwt"))).await;
    let mut texts = socket.rest().await;
    texts.iter_mut().filter(|text| text.starts_with("40")).for_each(|text| text.truncate(2));
    assert_eq!(texts, expected);
    let id = rule["fault"].as_str().unwrap();
    assert!(world.words().contains(&format!("fault {id}")), "{:?}", world.words());
}

#[tokio::test]
async fn nothing_happens_in_rooms_before_verification_has_ended() {
    let world = world(json!([{"fault": "verification-delay", "delay": "1s", "attempts": 2}])).await;
    let mut alice = user(&world, "alice").await;
    let mut bob = world.join(&token(&world, "bob", &json!("jwt"))).await;
    let (_, answer) = ask(&mut bob, "sendMessage", Some(json!({"channelId": "c1", "content": "early"}))).await;
    assert_eq!(answer, json!({"error": "the socket is not authenticated"}));
    post(&mut alice, "c1", "x").await;
    assert_eq!(bob.rest().await, ["open"]);
    assert_eq!(heard(&mut bob, "message.created").await["content"], "x");
}

#[rstest]
#[case("blacklist-token", &["chatgenius"])]
#[case("blacklist-store-down", &["chatgenius"])]
#[case("offline-queue", &["chatgenius"])]
#[case("delivery-failure", &["chatgenius"])]
#[case("session-store-error", &["digitwin"])]
fn a_fault_exists_only_where_it_does_something(#[case] id: &str, #[case] expected: &[&str]) {
    let info = Fault::describe(id).unwrap();
    let has = |name: &&&str| info.applies_to(SystemId::from_name(name).unwrap());
    assert_eq!(expected.iter().filter(has).count(), expected.len());
    assert!(!info.applies_to(SystemId::WebSocket) && !info.applies_to(SystemId::SocketIo));
}

#[tokio::test]
async fn a_session_store_that_throws_ends_the_connection() {
    let mut world = World::start(json!([{"fault": "session-store-error", "attempts": 1}])).await;
    let mut socket = world.join(&world.token(&json!("jwt"))).await;
    assert!(socket.next().await.starts_with("40"));
    let error = payload(&socket.next().await);
    assert_eq!((&error["code"], &error["message"]), (&json!("AUTH_INVALID"), &json!("Failed to establish connection")));
    assert_eq!(socket.next().await, "41");
    world.fault("session-store-error", FaultPhase::Fired).await;
    world.established().await;
    assert!(read_rules(&json!([{"fault": "session-store-error", "delay": "1s"}])).is_err());
}

//! ChatGenius without a fault: who gets in, who hears what, and what is refused.

use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::journal::Entry;
use sparring_mock_server::script::read_rules;
use sparring_mock_server::server::{MockServer, StartError};
use sparring_mock_server::tokens::TokenSpec;

use crate::client::{QUIET, Socket, World, name, payload};

/// A world with these rules and this switch, with alice in c1 and c2, bob in c1, carol in c2 and dan in none.
pub(crate) async fn world_with(rules: Value, switch: Option<(&str, &str)>) -> World {
    let data = json!({"channels": {"alice": ["c1", "c2"], "bob": ["c1"], "carol": ["c2"], "dan": [], "erin": ["c1"]}});
    let switches = switch.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let builder = MockServer::builder(SystemId::Chatgenius).rules(read_rules(&rules).unwrap()).switches(switches);
    World::built(builder.data(data.as_object().unwrap().clone())).await
}

pub(crate) async fn world(rules: Value) -> World {
    world_with(rules, None).await
}

pub(crate) fn token(world: &World, user: &str, spec: &Value) -> Value {
    let read = TokenSpec::read(spec, SystemId::Chatgenius.contract()).unwrap();
    read.map_or(Value::Null, |spec| world.mock.mint(&spec, Some(user)).value.into())
}

/// A socket whose user has been let in; what came meanwhile is thrown away.
pub(crate) async fn user(world: &World, user: &str) -> Socket {
    let mut socket = world.join(&token(world, user, &json!("jwt"))).await;
    let (_, answer) = ask(&mut socket, "message:getOfflineCount", None).await;
    assert!(answer["data"].is_u64(), "{answer}");
    socket
}

/// What came before the answer to an event, and the answer.
pub(crate) async fn ask(socket: &mut Socket, event: &str, payload: Option<Value>) -> (Vec<String>, Value) {
    let args: Vec<Value> = [json!(event)].into_iter().chain(payload).collect();
    socket.send(&format!("427{}", json!(args))).await;
    let mut before = Vec::new();
    loop {
        let text = socket.next().await;
        if let Some(answer) = text.strip_prefix("437") {
            let answer: Value = serde_json::from_str(answer).unwrap();
            assert!(answer[0].get("data").is_some() != answer[0].get("error").is_some(), "{answer}");
            return (before, answer[0].clone());
        }
        assert!(text.starts_with('4'), "{text} before an answer");
        before.push(text);
    }
}

pub(crate) async fn data(socket: &mut Socket, event: &str, payload: Value) -> Value {
    ask(socket, event, Some(payload)).await.1["data"].clone()
}

pub(crate) async fn post(socket: &mut Socket, channel: &str, content: &str) -> String {
    let message = data(socket, "sendMessage", json!({"channelId": channel, "content": content})).await;
    message["id"].as_str().unwrap().to_owned()
}

/// The payload of the next event of this name.
pub(crate) async fn heard(socket: &mut Socket, event: &str) -> Value {
    loop {
        let text = socket.next().await;
        assert!(text.starts_with('4'), "{text} instead of {event}");
        if name(&text) == event {
            return payload(&text);
        }
    }
}

#[tokio::test]
async fn a_message_reaches_the_members_of_its_channel_and_nobody_else() {
    let world = world(json!([])).await;
    let (mut alice, mut bob) = (user(&world, "alice").await, user(&world, "bob").await);
    let (mut other_bob, mut carol) = (user(&world, "bob").await, user(&world, "carol").await);
    let mut dan = user(&world, "dan").await;
    let (before, answer) = ask(&mut alice, "sendMessage", Some(json!({"channelId": "c1", "content": "hi"}))).await;
    assert_eq!(before.iter().map(|text| name(text)).collect::<Vec<_>>(), ["message.created"]);
    let message = payload(&before[0]);
    assert_eq!(answer["data"], message);
    let shown = json!([
        message["content"],
        message["channelId"],
        message["userId"],
        message["user"],
        message["deliveryStatus"]
    ]);
    assert_eq!(shown, json!(["hi", "c1", "alice", {"id": "alice"}, "SENT"]));
    for socket in [&mut bob, &mut other_bob] {
        assert_eq!(heard(socket, "message.created").await, message);
    }
    assert_eq!((carol.rest().await, dan.rest().await), (vec!["open".to_owned()], vec!["open".to_owned()]));
    assert!(world.mock.violations().is_empty(), "{:?}", world.mock.violations());
}

#[tokio::test]
async fn without_data_everybody_is_in_the_general_channel() {
    let world = World::built(MockServer::builder(SystemId::Chatgenius)).await;
    let (mut one, mut two) = (user(&world, "one").await, user(&world, "two").await);
    post(&mut one, "general", "hi").await;
    assert_eq!(heard(&mut two, "message.created").await["content"], "hi");
}

#[tokio::test]
async fn all_hear_messages_in_the_same_order() {
    let world = world(json!([])).await;
    let (mut alice, mut bob) = (user(&world, "alice").await, user(&world, "bob").await);
    for number in 0..50 {
        alice.send(&format!("42{}", json!(["sendMessage", {"channelId": "c1", "content": number.to_string()}]))).await;
    }
    for number in 0..50 {
        assert_eq!(heard(&mut bob, "message.created").await["content"], number.to_string());
    }
}

#[rstest]
#[case::not_a_member("sendMessage", json!({"channelId": "c2", "content": "x"}), "not a member of this channel")]
#[case::typing_elsewhere("typing", json!({"channelId": "c2"}), "not a member of this channel")]
#[case::asking_elsewhere("typing:get", json!({"channelId": "c2"}), "not a member of this channel")]
#[case::no_content("sendMessage", json!({"channelId": "c1"}), "content must be a text that is not empty")]
#[case::empty("sendMessage", json!({"channelId": "c1", "content": ""}), "content must be a text that is not empty")]
#[case::no_text("sendMessage", json!({"channelId": "c1", "content": 1}), "content must be a text that is not empty")]
#[case::no_channel("sendMessage", json!({"content": "x"}), "channelId must be a text that is not empty")]
#[case::no_map("sendMessage", json!("x"), "content must be a text that is not empty")]
#[case::unknown_edit("updateMessage", json!({"messageId": "msg_99", "content": "x"}), "there is no such message")]
#[case::unknown_end("deleteMessage", json!({"messageId": "x"}), "there is no such message")]
#[case::foreign_edit("updateMessage", json!({"messageId": "msg_1", "content": "x"}), "the message belongs to somebody else")]
#[case::foreign_end("deleteMessage", json!({"messageId": "msg_1"}), "the message belongs to somebody else")]
#[case::unknown_status("message:getStatus", json!({"messageId": "msg_9"}), "there is no such message")]
#[case::unknown_seen("message:seen", json!({}), "messageId must be a text that is not empty")]
#[tokio::test]
async fn what_is_refused_changes_nothing(#[case] event: &str, #[case] payload: Value, #[case] expected: &str) {
    let world = world(json!([])).await;
    let (mut alice, mut bob) = (user(&world, "alice").await, user(&world, "bob").await);
    assert_eq!(post(&mut alice, "c1", "mine").await, "msg_1");
    let (_, answer) = ask(&mut bob, event, Some(payload.clone())).await;
    assert_eq!(answer, json!({"error": expected}));
    bob.send(&format!("42{}", json!([event, payload]))).await;
    assert_eq!(heard(&mut bob, "error").await, json!({"message": expected}));
    assert_eq!((alice.rest().await, bob.rest().await), (vec!["open".to_owned()], vec!["open".to_owned()]));
}

#[tokio::test]
async fn messages_are_changed_and_deleted_by_their_author() {
    let world = world(json!([])).await;
    let (mut alice, mut bob) = (user(&world, "alice").await, user(&world, "bob").await);
    let id = post(&mut alice, "c1", "one").await;
    data(&mut alice, "updateMessage", json!({"messageId": id, "content": "two"})).await;
    let message = heard(&mut bob, "message.updated").await;
    assert_eq!((&message["id"], &message["content"]), (&json!(id), &json!("two")));
    data(&mut alice, "deleteMessage", json!({"messageId": id})).await;
    assert_eq!(heard(&mut bob, "message.deleted").await, json!({"messageId": id}));
    let (_, answer) = ask(&mut bob, "message:getStatus", Some(json!({"messageId": id}))).await;
    assert_eq!(answer, json!({"error": "there is no such message"}));
    assert!(world.mock.violations().is_empty(), "{:?}", world.mock.violations());
}

#[tokio::test]
async fn a_status_belongs_to_a_recipient_and_never_moves_backwards() {
    let world = world(json!([])).await;
    let (mut alice, mut bob) = (user(&world, "alice").await, user(&world, "bob").await);
    let mut erin = user(&world, "erin").await;
    let id = post(&mut alice, "c1", "x").await;
    let which = json!({"messageId": id});
    assert_eq!(data(&mut bob, "message:seen", which.clone()).await["status"], "READ");
    let told = heard(&mut alice, "message.status").await;
    assert_eq!(
        (&told["messageId"], &told["recipientId"], &told["status"]),
        (&json!(id), &json!("bob"), &json!("READ"))
    );
    assert_eq!(data(&mut bob, "message:delivered", which.clone()).await["status"], "READ");
    data(&mut erin, "message:delivered", which.clone()).await;
    assert_eq!(heard(&mut alice, "message.status").await["status"], "DELIVERED");
    let statuses = data(&mut alice, "message:getStatus", which).await;
    let shown: Vec<_> = statuses.as_array().unwrap().iter().map(|it| (&it["recipientId"], &it["status"])).collect();
    assert_eq!(shown, [(&json!("bob"), &json!("READ")), (&json!("erin"), &json!("DELIVERED"))]);
    assert!(world.mock.violations().is_empty(), "{:?}", world.mock.violations());
}

#[tokio::test]
async fn typing_is_told_to_the_others_and_expires_unless_it_is_renewed() {
    let world = world(json!([])).await;
    let (mut alice, mut bob) = (user(&world, "alice").await, user(&world, "bob").await);
    let here = json!({"channelId": "c1"});
    data(&mut alice, "typing", here.clone()).await;
    let told = heard(&mut bob, "typing.status").await;
    assert_eq!((&told["userId"], &told["isTyping"]), (&json!("alice"), &json!(true)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let renewed = Instant::now();
    assert!(ask(&mut alice, "typing", Some(here.clone())).await.0.is_empty(), "nothing comes back to who types");
    assert_eq!(heard(&mut bob, "typing.status").await["isTyping"], true);
    assert_eq!(data(&mut bob, "typing:get", here.clone()).await.as_array().unwrap().len(), 1);
    assert_eq!(data(&mut alice, "typing:get", here.clone()).await, json!([]));
    assert_eq!(heard(&mut bob, "typing.status").await["isTyping"], false);
    assert!(renewed.elapsed() >= Duration::from_millis(4_900), "{:?}", renewed.elapsed());
    assert_eq!(data(&mut bob, "typing:get", here).await, json!([]));
}

#[tokio::test]
async fn who_leaves_does_not_type_any_more() {
    let world = world(json!([])).await;
    let (mut alice, mut bob) = (user(&world, "alice").await, user(&world, "bob").await);
    let here = json!({"channelId": "c1"});
    data(&mut alice, "typing", here.clone()).await;
    data(&mut alice, "typing:stop", here.clone()).await;
    data(&mut alice, "typing", here).await;
    drop(alice);
    for is_typing in [true, false, true, false] {
        assert_eq!(heard(&mut bob, "typing.status").await["isTyping"], is_typing);
    }
}

#[tokio::test]
async fn what_was_missed_comes_again_until_it_is_confirmed() {
    let mut world = world(json!([])).await;
    let (mut alice, bob) = (user(&world, "alice").await, user(&world, "bob").await);
    drop(bob);
    world.closed().await;
    let mut ids = Vec::new();
    for number in 1..=3 {
        ids.push(post(&mut alice, "c1", &number.to_string()).await);
    }
    let mut bob = world.join(&token(&world, "bob", &json!("jwt"))).await;
    for id in &ids {
        assert_eq!(heard(&mut bob, "message.created").await["id"], json!(id));
    }
    for (confirmed, left) in [(None, 3), (None, 3), (Some(0), 2), (Some(2), 1), (Some(1), 0)] {
        if let Some(number) = confirmed {
            let which: &String = &ids[number];
            data(&mut bob, "message:delivered", json!({"messageId": which})).await;
        }
        assert_eq!(ask(&mut bob, "message:getOfflineCount", None).await.1, json!({"data": left}));
    }
}

#[tokio::test]
async fn what_another_socket_of_the_user_has_got_is_not_missed() {
    let mut world = world(json!([])).await;
    let (mut alice, bob) = (user(&world, "alice").await, user(&world, "bob").await);
    let mut other = user(&world, "bob").await;
    drop(bob);
    world.closed().await;
    post(&mut alice, "c1", "x").await;
    assert_eq!(heard(&mut other, "message.created").await["content"], "x");
    let mut again = world.join(&token(&world, "bob", &json!("jwt"))).await;
    assert_eq!(ask(&mut again, "message:getOfflineCount", None).await.1, json!({"data": 0}));
}

const REJECTED: &str = "42[\"error\",{\"message\":\"authentication failed\"}]";

#[rstest]
#[case::none(json!("none"))]
#[case::empty(json!({"literal": ""}))]
#[case::garbage(json!({"literal": "garbage"}))]
#[case::expired(json!({"kind": "jwt", "expires_in": "0s"}))]
#[case::wrong_secret(json!({"kind": "jwt", "malformed": "wrong-secret"}))]
#[case::none_algorithm(json!({"kind": "jwt", "malformed": "alg-none"}))]
#[case::no_user(json!({"kind": "jwt", "malformed": "no-user-id"}))]
#[case::empty_user(json!({"kind": "jwt", "malformed": "user-id-empty"}))]
#[case::number(json!({"kind": "jwt", "malformed": "user-id-number"}))]
#[case::prefix(json!({"kind": "jwt", "malformed": "bearer-prefix"}))]
#[tokio::test]
async fn who_has_no_good_token_is_told_so_and_disconnected(#[case] spec: Value) {
    let world = world(json!([])).await;
    let mut alice = user(&world, "alice").await;
    let mut socket = world.join(&token(&world, "bob", &spec)).await;
    assert!(socket.next().await.starts_with("40"));
    assert_eq!([socket.next().await, socket.next().await], [REJECTED.to_owned(), "41".to_owned()]);
    post(&mut alice, "c1", "x").await;
    assert_eq!(socket.rest().await, ["open"]);
    let logged = world.words().into_iter().filter(|word| word == "log Authentication failed").count();
    assert_eq!(logged, 1);
}

#[rstest]
#[case("bare-disconnect", &["40", "41", "open"])]
#[case("exception", &["40", "42[\"exception\",{\"status\":\"error\",\"message\":\"Forbidden resource\"}]", "41", "open"])]
#[case("connect-error", &["44{\"message\":\"authentication failed\"}", "open"])]
#[tokio::test]
async fn a_rejection_shows_as_the_switch_has_it(#[case] switch: &str, #[case] expected: &[&str]) {
    let world = world_with(json!([]), Some(("auth_failure", switch))).await;
    let mut socket = world.join(&Value::Null).await;
    let mut texts = socket.rest().await;
    texts.iter_mut().filter(|text| text.starts_with("40")).for_each(|text| text.truncate(2));
    assert_eq!(texts, expected);
    user(&world, "alice").await;
}

#[tokio::test]
async fn a_prefix_is_taken_off_where_the_switch_says_so() {
    let world = world_with(json!([]), Some(("bearer_prefix", "strip"))).await;
    let spec = json!({"kind": "jwt", "malformed": "bearer-prefix"});
    let mut socket = world.join(&token(&world, "bob", &spec)).await;
    assert_eq!(ask(&mut socket, "message:getOfflineCount", None).await.1, json!({"data": 0}));
}

#[tokio::test]
async fn only_websockets_are_served() {
    let world = world(json!([])).await;
    let response = world.get("/socket.io/?EIO=4&transport=polling").await;
    assert_eq!((response.status, response.json()), (400, json!({"code": 0, "message": "Transport unknown"})));
}

#[tokio::test]
async fn the_endpoints_make_tokens_and_take_them_back() {
    let mut world = world(json!([])).await;
    let made = world.http("POST", "/auth/token", &[("Content-Type", "application/json")], "{\"userId\":\"bob\"}").await;
    let token = made.json()["token"].clone();
    let mut socket = world.join(&token).await;
    assert_eq!(ask(&mut socket, "message:getOfflineCount", None).await.1, json!({"data": 0}));
    let body = json!({"token": token, "expirationTime": 10}).to_string();
    let answer = world.http("POST", "/auth/logout", &[("Content-Type", "application/json")], &body).await;
    assert_eq!(answer.status, 200);
    let stored = world.record(|entry| matches!(entry, Entry::Stored(_))).await;
    let Entry::Stored(stored) = &stored.entry else { unreachable!() };
    let key = format!("blacklist:token:{}", token.as_str().unwrap());
    assert_eq!((&stored.key, &stored.value, stored.ttl_s), (&key, &json!("1"), Some(10)));
    let (_, answer) = ask(&mut socket, "typing:get", Some(json!({"channelId": "c1"}))).await;
    assert_eq!(answer, json!({"error": "authentication failed"}));
    assert_eq!([socket.next().await, socket.next().await], [REJECTED.to_owned(), "41".to_owned()]);
}

#[tokio::test]
async fn data_must_fit() {
    let data = json!({"channels": {"alice": "c1"}, "rooms": {}});
    let builder = MockServer::builder(SystemId::Chatgenius).data(data.as_object().unwrap().clone());
    let Err(StartError::Setting(errors)) = builder.start().await else { panic!("it started") };
    assert_eq!(
        errors.iter().map(|error| error.path.as_str()).collect::<Vec<_>>(),
        ["data.channels.alice", "data.rooms"]
    );
}

#[tokio::test]
async fn a_crowd_comes_and_leaves_nothing_behind() {
    let world = world(json!([])).await;
    let mut bob = user(&world, "bob").await;
    for _ in 0..20 {
        let mut alice = user(&world, "alice").await;
        data(&mut alice, "typing", json!({"channelId": "c1"})).await;
    }
    let mut stopped = 0;
    while stopped < 20 {
        stopped += usize::from(heard(&mut bob, "typing.status").await["isTyping"] == false);
    }
    tokio::time::sleep(QUIET).await;
    assert_eq!(data(&mut bob, "typing:get", json!({"channelId": "c1"})).await, json!([]));
}

//! Socket.IO as the official server speaks it, beyond what the upstream suite asks: rooms, several namespaces,
//! acknowledgements both ways, and what a client must not say.

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::journal::Closer;

use crate::client::{Socket, World};

async fn world() -> World {
    World::reference(SystemId::SocketIo, &json!([])).await
}

async fn open(world: &World) -> Socket {
    let mut socket = world.socket("/socket.io/?EIO=4&transport=websocket").await.unwrap();
    assert!(socket.next().await.starts_with('0'));
    socket
}

#[rstest]
#[case::event("42[\"chat\",1,null,\"ä\"]", &["42[\"chat\",1,null,\"ä\"]"])]
#[case::without_arguments("42[\"chat\"]", &["42[\"chat\"]"])]
#[case::acknowledged("420[\"chat\",[]]", &["42[\"chat\",[]]", "430[[]]"])]
#[case::without_a_name("42", &[])]
#[case::answer_to_nothing("437[1]", &[])]
#[case::joined_twice("40/custom", &["40/custom,"])]
#[case::root_by_name("42/,[\"chat\"]", &["42[\"chat\"]"])]
#[tokio::test]
async fn what_a_member_gets(#[case] sent: &str, #[case] expected: &[&str]) {
    let world = world().await;
    let (mut socket, _) = world.member().await;
    socket.send(sent).await;
    for text in expected {
        assert!(socket.next().await.starts_with(text));
    }
    socket.send("42[\"last\"]").await;
    while socket.next().await != "42[\"last\"]" {}
}

#[rstest]
#[case::rubbish(&["4abc"])]
#[case::no_object(&["40[]"])]
#[case::event_of_a_stranger(&["42[\"chat\"]"])]
#[case::answer_of_a_stranger(&["430[]"])]
#[case::goodbye_of_a_stranger(&["41"])]
#[case::connected_twice(&["40", "40"])]
#[case::error(&["40", "44{}"])]
#[case::elsewhere(&["40", "42/custom,[\"chat\"]"])]
#[case::behind_goodbye(&["40", "41", "42[\"chat\"]"])]
#[case::reserved(&["40", "42[\"connect_error\"]"])]
#[case::text_for_an_attachment(&["40", "451-[\"file\",{\"_placeholder\":true,\"num\":0}]", "42[\"chat\"]"])]
#[case::too_many_attachments(&["40", "4511-[\"file\"]"])]
#[tokio::test]
async fn what_the_server_closes_for(#[case] sent: &[&str]) {
    let mut world = world().await;
    let mut socket = open(&world).await;
    for text in sent {
        socket.send(text).await;
    }
    while socket.next().await != "close" {}
    assert_eq!(world.closed().await, (Closer::Server, true));
}

#[tokio::test]
async fn a_stray_attachment_closes_too() {
    let world = world().await;
    let (mut socket, _) = world.member().await;
    socket.send_bytes(&[1]).await;
    assert_eq!(socket.next().await, "close");
}

#[tokio::test]
async fn polling_clients_are_told_by_a_close_packet() {
    let mut world = world().await;
    let session = world.open().await;
    session.post("4abc").await;
    assert_eq!(session.poll().await.body, "1");
    assert_eq!(world.closed().await, (Closer::Server, true));
}

#[tokio::test]
async fn ids_differ_from_the_sessions_and_by_namespace() {
    let world = world().await;
    let session = world.open().await;
    session.post("40\u{1e}40/custom,").await;
    let packets = session.packets(4).await;
    let sid = |text: &str| {
        let open: Value = serde_json::from_str(&text[text.find('{').unwrap()..]).unwrap();
        open["sid"].as_str().unwrap().to_owned()
    };
    let ids = [sid(&packets[0]), sid(&packets[2]), session.open["sid"].as_str().unwrap().to_owned()];
    assert!(ids.iter().all(|id| id.len() == 20), "{ids:?}");
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
}

#[tokio::test]
async fn namespaces_of_one_session_are_apart() {
    let mut world = world().await;
    let (mut socket, _) = world.member().await;
    socket.send("40/custom,{\"a\":1}").await;
    assert!(socket.next().await.starts_with("40/custom,{\"sid\":"));
    assert_eq!(socket.next().await, "42/custom,[\"auth\",{\"a\":1}]");
    socket.send("42/custom,3[\"chat\"]").await;
    assert_eq!([socket.next().await, socket.next().await], ["42/custom,[\"chat\"]", "43/custom,3[]"]);
    socket.send("42[\"broadcast\",1]").await;
    assert_eq!(socket.next().await, "42[\"broadcast\",1]");
    socket.send("41").await;
    socket.send("42/custom,[\"chat\"]").await;
    assert_eq!(socket.next().await, "42/custom,[\"chat\"]");
    // The session goes on without the main namespace, and may come back to it.
    socket.send("40").await;
    assert!(socket.next().await.starts_with("40{"));
    drop(socket);
    assert_eq!(world.closed().await, (Closer::Client, false));
}

#[tokio::test]
async fn a_broadcast_reaches_everybody_in_the_namespace_once() {
    let world = world().await;
    let (mut one, _) = world.member().await;
    let (mut other, _) = world.member().await;
    let mut stranger = open(&world).await;
    stranger.send("40/custom").await;
    assert!(stranger.next().await.starts_with("40/custom,"));
    stranger.next().await;
    one.send("427[\"broadcast\",{\"a\":1},2]").await;
    assert_eq!([one.next().await, one.next().await], ["42[\"broadcast\",{\"a\":1},2]", "437[{\"a\":1},2]"]);
    assert_eq!(other.rest().await, ["42[\"broadcast\",{\"a\":1},2]", "open"]);
    assert_eq!(stranger.rest().await, ["open"]);
}

#[tokio::test]
async fn rooms_are_entered_and_left() {
    let world = world().await;
    let (mut one, _) = world.member().await;
    let (mut other, _) = world.member().await;
    one.send("421[\"join\",\"r\"]").await;
    assert_eq!(one.next().await, "431[\"r\"]");
    other.send("42[\"publish\",{\"room\":\"r\",\"event\":\"news\",\"data\":[1]}]").await;
    assert_eq!(one.next().await, "42[\"news\",[1]]");
    one.send("422[\"leave\",\"r\"]").await;
    assert_eq!(one.next().await, "432[\"r\"]");
    other.send("423[\"publish\",{\"room\":\"r\",\"event\":\"news\"}]").await;
    assert!(other.next().await.starts_with("433["));
    assert_eq!(one.rest().await, ["open"]);
}

#[tokio::test]
async fn everybody_has_a_room_of_its_own_until_it_leaves() {
    let world = world().await;
    let (mut one, id) = world.member().await;
    let (mut other, _) = world.member().await;
    let publication = json!(["publish", {"room": id, "event": "you"}]);
    other.send(&format!("42{publication}")).await;
    assert_eq!(one.next().await, "42[\"you\"]");
    one.send("41").await;
    one.send("40/custom").await;
    assert!(one.next().await.starts_with("40/custom,"));
    one.next().await;
    other.send(&format!("425{publication}")).await;
    assert!(other.next().await.starts_with("435["));
    assert_eq!(one.rest().await, ["open"]);
}

#[rstest]
#[case::acknowledged("424[\"ask\",\"how?\"]", "434[\"well\",1]")]
#[case::as_an_event("42[\"ask\",\"how?\"]", "42[\"answer\",\"well\",1]")]
#[tokio::test]
async fn the_server_asks_and_takes_the_answer(#[case] ask: &str, #[case] expected: &str) {
    let world = world().await;
    let (mut socket, _) = world.member().await;
    socket.send(ask).await;
    assert_eq!(socket.next().await, "420[\"question\",\"how?\"]");
    socket.send("430[\"well\",1]").await;
    assert_eq!(socket.next().await, expected);
    socket.send("430[\"again\"]").await;
    socket.send("42[\"last\"]").await;
    assert_eq!(socket.next().await, "42[\"last\"]");
}

#[tokio::test]
async fn an_answer_can_hold_bytes() {
    let world = world().await;
    let (mut socket, _) = world.member().await;
    socket.send("424[\"ask\"]").await;
    assert_eq!(socket.next().await, "420[\"question\"]");
    socket.send("461-0[{\"_placeholder\":true,\"num\":0}]").await;
    socket.send_bytes(&[7]).await;
    assert_eq!(
        [socket.next().await, socket.next().await],
        ["461-4[{\"_placeholder\":true,\"num\":0}]", "! Binary(b\"\\x07\")"]
    );
}

#[tokio::test]
async fn a_refused_client_may_ask_again() {
    let rules = json!([{"fault": "socketio-connect-error", "message": "no", "times": 1}]);
    let world = World::reference(SystemId::SocketIo, &rules).await;
    let mut socket = open(&world).await;
    socket.send("40").await;
    assert_eq!(socket.next().await, "44{\"message\":\"no\"}");
    socket.send("40").await;
    assert!(socket.next().await.starts_with("40{"));
}

//! Nothing scripted: what the document promises.

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::journal::Closer;

use crate::client::{World, name, payload};

#[tokio::test]
async fn a_polled_life() {
    let mut world = World::start(json!([])).await;
    let session = world.open().await;
    assert_eq!(session.open["pingInterval"], 25_000);
    assert_eq!(session.open["pingTimeout"], 60_000);
    assert_eq!(session.open["upgrades"], json!(["websocket"]));
    session.connect(&world.token(&json!("jwt"))).await;
    let packets = session.packets(2).await;
    assert_eq!(packets.iter().map(|text| name(text)).collect::<Vec<_>>(), ["CONNECT", "session_created"]);
    assert_eq!(payload(&packets[1])["userId"], "user_123");
    assert_eq!(session.post("1").await.body, "ok");
    let path = session.path.clone();
    assert_eq!(world.closed().await, (Closer::Client, true));
    assert_eq!(world.get(&path).await.json(), json!({"code": 1, "message": "Session ID unknown"}));
    assert!(world.mock.violations().is_empty());
    let beginning = ["attempt 1", "answer handshake 200", "sent OPEN", "request polling", "received CONNECT"];
    assert_eq!(world.words()[..5], beginning.map(str::to_owned));
}

#[tokio::test]
async fn an_upgraded_life_without_an_early_ping() {
    let mut world = World::start(json!([])).await;
    let session = world.open().await;
    session.connect(&world.token(&json!("guest"))).await;
    let packets = session.packets(2).await;
    assert_eq!(payload(&packets[1])["isGuest"], true);
    let mut socket = world.socket(&session.upgrade_path()).await.unwrap();
    let poll = session.poll();
    let upgrade = async {
        socket.send("2probe").await;
        let pong = socket.next().await;
        (pong, socket)
    };
    let (let_go, (pong, mut socket)) = tokio::join!(poll, upgrade);
    assert_eq!((let_go.body.as_str(), pong.as_str()), ("6", "3probe"));
    socket.send("5").await;
    socket.send("42[\"get_history\",1]").await;
    assert_eq!(payload(&socket.next().await)["event"], "get_history");
    assert_eq!(session.poll().await.status, 400);
    assert_eq!(socket.rest().await, ["open"]);
    drop(socket);
    assert_eq!(world.closed().await, (Closer::Client, false));
    assert!(!world.words().iter().any(|word| word.starts_with("ping")));
}

#[tokio::test]
async fn a_probe_that_fails_leaves_the_polled_session() {
    let world = World::start(json!([])).await;
    let session = world.open().await;
    let mut socket = world.socket(&session.upgrade_path()).await.unwrap();
    socket.send("2probe").await;
    assert_eq!(socket.next().await, "3probe");
    drop(socket);
    session.connect(&world.token(&json!("jwt"))).await;
    let mut packets = Vec::new();
    while packets.len() < 2 {
        packets.extend(session.packets(1).await.into_iter().filter(|text| text != "6"));
    }
    assert_eq!(packets.iter().map(|text| name(text)).collect::<Vec<_>>(), ["CONNECT", "session_created"]);
}

#[tokio::test]
async fn a_life_over_websocket_alone() {
    let mut world = World::start(json!([])).await;
    let mut socket = world.established().await;
    socket.send("4212[\"save_preferences\",{\"a\":1}]").await;
    assert_eq!(socket.next().await, "4312[{\"event\":\"save_preferences\",\"data\":{\"a\":1}}]");
    assert_eq!(name(&socket.next().await), "operation_done");
    socket.send("41").await;
    assert_eq!(socket.rest().await, ["open"]);
    drop(socket);
    assert_eq!(world.closed().await, (Closer::Client, true));
}

#[rstest]
#[case(json!(null), "AUTH_REQUIRED", "Authentication token required")]
#[case(json!({"literal": ""}), "AUTH_REQUIRED", "Authentication token required")]
#[case(json!({"literal": "abc"}), "AUTH_INVALID", "Invalid authentication token")]
#[case(json!({"kind": "jwt", "malformed": "wrong-secret"}), "AUTH_INVALID", "Invalid authentication token")]
#[case(json!({"kind": "jwt", "age": "2h"}), "AUTH_EXPIRED", "Authentication token expired")]
#[case(json!({"kind": "guest", "age": "1h"}), "AUTH_EXPIRED", "Guest token expired")]
#[case(json!({"kind": "guest", "malformed": "no-hyphens"}), "AUTH_INVALID", "Invalid authentication token")]
#[tokio::test]
async fn refused_tokens(#[case] spec: Value, #[case] code: &str, #[case] message: &str) {
    let world = World::start(json!([])).await;
    let token = if spec.is_null() { spec } else { world.token(&spec) };
    let mut socket = world.join(&token).await;
    let texts = socket.rest().await;
    assert_eq!(
        texts.iter().map(|text| name(text)).collect::<Vec<_>>(),
        ["CONNECT", "auth_error", "DISCONNECT", "open"]
    );
    let error = payload(&texts[1]);
    assert_eq!((error["code"].as_str().unwrap(), error["message"].as_str().unwrap()), (code, message));
    assert!(error["timestamp"].is_u64());
}

#[rstest]
#[case("40")]
#[case("40{}")]
#[case("40{\"token\":null}")]
#[tokio::test]
async fn no_token_at_all(#[case] connect: &str) {
    let world = World::start(json!([])).await;
    let mut socket = world.socket("/socket.io/?EIO=4&transport=websocket&token=x").await.unwrap();
    socket.next().await;
    socket.send(connect).await;
    assert_eq!(name(&socket.next().await), "CONNECT");
    assert_eq!(payload(&socket.next().await)["code"], "AUTH_REQUIRED");
}

#[rstest]
#[case("GET", "/socket.io/?EIO=4&transport=pigeon", 400, Some(0))]
#[case("GET", "/socket.io/?EIO=4", 400, Some(0))]
#[case("GET", "/socket.io/?EIO=3&transport=polling", 400, Some(5))]
#[case("GET", "/socket.io/?EIO=4&transport=websocket", 400, Some(3))]
#[case("POST", "/socket.io/?EIO=4&transport=polling", 400, Some(2))]
#[case("GET", "/socket.io/?EIO=4&transport=polling&sid=nobody", 400, Some(1))]
#[case("GET", "/nowhere", 404, None)]
#[tokio::test]
async fn wrong_requests(#[case] method: &str, #[case] path: &str, #[case] status: u16, #[case] code: Option<u64>) {
    let world = World::start(json!([])).await;
    let response = world.http(method, path, &[], "").await;
    assert_eq!(response.status, status);
    assert_eq!(code, serde_json::from_str::<Value>(&response.body).ok().and_then(|body| body["code"].as_u64()));
}

#[tokio::test]
async fn a_refused_attempt_is_closed_behind_its_answer() {
    let mut world = World::start(json!([])).await;
    world.get("/socket.io/?EIO=3&transport=polling").await;
    assert_eq!(world.closed().await, (Closer::Server, false));
    assert_eq!(world.words(), ["attempt 1", "answer handshake 400", "closed server"]);
}

#[tokio::test]
async fn bodies_that_are_too_large_or_no_packets() {
    let mut world = World::start(json!([])).await;
    let session = world.open().await;
    assert_eq!(session.post(&"4".repeat(1_000_001)).await.status, 413);
    assert_eq!(session.post("x").await.status, 200);
    assert_eq!(world.closed().await, (Closer::Server, false));
}

#[tokio::test]
async fn messages_that_are_too_large_end_a_websocket() {
    let world = World::start(json!([])).await;
    let mut socket = world.established().await;
    socket.send(&"4".repeat(1_000_001)).await;
    assert_eq!(socket.rest().await, ["close 1009 "]);
}

#[tokio::test]
async fn two_polls_at_once_end_the_session() {
    let mut world = World::start(json!([])).await;
    let session = world.open().await;
    let (one, other) = tokio::join!(session.poll(), session.poll());
    let mut answers = [(one.status, one.body.len()), (other.status, other.body.len())];
    answers.sort_unstable();
    assert_eq!((answers[0], answers[1].0), ((200, "1".len()), 400));
    assert_eq!(world.closed().await, (Closer::Server, true));
}

#[tokio::test]
async fn a_second_websocket_for_a_session_is_closed() {
    let world = World::start(json!([])).await;
    let session = world.open().await;
    let mut first = world.socket(&session.upgrade_path()).await.unwrap();
    first.send("2probe").await;
    assert_eq!(first.next().await, "3probe");
    let mut second = world.socket(&session.upgrade_path()).await.unwrap();
    assert_eq!(second.rest().await, ["close"]);
    first.send("5").await;
    first.connect(&world.token(&json!("jwt"))).await;
    assert_eq!(name(&first.next().await), "CONNECT");
}

#[rstest]
#[case("http://localhost:3000", true)]
#[case("http://localhost:3001", false)]
#[tokio::test]
async fn cross_origin_rules(#[case] origin: &str, #[case] allowed: bool) {
    let world = World::start(json!([])).await;
    let path = "/socket.io/?EIO=4&transport=polling";
    let response = world.http("GET", path, &[("Origin", origin)], "").await;
    assert_eq!(response.head.contains(&format!("access-control-allow-origin: {origin}\r\n")), allowed);
    assert!(response.head.contains("access-control-allow-credentials: true"));
    let preflight = [("Origin", origin), ("Access-Control-Request-Method", "POST")];
    assert_eq!(world.http("OPTIONS", path, &preflight, "").await.status, 204);
    assert!(world.words().contains(&"request preflight".to_owned()));
}

#[tokio::test]
async fn compression_is_not_negotiated() {
    let world = World::start(json!([])).await;
    let offer = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Extensions", "permessage-deflate"),
    ];
    let mock = &world.mock;
    let asked = world.http("GET", "/socket.io/?EIO=4&transport=websocket", &offer, "");
    // The socket stays open, so the answer is in the journal.
    tokio::select! {
        _ = asked => panic!("the WebSocket ended"),
        () = tokio::time::sleep(crate::client::QUIET) => {}
    }
    let answers: Vec<_> = mock
        .journal()
        .since(0)
        .iter()
        .filter_map(|record| match &record.entry {
            sparring_mock_server::journal::Entry::Answer(answer) => Some(answer.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(answers[0].status, 101);
    assert_eq!(answers[0].headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert!(!answers[0].headers.contains_key("sec-websocket-extensions"));
}

#[tokio::test]
async fn tokens_over_rest() {
    let world = World::start(json!([])).await;
    let old = world.token(&json!({"kind": "jwt", "age": "2h"}));
    let fresh = world.http("POST", "/auth/refresh", &[], &json!({"token": old}).to_string()).await;
    assert_eq!(fresh.status, 200);
    let mut socket = world.join(&fresh.json()["token"]).await;
    socket.next().await;
    assert_eq!(payload(&socket.next().await)["userId"], "user_123");
    assert_eq!(world.http("POST", "/auth/refresh", &[], "{\"token\":\"x\"}").await.status, 401);
    assert!(world.http("POST", "/auth/sign-in", &[], "").await.json()["token"].is_string());
    assert_eq!(world.get("/health").await.json(), json!({"status": "ok"}));
}

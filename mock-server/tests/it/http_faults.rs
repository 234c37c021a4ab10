//! Faults of HTTP answers, upgrades and Engine.IO openings: the bytes that a client gets to read.

use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::journal::{Closer, Entry, FaultPhase};
use sparring_mock_server::live::LiveAction;
use sparring_mock_server::server::{Heartbeat, MockServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{QUIET, Response, Socket, World, actor, builder};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";
const ORIGIN: &str = "http://localhost:3000";

/// The key and the accept key of the protocol's own example (RFC 6455, section 1.3).
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=";

/// Asks for a WebSocket; the answer's head and what comes behind it, if the connection ends.
async fn upgrade(world: &World, path: &str, fields: &[(&str, &str)]) -> Response {
    let mut headers = vec![
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", KEY),
    ];
    headers.extend(fields);
    world.exchange("GET", path, &headers).await
}

/// Disarms a fault and waits until it has been undone.
async fn undo(world: &mut World, fault: &str) {
    world.mock.act(&LiveAction::Disarm { fault: fault.to_owned() }, &actor()).await.unwrap();
    world.fault(fault, FaultPhase::Undone).await;
}

#[rstest]
#[case::stripped(json!({"fault": "upgrade-stripped"}), 200, "OK")]
#[case::stripped_otherwise(json!({"fault": "upgrade-stripped", "status": 400, "body": "<p>no"}), 400, "<p>no")]
#[case::rejected(json!({"fault": "upgrade-reject", "status": 502, "body": "bad"}), 502, "bad")]
#[case::no_websocket(json!({"fault": "transport-unknown", "transports": ["websocket"]}), 400, "Transport unknown")]
#[case::redirected(json!({"fault": "http-error", "status": 307, "headers": {"location": "/elsewhere"}}), 307, "")]
#[tokio::test]
async fn upgrades_that_come_to_nothing(#[case] rule: Value, #[case] status: u16, #[case] body: &str) {
    let id = rule["fault"].as_str().unwrap().to_owned();
    let mut world = World::start(json!([rule])).await;
    let answer = upgrade(&world, WEBSOCKET, &[]).await;
    assert_eq!((answer.status, answer.body.as_str()), (status, body));
    assert!(!answer.head.contains("\r\nupgrade:") && !answer.head.contains("sec-websocket-accept"), "{}", answer.head);
    world.fault(&id, FaultPhase::Fired).await;
    assert_eq!(world.closed().await, (Closer::Server, false));
}

#[rstest]
#[case::attempt(false)]
#[case::of_a_session(true)]
#[tokio::test]
async fn a_stalled_upgrade_is_answered_once_the_fault_is_undone(#[case] polled: bool) {
    let mut world = World::start(json!([{"fault": "upgrade-stall"}])).await;
    let path = if polled { world.open().await.upgrade_path() } else { WEBSOCKET.to_owned() };
    {
        let opened = upgrade(&world, &path, &[]);
        tokio::pin!(opened);
        assert!(tokio::time::timeout(QUIET, &mut opened).await.is_err());
        world.mock.act(&LiveAction::Disarm { fault: "upgrade-stall".to_owned() }, &actor()).await.unwrap();
        assert_eq!(opened.await.status, 101);
    }
    world.fault("upgrade-stall", FaultPhase::Undone).await;
}

#[tokio::test]
async fn a_stall_ends_by_itself_after_its_time() {
    let mut world = World::start(json!([{"fault": "upgrade-stall", "for": "50ms"}])).await;
    assert_eq!(upgrade(&world, WEBSOCKET, &[]).await.status, 101);
    world.fault("upgrade-stall", FaultPhase::Undone).await;
}

#[tokio::test]
async fn the_accept_key_belongs_to_another() {
    let world = World::start(json!([])).await;
    let honest = upgrade(&world, WEBSOCKET, &[]).await;
    assert!(honest.head.contains(ACCEPT), "{}", honest.head);
    let mut world = World::start(json!([{"fault": "accept-key-invalid"}])).await;
    let answer = upgrade(&world, WEBSOCKET, &[]).await;
    assert_eq!(answer.status, 101);
    assert!(answer.head.contains("sec-websocket-accept: ") && !answer.head.contains(ACCEPT), "{}", answer.head);
    world.fault("accept-key-invalid", FaultPhase::Fired).await;
    assert!(world.socket(WEBSOCKET).await.is_err());
}

#[rstest]
#[case::foreign(Some("https://evil.example"), 403)]
#[case::own(Some(ORIGIN), 101)]
#[case::none(None, 101)]
#[tokio::test]
async fn origins_of_upgrades_are_checked(#[case] origin: Option<&str>, #[case] status: u16) {
    let world = World::start(json!([{"fault": "origin-check-upgrade", "allowed": [ORIGIN]}])).await;
    let session = world.open().await;
    let fields: Vec<_> = origin.iter().map(|origin| ("Origin", *origin)).collect();
    for path in [WEBSOCKET, &session.upgrade_path()] {
        assert_eq!(upgrade(&world, path, &fields).await.status, status, "{path}");
    }
    let fired = world.words().iter().filter(|word| *word == "fault origin-check-upgrade").count();
    assert_eq!(fired, if status == 403 { 2 } else { 0 });
    assert_eq!(world.http("GET", POLLING, &fields, "").await.status, 200);
}

/// A fetch and a preflight from an allowed origin: the cross-origin words of their answers.
#[rstest]
#[case::honest(json!([]), true, true, true)]
#[case::omitted(json!([{"fault": "cors-deny"}]), false, true, true)]
#[case::preflight_too(json!([{"fault": "cors-deny", "preflight": "fail"}]), false, false, true)]
#[case::other_origin(json!([{"fault": "cors-deny", "mode": "other-origin", "preflight": "fail"}]), false, false, true)]
#[case::no_credentials(json!([{"fault": "cors-no-credentials"}]), true, true, false)]
#[tokio::test]
async fn cross_origin_answers(
    #[case] rules: Value,
    #[case] fetch_allowed: bool,
    #[case] preflight_allowed: bool,
    #[case] credentials: bool,
) {
    let other = rules[0]["mode"] == "other-origin";
    let world = World::start(rules).await;
    let asked = [("Origin", ORIGIN), ("Access-Control-Request-Method", "POST")];
    let fetched = world.http("GET", POLLING, &asked[..1], "").await;
    let rest = world.http("GET", "/health", &asked[..1], "").await;
    let preflight = world.http("OPTIONS", POLLING, &asked, "").await;
    assert_eq!([fetched.status, rest.status, preflight.status], [200, 200, 204]);
    for (answer, allowed) in [(&fetched, fetch_allowed), (&rest, fetch_allowed), (&preflight, preflight_allowed)] {
        let head = &answer.head;
        assert_eq!(head.contains(&format!("access-control-allow-origin: {ORIGIN}")), allowed, "{head}");
        assert_eq!(head.contains("access-control-allow-origin: https://elsewhere.invalid"), other, "{head}");
        assert_eq!(head.contains("access-control-allow-credentials: true"), credentials, "{head}");
        assert!(head.contains("vary: origin"), "{head}");
    }
    assert!(fetched.body.starts_with('0'));
}

#[rstest]
#[case::handshake(POLLING, 5, "0{\"si")]
#[case::rest("/health", 1, "{")]
#[tokio::test]
async fn an_answer_breaks_off(#[case] path: &str, #[case] bytes: usize, #[case] came: &str) {
    let mut world = World::start(json!([{"fault": "response-truncated", "bytes": bytes}])).await;
    // The connection is to be kept, so that only the fault ends it.
    let answer = world.exchange("GET", path, &[]).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, came));
    let promised = answer.head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()).unwrap();
    assert!(promised.parse::<usize>().unwrap() > bytes, "{promised}");
    world.fault("response-truncated", FaultPhase::Fired).await;
}

#[tokio::test]
async fn an_answer_that_is_short_enough_is_whole() {
    let world = World::start(json!([{"fault": "response-truncated", "bytes": 1000}])).await;
    let answer = world.get("/health").await;
    assert_eq!(answer.body, "{\"status\":\"ok\"}");
}

#[rstest]
#[case::malformed(json!({"fault": "polling-malformed"}), "content-type: text/html", "<html>")]
#[case::content_type(json!({"fault": "content-type-wrong"}), "content-type: application/octet-stream", "40")]
#[case::close(json!({"fault": "connection-close"}), "connection: close", "40")]
#[tokio::test]
async fn polls_that_are_answered_oddly(#[case] rule: Value, #[case] field: &str, #[case] body: &str) {
    let id = rule["fault"].as_str().unwrap().to_owned();
    let mut world = World::start(json!([rule])).await;
    let session = world.open().await;
    session.post("40").await;
    let answer = world.exchange("GET", &session.path, &[]).await;
    assert!(answer.head.contains(field), "{}", answer.head);
    assert!(answer.body.starts_with(body), "{}", answer.body);
    world.fault(&id, FaultPhase::Fired).await;
}

#[rstest]
#[case::websocket_is_not_offered("websocket", 200, json!([]))]
#[case::polling_is_refused("polling", 400, json!(null))]
#[tokio::test]
async fn a_transport_is_disabled(#[case] transport: &str, #[case] status: u16, #[case] upgrades: Value) {
    let world = World::start(json!([{"fault": "transport-unknown", "transports": [transport]}])).await;
    let answer = world.get(POLLING).await;
    assert_eq!(answer.status, status);
    if status == 400 {
        assert_eq!(answer.json(), json!({"code": 0, "message": "Transport unknown"}));
        assert!(world.socket(WEBSOCKET).await.is_ok());
        return;
    }
    let open: Value = serde_json::from_str(&answer.body[1..]).unwrap();
    assert_eq!(open["upgrades"], upgrades);
    let path = format!("{WEBSOCKET}&sid={}", open["sid"].as_str().unwrap());
    let refused = upgrade(&world, &path, &[]).await;
    assert_eq!((refused.status, refused.body.as_str()), (400, "Transport unknown"));
}

#[tokio::test]
async fn the_open_packet_comes_once_the_fault_is_undone() {
    let world = MockServer::builder(SystemId::Digitwin)
        .heartbeat(Heartbeat { interval: Duration::from_millis(50), timeout: Duration::from_secs(60) })
        .rules(sparring_mock_server::script::read_rules(&json!([{"fault": "open-packet-withheld"}])).unwrap());
    let mut world = World::built(world).await;
    let mut socket = world.socket(WEBSOCKET).await.unwrap();
    // Nor does a heart beat.
    assert_eq!(socket.rest().await, ["open"]);
    undo(&mut world, "open-packet-withheld").await;
    assert!(socket.next().await.starts_with("0{"));
    assert_eq!(socket.next().await, "2");
}

#[tokio::test]
async fn who_leaves_without_an_open_packet_is_closed() {
    let mut world = World::start(json!([{"fault": "open-packet-withheld"}])).await;
    drop(world.socket(WEBSOCKET).await.unwrap());
    assert_eq!(world.closed().await, (Closer::Client, false));
    assert!(!world.words().contains(&"sent OPEN".to_owned()));
}

#[rstest]
#[case::polling(true)]
#[case::websocket(false)]
#[tokio::test]
async fn the_open_packet_says_otherwise(#[case] polling: bool) {
    let rules = json!([{"fault": "open-packet-altered", "add": {"pingInterval": 1, "sid": null, "extra": [1]}}]);
    let mut world = World::start(rules).await;
    let packet =
        if polling { world.get(POLLING).await.body } else { world.socket(WEBSOCKET).await.unwrap().next().await };
    let open: Value = serde_json::from_str(&packet[1..]).unwrap();
    let members: Vec<&str> = open.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["upgrades", "pingInterval", "pingTimeout", "maxPayload", "extra"]);
    assert_eq!((&open["pingInterval"], &open["extra"]), (&json!(1), &json!([1])));
    world.fault("open-packet-altered", FaultPhase::Fired).await;
}

#[tokio::test]
async fn the_first_ping_comes_early() {
    let mut world = World::start(json!([{"fault": "engine-ping-early"}])).await;
    let mut socket = world.socket(WEBSOCKET).await.unwrap();
    assert!(socket.next().await.starts_with('0'));
    assert_eq!(socket.next().await, "2");
    socket.send("3").await;
    assert_eq!(socket.rest().await, ["open"]);
    world.fault("engine-ping-early", FaultPhase::Fired).await;
}

#[tokio::test]
async fn pings_flood_until_the_fault_is_undone() {
    let mut world = World::start(json!([{"fault": "engine-ping-flood", "period": "1ms"}])).await;
    let mut socket = world.socket(WEBSOCKET).await.unwrap();
    assert!(socket.next().await.starts_with('0'));
    for _ in 0..50 {
        assert_eq!(socket.next().await, "2");
    }
    undo(&mut world, "engine-ping-flood").await;
    let rest = socket.rest().await;
    assert_eq!(rest.last().map(String::as_str), Some("open"));
    assert_eq!(socket.rest().await, ["open"]);
    let fired = world.words().iter().filter(|word| *word == "fault engine-ping-flood").count();
    assert_eq!(fired, 2);
}

/// What the official server says about an odd request, word for word.
#[rstest]
#[case::unknown_transport(
    "GET",
    "/socket.io/?EIO=4&transport=tcp",
    "",
    400,
    r#"{"code":0,"message":"Transport unknown"}"#
)]
#[case::transport_comes_first("POST", "/socket.io/?EIO=3", "", 400, r#"{"code":0,"message":"Transport unknown"}"#)]
#[case::unknown_transport_of_a_session(
    "GET",
    "/socket.io/?EIO=4&transport=tcp&sid=SID",
    "",
    400,
    r#"{"code":0,"message":"Transport unknown"}"#
)]
#[case::unknown_session(
    "GET",
    "/socket.io/?EIO=4&transport=polling&sid=no",
    "",
    400,
    r#"{"code":1,"message":"Session ID unknown"}"#
)]
#[case::bad_method("DELETE", POLLING, "", 400, r#"{"code":2,"message":"Bad handshake method"}"#)]
#[case::no_upgrade("GET", WEBSOCKET, "", 400, r#"{"code":3,"message":"Bad request"}"#)]
#[case::no_upgrade_of_a_session(
    "GET",
    "/socket.io/?EIO=4&transport=websocket&sid=SID",
    "",
    400,
    r#"{"code":3,"message":"Bad request"}"#
)]
#[case::version(
    "GET",
    "/socket.io/?EIO=3&transport=polling",
    "",
    400,
    r#"{"code":5,"message":"Unsupported protocol version"}"#
)]
#[case::jsonp("GET", "/socket.io/?EIO=4&transport=polling&j=0", "", 400, r#"{"code":3,"message":"Bad request"}"#)]
#[case::method_of_a_session("PUT", "/socket.io/?EIO=4&transport=polling&sid=SID", "", 500, "")]
#[case::too_large("POST", "/socket.io/?EIO=4&transport=polling&sid=SID", "LARGE", 413, "")]
#[case::no_packet("POST", "/socket.io/?EIO=4&transport=polling&sid=SID", "4a\u{1e}x", 200, "ok")]
#[case::nothing("POST", "/socket.io/?EIO=4&transport=polling&sid=SID", "", 200, "ok")]
#[tokio::test]
async fn odd_requests(
    #[case] method: &str,
    #[case] path: &str,
    #[case] body: &str,
    #[case] status: u16,
    #[case] expected: &str,
) {
    let world = World::start(json!([])).await;
    let sid = world.open().await.open["sid"].as_str().unwrap().to_owned();
    let body = body.replace("LARGE", &"4".repeat(1_000_001));
    let answer = world.http(method, &path.replace("SID", &sid), &[], &body).await;
    assert_eq!((answer.status, answer.body.as_str()), (status, expected));
    assert_eq!(answer.head.contains("content-type: application/json"), expected.starts_with('{'), "{}", answer.head);
}

#[rstest]
#[case("/socket.io/?EIO=3&transport=websocket", "websocket", "Unsupported protocol version")]
#[case("/socket.io/?EIO=4&transport=tcp", "websocket", "Transport unknown")]
#[case("/socket.io/?EIO=4&transport=websocket&sid=no", "websocket", "Session ID unknown")]
#[case(WEBSOCKET, "h2c", "Invalid Upgrade header")]
#[tokio::test]
async fn odd_upgrades(#[case] path: &str, #[case] protocol: &str, #[case] expected: &str) {
    let world = World::start(json!([])).await;
    let fields =
        [("Connection", "Upgrade"), ("Upgrade", protocol), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", KEY)];
    let answer = world.exchange("GET", path, &fields).await;
    assert_eq!((answer.status, answer.body.as_str()), (400, expected));
    assert!(answer.head.contains("connection: close"), "{}", answer.head);
}

#[tokio::test]
async fn a_body_that_breaks_off_ends_its_session() {
    let mut world = World::start(json!([])).await;
    let path = world.open().await.path;
    let half = world.begin("POST", &path, &[("Content-Length", "100")], "4half").await;
    world.requested("polling", 1).await;
    drop(half);
    assert_eq!(world.closed().await, (Closer::Client, false));
}

#[tokio::test]
async fn two_posts_at_once_end_a_session() {
    let mut world = World::start(json!([])).await;
    let path = world.open().await.path;
    let _half = world.begin("POST", &path, &[("Content-Length", "100")], "4half").await;
    world.requested("polling", 1).await;
    assert_eq!(world.http("POST", &path, &[], "4").await.status, 400);
    assert_eq!(world.closed().await, (Closer::Server, false));
}

#[tokio::test]
async fn a_probe_that_is_none_leaves_the_session_to_polling() {
    let world = World::start(json!([])).await;
    let session = world.open().await;
    for wrong in ["2", "4hello", "wombat", "2probes"] {
        let mut socket: Socket = world.socket(&session.upgrade_path()).await.unwrap();
        socket.send(wrong).await;
        assert_eq!(socket.next().await, "close", "{wrong}");
    }
    session.connect(&world.token(&json!("jwt"))).await;
    assert!(session.packets(1).await[0].starts_with("40"));
}

/// As in the official server.
#[rstest]
#[case::without_a_probe(&[], &[])]
#[case::probed_twice(&["2probe", "2probe"], &["3probe", "3probe"])]
#[tokio::test]
async fn odd_probes_that_are_taken(#[case] sent: &[&str], #[case] answered: &[&str]) {
    let world = World::start(json!([])).await;
    let session = world.open().await;
    let mut socket = world.socket(&session.upgrade_path()).await.unwrap();
    for (text, answer) in sent.iter().zip(answered) {
        socket.send(text).await;
        assert_eq!(socket.next().await, *answer);
    }
    socket.send("5").await;
    socket.connect(&world.token(&json!("jwt"))).await;
    assert!(socket.next().await.starts_with("40"));
}

#[tokio::test]
async fn a_second_websocket_is_declined_while_the_first_is_being_tried() {
    let world = World::start(json!([])).await;
    let session = world.open().await;
    let mut first = world.socket(&session.upgrade_path()).await.unwrap();
    first.send("2probe").await;
    assert_eq!(first.next().await, "3probe");
    let mut second = world.socket(&session.upgrade_path()).await.unwrap();
    assert_eq!(second.next().await, "close");
    drop(first);
}

/// What breaks WebSocket is answered by the close code that Node's `ws` has for it.
#[rstest]
#[case::unmasked(&[0x81, 1, b'4'], 1002)]
#[case::reserved_bit(&[0xC1, 0x81, 0, 0, 0, 0, b'4'], 1002)]
#[case::utf8(&[0x81, 0x82, 0, 0, 0, 0, b'4', 0xFF], 1007)]
#[tokio::test]
async fn frames_that_break_the_protocol(#[case] frame: &[u8], #[case] code: u16) {
    let mut world = World::start(json!([])).await;
    let mut tcp = world.websocket(WEBSOCKET).await;
    tcp.write_all(frame).await.unwrap();
    let mut close = [0; 4];
    tcp.read_exact(&mut close).await.unwrap();
    assert_eq!((close[0], close[1], u16::from_be_bytes([close[2], close[3]])), (0x88, 2, code));
    assert_eq!(world.closed().await, (Closer::Server, true));
}

#[tokio::test]
async fn an_open_poll_is_told_of_the_end() {
    let world = builder(&json!([]))
        .heartbeat(Heartbeat { interval: Duration::from_millis(50), timeout: Duration::from_millis(300) });
    let mut world = World::built(world).await;
    let session = world.open().await;
    assert_eq!(session.poll().await.body, "2");
    assert_eq!(session.poll().await.body, "1");
    let record = world.record(|entry| matches!(entry, Entry::Closed(_))).await;
    assert!(matches!(&record.entry, Entry::Closed(closed) if closed.reason.as_deref() == Some("ping timeout")));
}

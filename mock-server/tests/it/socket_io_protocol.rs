//! The upstream suite of the Socket.IO protocol, revision 5, case by case and under the same names.
//!
//! Its first half is about the Engine.IO beneath, the second about Socket.IO itself. Heartbeats are as short as there
//! where a case is about them; elsewhere a pong may be late, so that a busy machine fails no case.

use std::time::Duration;

use serde_json::{Value, json};
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::server::{Heartbeat, MockServer};

use crate::client::{Polled, Socket, World};

const INTERVAL: Duration = Duration::from_millis(300);
const TIMEOUT: Duration = Duration::from_millis(200);
const PATIENT: Duration = Duration::from_secs(60);
const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

async fn world(timeout: Duration) -> World {
    let heartbeat = Heartbeat { interval: INTERVAL, timeout };
    World::built(MockServer::builder(SystemId::SocketIo).heartbeat(heartbeat)).await
}

/// A session over WebSocket whose open packet has come.
async fn open(world: &World) -> Socket {
    let mut socket = world.socket(WEBSOCKET).await.unwrap();
    assert!(socket.next().await.starts_with('0'));
    socket
}

/// A member of the main namespace.
async fn join(world: &World) -> Socket {
    let mut socket = open(world).await;
    socket.send("40").await;
    assert!(message(&mut socket).await.starts_with("40"));
    assert_eq!(message(&mut socket).await, "42[\"auth\",{}]");
    socket
}

/// What comes next but for pings.
async fn message(socket: &mut Socket) -> String {
    loop {
        let text = socket.next().await;
        if text != "2" {
            return text;
        }
    }
}

/// Whether the next frame, pings aside, is the end.
async fn closes(mut socket: Socket) -> bool {
    message(&mut socket).await.starts_with("close")
}

fn check_settings(open: &Value, upgrades: &Value) {
    let keys: Vec<&String> = open.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"]);
    assert!(open["sid"].is_string());
    assert_eq!(open["upgrades"], *upgrades);
    let numbers = (&open["pingInterval"], &open["pingTimeout"], &open["maxPayload"]);
    assert_eq!(numbers, (&json!(300), &json!(200), &json!(1_000_000)));
}

/// A WebSocket that has taken a polled session over.
async fn upgraded(world: &World, session: &Polled<'_>) -> Socket {
    let mut socket = world.socket(&session.upgrade_path()).await.unwrap();
    socket.send("2probe").await;
    assert_eq!(socket.next().await, "3probe");
    socket.send("5").await;
    socket
}

mod engine_io_handshake_http_long_polling {
    use super::*;

    #[tokio::test]
    async fn should_successfully_open_a_session() {
        let world = world(TIMEOUT).await;
        let response = world.get(POLLING).await;
        assert_eq!(response.status, 200);
        check_settings(&serde_json::from_str(&response.body[1..]).unwrap(), &json!(["websocket"]));
        assert!(response.body.starts_with('0'));
    }

    #[tokio::test]
    async fn should_fail_with_an_invalid_eio_query_parameter() {
        let world = world(TIMEOUT).await;
        assert_eq!(world.get("/socket.io/?transport=polling").await.status, 400);
        assert_eq!(world.get("/socket.io/?EIO=abc&transport=polling").await.status, 400);
    }

    #[tokio::test]
    async fn should_fail_with_an_invalid_transport_query_parameter() {
        let world = world(TIMEOUT).await;
        assert_eq!(world.get("/socket.io/?EIO=4").await.status, 400);
        assert_eq!(world.get("/socket.io/?EIO=4&transport=abc").await.status, 400);
    }

    #[tokio::test]
    async fn should_fail_with_an_invalid_request_method() {
        let world = world(TIMEOUT).await;
        assert_eq!(world.http("POST", POLLING, &[], "").await.status, 400);
        assert_eq!(world.http("PUT", POLLING, &[], "").await.status, 400);
    }
}

mod engine_io_handshake_websocket {
    use super::*;

    #[tokio::test]
    async fn should_successfully_open_a_session() {
        let world = world(TIMEOUT).await;
        let open = world.socket(WEBSOCKET).await.unwrap().next().await;
        check_settings(&serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap(), &json!([]));
    }

    #[tokio::test]
    async fn should_fail_with_an_invalid_eio_query_parameter() {
        let world = world(TIMEOUT).await;
        assert!(world.socket("/socket.io/?transport=websocket").await.is_err());
        assert!(world.socket("/socket.io/?EIO=abc&transport=websocket").await.is_err());
    }

    #[tokio::test]
    async fn should_fail_with_an_invalid_transport_query_parameter() {
        let world = world(TIMEOUT).await;
        assert!(world.socket("/socket.io/?EIO=4").await.is_err());
        assert!(world.socket("/socket.io/?EIO=4&transport=abc").await.is_err());
    }
}

mod engine_io_heartbeat {
    use super::*;

    #[tokio::test]
    async fn http_long_polling_should_send_ping_pong_packets() {
        let world = world(PATIENT).await;
        let session = world.open().await;
        for _ in 0..3 {
            assert_eq!(session.poll().await.body, "2");
            assert_eq!(session.post("3").await.status, 200);
        }
    }

    #[tokio::test]
    async fn http_long_polling_should_close_the_session_upon_ping_timeout() {
        let mut world = world(TIMEOUT).await;
        let path = world.open().await.path;
        world.closed().await;
        assert_eq!(world.get(&path).await.status, 400);
    }

    #[tokio::test]
    async fn websocket_should_send_ping_pong_packets() {
        let world = world(PATIENT).await;
        let mut socket = open(&world).await;
        for _ in 0..3 {
            assert_eq!(socket.next().await, "2");
            socket.send("3").await;
        }
    }

    #[tokio::test]
    async fn websocket_should_close_the_session_upon_ping_timeout() {
        let world = world(TIMEOUT).await;
        assert!(closes(open(&world).await).await);
    }
}

mod engine_io_close {
    use super::*;

    #[tokio::test]
    async fn http_long_polling_should_forcefully_close_the_session() {
        let world = world(PATIENT).await;
        let session = world.open().await;
        let (poll, post) = tokio::join!(session.poll(), async {
            // The poll has come when its request is in the journal.
            while !world.words().contains(&"request polling".to_owned()) {
                tokio::task::yield_now().await;
            }
            session.post("1").await
        });
        assert_eq!((poll.status, poll.body.as_str(), post.body.as_str()), (200, "6", "ok"));
        assert_eq!(session.poll().await.status, 400);
    }

    #[tokio::test]
    async fn websocket_should_forcefully_close_the_session() {
        let world = world(PATIENT).await;
        let mut socket = open(&world).await;
        socket.send("1").await;
        assert!(closes(socket).await);
    }
}

mod engine_io_upgrade {
    use super::*;

    #[tokio::test]
    async fn should_successfully_upgrade_from_http_long_polling_to_websocket() {
        let world = world(PATIENT).await;
        let session = world.open().await;
        let mut socket = upgraded(&world, &session).await;
        socket.send("40").await;
        assert!(message(&mut socket).await.starts_with("40"));
    }

    #[tokio::test]
    async fn should_ignore_http_requests_with_same_sid_after_upgrade() {
        let mut world = world(PATIENT).await;
        let path = {
            let session = world.open().await;
            let socket = upgraded(&world, &session).await;
            (session.path.clone(), socket)
        };
        world.received("UPGRADE").await;
        assert_eq!(world.get(&path.0).await.status, 400);
    }

    #[tokio::test]
    async fn should_ignore_websocket_connection_with_same_sid_after_upgrade() {
        let world = world(PATIENT).await;
        let session = world.open().await;
        let _socket = upgraded(&world, &session).await;
        assert!(closes(world.socket(&session.upgrade_path()).await.unwrap()).await);
    }
}

mod connect {
    use super::*;

    async fn check(connect: &str, prefix: &str, auth: &str) {
        let world = world(PATIENT).await;
        let mut socket = open(&world).await;
        socket.send(connect).await;
        let answer = message(&mut socket).await;
        let handshake: Value = serde_json::from_str(answer.strip_prefix(prefix).unwrap()).unwrap();
        assert_eq!(handshake.as_object().unwrap().keys().collect::<Vec<_>>(), ["sid"]);
        assert!(handshake["sid"].is_string());
        assert_eq!(message(&mut socket).await, auth);
    }

    #[tokio::test]
    async fn should_allow_connection_to_the_main_namespace() {
        check("40", "40", "42[\"auth\",{}]").await;
    }

    #[tokio::test]
    async fn should_allow_connection_to_the_main_namespace_with_a_payload() {
        check("40{\"token\":\"123\"}", "40", "42[\"auth\",{\"token\":\"123\"}]").await;
    }

    #[tokio::test]
    async fn should_allow_connection_to_a_custom_namespace() {
        check("40/custom,", "40/custom,", "42/custom,[\"auth\",{}]").await;
    }

    #[tokio::test]
    async fn should_allow_connection_to_a_custom_namespace_with_a_payload() {
        check("40/custom,{\"token\":\"abc\"}", "40/custom,", "42/custom,[\"auth\",{\"token\":\"abc\"}]").await;
    }

    #[tokio::test]
    async fn should_disallow_connection_to_an_unknown_namespace() {
        let world = world(PATIENT).await;
        let mut socket = open(&world).await;
        socket.send("40/random").await;
        assert_eq!(message(&mut socket).await, "44/random,{\"message\":\"Invalid namespace\"}");
    }

    #[tokio::test]
    async fn should_disallow_connection_with_an_invalid_handshake() {
        let world = world(PATIENT).await;
        let mut socket = open(&world).await;
        socket.send("4abc").await;
        assert!(closes(socket).await);
    }

    #[tokio::test]
    async fn should_close_the_connection_if_no_handshake_is_received() {
        let heartbeat = Heartbeat { interval: INTERVAL, timeout: PATIENT };
        let builder = MockServer::builder(SystemId::SocketIo).heartbeat(heartbeat);
        let world = World::built(builder.connect_timeout(INTERVAL)).await;
        assert!(closes(open(&world).await).await);
    }
}

mod disconnect {
    use super::*;

    #[tokio::test]
    async fn should_disconnect_from_the_main_namespace() {
        let world = world(PATIENT).await;
        let mut socket = join(&world).await;
        socket.send("41").await;
        assert_eq!(socket.next().await, "2");
    }

    #[tokio::test]
    async fn should_connect_then_disconnect_from_a_custom_namespace() {
        let world = world(PATIENT).await;
        let mut socket = join(&world).await;
        assert_eq!(socket.next().await, "2");
        socket.send("40/custom").await;
        assert!(message(&mut socket).await.starts_with("40/custom,"));
        assert!(message(&mut socket).await.starts_with("42/custom,"));
        socket.send("41/custom").await;
        socket.send("42[\"message\",\"message to main namespace\"]").await;
        assert_eq!(message(&mut socket).await, "42[\"message-back\",\"message to main namespace\"]");
    }
}

mod message {
    use super::*;

    const PLACEHOLDERS: &str = "{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}";

    async fn check(sent: &str, attachments: [&'static [u8]; 2], expected: [&str; 3]) {
        let world = world(PATIENT).await;
        let mut socket = join(&world).await;
        socket.send(sent).await;
        for bytes in attachments {
            socket.send_bytes(bytes).await;
        }
        for frame in expected {
            assert_eq!(super::message(&mut socket).await, frame);
        }
    }

    async fn check_text(sent: &str, expected: &str) {
        let world = world(PATIENT).await;
        let mut socket = join(&world).await;
        socket.send(sent).await;
        assert_eq!(super::message(&mut socket).await, expected);
    }

    #[tokio::test]
    async fn should_send_a_plain_text_packet() {
        check_text("42[\"message\",1,\"2\",{\"3\":[true]}]", "42[\"message-back\",1,\"2\",{\"3\":[true]}]").await;
    }

    #[tokio::test]
    async fn should_send_a_packet_with_binary_attachments() {
        let back = format!("452-[\"message-back\",{PLACEHOLDERS}]");
        let sent = format!("452-[\"message\",{PLACEHOLDERS}]");
        check(
            &sent,
            [&[1, 2, 3], &[4, 5, 6]],
            [&back, "! Binary(b\"\\x01\\x02\\x03\")", "! Binary(b\"\\x04\\x05\\x06\")"],
        )
        .await;
    }

    #[tokio::test]
    async fn should_send_a_plain_text_packet_with_an_ack() {
        check_text("42456[\"message-with-ack\",1,\"2\",{\"3\":[false]}]", "43456[1,\"2\",{\"3\":[false]}]").await;
    }

    #[tokio::test]
    async fn should_send_a_packet_with_binary_attachments_and_an_ack() {
        let ack = format!("462-789[{PLACEHOLDERS}]");
        let sent = format!("452-789[\"message-with-ack\",{PLACEHOLDERS}]");
        check(
            &sent,
            [&[1, 2, 3], &[4, 5, 6]],
            [&ack, "! Binary(b\"\\x01\\x02\\x03\")", "! Binary(b\"\\x04\\x05\\x06\")"],
        )
        .await;
    }

    async fn check_closes(sent: &str) {
        let world = world(PATIENT).await;
        let mut socket = join(&world).await;
        socket.send(sent).await;
        assert!(closes(socket).await);
    }

    #[tokio::test]
    async fn should_close_the_connection_upon_invalid_format_unknown_packet_type() {
        check_closes("4abc").await;
    }

    #[tokio::test]
    async fn should_close_the_connection_upon_invalid_format_invalid_payload_format() {
        check_closes("42{}").await;
    }

    #[tokio::test]
    async fn should_close_the_connection_upon_invalid_format_invalid_ack_id() {
        check_closes("42abc[\"message-with-ack\",1,\"2\",{\"3\":[false]}]").await;
    }
}

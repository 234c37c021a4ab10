//! The official protocol suite of Engine.IO, revision 4, case by case and under its names, against the echo server.
//!
//! One test for each case; what a case leaves to its environment, such as a port or a slack, is events here.

use std::time::Duration;

use serde_json::{Value, json};
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::journal::{Closer, Entry};
use sparring_mock_server::server::{Heartbeat, MockServer};

use crate::client::{Response, World};

const POLLING: &str = "/engine.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/engine.io/?EIO=4&transport=websocket";

/// An echo server with its pings this far apart, and as much time for each pong.
async fn beating(interval: Duration, timeout: Duration) -> World {
    World::built(MockServer::builder(SystemId::EngineIo).heartbeat(Heartbeat { interval, timeout })).await
}

/// An echo server whose heartbeat disturbs nothing.
async fn echo() -> World {
    beating(Duration::from_secs(60), Duration::from_secs(60)).await
}

/// The path of a new polled session.
async fn session(world: &World) -> String {
    let response = world.get(POLLING).await;
    let open: Value = serde_json::from_str(response.body.strip_prefix('0').expect("an open packet")).unwrap();
    format!("{POLLING}&sid={}", open["sid"].as_str().unwrap())
}

fn over_websocket(path: &str) -> String {
    path.replace("polling", "websocket")
}

async fn post(world: &World, path: &str, body: &str) -> Response {
    world.http("POST", path, &[], body).await
}

/// What the open packet of a session must say.
fn check_opening(packet: &str, upgrades: &Value) {
    let mut open: Value = serde_json::from_str(packet.strip_prefix('0').expect("an open packet")).unwrap();
    assert!(open.as_object_mut().unwrap().remove("sid").is_some_and(|sid| sid.is_string()));
    let expected = json!({"upgrades": upgrades, "pingInterval": 300, "pingTimeout": 200, "maxPayload": 1_000_000});
    assert_eq!(open, expected);
}

/// Posts a body, which must come back as it is.
async fn check_echo(body: &str) {
    let world = echo().await;
    let path = session(&world).await;
    let posted = post(&world, &path, body).await;
    assert_eq!((posted.status, posted.body.as_str()), (200, "ok"));
    let mut packets = Vec::new();
    // How many leave with one poll is nothing that the protocol says.
    while packets.len() < body.split('\u{1e}').count() {
        let polled = world.get(&path).await;
        assert_eq!(polled.status, 200);
        packets.extend(polled.body.split('\u{1e}').map(str::to_owned));
    }
    assert_eq!(packets.join("\u{1e}"), body);
}

async fn check_refused(paths: &[&str]) {
    let world = echo().await;
    for path in paths {
        assert!(world.socket(path).await.is_err(), "{path}");
    }
}

mod handshake {
    mod polling {
        use super::super::*;

        #[tokio::test]
        async fn successfully_opens_a_session() {
            let world = beating(Duration::from_millis(300), Duration::from_millis(200)).await;
            let response = world.get(POLLING).await;
            assert_eq!(response.status, 200);
            check_opening(&response.body, &json!(["websocket"]));
        }

        #[tokio::test]
        async fn fails_with_an_invalid_eio_query_parameter() {
            let world = echo().await;
            assert_eq!(world.get("/engine.io/?transport=polling").await.status, 400);
            assert_eq!(world.get("/engine.io/?EIO=abc&transport=polling").await.status, 400);
        }

        #[tokio::test]
        async fn fails_with_an_invalid_transport_query_parameter() {
            let world = echo().await;
            assert_eq!(world.get("/engine.io/?EIO=4").await.status, 400);
            assert_eq!(world.get("/engine.io/?EIO=4&transport=abc").await.status, 400);
        }

        #[tokio::test]
        async fn fails_with_an_invalid_request_method() {
            let world = echo().await;
            assert_eq!(world.http("POST", POLLING, &[], "").await.status, 400);
            assert_eq!(world.http("PUT", POLLING, &[], "").await.status, 400);
        }
    }

    mod websocket {
        use super::super::*;

        #[tokio::test]
        async fn successfully_opens_a_session() {
            let world = beating(Duration::from_millis(300), Duration::from_millis(200)).await;
            let mut socket = world.socket(WEBSOCKET).await.unwrap();
            check_opening(&socket.next().await, &json!([]));
        }

        #[tokio::test]
        async fn fails_with_an_invalid_eio_query_parameter() {
            check_refused(&["/engine.io/?transport=websocket", "/engine.io/?EIO=abc&transport=websocket"]).await;
        }

        #[tokio::test]
        async fn fails_with_an_invalid_transport_query_parameter() {
            check_refused(&["/engine.io/?EIO=4", "/engine.io/?EIO=4&transport=abc"]).await;
        }
    }
}

mod message {
    mod polling {
        use super::super::*;

        #[tokio::test]
        async fn sends_and_receives_a_payload_containing_one_plain_text_packet() {
            check_echo("4hello").await;
        }

        #[tokio::test]
        async fn sends_and_receives_a_payload_containing_several_plain_text_packets() {
            check_echo("4test1\u{1e}4test2\u{1e}4test3").await;
        }

        #[tokio::test]
        async fn sends_and_receives_a_payload_containing_plain_text_and_binary_packets() {
            check_echo("4hello\u{1e}bAQIDBA==").await;
        }

        #[tokio::test]
        async fn closes_the_session_upon_invalid_packet_format() {
            let world = echo().await;
            let path = session(&world).await;
            // The official server answers `ok` here, and so does the mock; the case would rather have 400.
            assert_eq!(post(&world, &path, "abc").await.body, "ok");
            assert_eq!(world.get(&path).await.status, 400);
        }

        #[tokio::test]
        async fn closes_the_session_upon_duplicate_poll_requests() {
            let mut world = echo().await;
            let path = session(&world).await;
            let (first, second) = {
                let burst = format!("{path}&t=burst");
                tokio::join!(world.get(&path), world.get(&burst))
            };
            let mut statuses = [first.status, second.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 400]);
            let winner = if first.status == 200 { first } else { second };
            assert_eq!(winner.body, "1");
            assert_eq!(world.closed().await, (Closer::Server, true));
            assert_eq!(world.get(&path).await.status, 400);
        }

        #[tokio::test]
        async fn closes_the_session_upon_cancelled_polling_request() {
            let mut world = echo().await;
            let path = session(&world).await;
            {
                let poll = world.get(&path);
                tokio::pin!(poll);
                let asked = tokio::time::timeout(crate::client::QUIET, &mut poll).await;
                assert!(asked.is_err());
            }
            assert_eq!(world.closed().await, (Closer::Client, false));
            assert_eq!(world.get(&path).await.status, 400);
        }
    }

    mod websocket {
        use super::super::*;

        #[tokio::test]
        async fn sends_and_receives_a_plain_text_packet() {
            let world = echo().await;
            let mut socket = world.socket(WEBSOCKET).await.unwrap();
            socket.next().await;
            socket.send("4hello").await;
            assert_eq!(socket.next().await, "4hello");
        }

        #[tokio::test]
        async fn sends_and_receives_a_binary_packet() {
            let world = echo().await;
            let mut socket = world.socket(WEBSOCKET).await.unwrap();
            socket.next().await;
            socket.send_bytes(&[1, 2, 3, 4]).await;
            assert_eq!(socket.next().await, "! Binary(b\"\\x01\\x02\\x03\\x04\")");
        }

        #[tokio::test]
        async fn closes_the_session_upon_invalid_packet_format() {
            let world = echo().await;
            let mut socket = world.socket(WEBSOCKET).await.unwrap();
            socket.next().await;
            socket.send("abc").await;
            assert_eq!(socket.next().await, "close");
        }
    }
}

mod heartbeat {
    const SHORT: std::time::Duration = std::time::Duration::from_millis(50);
    const LONG: std::time::Duration = std::time::Duration::from_secs(60);

    mod polling {
        use super::super::*;
        use super::{LONG, SHORT};

        #[tokio::test]
        async fn sends_ping_and_pong_packets() {
            let world = beating(SHORT, LONG).await;
            let path = session(&world).await;
            for _ in 0..3 {
                let polled = world.get(&path).await;
                assert_eq!((polled.status, polled.body.as_str()), (200, "2"));
                assert_eq!(post(&world, &path, "3").await.status, 200);
            }
        }

        #[tokio::test]
        async fn closes_the_session_upon_ping_timeout() {
            let mut world = beating(SHORT, SHORT).await;
            let path = session(&world).await;
            world.record(|entry| matches!(entry, Entry::Closed(_))).await;
            assert_eq!(world.get(&path).await.status, 400);
        }
    }

    mod websocket {
        use super::super::*;
        use super::{LONG, SHORT};

        #[tokio::test]
        async fn sends_ping_and_pong_packets() {
            let world = beating(SHORT, LONG).await;
            let mut socket = world.socket(WEBSOCKET).await.unwrap();
            socket.next().await;
            for _ in 0..3 {
                assert_eq!(socket.next().await, "2");
                socket.send("3").await;
            }
        }

        #[tokio::test]
        async fn closes_the_session_upon_ping_timeout() {
            let world = beating(SHORT, SHORT).await;
            let mut socket = world.socket(WEBSOCKET).await.unwrap();
            socket.next().await;
            assert_eq!((socket.next().await.as_str(), socket.next().await.as_str()), ("2", "close"));
        }
    }
}

mod close {
    mod polling {
        use super::super::*;

        #[tokio::test]
        async fn forcefully_closes_the_session() {
            let world = echo().await;
            let path = session(&world).await;
            // Whichever comes first.
            let (polled, _) = tokio::join!(world.get(&path), post(&world, &path, "1"));
            assert_eq!((polled.status, polled.body.as_str()), (200, "6"));
            assert_eq!(world.get(&path).await.status, 400);
        }
    }

    mod websocket {
        use super::super::*;

        #[tokio::test]
        async fn forcefully_closes_the_session() {
            let world = echo().await;
            let mut socket = world.socket(WEBSOCKET).await.unwrap();
            socket.next().await;
            socket.send("1").await;
            assert_eq!(socket.next().await, "close");
        }
    }
}

mod upgrade {
    use super::*;
    use crate::client::Socket;

    /// A session whose WebSocket has been probed.
    async fn probed(world: &World, path: &str) -> Socket {
        let mut socket = world.socket(&over_websocket(path)).await.unwrap();
        socket.send("2probe").await;
        assert_eq!(socket.next().await, "3probe");
        socket
    }

    async fn check_open(socket: &mut Socket) {
        socket.send("4hello").await;
        assert_eq!(socket.next().await, "4hello");
    }

    #[tokio::test]
    async fn successfully_upgrades_from_http_long_polling_to_websocket() {
        let world = echo().await;
        let path = session(&world).await;
        let mut socket = probed(&world, &path).await;
        let polled = world.get(&path).await;
        assert_eq!((polled.status, polled.body.as_str()), (200, "6"));
        socket.send("5").await;
        check_open(&mut socket).await;
    }

    #[tokio::test]
    async fn ignores_http_requests_with_same_sid_after_upgrade() {
        let mut world = echo().await;
        let path = session(&world).await;
        let mut socket = probed(&world, &path).await;
        socket.send("5").await;
        world.received("UPGRADE").await;
        assert_eq!(world.get(&path).await.status, 400);
        check_open(&mut socket).await;
    }

    #[tokio::test]
    async fn ignores_websocket_connection_with_same_sid_after_upgrade() {
        let world = echo().await;
        let path = session(&world).await;
        let mut socket = probed(&world, &path).await;
        socket.send("5").await;
        let mut second = world.socket(&over_websocket(&path)).await.unwrap();
        assert_eq!(second.next().await, "close");
        check_open(&mut socket).await;
    }
}

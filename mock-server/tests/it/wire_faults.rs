//! Faults of HTTP, TCP and the whole server.

use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::journal::{Closer, Entry, FaultPhase};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::client::{QUIET, World, actor, name};

const ATTEMPT: &str = "/socket.io/?EIO=4&transport=polling";

#[rstest]
#[case(json!({"fault": "http-error"}), 503)]
#[case(json!({"fault": "http-error", "status": 403, "only": "handshake"}), 403)]
#[case(json!({"fault": "http-error", "only": "polling"}), 200)]
#[case(json!({"fault": "response-delay", "delay": "50ms"}), 200)]
#[case(json!({"fault": "cold-start", "delay": "50ms"}), 200)]
#[case(json!({"fault": "cold-start", "delay": "50ms", "phase": "tcp"}), 200)]
#[case(json!({"fault": "accept-blackhole", "for": "50ms"}), 200)]
#[case(json!({"fault": "half-open", "phase": "handshake", "for": "50ms"}), 200)]
#[case(json!({"fault": "half-open", "phase": "accept", "for": "50ms"}), 200)]
#[case(json!({"fault": "connection-reset", "phase": "accept"}), 0)]
#[case(json!({"fault": "connection-reset", "phase": "handshake"}), 0)]
#[case(json!({"fault": "abrupt-close", "phase": "handshake"}), 0)]
#[tokio::test]
async fn answers_to_an_attempt(#[case] rule: Value, #[case] status: u16) {
    let slow = ["delay", "for"].iter().any(|key| rule.get(*key).is_some());
    let begun = Instant::now();
    let world = World::start(json!([rule])).await;
    assert_eq!(world.get(ATTEMPT).await.status, status);
    assert!(!slow || begun.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn a_reset_is_a_reset_and_a_cut_is_not() {
    for (fault, seen) in [("connection-reset", "ConnectionReset"), ("abrupt-close", "")] {
        let mut world = World::start(json!([{"fault": fault, "phase": "handshake"}])).await;
        assert_eq!(world.get(ATTEMPT).await.head, seen);
        assert_eq!(world.closed().await, (Closer::Network, false));
        assert_eq!(world.words(), ["attempt 1", &format!("fault {fault}"), "closed network"]);
    }
}

/// Nothing of the request is read: the end is all that the client gets, and no attempt is counted.
#[rstest]
#[case("connection-reset", "ConnectionReset")]
#[case("abrupt-close", "")]
#[tokio::test]
async fn connections_are_ended_as_they_come_and_then_no_more(#[case] fault: &str, #[case] seen: &str) {
    let world = World::start(json!([{"fault": fault, "phase": "accept", "times": 2}])).await;
    for _ in 0..2 {
        let mut tcp = TcpStream::connect(world.mock.addr(&actor())).await.unwrap();
        let end = tokio::time::timeout(Duration::from_secs(20), tcp.read(&mut [0])).await.expect("an end");
        assert_eq!(end.map_or_else(|error| format!("{:?}", error.kind()), |_| String::new()), seen);
    }
    assert_eq!(world.get(ATTEMPT).await.status, 200);
    let faults = format!("fault {fault}");
    assert_eq!(world.words()[..3], [&faults, &faults, "attempt 1"]);
}

#[tokio::test]
async fn cuts_can_be_periodic_from_the_first_connection_on() {
    let rule = json!({"fault": "abrupt-close", "phase": "accept", "times": 1, "period": "50ms"});
    let mut world = World::start(json!([rule])).await;
    assert_eq!(world.get(ATTEMPT).await.status, 0);
    let mut socket = world.socket("/socket.io/?EIO=4&transport=websocket").await.unwrap();
    assert!(socket.next().await.starts_with('0'));
    assert_eq!(socket.next().await, "error");
    assert_eq!(world.closed().await, (Closer::Network, false));
}

#[tokio::test]
async fn a_polled_session_that_is_reset_ends() {
    let mut world = World::start(json!([{"fault": "connection-reset", "after": "20ms"}])).await;
    let session = world.open().await;
    session.connect(&world.token(&json!("jwt"))).await;
    session.packets(2).await;
    assert_eq!(session.poll().await.status, 0);
    assert_eq!(world.closed().await, (Closer::Network, false));
}

#[tokio::test]
async fn a_blackhole_swallows_so_many_connections() {
    let world = World::start(json!([{"fault": "accept-blackhole", "times": 1}])).await;
    assert!(tokio::time::timeout(QUIET, world.get(ATTEMPT)).await.is_err());
    assert_eq!(world.get(ATTEMPT).await.status, 200);
    assert_eq!(world.words().iter().filter(|word| word.starts_with("attempt")).count(), 1);
}

#[tokio::test]
async fn an_attempt_whose_client_goes_is_closed() {
    let mut world = World::start(json!([{"fault": "response-delay", "delay": "1h"}])).await;
    assert!(tokio::time::timeout(QUIET, world.get(ATTEMPT)).await.is_err());
    assert_eq!(world.closed().await, (Closer::Client, false));
}

#[rstest]
#[case(json!({"fault": "upgrade-reject", "status": 502, "body": "no"}), 502)]
#[case(json!({"fault": "http-error"}), 503)]
#[tokio::test]
async fn upgrades_that_are_refused(#[case] rule: Value, #[case] status: u16) {
    let world = World::start(json!([rule])).await;
    match world.socket("/socket.io/?EIO=4&transport=websocket").await {
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => assert_eq!(response.status().as_u16(), status),
        other => panic!("{:?}", other.err()),
    }
}

#[tokio::test]
async fn a_probe_that_is_ignored_leaves_polling_alone() {
    let mut world = World::start(json!([{"fault": "upgrade-probe-ignored"}])).await;
    let session = world.open().await;
    let mut socket = world.socket(&session.upgrade_path()).await.unwrap();
    socket.send("2probe").await;
    assert_eq!(socket.rest().await, ["open"]);
    session.connect(&world.token(&json!("jwt"))).await;
    assert_eq!(name(&session.packets(2).await[1]), "session_created");
    world.fault("upgrade-probe-ignored", FaultPhase::Fired).await;
}

#[rstest]
#[case(json!({"fault": "affinity-loss"}), 400, json!({"code": 1, "message": "Session ID unknown"}))]
#[case(json!({"fault": "http-error", "status": 502, "only": "polling", "body": "{}"}), 502, json!({}))]
#[tokio::test]
async fn polls_that_fail(#[case] rule: Value, #[case] status: u16, #[case] body: Value) {
    let world = World::start(json!([rule])).await;
    let session = world.open().await;
    session.post("40").await;
    let response = session.poll().await;
    assert_eq!((response.status, response.json()), (status, body));
}

#[rstest]
#[case(json!({"fault": "rest-error", "status": 401}), 401, None)]
#[case(json!({"fault": "rest-error", "drop": true}), 0, None)]
#[case(json!({"fault": "rest-malformed"}), 200, Some("<html>"))]
#[case(json!({"fault": "rest-malformed", "endpoint": "refresh"}), 200, Some("{\"status\":\"ok\"}"))]
#[case(json!({"fault": "rest-delay", "delay": "20ms"}), 200, Some("{\"status\":\"ok\"}"))]
#[tokio::test]
async fn rest_that_fails(#[case] rule: Value, #[case] status: u16, #[case] body: Option<&str>) {
    let world = World::start(json!([rule])).await;
    let response = world.get("/health").await;
    assert_eq!(response.status, status);
    assert!(body.is_none_or(|body| body == response.body), "{response:?}");
}

#[tokio::test]
async fn latency_holds_for_both_ways_and_every_tcp_connection() {
    let world = World::start(json!([{"fault": "latency", "delay": "80ms"}])).await;
    let begun = Instant::now();
    let session = world.open().await;
    let opened = begun.elapsed();
    assert!(opened >= Duration::from_millis(160), "{opened:?}");
    session.connect(&world.token(&json!("jwt"))).await;
    let connected = begun.elapsed();
    assert!(connected >= opened + Duration::from_millis(160), "{connected:?}");
    let mut socket = world.join(&world.token(&json!("jwt"))).await;
    let joined = Instant::now();
    assert_eq!(name(&socket.next().await), "CONNECT");
    assert!(joined.elapsed() >= Duration::from_millis(150), "{:?}", joined.elapsed());
}

#[tokio::test]
async fn a_stall_holds_everything_back_for_a_while() {
    let mut world = World::start(json!([{"fault": "server-stall", "after": "20ms", "for": "400ms"}])).await;
    let mut socket = world.established().await;
    world.fault("server-stall", FaultPhase::Fired).await;
    socket.send("42[\"get_history\"]").await;
    assert_eq!(socket.rest().await, ["open"]);
    assert_eq!(name(&socket.next().await), "operation_done");
    world.fault("server-stall", FaultPhase::Undone).await;
}

#[tokio::test]
async fn a_port_that_is_closed_from_the_start_opens_again() {
    let mut world = World::start(json!([{"fault": "connection-refused", "for": "200ms"}])).await;
    let refused = TcpStream::connect(world.mock.addr(&actor())).await;
    assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    world.fault("connection-refused", FaultPhase::Undone).await;
    assert_eq!(world.get(ATTEMPT).await.status, 200);
    assert!(!world.words().contains(&"attempt 2".to_owned()));
}

#[tokio::test]
async fn a_port_closes_when_a_connection_is_lost() {
    let rules = json!([{"fault": "connection-refused", "start": "after-next-loss", "who": "client"}]);
    let mut world = World::start(rules).await;
    drop(world.established().await);
    world.fault("connection-refused", FaultPhase::Fired).await;
    assert!(TcpStream::connect(world.mock.addr(&actor())).await.is_err());
}

#[tokio::test]
async fn a_restart_ends_all_and_comes_back() {
    let mut world = World::start(json!([{"fault": "server-restart", "after": "150ms", "down": "150ms"}])).await;
    let mut socket = world.established().await;
    assert_eq!(socket.rest().await, ["error"]);
    assert_eq!(world.closed().await, (Closer::Server, false));
    let begun = Instant::now();
    while TcpStream::connect(world.mock.addr(&actor())).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10));
        tokio::task::yield_now().await;
    }
    world.established().await;
    assert!(world.words().contains(&"fault server-restart".to_owned()));
}

#[tokio::test]
async fn cuts_can_come_periodically() {
    let mut world = World::start(json!([{"fault": "abrupt-close", "attempts": 1, "period": "100ms"}])).await;
    let _first = world.established().await;
    let first = world.fault("abrupt-close", FaultPhase::Fired).await;
    let _second = world.established().await;
    let second = world.fault("abrupt-close", FaultPhase::Fired).await;
    assert_eq!((first.connection, second.connection), (Some(1), Some(2)));
}

#[tokio::test]
async fn actors_have_doors_and_numbers_of_their_own() {
    use sparring_mock_server::contract::SystemId;
    use sparring_mock_server::journal::Actor;
    use sparring_mock_server::server::MockServer;
    let actors = vec![actor(), Actor::new("peer")];
    let mut world = World::built(MockServer::builder(SystemId::Digitwin).actors(actors.clone())).await;
    assert_ne!(world.mock.url(&actors[0]), world.mock.url(&actors[1]));
    drop(TcpStream::connect(world.mock.addr(&actors[1])).await.unwrap());
    world.get(ATTEMPT).await;
    let record = world.record(|entry| matches!(entry, Entry::Attempt(_))).await;
    assert_eq!((&record.actor, record.connection), (&actors[0], Some(1)));
}

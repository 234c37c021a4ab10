//! Faults of the bytes themselves, as clients meet them: late ends, slow and sliced bytes, limits, idleness, half frames.

use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::journal::{Closer, FaultPhase};
use sparring_mock_server::live::LiveAction;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{World, actor};

const ATTEMPT: &str = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n";
const WEBSOCKET: &str = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// All bytes that come after this request until the end, and how it ends: `None` for end of stream.
async fn exchange(world: &World, request: &str) -> (Vec<u8>, Option<std::io::ErrorKind>) {
    let mut tcp = TcpStream::connect(world.mock.addr(&actor())).await.unwrap();
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut got = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(20), tcp.read_to_end(&mut got)).await.expect("an end");
    (got, end.err().map(|error| error.kind()))
}

#[tokio::test]
async fn so_many_bytes_come_and_then_the_end() {
    for bytes in [1, 100, 180] {
        let mut world = World::start(json!([{"fault": "limit-data", "bytes": bytes}])).await;
        let (got, error) = exchange(&world, ATTEMPT).await;
        assert_eq!((got.len(), error), (bytes, None), "{}", got.escape_ascii());
        assert!(b"HTTP/1.1 200 OK\r\n".starts_with(&got[..bytes.min(17)]));
        world.fault("limit-data", FaultPhase::Fired).await;
        assert_eq!(world.closed().await, (Closer::Network, false));
    }
}

#[tokio::test]
async fn a_limit_counts_over_all_connections_of_the_attempt() {
    let mut world = World::start(json!([{"fault": "limit-data", "bytes": 5_000}])).await;
    let session = world.open().await;
    let mut polls = 0;
    while session.post("3").await.status == 200 {
        polls += 1;
        assert!(polls < 100, "the limit does not hold");
    }
    assert!(polls > 2, "{polls}");
    assert_eq!(world.closed().await, (Closer::Network, false));
}

#[tokio::test]
async fn bytes_come_as_slowly_as_told() {
    let world = World::start(json!([{"fault": "bandwidth", "rate": 1_000, "direction": "out"}])).await;
    let begun = Instant::now();
    let answer = world.get("/socket.io/?EIO=4&transport=polling").await;
    let size = u32::try_from(answer.head.len() + answer.body.len()).unwrap();
    assert!(answer.status == 200 && begun.elapsed() >= Duration::from_millis(1) * size, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn bytes_come_in_slices() {
    let world = World::start(json!([{"fault": "slicer", "size": 20, "gap": "10ms"}])).await;
    let mut tcp = TcpStream::connect(world.mock.addr(&actor())).await.unwrap();
    tcp.write_all(ATTEMPT.as_bytes()).await.unwrap();
    let (begun, mut got, mut buf) = (Instant::now(), Vec::new(), [0; 1_000]);
    while !got.ends_with(b"}") {
        let size = tokio::time::timeout(Duration::from_secs(20), tcp.read(&mut buf)).await.unwrap().unwrap();
        got.extend(&buf[..size]);
    }
    let gaps = u32::try_from(got.len() / 20 - 1).unwrap();
    assert!(gaps > 5 && begun.elapsed() >= Duration::from_millis(10) * gaps, "{gaps} gaps in {:?}", begun.elapsed());
}

#[tokio::test]
async fn what_shapes_bytes_is_undone() {
    let rules = json!([{"fault": "bandwidth", "rate": 1}, {"fault": "slicer", "size": 1, "gap": "1s"}]);
    let mut world = World::start(rules).await;
    let mut tcp = TcpStream::connect(world.mock.addr(&actor())).await.unwrap();
    tcp.write_all(ATTEMPT.as_bytes()).await.unwrap();
    world.fault("slicer", FaultPhase::Fired).await;
    for fault in ["bandwidth", "slicer"] {
        world.mock.script().disarm(fault);
        world.fault(fault, FaultPhase::Undone).await;
    }
    let mut got = vec![0; 100];
    tokio::time::timeout(Duration::from_secs(20), tcp.read_exact(&mut got)).await.expect("all at once").unwrap();
}

#[tokio::test]
async fn an_end_comes_late() {
    let world = World::start(json!([{"fault": "slow-close", "delay": "200ms"}])).await;
    let mut socket = world.established().await;
    let begun = Instant::now();
    let close = LiveAction::read("close", json!({"code": 4000}).as_object().unwrap()).unwrap();
    world.mock.act(&close, &actor()).await.unwrap();
    assert_eq!(socket.next().await, "close 4000 ");
    assert!(begun.elapsed() < Duration::from_millis(200), "the close frame is not late");
    assert_eq!(socket.next().await, "eof");
    assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_idle_connection_is_cut() {
    let idle = Duration::from_millis(300);
    let mut world = World::start(json!([{"fault": "idle-timeout", "idle": "300ms"}])).await;
    let mut socket = world.established().await;
    let begun = Instant::now();
    for _ in 0..6 {
        tokio::time::sleep(idle / 3).await;
        socket.send("3").await;
    }
    let sent = begun.elapsed();
    assert_eq!(socket.next().await, "error");
    assert!(begun.elapsed() >= sent, "it was cut although bytes went");
    world.fault("idle-timeout", FaultPhase::Fired).await;
    assert_eq!(world.closed().await, (Closer::Network, false));
}

#[rstest]
#[case("idle-timeout", json!({"idle": "300ms"}))]
#[case("max-connection-lifetime", json!({"lifetime": "300ms"}))]
#[case("limit-data", json!({"bytes": 600}))]
#[tokio::test]
async fn disarmed_they_strike_no_more(#[case] fault: &str, #[case] mut rule: Value) {
    rule["fault"] = json!(fault);
    let world = World::start(json!([rule])).await;
    let mut socket = world.socket("/socket.io/?EIO=4&transport=websocket").await.unwrap();
    socket.next().await;
    world.mock.script().disarm(fault);
    socket.connect(&world.token(&json!("jwt"))).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(socket.rest().await.last().unwrap(), "open");
}

/// What comes last on the wire, and how it ends.
#[rstest]
#[case(json!({}), 33, Some(std::io::ErrorKind::ConnectionReset))]
#[case(json!({"end": "cut"}), 33, None)]
#[case(json!({"bytes": 1}), 1, Some(std::io::ErrorKind::ConnectionReset))]
#[case(json!({"bytes": 300, "end": "cut"}), 300, None)]
#[tokio::test]
async fn half_a_frame_comes_and_then_the_end(
    #[case] mut rule: Value,
    #[case] size: usize,
    #[case] expected: Option<std::io::ErrorKind>,
) {
    rule["fault"] = json!("truncated-frame");
    rule["phase"] = json!("post-open");
    let mut world = World::start(json!([rule])).await;
    let (got, error) = exchange(&world, WEBSOCKET).await;
    assert_eq!(error, expected);
    let head = got.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    let open = 2 + usize::from(got[head + 1] & 0x7F);
    let open =
        if got[head + 1] == 126 { 4 + usize::from(u16::from_be_bytes([got[head + 2], got[head + 3]])) } else { open };
    let part = &got[head + open..];
    assert_eq!((part.len(), part[0]), (size, 0x81), "{}", part.escape_ascii());
    assert!(part.len() < 5 || part[4..].iter().all(|byte| *byte == b'x'), "{}", part.escape_ascii());
    world.fault("truncated-frame", FaultPhase::Fired).await;
    assert_eq!(world.closed().await, (Closer::Network, false));
}

#[tokio::test]
async fn a_message_can_start_half_a_frame() {
    let world = World::start(json!([{"fault": "truncated-frame", "on": "session_created"}])).await;
    let mut socket = world.established().await;
    assert_eq!(socket.next().await, "error");
}

#[tokio::test]
async fn a_polled_session_is_spared_half_frames_until_it_moves() {
    let mut world = World::start(json!([{"fault": "truncated-frame"}])).await;
    let session = world.open().await;
    session.connect(&world.token(&json!("jwt"))).await;
    session.packets(2).await;
    let mut socket = world.socket(&session.upgrade_path()).await.unwrap();
    socket.send("2probe").await;
    assert_eq!(socket.next().await, "3probe");
    socket.send("5").await;
    assert_eq!(socket.next().await, "error");
    world.fault("truncated-frame", FaultPhase::Fired).await;
}

//! Hostile clients, and an honest one beside each of them that must not notice.
//!
//! Every test runs on one thread, so that a mock which is kept busy or waiting would keep the honest client waiting too.

use std::process::Stdio;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{SinkExt, StreamExt};
use rstest::rstest;
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::journal::{Closed, Entry};
use sparring_mock_server::limits::{HEAD, Limits, MESSAGE, OUTBOX};
use sparring_mock_server::server::{Builder, Heartbeat, MockServer};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{LONG, World, actor};

const POLLING: &str = "/engine.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/engine.io/?EIO=4&transport=websocket";

const SHORT: Duration = Duration::from_millis(200);

fn echo() -> Builder {
    MockServer::builder(SystemId::EngineIo)
}

fn short_limits() -> Limits {
    Limits { head_time: SHORT, body_time: SHORT, sessions: 5 }
}

/// A client as it should be: it is served.
async fn honest(world: &World) {
    let served = async {
        let mut socket = world.socket(WEBSOCKET).await.unwrap();
        assert!(socket.next().await.starts_with('0'));
        socket.send("4hello").await;
        assert_eq!(socket.next().await, "4hello");
        assert_eq!(world.get(POLLING).await.status, 200);
    };
    tokio::time::timeout(LONG, served).await.expect("an honest client is served");
}

/// Opens a polled session; its path.
async fn session(world: &World) -> String {
    let open = world.get(POLLING).await.body;
    format!("{POLLING}&sid={}", open.split('"').nth(3).unwrap())
}

/// How the first connection ended, which is the hostile one.
async fn closed(world: &mut World) -> Closed {
    loop {
        let record = world.record(|entry| matches!(entry, Entry::Closed(_))).await;
        match &record.entry {
            Entry::Closed(closed) if record.connection == Some(1) => return closed.clone(),
            _ => {}
        }
    }
}

/// Everything until the end of the connection, or what came before its reset.
async fn until_end(tcp: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(LONG, tcp.read_to_end(&mut bytes)).await.expect("an end");
    bytes
}

#[rstest]
#[case::nothing("")]
#[case::half_a_head("GET / HTTP/1.1\r\nHost: x\r\n")]
#[case::nothing_behind_an_answer("GET / HTTP/1.1\r\nHost: x\r\n\r\n")]
#[tokio::test]
async fn heads_that_do_not_come(#[case] sent: &str) {
    let world = World::built(echo().limits(short_limits())).await;
    let mut slow = TcpStream::connect(world.mock.addr(&actor())).await.unwrap();
    slow.write_all(sent.as_bytes()).await.unwrap();
    let (bytes, ()) = tokio::join!(until_end(&mut slow), honest(&world));
    assert_eq!(bytes.starts_with(b"HTTP/1.1 404"), sent.ends_with("\r\n\r\n"));
}

#[tokio::test]
async fn heads_that_take_their_time_are_honest() {
    let world = World::built(echo()).await;
    let mut slow = TcpStream::connect(world.mock.addr(&actor())).await.unwrap();
    for byte in format!("GET {POLLING} HTTP/1.1\r\nConnection: close\r\n\r\n").bytes() {
        slow.write_all(&[byte]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    assert!(until_end(&mut slow).await.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn heads_that_are_huge() {
    let world = World::built(echo()).await;
    let huge = "x".repeat(2 * HEAD);
    let fields = [("X-Huge", huge.as_str())];
    let (answer, ()) = tokio::join!(world.exchange("GET", POLLING, &fields), honest(&world));
    assert_eq!(answer.status, 431);
}

#[tokio::test]
async fn bodies_that_are_endless() {
    let world = World::built(echo()).await;
    let path = session(&world).await;
    let chunked = [("Transfer-Encoding", "chunked"), ("Connection", "close")];
    let mut tcp = world.begin("POST", &path, &chunked, "").await;
    let chunk = format!("10000\r\n{}\r\n", "4".repeat(0x10000));
    let attack = async {
        let (mut reader, mut writer) = tcp.split();
        let endless = async { while writer.write_all(chunk.as_bytes()).await.is_ok() {} };
        let mut answer = vec![0; 12];
        let _ = tokio::select! {
            () = endless => unreachable!("the answer comes first"),
            read = reader.read_exact(&mut answer) => read.unwrap(),
        };
        answer
    };
    let (answer, ()) = tokio::join!(attack, honest(&world));
    assert_eq!(answer, b"HTTP/1.1 413");
    // The session is none the worse, as in the official server.
    assert_eq!(world.http("POST", &path, &[], "4hello").await.body, "ok");
}

#[tokio::test]
async fn bodies_that_take_for_ever() {
    let mut world = World::built(echo().limits(short_limits())).await;
    let path = session(&world).await;
    let mut tcp = world.begin("POST", &path, &[("Content-Length", "100")], "4").await;
    let (bytes, ()) = tokio::join!(until_end(&mut tcp), honest(&world));
    assert!(bytes.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&bytes));
    assert_eq!(closed(&mut world).await.reason.as_deref(), Some("request timeout"));
}

#[tokio::test]
async fn packets_that_nobody_fetches() {
    let mut world = World::built(echo()).await;
    let path = session(&world).await;
    let messages = vec!["4"; OUTBOX + 1].join("\u{1e}");
    let (_, ()) = tokio::join!(world.http("POST", &path, &[], &messages), honest(&world));
    assert_eq!(closed(&mut world).await.reason.as_deref(), Some("outbox full"));
    assert_eq!(world.get(&path).await.status, 400);
}

#[tokio::test]
async fn a_websocket_that_is_never_read() {
    let mut world = World::built(echo()).await;
    let mut tcp = world.websocket(WEBSOCKET).await;
    // A large message, again and again; each comes back.
    let mut frame = vec![0x81, 0xFF];
    frame.extend(500_000_u64.to_be_bytes());
    frame.extend([0; 4]);
    frame.resize(frame.len() + 500_000, b'4');
    let attack = async { while tcp.write_all(&frame).await.is_ok() {} };
    tokio::join!(attack, honest(&world));
    assert_eq!(closed(&mut world).await.reason.as_deref(), Some("outbox full"));
}

#[tokio::test]
async fn a_websocket_that_takes_nothing_and_says_nothing() {
    let heartbeat = Heartbeat { interval: Duration::from_millis(500), timeout: Duration::from_millis(500) };
    let mut world = World::built(echo().heartbeat(heartbeat)).await;
    let mut tcp = world.websocket(WEBSOCKET).await;
    let mut frame = vec![0x81, 0xFF];
    frame.extend(900_000_u64.to_be_bytes());
    frame.extend([0; 4]);
    frame.resize(frame.len() + 900_000, b'4');
    for _ in 0..10 {
        tcp.write_all(&frame).await.unwrap();
    }
    honest(&world).await;
    assert_eq!(closed(&mut world).await.reason.as_deref(), Some("ping timeout"));
}

/// So many frames of one kind; then a message that must still be understood, or the end that they must have.
#[rstest]
#[case::pings(&[0x89, 0x80, 0, 0, 0, 0], None)]
#[case::pongs(&[0x8A, 0x80, 0, 0, 0, 0], None)]
#[case::empty_fragments(&[0x00, 0x80, 0, 0, 0, 0], None)]
#[case::messages(&[0x81, 0x81, 0, 0, 0, 0, b'6'], None)]
#[case::long_fragments(&[0x00, 0x84, 0, 0, 0, 0, b'4', b'4', b'4', b'4'], Some(1009))]
#[tokio::test]
async fn floods_of_frames(#[case] frame: &[u8], #[case] end: Option<u16>) {
    let world = World::built(echo()).await;
    let mut tcp = world.websocket(WEBSOCKET).await;
    let fragments = frame[0] == 0;
    let mut flood = if fragments { vec![0x01, 0x81, 0, 0, 0, 0, b'4'] } else { Vec::new() };
    let count = if end.is_some() { MESSAGE / 4 + 1 } else { 50_000 };
    (0..count).for_each(|_| flood.extend(frame));
    if end.is_none() {
        flood.extend(if fragments { [0x80, 0x82] } else { [0x81, 0x82] });
        flood.extend([0, 0, 0, 0, b'4', b'z']);
    }
    let attack = async {
        let (mut reader, mut writer) = tcp.split();
        let write = async {
            // Fails when the other side has had enough, which reading tells.
            let _ = writer.write_all(&flood).await;
        };
        let read = async {
            let mut seen = Vec::new();
            let wanted = end.map_or(b"z".to_vec(), |code| code.to_be_bytes().to_vec());
            while !seen.ends_with(&wanted) {
                seen.push(reader.read_u8().await.expect("the end that was expected"));
            }
        };
        tokio::time::timeout(LONG, futures_util::future::join(write, read)).await.expect("the flood ends");
    };
    tokio::join!(attack, honest(&world));
}

#[tokio::test]
async fn a_frame_that_claims_to_be_endless() {
    let world = World::built(echo()).await;
    let mut tcp = world.websocket(WEBSOCKET).await;
    tcp.write_all(&[0x81, 0xFF, 0x3F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]).await.unwrap();
    let mut close = [0; 4];
    tcp.read_exact(&mut close).await.unwrap();
    assert_eq!(close, [0x88, 2, 0x03, 0xF1]);
    honest(&world).await;
}

#[tokio::test]
async fn more_sessions_than_there_may_be() {
    let heartbeat = Heartbeat { interval: SHORT, timeout: SHORT };
    let mut world = World::built(echo().limits(short_limits()).heartbeat(heartbeat)).await;
    let statuses: Vec<u16> = join_all((0..6).map(|_| world.get(POLLING))).await.iter().map(|it| it.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 503).count(), 1, "{statuses:?}");
    for _ in 0..6 {
        world.record(|entry| matches!(entry, Entry::Closed(_))).await;
    }
    honest(&world).await;
}

/// Lets a mock with few file descriptors run in a process of its own; does nothing unless it is that process.
#[tokio::test]
async fn a_mock_in_need() {
    if std::env::var_os("SPARRING_TEST_IN_NEED").is_none() {
        return;
    }
    let world = World::built(echo().limits(Limits { head_time: SHORT, ..Limits::default() })).await;
    println!("\naddr {}", world.mock.addr(&actor()));
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await.unwrap();
}

#[tokio::test]
async fn more_connections_than_there_are_file_descriptors() {
    let test = "ulimit -n 64 && exec \"$0\" --exact hostile::a_mock_in_need --nocapture";
    let mut child = tokio::process::Command::new("sh")
        .args(["-c", test])
        .arg(std::env::current_exe().unwrap())
        .env("SPARRING_TEST_IN_NEED", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let addr = loop {
        let line = lines.next_line().await.unwrap().expect("an address");
        if let Some(addr) = line.strip_prefix("addr ") {
            break addr.to_owned();
        }
    };
    let (mut early, _) = tokio_tungstenite::connect_async(format!("ws://{addr}{WEBSOCKET}")).await.unwrap();
    let mut idle = join_all((0..200).map(|_| TcpStream::connect(&addr))).await;
    // Who was there before goes on.
    early.next().await.unwrap().unwrap();
    early.send(Message::text("4hello")).await.unwrap();
    assert_eq!(early.next().await.unwrap().unwrap(), Message::text("4hello"));
    // Idle connections end by and by, and make room: for each other, and for whoever comes next.
    let (mut late, _) = tokio::time::timeout(LONG, tokio_tungstenite::connect_async(format!("ws://{addr}{WEBSOCKET}")))
        .await
        .expect("room is made")
        .unwrap();
    assert!(late.next().await.unwrap().unwrap().to_text().unwrap().starts_with('0'));
    for tcp in idle.iter_mut().map(|tcp| tcp.as_mut().unwrap()) {
        assert!(until_end(tcp).await.is_empty());
    }
    drop(child.stdin.take());
    assert!(child.wait().await.unwrap().success());
}

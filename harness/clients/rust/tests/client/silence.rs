//! The limit of silence, with a server of one short life: the mock announces the document's 25 s and 60 s.

use std::time::{Duration, Instant};

use serde_json::json;
use sparring_client::engine_io::{Engine, Event, Patience, Settings};
use sparring_client::net::Sockets;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers the handshake with short intervals and a ping, and nothing afterwards.
async fn short_lived_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4_096];
            let read = stream.read(&mut request).await.unwrap_or_default();
            if held.is_empty() && read > 0 {
                let open = json!({"sid": "a", "upgrades": [], "pingInterval": 150, "pingTimeout": 100});
                let body = format!("0{open}\u{1e}2");
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                stream.write_all(answer.as_bytes()).await.expect("the client reads");
            }
            held.push(stream);
        }
    });
    url
}

async fn open(patience: Patience) -> (Engine, Sockets) {
    let sockets = Sockets::default();
    let base = short_lived_server().await.parse().expect("an address");
    let settings = Settings { patience, ..Settings::new(base, "/socket.io/", sockets.clone()) };
    let mut engine = Engine::open(settings);
    assert!(matches!(engine.next().await, Some(Event::Opened(_))));
    (engine, sockets)
}

#[tokio::test]
async fn silence_ends_a_connection_when_interval_and_timeout_have_passed() {
    let started = Instant::now();
    let (mut engine, sockets) = open(Patience::Announced).await;
    let Some(Event::Closed(end)) = engine.next().await else { panic!("only the end is left") };
    assert_eq!(end.reason(), "ping timeout");
    assert!(started.elapsed() >= Duration::from_millis(250), "too early: {:?}", started.elapsed());
    engine.cut().await;
    assert_eq!(sockets.open(), 0);
}

#[tokio::test]
async fn a_patient_peer_bears_it_and_dropping_it_leaves_nothing() {
    let (mut engine, sockets) = open(Patience::Endless).await;
    let heard = tokio::time::timeout(Duration::from_millis(600), engine.next()).await;
    assert!(heard.is_err(), "{heard:?}");
    assert!(sockets.open() > 0);
    engine.cut().await;
    assert_eq!(sockets.open(), 0);
}

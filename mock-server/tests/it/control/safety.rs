//! Who may ask: hosts, origins, tokens, and how much.

use std::net::Ipv4Addr;

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::control::Setting;
use sparring_mock_server::server::StartError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{LONG, ask, controlled, get, port, problem, world};
use crate::client::builder;

#[rstest]
#[case(&[("Host", "localhost:1")], 200)]
#[case(&[("Host", "127.0.0.1")], 200)]
#[case(&[("Host", "mock.test")], 200)]
#[case(&[("Host", "evil.test")], 421)]
#[case(&[("Host", "127.0.0.1.evil.test")], 421)]
#[case(&[("Host", "")], 421)]
#[case(&[("Host", "localhost"), ("Host", "evil.test")], 421)]
#[case(&[("Host", "localhost:1"), ("Origin", "http://localhost:1")], 200)]
#[case(&[("Host", "localhost:1"), ("Origin", "http://localhost:2")], 403)]
#[case(&[("Origin", "https://evil.test")], 403)]
#[case(&[("Origin", "null")], 403)]
#[tokio::test]
async fn hosts_and_origins(#[case] headers: &[(&str, &str)], #[case] status: u16) {
    let setting = Setting { hosts: vec!["mock.test".to_owned()], ..Setting::default() };
    let world = controlled(json!([{"fault": "silent-auth"}]), setting).await;
    for (method, path) in [("GET", "/rules"), ("GET", "/health"), ("GET", "/nothing"), ("DELETE", "/rules")] {
        let response = ask(port(&world), method, path, headers, "").await;
        let expected = if status == 200 && path == "/nothing" { 404 } else { status };
        assert_eq!(response.status, expected, "{method} {path} {response:#?}");
        assert!(!response.head.contains("access-control"), "{}", response.head);
        assert!(response.head.contains("nosniff") && response.head.contains("no-store"), "{}", response.head);
    }
    assert_eq!(world.mock.script().rules().len(), usize::from(status != 200));
}

#[tokio::test]
async fn a_request_without_a_host_is_refused() {
    let world = world(json!([])).await;
    let mut tcp = TcpStream::connect(port(&world)).await.unwrap();
    tcp.write_all(b"GET /rules HTTP/1.0\r\n\r\n").await.unwrap();
    let mut text = String::new();
    tokio::time::timeout(LONG, tcp.read_to_string(&mut text)).await.unwrap().unwrap();
    assert!(text.starts_with("HTTP/1.0 421 "), "{text}");
}

#[tokio::test]
async fn who_can_be_reached_from_elsewhere_asks_for_a_token() {
    let setting = Setting { listen: (Ipv4Addr::UNSPECIFIED, 0).into(), ..Setting::default() };
    let world = controlled(json!([]), setting).await;
    let control = world.mock.control().unwrap().clone();
    let token = control.token().expect("a token was made up").to_owned();
    assert!(token.len() >= 32 && control.url().starts_with("http://127.0.0.1:"), "{control:?}");
    let to = (Ipv4Addr::LOCALHOST, control.addr().port()).into();
    let status = async |path: &str, authorization: Option<&str>| {
        let headers: Vec<_> = authorization.map(|value| ("Authorization", value)).into_iter().collect();
        ask(to, "GET", path, &headers, "").await.status
    };
    assert_eq!(status("/rules", None).await, 401);
    assert_eq!(status("/rules", Some("Bearer wrong")).await, 401);
    assert_eq!(status("/metrics", None).await, 401);
    assert_eq!(status("/openapi.json", None).await, 401);
    assert_eq!(status("/health", None).await, 200);
    assert_eq!(status("/rules", Some(&format!("Bearer {token}"))).await, 200);
    assert_eq!(ask(to, "GET", "/rules", &[("Host", "evil.test")], "").await.status, 421);
}

#[tokio::test]
async fn a_token_that_was_given_is_needed_here_too() {
    let world = controlled(json!([]), Setting { token: Some("secret".to_owned()), ..Setting::default() }).await;
    let refused = ask(port(&world), "GET", "/rules", &[], "").await;
    assert_eq!(problem(&refused).0, 401);
    assert!(refused.head.contains("www-authenticate: bearer"), "{}", refused.head);
    assert_eq!(ask(port(&world), "GET", "/rules", &[("Authorization", "Bearer secret")], "").await.status, 200);
}

#[tokio::test]
async fn bodies_have_a_limit() {
    let world = world(json!([])).await;
    let response = ask(port(&world), "PUT", "/rules", &[], &"a".repeat((1 << 20) + 1)).await;
    assert_eq!(problem(&response).0, 413);
    let typed = ask(port(&world), "PUT", "/rules", &[("Content-Type", "image/png")], "[]").await;
    assert_eq!(problem(&typed).0, 415);
}

/// Connections that never ask do not keep others from asking.
#[tokio::test]
async fn idle_connections_hold_up_nobody() {
    let world = world(json!([])).await;
    let mut idle = Vec::new();
    for _ in 0..200 {
        let mut tcp = TcpStream::connect(port(&world)).await.unwrap();
        tcp.write_all(b"GET /rules HTT").await.unwrap();
        idle.push(tcp);
    }
    assert_eq!(get(&world, "/rules").await, Value::Array(vec![]));
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error_of_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = taken.local_addr().unwrap();
    let started = builder(&json!([])).control(Setting { listen: addr, ..Setting::default() }).start().await;
    match started {
        Err(StartError::Listen { addr: told, .. }) => assert_eq!(told, addr),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_port_closes_with_the_mock() {
    let world = world(json!([])).await;
    let addr = port(&world);
    world.mock.shutdown().await;
    assert!(TcpStream::connect(addr).await.is_err());
}

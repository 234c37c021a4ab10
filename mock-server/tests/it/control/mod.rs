//! The control API through its own port, by requests that are written by hand.

mod connections;
mod document;
mod figures;
mod journal;
mod rules;
mod safety;
mod server;

use std::net::SocketAddr;

use serde_json::{Value, json};
use sparring_mock_server::control::Setting;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Response, World, builder};

/// Far more than anything here takes.
const LONG: std::time::Duration = std::time::Duration::from_secs(20);

/// A mock with a control API.
pub(crate) async fn world(rules: Value) -> World {
    controlled(rules, Setting::default()).await
}

pub(crate) async fn controlled(rules: Value, setting: Setting) -> World {
    World::built(builder(&rules).control(setting)).await
}

pub(crate) fn port(world: &World) -> SocketAddr {
    world.mock.control().unwrap().addr()
}

/// Sends a request whose answer ends with the connection, and returns the connection.
pub(crate) async fn send(to: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> TcpStream {
    let mut tcp = TcpStream::connect(to).await.unwrap();
    let host = headers.iter().all(|(name, _)| *name != "Host").then(|| format!("Host: {to}\r\n"));
    let fields: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let fields = format!("Content-Length: {}\r\n{}{}", body.len(), host.unwrap_or_default(), fields.concat());
    // Fails when the server has refused already, which reading will tell.
    let _ = tcp.write_all(format!("{method} {path} HTTP/1.0\r\n{fields}\r\n{body}").as_bytes()).await;
    tcp
}

pub(crate) async fn ask(to: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let mut tcp = send(to, method, path, headers, body).await;
    let mut text = Vec::new();
    tokio::time::timeout(LONG, tcp.read_to_end(&mut text)).await.expect("an answer").unwrap();
    Response::read(&String::from_utf8(text).unwrap())
}

/// A request that succeeds; what it answers.
pub(crate) async fn ok(world: &World, method: &str, path: &str, body: Value) -> Value {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let response = ask(port(world), method, path, &[], &body).await;
    assert!((200..300).contains(&response.status), "{method} {path}: {response:#?}");
    if response.body.is_empty() { Value::Null } else { response.json() }
}

pub(crate) async fn get(world: &World, path: &str) -> Value {
    ok(world, "GET", path, Value::Null).await
}

/// A request that is refused: its status, and the fields that are wrong.
pub(crate) async fn refused(world: &World, method: &str, path: &str, body: &str) -> (u16, Vec<String>) {
    let response = ask(port(world), method, path, &[], body).await;
    problem(&response)
}

/// What a problem says: its status, and the fields that are wrong.
pub(crate) fn problem(response: &Response) -> (u16, Vec<String>) {
    assert!(response.head.contains("content-type: application/problem+json"), "{response:#?}");
    let problem = response.json();
    assert_eq!(problem["status"], json!(response.status));
    assert!(problem["type"].as_str().unwrap().starts_with("urn:sparring:problem:"), "{problem}");
    assert!(!problem["title"].as_str().unwrap().is_empty() && !problem["detail"].as_str().unwrap().is_empty());
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    for error in &errors {
        assert!(error["found"].is_string() && error["expected"].is_string(), "{error}");
    }
    (response.status, errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect())
}

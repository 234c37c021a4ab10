//! A client of bare HTTP and WebSocket, and a look into the journal.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::journal::{Actor, Closer, Entry, FaultPhase, Record};
use sparring_mock_server::script::read_rules;
use sparring_mock_server::server::{Builder, MockServer};
use sparring_mock_server::tokens::TokenSpec;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Far more than anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// How long nothing must come for nothing to come.
pub(crate) const QUIET: Duration = Duration::from_millis(250);

/// A mock with its journal's records as they come.
pub(crate) struct World {
    pub(crate) mock: MockServer,
    records: UnboundedReceiver<Arc<Record>>,
}

pub(crate) fn actor() -> Actor {
    Actor::new("client")
}

pub(crate) fn builder(rules: &Value) -> Builder {
    MockServer::builder(SystemId::Digitwin).rules(read_rules(rules).unwrap())
}

impl World {
    pub(crate) async fn start(rules: Value) -> Self {
        Self::built(builder(&rules)).await
    }

    /// A mock of one of the reference systems.
    pub(crate) async fn reference(system: SystemId, rules: &Value) -> Self {
        Self::built(MockServer::builder(system).rules(read_rules(rules).unwrap())).await
    }

    pub(crate) async fn built(builder: Builder) -> Self {
        let mock = builder.start().await.unwrap();
        let records = mock.journal().subscribe();
        Self { mock, records }
    }

    pub(crate) fn token(&self, spec: &Value) -> Value {
        let read = TokenSpec::read(spec, SystemId::Digitwin.contract()).unwrap();
        read.map_or(Value::Null, |spec| self.mock.mint(&spec, Some("user_123")).value.into())
    }

    /// The first record from now on that fits.
    pub(crate) async fn record(&mut self, fits: impl Fn(&Entry) -> bool) -> Arc<Record> {
        let found = async {
            loop {
                let record = self.records.recv().await.unwrap();
                if fits(&record.entry) {
                    return record;
                }
            }
        };
        tokio::time::timeout(LONG, found).await.expect("the record comes")
    }

    pub(crate) async fn fault(&mut self, id: &str, phase: FaultPhase) -> Arc<Record> {
        self.record(|entry| matches!(entry, Entry::Fault(fault) if fault.fault == id && fault.phase == phase)).await
    }

    /// Waits until a message of this name has come in.
    pub(crate) async fn received(&mut self, name: &str) {
        self.record(|entry| matches!(entry, Entry::Received(message) if message.name == name)).await;
    }

    pub(crate) async fn closed(&mut self) -> (Closer, bool) {
        match &self.record(|entry| matches!(entry, Entry::Closed(_))).await.entry {
            Entry::Closed(closed) => (closed.by, closed.clean),
            _ => unreachable!(),
        }
    }

    /// All of the journal so far, as words: `sent CONNECT`, `closed server`, `fault silent-auth`.
    pub(crate) fn words(&self) -> Vec<String> {
        self.mock.journal().since(0).iter().map(|record| word(&record.entry)).collect()
    }

    pub(crate) async fn http(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let mut tcp = TcpStream::connect(self.mock.addr(&actor())).await.unwrap();
        // A request for a WebSocket says so itself.
        let close = headers.iter().all(|(name, _)| *name != "Connection").then_some("Connection: close\r\n");
        let fields: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let fields = format!("Content-Length: {}\r\n{}{}", body.len(), close.unwrap_or_default(), fields.concat());
        tcp.write_all(format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{fields}\r\n{body}").as_bytes()).await.unwrap();
        let mut text = Vec::new();
        match tokio::time::timeout(LONG, tcp.read_to_end(&mut text)).await.expect("an answer or an end") {
            Ok(_) => Response::read(&String::from_utf8(text).unwrap()),
            Err(error) => Response { status: 0, head: format!("{:?}", error.kind()), body: String::new() },
        }
    }

    /// Sends a request and leaves the connection open.
    pub(crate) async fn begin(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> TcpStream {
        let mut tcp = TcpStream::connect(self.mock.addr(&actor())).await.unwrap();
        let fields: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{}\r\n{body}", fields.concat());
        tcp.write_all(head.as_bytes()).await.unwrap();
        tcp
    }

    /// The answer to a request that keeps its connection: what comes until nothing comes for a while.
    pub(crate) async fn exchange(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut tcp = self.begin(method, path, headers, "").await;
        let mut bytes = vec![0; 4_096];
        let mut size = tokio::time::timeout(LONG, tcp.read(&mut bytes)).await.expect("an answer").unwrap();
        while let Ok(Ok(more @ 1..)) = tokio::time::timeout(QUIET, tcp.read(&mut bytes[size..])).await {
            size += more;
        }
        Response::read(&String::from_utf8_lossy(&bytes[..size]))
    }

    /// Opens a session over a WebSocket by hand, and reads its open packet away.
    pub(crate) async fn websocket(&self, path: &str) -> TcpStream {
        let fields = [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let mut tcp = self.begin("GET", path, &fields, "").await;
        let mut opening = Vec::new();
        while !opening.ends_with(b"}") {
            opening.push(tcp.read_u8().await.unwrap());
        }
        tcp
    }

    /// Waits until so many requests of this name have come.
    pub(crate) async fn requested(&mut self, name: &str, count: usize) {
        for _ in 0..count {
            self.record(|entry| matches!(entry, Entry::Request(request) if request.name == name)).await;
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.http("GET", path, &[], "").await
    }

    /// Opens a polled session.
    pub(crate) async fn open(&self) -> Polled<'_> {
        let response = self.get("/socket.io/?EIO=4&transport=polling").await;
        let open: Value = serde_json::from_str(response.body.strip_prefix('0').expect("an open packet")).unwrap();
        Polled {
            world: self,
            path: format!("/socket.io/?EIO=4&transport=polling&sid={}", open["sid"].as_str().unwrap()),
            open,
        }
    }

    /// Opens a WebSocket at this path with query.
    pub(crate) async fn socket(&self, path: &str) -> Result<Socket, Error> {
        let url = format!("ws://{}{path}", self.mock.addr(&actor()));
        let opened = tokio::time::timeout(LONG, tokio_tungstenite::connect_async(url)).await.expect("an answer");
        opened.map(|(socket, _)| Socket(socket))
    }

    /// A member of the Socket.IO echo server's main namespace, over WebSocket alone, and its id.
    pub(crate) async fn member(&self) -> (Socket, String) {
        let mut socket = self.socket("/socket.io/?EIO=4&transport=websocket").await.unwrap();
        assert!(socket.next().await.starts_with('0'));
        socket.send("40").await;
        let connected: Value = serde_json::from_str(socket.next().await.strip_prefix("40").unwrap()).unwrap();
        assert_eq!(socket.next().await, "42[\"auth\",{}]");
        (socket, connected["sid"].as_str().unwrap().to_owned())
    }

    /// A session over WebSocket alone that has sent its `CONNECT`.
    pub(crate) async fn join(&self, token: &Value) -> Socket {
        let mut socket = self.socket("/socket.io/?EIO=4&transport=websocket").await.unwrap();
        assert!(socket.next().await.starts_with('0'));
        socket.connect(token).await;
        socket
    }

    /// A session over WebSocket alone whose verdict has come.
    pub(crate) async fn established(&self) -> Socket {
        let mut socket = self.join(&self.token(&json!("jwt"))).await;
        assert!(socket.next().await.starts_with("40"));
        assert!(socket.next().await.starts_with("42[\"session_created\""));
        socket
    }
}

fn word(entry: &Entry) -> String {
    match entry {
        Entry::Attempt(attempt) => format!("attempt {}", attempt.number),
        Entry::Request(request) => format!("request {}", request.name),
        Entry::Answer(answer) => format!("answer {} {}", answer.name, answer.status),
        Entry::Received(message) => format!("received {}", message.name),
        Entry::Sent(message) => format!("sent {}", message.name),
        Entry::Ping(ping) => format!("ping {}", ping.ordinal),
        Entry::Pong(pong) => format!("pong {}", pong.ordinal),
        Entry::Closed(closed) => format!("closed {:?}", closed.by).to_lowercase(),
        Entry::Fault(fault) => format!("fault {}", fault.fault),
        Entry::Log(log) => format!("log {}", log.message),
        Entry::Stored(_) => "stored".to_owned(),
    }
}

/// An HTTP answer; status 0 if the connection ended without one, with how it ended as head.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or(("", ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A polled session.
pub(crate) struct Polled<'a> {
    world: &'a World,
    pub(crate) path: String,
    pub(crate) open: Value,
}

impl Polled<'_> {
    pub(crate) fn upgrade_path(&self) -> String {
        self.path.replace("polling", "websocket")
    }

    pub(crate) async fn poll(&self) -> Response {
        self.world.get(&self.path).await
    }

    pub(crate) async fn post(&self, body: &str) -> Response {
        self.world.http("POST", &self.path, &[], body).await
    }

    pub(crate) async fn connect(&self, token: &Value) {
        assert_eq!(self.post(&format!("40{}", json!({"token": token}))).await.body, "ok");
    }

    /// Polls until so many packets have come.
    pub(crate) async fn packets(&self, count: usize) -> Vec<String> {
        let mut packets = Vec::new();
        while packets.len() < count {
            packets.extend(self.poll().await.body.split('\u{1e}').map(str::to_owned));
        }
        packets
    }
}

/// A WebSocket.
pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(crate) async fn connect(&mut self, token: &Value) {
        self.send(&format!("40{}", json!({"token": token}))).await;
    }

    pub(crate) async fn send(&mut self, text: &str) {
        // Fails when the other side has ended already, which reading will tell.
        let _ = self.0.send(Message::text(text)).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        // As above.
        let _ = self.0.send(Message::binary(bytes.to_vec())).await;
    }

    /// The next text; `close CODE`, `eof` or `error` at the end.
    pub(crate) async fn next(&mut self) -> String {
        tokio::time::timeout(LONG, self.0.next()).await.expect("a frame or an end").map_or("eof".to_owned(), shown)
    }

    /// What comes until nothing comes for a while; ends in `open` if the WebSocket is.
    pub(crate) async fn rest(&mut self) -> Vec<String> {
        let mut texts = Vec::new();
        loop {
            match tokio::time::timeout(QUIET, self.0.next()).await {
                Err(_) => texts.push("open".to_owned()),
                Ok(frame) => {
                    let text = frame.map_or("eof".to_owned(), shown);
                    let ended = !text.starts_with(|c: char| c.is_ascii_digit() || c == '!');
                    texts.push(text);
                    if !ended {
                        continue;
                    }
                }
            }
            return texts;
        }
    }
}

fn shown(frame: Result<Message, Error>) -> String {
    match frame {
        Ok(Message::Text(text)) => text.to_string(),
        Ok(Message::Close(Some(close))) => format!("close {} {}", u16::from(close.code), close.reason),
        Ok(Message::Close(None)) => "close".to_owned(),
        Ok(other) => format!("! {other:?}"),
        Err(_) => "error".to_owned(),
    }
}

/// The name of an event or packet.
pub(crate) fn name(text: &str) -> &str {
    match text.get(..2) {
        Some("40") => "CONNECT",
        Some("41") => "DISCONNECT",
        Some("44") => "CONNECT_ERROR",
        Some("42") => text.split('"').nth(1).unwrap_or(text),
        _ => text,
    }
}

/// The payload of an event.
pub(crate) fn payload(text: &str) -> Value {
    let event: Value = serde_json::from_str(text.strip_prefix("42").expect("an event")).unwrap();
    event[1].clone()
}

//! The probe against the mock, and against servers of a few lines where the mock is too well-behaved.

use std::sync::Arc;
use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::journal::{Closed, Closer, Entry, Message, Transport};
use sparring_mock_server::script::read_rules;
use sparring_mock_server::server::MockServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// Long enough for a busy machine; only a test that fails waits so long.
const LIMIT: Duration = Duration::from_secs(20);

/// A probe and all that it has recorded.
struct Stand {
    probe: Probe,
    records: mpsc::UnboundedReceiver<Record>,
    seen: Vec<Record>,
}

impl Stand {
    fn new(url: String, setup: ProbeSetup) -> Self {
        let (sender, records) = mpsc::unbounded_channel();
        let (actor, contract) = (Actor::new("client"), SystemId::Digitwin.contract());
        let probe = Probe::new(ProbeOptions { actor, url, contract, setup }, sender);
        Self { probe, records, seen: Vec::new() }
    }

    fn at(mock: &MockServer) -> Self {
        Self::new(mock.url(&Actor::new("client")), ProbeSetup::default())
    }

    async fn act(&mut self, name: &str, args: Value) {
        self.try_act(name, args).await.expect("taken");
    }

    async fn try_act(&mut self, name: &str, args: Value) -> Result<(), ProbeError> {
        let guest = "guest_550e8400-e29b-41d4-a716-446655440000_9000000000000";
        self.probe.act(name, args.as_object().expect("a map"), Some(guest)).await
    }

    /// The first record, past or future, that fits.
    async fn until(&mut self, what: &str, fits: impl Fn(&Record) -> bool) -> Record {
        loop {
            if let Some(found) = self.seen.iter().find(|record| fits(record)) {
                return found.clone();
            }
            match tokio::time::timeout(LIMIT, self.records.recv()).await {
                Ok(Some(record)) => self.seen.push(record),
                other => panic!("waited in vain for {what} ({other:?}); so far {:#?}", self.names()),
            }
        }
    }

    async fn sent(&mut self, name: &str) -> Arc<Message> {
        let fits = |record: &Record| matches!(&record.entry, Entry::Sent(message) if message.name == name);
        let Entry::Sent(message) = self.until(name, fits).await.entry else { unreachable!("selected so") };
        message
    }

    async fn closed(&mut self) -> Closed {
        let fits = |record: &Record| matches!(record.entry, Entry::Closed(_));
        let Entry::Closed(closed) = self.until("closed", fits).await.entry else { unreachable!("selected so") };
        closed
    }

    /// The records in short: kind, name, connection and transport.
    fn names(&self) -> Vec<String> {
        self.seen.iter().map(short).collect()
    }
}

fn short(record: &Record) -> String {
    let what = match &record.entry {
        Entry::Attempt(attempt) => format!("attempt {}", attempt.number),
        Entry::Request(request) => format!("request {}", request.name),
        Entry::Answer(answer) => format!("answer {} {}", answer.name, answer.status),
        Entry::Received(message) => format!("received {}", message.name),
        Entry::Sent(message) => format!("sent {}", message.name),
        Entry::Ping(heartbeat) => format!("ping {}", heartbeat.ordinal),
        Entry::Pong(heartbeat) => format!("pong {}", heartbeat.ordinal),
        Entry::Closed(closed) => format!("closed {:?}", closed.by),
        other => format!("{other:?}"),
    };
    let transport = record.transport.map_or("", Transport::name);
    let connection = record.connection.map_or_else(String::new, |connection| connection.to_string());
    format!("{what} {connection}{transport}").trim_end().to_owned()
}

async fn mock(rules: &Value) -> MockServer {
    let rules = read_rules(rules).expect("the rules are well-formed");
    MockServer::builder(SystemId::Digitwin).rules(rules).start().await.expect("a free port")
}

#[tokio::test]
async fn a_polled_connection_in_the_servers_words() {
    let mock = mock(&json!([])).await;
    let mut stand = Stand::at(&mock);
    stand.act("connect", json!({"transports": ["polling"]})).await;
    stand.sent("session_created").await;
    let names = stand.names();
    let expected =
        ["attempt 1 1polling", "answer handshake 200 1polling", "sent OPEN 1polling", "received CONNECT 1polling"];
    let kept: Vec<&String> = names.iter().filter(|name| expected.contains(&name.as_str())).collect();
    assert_eq!(kept, expected, "{names:#?}");
    assert!(!names.iter().any(|name| name.contains("websocket")), "{names:#?}");
    let numbers: Vec<u64> = stand.seen.iter().map(|record| record.seq).collect();
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_upgrading_connection_moves() {
    let mock = mock(&json!([])).await;
    let mut stand = Stand::at(&mock);
    stand.act("connect", json!({})).await;
    stand.sent("session_created").await;
    stand
        .until("UPGRADE", |record| matches!(&record.entry, Entry::Received(message) if message.name == "UPGRADE"))
        .await;
    let names = stand.names();
    assert!(names.contains(&"request upgrade 1websocket".to_owned()), "{names:#?}");
    assert!(names.contains(&"answer upgrade 101 1websocket".to_owned()), "{names:#?}");
    assert!(names.contains(&"received PROBE 1websocket".to_owned()), "{names:#?}");
    assert!(names.contains(&"sent PROBE 1websocket".to_owned()), "{names:#?}");
}

/// Both write the lane; what one says the other must say too, but for the order of what crossed on the way.
#[rstest]
#[case(json!({"transports": ["polling"]}))]
#[case(json!({"transports": ["websocket"]}))]
#[tokio::test]
async fn the_mock_says_the_same(#[case] args: Value) {
    let mock = mock(&json!([])).await;
    let mut stand = Stand::at(&mock);
    stand.act("connect", args).await;
    stand.sent("session_created").await;
    stand.act("disconnect", json!({})).await;
    stand.closed().await;
    let mut journal = mock.journal().subscribe();
    let mut theirs = Vec::new();
    loop {
        let record = tokio::time::timeout(LIMIT, journal.recv()).await.expect("soon").expect("the mock is up");
        let over = matches!(record.entry, Entry::Closed(_));
        theirs.push(record);
        if over {
            break;
        }
    }
    let told = |entry: &Entry| match entry {
        // Header fields, tokens and packets to the letter; what a poll is let go with is the server's own affair.
        Entry::Attempt(attempt) => Some(format!("{attempt:?}")),
        Entry::Received(message) => Some(format!("received {message:?}")),
        Entry::Sent(message) if !matches!(message.name.as_str(), "NOOP" | "CLOSE") => Some(format!("sent {message:?}")),
        Entry::Closed(closed) => Some(format!("{:?} {}", closed.by, closed.clean)),
        _ => None,
    };
    let mut ours: Vec<String> = stand.seen.iter().filter_map(|record| told(&record.entry)).collect();
    let mut theirs: Vec<String> = theirs
        .iter()
        .filter_map(|record| told(&record.entry))
        // A goodbye by close frame has a record of its own on the side that receives it.
        .filter(|text| !text.starts_with("received Message { name: \"CLOSE\"") || ours.contains(text))
        .collect();
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs);
}

#[tokio::test]
async fn tokens_headers_and_query_are_sent_as_given() {
    let mock = mock(&json!([])).await;
    let setup = ProbeSetup {
        origin: Some("http://localhost:3001".to_owned()),
        headers: [("x-a".to_owned(), "1".to_owned())].into(),
        transports: vec!["websocket".to_owned()],
    };
    let mut stand = Stand::new(mock.url(&Actor::new("client")), setup);
    stand.act("connect", json!({"auth": {"token": 5}, "query": {"token": "a b"}, "headers": {"x-a": "2"}})).await;
    stand.sent("auth_error").await;
    let journal = mock.journal().since(0);
    let attempt = journal.iter().find_map(|record| match &record.entry {
        Entry::Attempt(attempt) => Some(attempt.clone()),
        _ => None,
    });
    let attempt = attempt.expect("an attempt");
    assert_eq!((attempt.query["token"].as_str(), attempt.headers["x-a"].as_str()), ("a b", "2"));
    assert_eq!(attempt.headers["origin"], "http://localhost:3001");
    let connect =
        stand.until("CONNECT", |record| matches!(&record.entry, Entry::Received(it) if it.name == "CONNECT")).await;
    let Entry::Received(connect) = connect.entry else { unreachable!("selected so") };
    assert_eq!((connect.data.as_ref(), connect.token.as_ref()), (Some(&json!({"token": 5})), None));
}

#[tokio::test]
async fn a_dismissed_probe_stays() {
    let mock = mock(&json!([{"fault": "forced-auth-error"}])).await;
    let mut stand = Stand::at(&mock);
    stand.act("connect", json!({"transports": ["polling"]})).await;
    let dismissal = |record: &Record| matches!(&record.entry, Entry::Sent(it) if it.name == "DISCONNECT");
    let dismissed = stand.until("DISCONNECT", dismissal).await.seq;
    let polls = |record: &Record| matches!(&record.entry, Entry::Request(it) if it.method == "GET");
    stand.until("another poll", |record| record.seq > dismissed && polls(record)).await;
    assert!(!stand.names().iter().any(|name| name.starts_with("closed")), "{:#?}", stand.names());
}

#[tokio::test]
async fn connections_are_numbered_and_left_alone() {
    let mock = mock(&json!([])).await;
    let mut stand = Stand::at(&mock);
    stand.act("connect", json!({"transports": ["websocket"]})).await;
    stand.act("disconnect", json!({})).await;
    stand.act("connect", json!({"transports": ["websocket"]})).await;
    stand.act("connect", json!({"transports": ["websocket"]})).await;
    for number in [2, 3] {
        let created = |record: &Record| {
            record.connection == Some(number)
                && matches!(&record.entry, Entry::Sent(it) if it.name == "session_created")
        };
        stand.until("session_created", created).await;
    }
    stand.act("send", json!({"event": "get_history", "data": {}, "ack": true})).await;
    let asked = |record: &Record| matches!(&record.entry, Entry::Received(it) if it.name == "get_history" && it.ack);
    assert_eq!(stand.until("get_history", asked).await.connection, Some(3));
    stand.act("reset", json!({})).await;
    let reset =
        stand.until("closed", |record| record.connection == Some(3) && matches!(record.entry, Entry::Closed(_))).await;
    assert!(matches!(reset.entry, Entry::Closed(Closed { by: Closer::Client, clean: false, .. })));
    stand.act("send", json!({"event": "get_history"})).await;
    let again = |record: &Record| {
        record.connection == Some(2) && matches!(&record.entry, Entry::Received(it) if it.name == "get_history")
    };
    stand.until("the second connection", again).await;
}

#[rstest]
#[case("handshake", json!({"transport": "polling"}), "answer handshake 200 1polling")]
#[case("handshake", json!({"transport": "websocket"}), "answer upgrade 101 1websocket")]
#[case("upgrade", json!({"headers": {"sec-websocket-extensions": "permessage-deflate"}}), "answer upgrade 101 1websocket")]
#[tokio::test]
async fn a_handshake_ends_with_open(#[case] action: &str, #[case] args: Value, #[case] answer: &str) {
    let mock = mock(&json!([])).await;
    let mut stand = Stand::at(&mock);
    stand.act(action, args).await;
    assert_eq!(stand.sent("OPEN").await.data.as_ref().expect("settings")["pingInterval"], 25_000);
    assert_eq!(stand.names()[1], answer);
    assert_eq!(stand.names().len(), 3);
}

#[tokio::test]
async fn requests_are_told_with_their_answers() {
    let mock = mock(&json!([])).await;
    let mut stand = Stand::at(&mock);
    stand.act("request", json!({"endpoint": "health"})).await;
    stand.act("request", json!({"endpoint": "refresh", "body": {"token": "abc"}})).await;
    stand.act("request", json!({"method": "PUT", "path": "/nowhere?a=1", "body": "text"})).await;
    for (name, status) in [("health", 200), ("refresh", 401), ("/nowhere", 404)] {
        let fits =
            |record: &Record| matches!(&record.entry, Entry::Answer(it) if it.name == name && it.status == status);
        assert_eq!(stand.until(name, fits).await.connection, None);
    }
    let fits = |record: &Record| matches!(&record.entry, Entry::Request(it) if it.name == "refresh");
    let Entry::Request(request) = stand.until("refresh", fits).await.entry else { unreachable!("selected so") };
    assert_eq!((request.body, request.headers["content-type"].as_str()), (json!({"token": "abc"}), "application/json"));
}

/// What a server of one connection received.
async fn overheard(answer: &'static str) -> (String, tokio::task::JoinHandle<(Vec<u8>, std::io::Result<usize>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("somebody comes");
        let mut seen = vec![0; 1_024];
        let read = stream.read(&mut seen).await.expect("bytes");
        seen.truncate(read);
        stream.write_all(answer.as_bytes()).await.expect("the probe is there");
        (seen, stream.read(&mut [0; 16]).await)
    });
    (url, task)
}

#[tokio::test]
async fn raw_bytes_are_written_and_a_reset_is_one() {
    let (url, server) = overheard("HTTP/1.1 400 Bad Request\r\nX-A: b\r\n\r\nno").await;
    let mut stand = Stand::new(url, ProbeSetup::default());
    stand.act("raw_connect", json!({})).await;
    stand.act("raw_send", json!({"text": "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\n\r\n"})).await;
    let answer = stand.until("an answer", |record| matches!(record.entry, Entry::Answer(_))).await;
    let Entry::Answer(answer) = answer.entry else { unreachable!("selected so") };
    assert_eq!((answer.name.as_str(), answer.status, answer.body), ("handshake", 400, json!("no")));
    stand.act("reset", json!({})).await;
    let (seen, end) = server.await.expect("no panic");
    assert!(seen.ends_with(b"HTTP/1.1\r\n\r\n"));
    assert_eq!(end.map_err(|error| error.kind()), Err(std::io::ErrorKind::ConnectionReset));
    assert_eq!(stand.closed().await.by, Closer::Client);
    assert_eq!(stand.names(), ["attempt 1 1polling", "answer handshake 400 1polling", "closed Client 1polling"]);
}

/// Answers the handshake with one ping, then every poll with nothing, and tells what was posted.
async fn pinging() -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let (posted, posts) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let request = request(&mut stream).await;
            if request.starts_with("POST") {
                let _ = posted.send(request.rsplit("\r\n\r\n").next().unwrap_or_default().to_owned());
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
            } else if !request.contains("sid=") {
                let open = json!({"sid": "a", "pingInterval": 25_000, "pingTimeout": 60_000});
                let body = format!("0{open}\u{1e}2");
                let length = body.len();
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
                let _ = stream.write_all(answer.as_bytes()).await;
            } else {
                held.push(stream);
            }
        }
    });
    (url, posts)
}

/// Reads a request whose body, if any, is as long as it says.
async fn request(stream: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&seen).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text;
            }
        }
        if stream.read_buf(&mut seen).await.unwrap_or_default() == 0 {
            return text;
        }
    }
}

#[rstest]
#[case("delay_pongs", json!({"by": "0s"}), Some(0))]
#[case("delay_pongs", json!({"by": "300ms"}), Some(300))]
#[case("ignore_pings", json!({}), None)]
#[tokio::test]
async fn pings_are_answered_as_asked(#[case] action: &str, #[case] args: Value, #[case] millis: Option<u64>) {
    let (url, mut posts) = pinging().await;
    let mut stand = Stand::new(url, ProbeSetup::default());
    stand.act(action, args).await;
    stand.act("handshake", json!({})).await;
    stand.sent("OPEN").await;
    // A handshake alone is left to itself; only a connection answers.
    stand.act("connect", json!({})).await;
    let ping =
        stand.until("ping", |record| record.connection == Some(2) && matches!(record.entry, Entry::Ping(_))).await;
    let Some(millis) = millis else {
        // Whatever is posted after the CONNECT would be the pong.
        let first = tokio::time::timeout(LIMIT, posts.recv()).await.expect("soon").expect("the CONNECT");
        assert!(first.starts_with("40") && !first.contains('\u{1e}'), "{first}");
        let second = tokio::time::timeout(Duration::from_millis(300), posts.recv()).await;
        assert!(second.is_err(), "{second:?}");
        return;
    };
    let pong = stand.until("pong", |record| matches!(record.entry, Entry::Pong(_))).await;
    assert!(pong.at.since(ping.at) >= Duration::from_millis(millis));
    assert!(matches!(pong.entry, Entry::Pong(ref heartbeat) if heartbeat.ordinal == 1));
}

#[tokio::test]
async fn a_dropped_probe_lets_go() {
    let mock = mock(&json!([])).await;
    let mut journal = mock.journal().subscribe();
    let mut stand = Stand::at(&mock);
    stand.act("connect", json!({"transports": ["websocket"]})).await;
    stand.sent("session_created").await;
    drop(stand);
    loop {
        let record = tokio::time::timeout(LIMIT, journal.recv()).await.expect("soon").expect("the mock is up");
        if let Entry::Closed(closed) = &record.entry {
            assert_eq!((closed.by, closed.clean), (Closer::Client, false));
            return;
        }
    }
}

#[rstest]
#[case("send", json!({"event": "e"}), "send needs a connection: none is open on this side")]
#[case("disconnect", json!({}), "disconnect needs a connection: none is open on this side")]
#[case("raw_send", json!({"text": "x"}), "raw_send needs a connection: none is open on this side")]
#[case("reset", json!({}), "reset needs a connection: none is open on this side")]
#[case("connect", json!({}), "the server's address \"nowhere\": expected an absolute URL such as http://127.0.0.1:3000")]
#[case("reset", json!({"a": 1, "b": 2}), "a: found `1`, expected no argument; b: found `2`, expected no argument")]
#[tokio::test]
async fn what_cannot_be_done_is_said(#[case] action: &str, #[case] args: Value, #[case] expected: &str) {
    let mut stand = Stand::new("nowhere".to_owned(), ProbeSetup::default());
    let error = stand.try_act(action, args).await.expect_err("it cannot be done");
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn a_refused_connection_is_closed_by_the_network() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    drop(listener);
    let mut stand = Stand::new(url, ProbeSetup::default());
    stand.act("connect", json!({})).await;
    assert_eq!(stand.closed().await.by, Closer::Network);
    assert_eq!(stand.names(), ["closed Network 1polling"]);
}

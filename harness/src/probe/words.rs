//! The wire lane's words for requests and packets, and the packets that a probe sends.
//!
//! As in the journal of the mock: the same packet stands in both in the same words. Knows nothing of connections.

use std::collections::BTreeMap;

use http::{HeaderMap, Method};
use serde_json::Value;
use sparring_client::engine_io::{Packet, Payload};
use sparring_client::net::decode_query;
use sparring_client::socket_io::{self, Kind};
use sparring_mock_server::contract::Contract;
use sparring_mock_server::journal::{Attempt, Message, Request, Transport};
use sparring_mock_server::tokens::kind_of;

/// Longest packet text that is kept whole.
const KEPT: usize = 4_096;

// What a probe sends.

/// CONNECT with its payload, if there is one.
pub(super) fn connect(auth: Option<Value>) -> Packet {
    socket_io::message(&socket_io::Packet::new(Kind::Connect, None, auth))
}

/// DISCONNECT.
pub(super) fn disconnect() -> Packet {
    socket_io::message(&socket_io::Packet::new(Kind::Disconnect, None, None))
}

/// An event with one argument or none.
pub(super) fn event(name: String, data: Option<Value>, id: Option<u64>) -> Packet {
    let args: Vec<Value> = std::iter::once(Value::from(name)).chain(data).collect();
    socket_io::message(&socket_io::Packet::new(Kind::Event, id, Some(Value::Array(args))))
}

// Requests.

/// A request's head: what it is for decides how it is named and whether it is an attempt.
#[derive(Debug, Clone)]
pub(super) struct Head {
    /// Whether it opens a connection.
    pub(super) is_attempt: bool,
    /// The transport, where it belongs to one.
    pub(super) transport: Option<Transport>,
    /// The name of its answer.
    pub(super) name: String,
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
}

impl Head {
    pub(super) fn read(method: &Method, target: &str, headers: &HeaderMap, contract: &Contract) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query: BTreeMap<String, String> = decode_query(query).into_iter().collect();
        let (is_attempt, transport, name) = classify(method, path, &query, contract);
        let (method, path, headers) = (method.to_string(), path.to_owned(), fields(headers));
        Self { is_attempt, transport, name, method, path, query, headers }
    }

    pub(super) fn attempt(&self, number: u32) -> Attempt {
        let (path, query, headers) = (self.path.clone(), self.query.clone(), self.headers.clone());
        Attempt { number, path, query, headers, token: None, token_kind: None }
    }

    pub(super) fn request(&self, body: Value) -> Request {
        let (method, path) = (self.method.clone(), self.path.clone());
        let (query, headers) = (self.query.clone(), self.headers.clone());
        Request { name: self.name.clone(), method, path, query, headers, body }
    }
}

fn classify(
    method: &Method,
    path: &str,
    query: &BTreeMap<String, String>,
    contract: &Contract,
) -> (bool, Option<Transport>, String) {
    if *method == Method::OPTIONS {
        return (false, None, "preflight".to_owned());
    }
    if path.trim_end_matches('/') != contract.transport.path.trim_end_matches('/') {
        let endpoint = contract.endpoints.iter().find(|(_, it)| it.path == path && it.method == method.as_str());
        return (false, None, endpoint.map_or(path, |(name, _)| name).to_owned());
    }
    let websocket = query.get("transport").is_some_and(|transport| transport == "websocket");
    let transport = if websocket { Transport::Websocket } else { Transport::Polling };
    let is_attempt = *method == Method::GET && !query.contains_key("sid");
    let name = match (is_attempt, websocket) {
        (true, false) => "handshake",
        (false, false) => "polling",
        (_, true) => "upgrade",
    };
    (is_attempt, Some(transport), name.to_owned())
}

/// Header fields: names in lower case, several of one name joined by `, `.
pub(super) fn fields(map: &HeaderMap) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::<String, String>::new();
    for (name, value) in map {
        let value = String::from_utf8_lossy(value.as_bytes());
        let joined = match fields.get(name.as_str()) {
            Some(known) => format!("{known}, {value}"),
            None => value.into_owned(),
        };
        fields.insert(name.as_str().to_owned(), joined);
    }
    fields
}

/// A body: JSON if it is, else a string; null if there is none.
pub(super) fn body(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(bytes)))
}

// Packets.

/// A packet in the words of the lane; none for heartbeats, which have records of their own.
pub(super) fn message(packet: &Packet) -> Option<Message> {
    let named = |name: &str| Message { name: name.to_owned(), raw: shortened(&raw(packet)), ..Message::default() };
    Some(match packet {
        Packet::Ping(data) | Packet::Pong(data) if data == "probe" => named("PROBE"),
        Packet::Ping(_) | Packet::Pong(_) => return None,
        Packet::Open(data) => Message { data: serde_json::from_str(data).ok(), ..named("OPEN") },
        Packet::Close => named("CLOSE"),
        Packet::Upgrade => named("UPGRADE"),
        Packet::Noop => named("NOOP"),
        Packet::Message(Payload::Text(text)) => Message { raw: shortened(&raw(packet)), ..socket_message(text) },
        Packet::Raw(Payload::Text(text)) => match Packet::read(text) {
            Ok(read) if raw(&read) == *text => return message(&read),
            _ => named("RAW"),
        },
        Packet::Message(Payload::Binary(_)) | Packet::Raw(Payload::Binary(_)) => {
            Message { binary: true, ..named("BINARY") }
        }
    })
}

/// The text form of a packet, as in a polling body.
fn raw(packet: &Packet) -> String {
    String::from_utf8_lossy(&Packet::payload(std::slice::from_ref(packet))).into_owned()
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(KEPT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The parts of a Socket.IO packet's text that have a place in a record, however odd the rest.
fn split(text: &str) -> Option<(char, Option<u64>, &str)> {
    let kind = text.chars().next()?;
    let mut rest = &text[kind.len_utf8()..];
    if matches!(kind, '5' | '6') {
        rest = rest.split_once('-')?.1;
    }
    if rest.starts_with('/') {
        rest = rest.split_once(',').map_or("", |(_, rest)| rest);
    }
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (id, json) = rest.split_at(digits);
    Some((kind, id.parse().ok(), json))
}

/// A Socket.IO packet; what is none has the name `RAW`.
fn socket_message(text: &str) -> Message {
    let named = |name: &str, data| Message { name: name.to_owned(), data, ..Message::default() };
    let unknown = || named("RAW", None);
    let Some((kind, id, json)) = split(text) else { return unknown() };
    let data: Option<Value> = serde_json::from_str(json).ok();
    match (kind, data) {
        ('0', data) => named("CONNECT", data),
        ('1', data) => named("DISCONNECT", data),
        ('4', data) => named("CONNECT_ERROR", data),
        ('2' | '5', Some(Value::Array(items))) => emitted(&items, id, kind == '5').unwrap_or_else(unknown),
        ('3' | '6', Some(Value::Array(args))) => {
            Message { args: args.clone(), binary: kind == '6', id, ..named("ACK", args.into_iter().next()) }
        }
        _ => unknown(),
    }
}

fn emitted(items: &[Value], id: Option<u64>, binary: bool) -> Option<Message> {
    let (name, args) = items.split_first()?;
    Some(Message {
        name: name.as_str()?.to_owned(),
        data: args.first().cloned(),
        args: args.to_vec(),
        binary,
        ack: id.is_some(),
        id,
        ..Message::default()
    })
}

/// The message as the server received it: a CONNECT shows its token.
pub(super) fn with_token(message: Message) -> Message {
    if message.name != "CONNECT" {
        return message;
    }
    let presented = message.data.as_ref().and_then(|auth| auth.get("token"));
    let kind = match presented {
        None | Some(Value::Null) => "none",
        Some(Value::String(token)) => kind_of(token),
        Some(_) => "jwt",
    };
    let token = presented.and_then(Value::as_str).map(str::to_owned);
    Message { token, token_kind: Some(kind.to_owned()), ..message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;
    use sparring_mock_server::contract::SystemId;

    #[rstest]
    #[case("0{\"sid\":\"a\"}", "OPEN", Some(json!({"sid": "a"})))]
    #[case("1", "CLOSE", None)]
    #[case("3probe", "PROBE", None)]
    #[case("5", "UPGRADE", None)]
    #[case("6", "NOOP", None)]
    #[case("40", "CONNECT", None)]
    #[case("40{\"sid\":\"t\"}", "CONNECT", Some(json!({"sid": "t"})))]
    #[case("41", "DISCONNECT", None)]
    #[case("44{\"message\":\"no\"}", "CONNECT_ERROR", Some(json!({"message": "no"})))]
    #[case("42[\"hello\",1,2]", "hello", Some(json!(1)))]
    #[case("42/a,12[\"hello\",1]", "hello", Some(json!(1)))]
    #[case("4312[\"yes\"]", "ACK", Some(json!("yes")))]
    #[case("451-[\"file\",{\"_placeholder\":true,\"num\":0}]", "file", Some(json!({"_placeholder": true, "num": 0})))]
    #[case("bAQI=", "BINARY", None)]
    #[case("42nonsense", "RAW", None)]
    fn packets(#[case] text: &str, #[case] name: &str, #[case] data: Option<Value>) {
        let message = message(&Packet::read(text).expect("a packet")).expect("no heartbeat");
        assert_eq!((message.name.as_str(), message.data, message.raw.as_str()), (name, data, text));
    }

    #[rstest]
    #[case("GET", "/socket.io/?EIO=4&transport=polling", true, "handshake")]
    #[case("GET", "/socket.io/?EIO=4&transport=websocket", true, "upgrade")]
    #[case("GET", "/socket.io/?EIO=4&transport=polling&sid=a", false, "polling")]
    #[case("POST", "/socket.io/?EIO=4&transport=polling", false, "polling")]
    #[case("GET", "/socket.io/?EIO=4&transport=websocket&sid=a", false, "upgrade")]
    #[case("OPTIONS", "/socket.io/?EIO=4", false, "preflight")]
    #[case("POST", "/auth/refresh", false, "refresh")]
    #[case("GET", "/auth/refresh", false, "/auth/refresh")]
    fn requests(#[case] method: &str, #[case] target: &str, #[case] is_attempt: bool, #[case] name: &str) {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let head = Head::read(&method, target, &HeaderMap::new(), SystemId::Digitwin.contract());
        assert_eq!((head.is_attempt, head.name.as_str()), (is_attempt, name));
    }

    #[rstest]
    #[case(None, "none", None)]
    #[case(Some(json!({"token": null})), "none", None)]
    #[case(Some(json!({"token": ""})), "none", Some(""))]
    #[case(Some(json!({"token": "guest_x"})), "guest", Some("guest_x"))]
    #[case(Some(json!({"token": 7})), "jwt", None)]
    fn tokens(#[case] auth: Option<Value>, #[case] kind: &str, #[case] token: Option<&str>) {
        let message = with_token(message(&connect(auth)).expect("no heartbeat"));
        assert_eq!((message.token_kind.as_deref(), message.token.as_deref()), (Some(kind), token));
    }
}

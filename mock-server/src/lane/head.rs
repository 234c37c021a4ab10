//! What the head of a request says: what kind of request it is, and the words that the journal has for it.
//!
//! Knows the contract's paths; nothing of sessions, rules or answers.

use std::collections::BTreeMap;

use http::{HeaderMap, Method};
use serde_json::Value;

use crate::contract::{Contract, Protocol};
use crate::journal::{Attempt, Request, Transport};
use crate::tokens::kind_of;

/// The kinds of request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A connection attempt: `GET` on the Engine.IO path without `sid`, or a request to upgrade on that of a plain
    /// WebSocket.
    Attempt(Transport),
    /// Anything of a polled session.
    Polling,
    /// A WebSocket for a session that exists.
    Upgrade,
    /// A cross-origin question.
    Preflight,
    /// A REST endpoint of the contract, by its name.
    Endpoint(&'static str),
    /// On the path of a plain WebSocket, but no request to upgrade.
    Plain,
    /// Any other path.
    Other,
}

/// The head of a request, in copies that do not keep the connection's buffer alive.
#[derive(Debug, Clone)]
pub struct Head {
    /// What kind it is.
    pub kind: Kind,
    /// The method.
    pub method: Method,
    /// Path without query.
    pub path: String,
    /// Query parameters, decoded; of several with one name the last.
    pub query: BTreeMap<String, String>,
    /// Header fields, names in lower case; several of one name joined by `, `.
    pub headers: BTreeMap<String, String>,
    /// The token, where the request itself carries it.
    token: Option<String>,
}

impl Head {
    /// Reads a request's head.
    pub fn read(method: &Method, path: &str, query: &str, fields: &HeaderMap, contract: &'static Contract) -> Self {
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let kind = kind(method, path, &query, fields, contract);
        let token = if carries_token(contract) { Some(query.get("token").cloned().unwrap_or_default()) } else { None };
        Self { kind, method: method.clone(), path: path.to_owned(), query, headers: headers(fields), token }
    }

    /// Whether it begins an attempt.
    pub fn is_attempt(&self) -> bool {
        matches!(self.kind, Kind::Attempt(_))
    }

    /// The transport, where the request has to do with one.
    pub fn transport(&self) -> Option<Transport> {
        match self.kind {
            Kind::Attempt(transport) => Some(transport),
            Kind::Polling => Some(Transport::Polling),
            Kind::Upgrade => Some(Transport::Websocket),
            Kind::Preflight | Kind::Endpoint(_) | Kind::Plain | Kind::Other => None,
        }
    }

    /// The session that the request names.
    pub fn sid(&self) -> Option<&str> {
        sid(&self.query)
    }

    /// The name in the journal of the request.
    pub fn name(&self) -> String {
        match self.kind {
            Kind::Attempt(Transport::Polling) => "handshake".to_owned(),
            Kind::Attempt(Transport::Websocket) | Kind::Upgrade => "upgrade".to_owned(),
            Kind::Polling => "polling".to_owned(),
            Kind::Preflight => "preflight".to_owned(),
            Kind::Endpoint(name) => name.to_owned(),
            Kind::Plain | Kind::Other => self.path.clone(),
        }
    }

    /// As an attempt in the journal.
    pub fn attempt(&self, number: u32) -> Attempt {
        let (path, query, headers) = (self.path.clone(), self.query.clone(), self.headers.clone());
        let token_kind = self.token.as_deref().map(kind_of).map(str::to_owned);
        let token = self.token().map(str::to_owned);
        Attempt { number, path, query, headers, token, token_kind }
    }

    /// The token, where the request itself carries one.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref().filter(|token| !token.is_empty())
    }

    /// The kind of the token, where the request itself carries it.
    pub fn token_kind(&self) -> Option<&'static str> {
        self.token.as_deref().map(kind_of)
    }

    /// As a request in the journal.
    pub fn request(&self, body: Value) -> Request {
        let (path, query, headers) = (self.path.clone(), self.query.clone(), self.headers.clone());
        Request { name: self.name(), method: self.method.to_string(), path, query, headers, body }
    }
}

/// Whether the head of an attempt carries the token: a plain WebSocket has it in the query.
fn carries_token(contract: &Contract) -> bool {
    contract.transport.protocol == Protocol::WebSocket && !contract.tokens.is_empty()
}

/// The session that a query names: an empty name is none.
fn sid(query: &BTreeMap<String, String>) -> Option<&str> {
    query.get("sid").map(String::as_str).filter(|sid| !sid.is_empty())
}

fn kind(
    method: &Method,
    path: &str,
    query: &BTreeMap<String, String>,
    fields: &HeaderMap,
    contract: &'static Contract,
) -> Kind {
    if *method == Method::OPTIONS {
        return Kind::Preflight;
    }
    if path.trim_end_matches('/') != contract.transport.path.trim_end_matches('/') {
        let endpoint = contract.endpoints.iter().find(|(_, it)| it.path == path && it.method == method.as_str());
        return endpoint.map_or(Kind::Other, |(name, _)| Kind::Endpoint(name));
    }
    if contract.transport.protocol == Protocol::WebSocket {
        return if asks_for_websocket(fields) { Kind::Attempt(Transport::Websocket) } else { Kind::Plain };
    }
    let websocket = query.get("transport").is_some_and(|transport| transport == "websocket");
    match (sid(query).is_some(), websocket) {
        (false, true) if *method == Method::GET => Kind::Attempt(Transport::Websocket),
        (false, false) if *method == Method::GET => Kind::Attempt(Transport::Polling),
        (true, true) => Kind::Upgrade,
        _ => Kind::Polling,
    }
}

fn asks_for_websocket(fields: &HeaderMap) -> bool {
    fields.get(http::header::UPGRADE).is_some_and(|wanted| wanted.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Header fields as the journal has them.
pub fn headers(map: &HeaderMap) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::<String, String>::new();
    for (name, value) in map {
        let value = String::from_utf8_lossy(value.as_bytes());
        fields
            .entry(name.as_str().to_owned())
            .and_modify(|known| {
                known.push_str(", ");
                known.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    fields
}

/// A body as the journal keeps it: JSON if it is, else a string; null if there is none.
pub fn body(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::SystemId;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("GET", "/socket.io/?EIO=4&transport=polling", Kind::Attempt(Transport::Polling), "handshake")]
    #[case("GET", "/socket.io/?EIO=4&transport=websocket", Kind::Attempt(Transport::Websocket), "upgrade")]
    #[case("GET", "/socket.io/?EIO=4&transport=polling&sid=a", Kind::Polling, "polling")]
    #[case("POST", "/socket.io/?EIO=4&transport=polling&sid=a", Kind::Polling, "polling")]
    #[case("POST", "/socket.io/?EIO=4&transport=polling", Kind::Polling, "polling")]
    #[case("GET", "/socket.io/?EIO=4&transport=polling&sid=", Kind::Attempt(Transport::Polling), "handshake")]
    #[case("GET", "/socket.io/?EIO=4&transport=websocket&sid=a", Kind::Upgrade, "upgrade")]
    #[case("OPTIONS", "/socket.io/?EIO=4", Kind::Preflight, "preflight")]
    #[case("POST", "/auth/refresh", Kind::Endpoint("refresh"), "refresh")]
    #[case("GET", "/auth/refresh", Kind::Other, "/auth/refresh")]
    #[case("GET", "/nowhere?a=1", Kind::Other, "/nowhere")]
    fn kinds(#[case] method: &str, #[case] uri: &str, #[case] kind: Kind, #[case] name: &str) {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let method = method.parse().unwrap();
        let head = Head::read(&method, path, query, &HeaderMap::new(), SystemId::Digitwin.contract());
        assert_eq!((head.name().as_str(), head.kind), (name, kind));
    }

    #[rstest]
    #[case("GET", "/?a=1", "websocket", Kind::Attempt(Transport::Websocket), "upgrade")]
    #[case("POST", "/", "WebSocket", Kind::Attempt(Transport::Websocket), "upgrade")]
    #[case("GET", "/", "h2c", Kind::Plain, "/")]
    #[case("GET", "/", "", Kind::Plain, "/")]
    #[case("GET", "/chat", "websocket", Kind::Other, "/chat")]
    fn kinds_of_a_plain_websocket(
        #[case] method: &str,
        #[case] uri: &str,
        #[case] upgrade: &str,
        #[case] kind: Kind,
        #[case] name: &str,
    ) {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let request = http::Request::builder().header("Upgrade", upgrade).body(()).unwrap();
        let contract = SystemId::WebSocket.contract();
        let head = Head::read(&method.parse().unwrap(), path, query, request.headers(), contract);
        assert_eq!((head.name().as_str(), head.kind), (name, kind));
    }

    #[test]
    fn query_and_headers_are_decoded_and_joined() {
        let request = http::Request::builder().header("X-A", "1").header("x-a", "2").body(()).unwrap();
        let head = Head::read(&Method::GET, "/", "a=0&a=1%202", request.headers(), SystemId::Digitwin.contract());
        assert_eq!((head.query["a"].as_str(), head.headers["x-a"].as_str()), ("1 2", "1, 2"));
    }
    #[rstest]
    #[case(b"", Value::Null)]
    #[case(b"{\"a\":1}", json!({"a": 1}))]
    #[case(b"plain", json!("plain"))]
    fn bodies(#[case] bytes: &[u8], #[case] expected: Value) {
        assert_eq!(body(bytes), expected);
    }
}

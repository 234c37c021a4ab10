//! What the head of a request says: what kind of request it is, and the words that the journal has for it.
//!
//! Knows the contract's paths; nothing of sessions, rules or answers.

use std::collections::BTreeMap;

use http::request::Parts;
use http::{HeaderMap, Method};

use crate::contract::Contract;
use crate::journal::{Attempt, Request, Transport};

/// The kinds of request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A connection attempt: `GET` on the Engine.IO path without `sid`.
    Attempt(Transport),
    /// Anything of a polled session.
    Polling,
    /// A WebSocket for a session that exists.
    Upgrade,
    /// A cross-origin question.
    Preflight,
    /// A REST endpoint of the contract, by its name.
    Endpoint(&'static str),
    /// Any other path.
    Other,
}

/// The head of a request, in copies that do not keep the connection's buffer alive.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// What kind it is.
    pub(crate) kind: Kind,
    /// The method.
    pub(crate) method: Method,
    /// Path without query.
    pub(crate) path: String,
    /// Query parameters, decoded; of several with one name the last.
    pub(crate) query: BTreeMap<String, String>,
    /// Header fields, names in lower case; several of one name joined by `, `.
    pub(crate) headers: BTreeMap<String, String>,
}

impl Head {
    /// Reads a request's head.
    pub(crate) fn read(parts: &Parts, contract: &'static Contract) -> Self {
        let path = parts.uri.path().to_owned();
        let query = query(parts.uri.query().unwrap_or_default());
        let kind = kind(&parts.method, &path, &query, contract);
        Self { kind, method: parts.method.clone(), path, query, headers: headers(&parts.headers) }
    }

    /// The session that the request names.
    pub(crate) fn sid(&self) -> Option<&str> {
        self.query.get("sid").map(String::as_str)
    }

    /// The name in the journal of the request.
    pub(crate) fn name(&self) -> String {
        match self.kind {
            Kind::Attempt(Transport::Polling) => "handshake".to_owned(),
            Kind::Attempt(Transport::Websocket) | Kind::Upgrade => "upgrade".to_owned(),
            Kind::Polling => "polling".to_owned(),
            Kind::Preflight => "preflight".to_owned(),
            Kind::Endpoint(name) => name.to_owned(),
            Kind::Other => self.path.clone(),
        }
    }

    /// As an attempt in the journal.
    pub(crate) fn attempt(&self, number: u32) -> Attempt {
        let (path, query, headers) = (self.path.clone(), self.query.clone(), self.headers.clone());
        Attempt { number, path, query, headers, token: None, token_kind: None }
    }

    /// As a request in the journal.
    pub(crate) fn request(&self, body: serde_json::Value) -> Request {
        let (path, query, headers) = (self.path.clone(), self.query.clone(), self.headers.clone());
        Request { name: self.name(), method: self.method.to_string(), path, query, headers, body }
    }
}

fn kind(method: &Method, path: &str, query: &BTreeMap<String, String>, contract: &'static Contract) -> Kind {
    if *method == Method::OPTIONS {
        return Kind::Preflight;
    }
    if path.trim_end_matches('/') != contract.transport.path.trim_end_matches('/') {
        let endpoint = contract.endpoints.iter().find(|(_, it)| it.path == path && it.method == method.as_str());
        return endpoint.map_or(Kind::Other, |(name, _)| Kind::Endpoint(name));
    }
    let websocket = query.get("transport").is_some_and(|transport| transport == "websocket");
    match (query.contains_key("sid"), websocket) {
        (false, true) if *method == Method::GET => Kind::Attempt(Transport::Websocket),
        (false, false) if *method == Method::GET => Kind::Attempt(Transport::Polling),
        (true, true) => Kind::Upgrade,
        _ => Kind::Polling,
    }
}

fn query(text: &str) -> BTreeMap<String, String> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// Header fields as the journal has them.
pub(crate) fn headers(map: &HeaderMap) -> BTreeMap<String, String> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::SystemId;
    use rstest::rstest;

    #[rstest]
    #[case("GET", "/socket.io/?EIO=4&transport=polling", Kind::Attempt(Transport::Polling), "handshake")]
    #[case("GET", "/socket.io/?EIO=4&transport=websocket", Kind::Attempt(Transport::Websocket), "upgrade")]
    #[case("GET", "/socket.io/?EIO=4&transport=polling&sid=a", Kind::Polling, "polling")]
    #[case("POST", "/socket.io/?EIO=4&transport=polling&sid=a", Kind::Polling, "polling")]
    #[case("POST", "/socket.io/?EIO=4&transport=polling", Kind::Polling, "polling")]
    #[case("GET", "/socket.io/?EIO=4&transport=websocket&sid=a", Kind::Upgrade, "upgrade")]
    #[case("OPTIONS", "/socket.io/?EIO=4", Kind::Preflight, "preflight")]
    #[case("POST", "/auth/refresh", Kind::Endpoint("refresh"), "refresh")]
    #[case("GET", "/auth/refresh", Kind::Other, "/auth/refresh")]
    #[case("GET", "/nowhere?a=1", Kind::Other, "/nowhere")]
    fn kinds(#[case] method: &str, #[case] uri: &str, #[case] kind: Kind, #[case] name: &str) {
        let (parts, ()) = http::Request::builder().method(method).uri(uri).body(()).unwrap().into_parts();
        let head = Head::read(&parts, SystemId::Digitwin.contract());
        assert_eq!((head.name().as_str(), head.kind), (name, kind));
    }

    #[test]
    fn query_and_headers_are_decoded_and_joined() {
        let request = http::Request::builder().uri("/socket.io/?a=1%202").header("X-A", "1").header("x-a", "2");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let head = Head::read(&parts, SystemId::Digitwin.contract());
        assert_eq!((head.query["a"].as_str(), head.headers["x-a"].as_str()), ("1 2", "1, 2"));
    }
}

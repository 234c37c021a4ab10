//! HTTP: what every request passes, from its head to the head of its answer.
//!
//! Writes the records of requests and answers. Knows nothing of packets beyond handing them over.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use super::packet::Packet;
use crate::lane;

/// An answer before it has become one of HTTP.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// The status.
    pub(crate) status: StatusCode,
    /// Header fields.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub(crate) body: Bytes,
    /// The packets in the body, which go out with it.
    pub(crate) packets: Vec<Packet>,
}

impl Reply {
    fn new(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static(content_type))];
        Self { status, headers, body: body.into(), packets: Vec::new() }
    }

    /// A status and a text.
    pub(crate) fn text(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self::new(status, "text/plain; charset=UTF-8", body)
    }

    /// A status and a JSON value.
    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// What a post of packets is answered with.
    pub(crate) fn ok() -> Self {
        Self::new(StatusCode::OK, "text/html", "ok")
    }

    /// A polling body.
    pub(crate) fn packets(packets: Vec<Packet>) -> Self {
        let mut reply = Self::text(StatusCode::OK, Packet::write_body(&packets));
        reply.headers.push((CACHE_CONTROL, HeaderValue::from_static("no-store")));
        Self { packets, ..reply }
    }

    /// The answer to a WebSocket upgrade; none if the request lacks its key.
    pub(crate) fn switching(request: &http::HeaderMap) -> Option<Self> {
        let key = request.get(SEC_WEBSOCKET_KEY)?;
        let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
        let headers = vec![
            (UPGRADE, HeaderValue::from_static("websocket")),
            (CONNECTION, HeaderValue::from_static("Upgrade")),
            (SEC_WEBSOCKET_ACCEPT, HeaderValue::from_str(&accept).ok()?),
        ];
        Some(Self { status: StatusCode::SWITCHING_PROTOCOLS, headers, body: Bytes::new(), packets: Vec::new() })
    }

    /// What the journal keeps of the body: JSON if it is, else a string; null if there is none, or only packets.
    pub(crate) fn kept_body(&self) -> Value {
        if self.packets.is_empty() { lane::body(&self.body) } else { Value::Null }
    }

    /// As HTTP has it.
    pub(crate) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        response
    }
}

/// What is wrong with an Engine.IO request, in the official server's numbers and words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// No such transport.
    UnknownTransport,
    /// No such session.
    UnknownSession,
    /// A session is opened by `GET` alone.
    HandshakeMethod,
    /// Anything else.
    BadRequest,
    /// Not version 4 of the protocol.
    Version,
    /// More than is taken.
    TooLarge,
}

impl Trouble {
    /// The answer.
    pub(crate) fn reply(self) -> Reply {
        let (code, message) = match self {
            Self::UnknownTransport => (0, "Transport unknown"),
            Self::UnknownSession => (1, "Session ID unknown"),
            Self::HandshakeMethod => (2, "Bad handshake method"),
            Self::BadRequest => (3, "Bad request"),
            Self::Version => (5, "Unsupported protocol version"),
            Self::TooLarge => return Reply::text(StatusCode::PAYLOAD_TOO_LARGE, ""),
        };
        Reply::json(StatusCode::BAD_REQUEST, &json!({"code": code, "message": message}))
    }
}

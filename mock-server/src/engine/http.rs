//! HTTP: what every request passes, from its head to the head of its answer.
//!
//! Writes the records of requests and answers. Knows nothing of packets beyond handing them over.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use hyper::body::{Frame, SizeHint};
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
        let mut reply = Self::html(StatusCode::OK, "ok");
        reply.headers.push((CACHE_CONTROL, HeaderValue::from_static("no-store")));
        reply
    }

    /// A polling body.
    pub(crate) fn packets(packets: Vec<Packet>) -> Self {
        let mut reply = Self::text(StatusCode::OK, Packet::write_body(&packets));
        reply.headers.push((CACHE_CONTROL, HeaderValue::from_static("no-store")));
        Self { packets, ..reply }
    }

    /// The answer to a WebSocket upgrade; none if the request lacks its key.
    pub(crate) fn switching(request: &HeaderMap) -> Option<Self> {
        let key = request.get(SEC_WEBSOCKET_KEY)?;
        let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
        let headers = vec![
            (UPGRADE, HeaderValue::from_static("websocket")),
            (CONNECTION, HeaderValue::from_static("Upgrade")),
            (SEC_WEBSOCKET_ACCEPT, HeaderValue::from_str(&accept).ok()?),
        ];
        Some(Self { headers, ..Self::empty(StatusCode::SWITCHING_PROTOCOLS) })
    }

    /// A status and a page.
    pub(crate) fn html(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self::new(status, "text/html", body)
    }

    /// A status, and nothing else.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), packets: Vec::new() }
    }

    /// The same with a header field.
    pub(crate) fn having(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// The same with further header fields.
    pub(crate) fn with(mut self, fields: &HeaderMap) -> Self {
        self.headers.extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
        self
    }

    /// What the journal keeps of the body: JSON if it is, else a string; null if there is none, or only packets.
    pub(crate) fn kept_body(&self) -> Value {
        if self.packets.is_empty() { lane::body(&self.body) } else { Value::Null }
    }

    /// As HTTP has it.
    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::whole(self.body));
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
    /// The answer to a request.
    pub(crate) fn reply(self) -> Reply {
        if self == Self::TooLarge {
            return Reply::empty(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let (code, message) = self.words();
        Reply::json(StatusCode::BAD_REQUEST, &json!({"code": code, "message": message}))
    }

    /// The answer to a request that wants to leave HTTP: as the official server has it, of another form.
    pub(crate) fn abort(self) -> Reply {
        let mut reply = Reply::html(StatusCode::BAD_REQUEST, self.words().1);
        reply.headers.push((CONNECTION, HeaderValue::from_static("close")));
        reply
    }

    fn words(self) -> (u8, &'static str) {
        match self {
            Self::UnknownTransport => (0, "Transport unknown"),
            Self::UnknownSession => (1, "Session ID unknown"),
            Self::HandshakeMethod => (2, "Bad handshake method"),
            Self::BadRequest | Self::TooLarge => (3, "Bad request"),
            Self::Version => (5, "Unsupported protocol version"),
        }
    }
}

/// The body of an answer: all of it, or a part of what its head promises.
#[derive(Debug, Default)]
pub(crate) struct Body {
    data: Bytes,
    /// Bytes that are promised but never come.
    missing: u64,
}

impl Body {
    fn whole(data: Bytes) -> Self {
        Self { data, missing: 0 }
    }

    /// Takes away what is behind so many bytes, without a word in the head. No if there is nothing behind them.
    pub(crate) fn break_off(&mut self, bytes: usize) -> bool {
        let rest = self.data.split_off(bytes.min(self.data.len()));
        self.missing += rest.len() as u64;
        !rest.is_empty()
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match (self.data.is_empty(), self.missing) {
            (false, _) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.data))))),
            (true, 0) => Poll::Ready(None),
            // Until the connection ends.
            (true, _) => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty() && self.missing == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.data.len() as u64 + self.missing)
    }
}

//! One HTTP request on a connection of its own, and its whole answer.
//!
//! Nothing is kept alive: a stale connection would look like a failure of the server. Dropping the future closes the
//! connection. Knows nothing of what is asked.

use std::io;

use bytes::Bytes;
use http::header::{ACCEPT, CONNECTION, HOST};
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::{Base, Sockets, Stream};

/// The longest body that is read.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// A request, complete but for `host`.
#[derive(Debug, Clone)]
pub struct Call {
    /// Method.
    pub method: Method,
    /// Path and query.
    pub target: String,
    /// Header fields, complete once [`Call::addressed`] has run.
    pub headers: HeaderMap,
    /// Body, perhaps empty.
    pub body: Bytes,
}

impl Call {
    /// A request without body or header fields.
    pub fn new(method: Method, target: impl Into<String>) -> Self {
        Self { method, target: target.into(), headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// Adds the fields that every request needs and does not have yet.
    #[must_use]
    pub fn addressed(mut self, base: &Base) -> Self {
        if let Ok(host) = HeaderValue::from_str(base.authority()) {
            self.headers.entry(HOST).or_insert(host);
        }
        self.headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        self.headers.entry(CONNECTION).or_insert(HeaderValue::from_static("close"));
        self
    }
}

/// The answer to a [`Call`].
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// Header fields.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No connection.
    #[error("no connection: {0}")]
    Dial(#[from] io::Error),
    /// The request cannot be written at all.
    #[error("impossible request: {0}")]
    Request(#[from] http::Error),
    /// The connection ended or broke HTTP before the answer was complete.
    #[error("no answer: {0}")]
    Lost(#[from] hyper::Error),
    /// The body broke off or is too long.
    #[error("no whole answer: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
}

impl HttpError {
    /// Whether nobody listened.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Dial(error) if error.kind() == io::ErrorKind::ConnectionRefused)
    }
}

/// Opens a connection, sends a request and reads its answer to the end.
pub async fn exchange(sockets: &Sockets, base: &Base, call: Call) -> Result<Reply, HttpError> {
    let stream = sockets.dial(base.authority()).await?;
    exchange_on(stream, call).await
}

/// Sends a request on a connection that is used for nothing else, and reads its answer to the end.
pub async fn exchange_on(stream: Stream, call: Call) -> Result<Reply, HttpError> {
    let mut request = Request::builder().method(call.method).uri(&call.target).body(Full::new(call.body))?;
    *request.headers_mut() = call.headers;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let asked = async {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, MAX_BODY).collect().await.map_err(HttpError::Body)?.to_bytes();
        Ok(Reply { status: head.status.as_u16(), headers: head.headers, body })
    };
    let mut asked = std::pin::pin!(asked);
    tokio::select! {
        reply = &mut asked => return reply,
        // The request's own side of the channel tells what went wrong, or has the answer already.
        _ = connection => {}
    }
    asked.await
}

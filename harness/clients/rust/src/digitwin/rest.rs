//! One JSON request to the REST endpoints and the token in its answer, with a limit. Knows nothing of what it is for.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use serde_json::Value;

use crate::net::{Base, Call, HttpError, Reply, Sockets, exchange};

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub(super) enum RestError {
    /// No answer in time.
    #[error("no answer from {0}")]
    Timeout(&'static str),
    /// No answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// An answer that is none.
    #[error("{what} answered with status {status}")]
    Status {
        /// What was asked for.
        what: &'static str,
        /// The status.
        status: u16,
    },
    /// Not JSON.
    #[error("the answer is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// JSON without a token.
    #[error("the answer holds no token")]
    NoToken,
    /// The rejected token once more.
    #[error("refresh returned the rejected token")]
    SameToken,
}

/// Posts JSON and reads the answer, within `limit`.
pub(super) async fn post(
    sockets: Sockets,
    api: Base,
    path: &'static str,
    body: Value,
    limit: Duration,
) -> Result<Reply, RestError> {
    let mut call = Call::new(Method::POST, api.target(path));
    call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    call.body = body.to_string().into();
    let asked = exchange(&sockets, &api, call.addressed(&api));
    match tokio::time::timeout(limit, asked).await {
        Ok(reply) => Ok(reply?),
        Err(_) => Err(RestError::Timeout(path)),
    }
}

/// The `token` member of an answer's body.
pub(super) fn token_in(reply: &Reply) -> Result<String, RestError> {
    let body: Value = serde_json::from_slice(&reply.body)?;
    body["token"].as_str().filter(|token| !token.is_empty()).map(ToOwned::to_owned).ok_or(RestError::NoToken)
}

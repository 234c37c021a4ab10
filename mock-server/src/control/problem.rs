//! What is wrong with a request, as RFC 9457 has it: `application/problem+json`, every error at once.
//!
//! Knows nothing of routes.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;
use utoipa::ToSchema;

use crate::server::ActError;
use crate::values::FieldError;

/// Why a request was refused.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Names the kind of problem: `urn:sparring:problem:` and a word.
    #[serde(rename = "type")]
    #[schema(example = "urn:sparring:problem:wrong-input")]
    kind: &'static str,
    /// The kind of problem in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// This problem in a sentence.
    detail: String,
    /// Everything that is wrong with what was sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<WrongField>,
}

/// One thing that is wrong with what was sent.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WrongField {
    /// Where it stands, for instance `[0].attempts`; empty for the whole.
    field: String,
    /// What stands there.
    found: String,
    /// What should.
    expected: String,
    /// A name that exists and is close to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<String>,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { kind, title, status: status.as_u16(), detail: detail.into(), errors: Vec::new() }
    }

    /// Something in the request is not what it should be.
    pub(super) fn wrong(errors: Vec<FieldError>) -> Self {
        let detail = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let problem =
            Self::new(StatusCode::UNPROCESSABLE_ENTITY, "urn:sparring:problem:wrong-input", "Wrong input", detail);
        Self { errors: errors.into_iter().map(WrongField::from).collect(), ..problem }
    }

    /// The body is not well-formed.
    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "urn:sparring:problem:malformed", "Malformed body", detail)
    }

    /// The body is larger than anything that is asked for.
    pub(super) fn too_large(limit: usize) -> Self {
        let detail = format!("a body has at most {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "urn:sparring:problem:too-large", "Too large", detail)
    }

    /// There is no such thing.
    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "urn:sparring:problem:not-found", "Not found", detail)
    }

    /// What was asked for cannot be done as things are.
    pub(super) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "urn:sparring:problem:conflict", "Not possible now", detail)
    }

    /// The path takes other methods.
    pub(super) fn method() -> Self {
        let detail = "the path does not take this method; GET /openapi.json lists what there is";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "urn:sparring:problem:method", "Method not allowed", detail)
    }

    /// Nothing that was asked for is what there is to give.
    pub(super) fn not_acceptable() -> Self {
        let detail = "the journal comes as application/json, application/x-ndjson or text/event-stream";
        Self::new(StatusCode::NOT_ACCEPTABLE, "urn:sparring:problem:not-acceptable", "Not acceptable", detail)
    }

    /// The body is of a type that is not read.
    pub(super) fn media_type() -> Self {
        let detail = "a body is application/json or application/yaml";
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "urn:sparring:problem:media-type",
            "Unsupported media type",
            detail,
        )
    }

    /// No place is left.
    pub(super) fn busy(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "urn:sparring:problem:busy", "Too many", detail)
    }

    /// The token is missing or wrong.
    pub(super) fn token() -> Self {
        let detail = "this address asks for `Authorization: Bearer` with the token that was printed at the start";
        Self::new(StatusCode::UNAUTHORIZED, "urn:sparring:problem:token", "Token needed", detail)
    }

    /// The request was meant for another host.
    pub(super) fn host(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::MISDIRECTED_REQUEST, "urn:sparring:problem:host", "Wrong host", detail)
    }

    /// A page of another site asks.
    pub(super) fn origin(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "urn:sparring:problem:origin", "Foreign origin", detail)
    }

    /// The HTTP status.
    #[cfg(test)]
    pub(super) fn status(&self) -> u16 {
        self.status
    }
}

impl From<FieldError> for WrongField {
    fn from(error: FieldError) -> Self {
        let FieldError { path, found, expected, suggestion } = error;
        Self { field: path, found, expected, suggestion }
    }
}

impl From<ActError> for Problem {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Rules(errors) => Self::wrong(errors),
            ActError::NotArmed(_) | ActError::NoSuchConnection { .. } => Self::not_found(error.to_string()),
            ActError::NoConnection { .. } => Self::conflict(error.to_string()),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let text = serde_json::to_string(&self).expect("a struct of texts is JSON");
        let mut response = Response::new(Body::from(text));
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match status {
            StatusCode::UNAUTHORIZED => headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE)),
            StatusCode::SERVICE_UNAVAILABLE => headers.insert(RETRY_AFTER, HeaderValue::from_static("1")),
            _ => None,
        };
        response
    }
}

/// What a client without a token is told to bring.
const CHALLENGE: &str = "Bearer realm=\"sparring control\"";

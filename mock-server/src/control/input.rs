//! What a request brings along: its body as a value, its query as fields; and the answer that is JSON.
//!
//! Knows nothing of what is asked for.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{StatusCode, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;
use serde_json::{Map, Value};

use super::problem::Problem;
use crate::fields::Fields;
use crate::values::FieldError;

/// The largest body that is read.
pub(super) const LARGEST_BODY: usize = 1 << 20;

/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A body in JSON or YAML; null if there is none.
#[derive(Debug)]
pub(super) struct Input(pub(super) Value);

impl<S: Send + Sync> FromRequest<S> for Input {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let bytes = read(request.into_body()).await?;
        if bytes.is_empty() {
            return Ok(Self(Value::Null));
        }
        match media_type.as_str() {
            // What curl says of `-d` unless it is told otherwise.
            "" | "application/json" | "application/x-www-form-urlencoded" => json(&bytes),
            "application/yaml" | "application/x-yaml" | "text/yaml" => yaml(&bytes),
            _ => return Err(Problem::media_type()),
        }
        .map(Self)
        .map_err(Problem::malformed)
    }
}

async fn read(body: Body) -> Result<Bytes, Problem> {
    match tokio::time::timeout(PATIENCE, Limited::new(body, LARGEST_BODY).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::too_large(LARGEST_BODY)),
        Ok(Err(error)) => Err(Problem::malformed(format!("the body broke off: {error}"))),
        Err(_) => Err(Problem::malformed(format!("the body was not there within {} s", PATIENCE.as_secs()))),
    }
}

fn json(bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("the body is no JSON: {error}"))
}

fn yaml(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| format!("the body is no UTF-8: {error}"))?;
    serde_saphyr::from_str(text).map_err(|error| format!("the body is no YAML: {error}"))
}

impl Input {
    /// The map of arguments that an action takes; nothing stands for an empty one.
    pub(super) fn into_arguments(self) -> Result<Map<String, Value>, Problem> {
        match self.0 {
            Value::Null => Ok(Map::new()),
            Value::Object(map) => Ok(map),
            other => Err(Problem::wrong(vec![FieldError::new("", &other, "a map of arguments")])),
        }
    }
}

/// The query of a request.
#[derive(Debug)]
pub(super) struct Query(Map<String, Value>);

impl Query {
    pub(super) fn of(uri: &Uri) -> Self {
        let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        Self(pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect())
    }

    /// Reads its fields; all that is wrong with them at once.
    pub(super) fn read<T>(&self, known: &[&str], read: impl FnOnce(&mut Fields<'_>) -> T) -> Result<T, Problem> {
        let mut fields = Fields::new(&self.0);
        fields.refuse_unknown("a parameter of the query", known);
        let value = read(&mut fields);
        let errors = fields.into_errors();
        if errors.is_empty() { Ok(value) } else { Err(Problem::wrong(errors)) }
    }
}

/// An answer in JSON.
pub(super) fn answer(status: StatusCode, value: &impl Serialize) -> Response {
    let text = serde_json::to_string(value).expect("what is answered has keys that are texts");
    typed(status, "application/json", text)
}

/// An answer of this type.
pub(super) fn typed(status: StatusCode, media_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = (status, body.into()).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

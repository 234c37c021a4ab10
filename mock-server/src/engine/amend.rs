//! What rules change in an answer on its way out, whoever gave it: cross-origin headers, the WebSocket's accept key, the
//! length of the body, the life of the connection.
//!
//! Knows nothing of why the answer is what it is.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, CONNECTION, CONTENT_TYPE, SEC_WEBSOCKET_ACCEPT,
};
use http::{HeaderMap, HeaderValue, Response};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::http::Body;
use crate::script::Fault;
use crate::script::fault::CorsMode;

/// An origin that no page has.
const ELSEWHERE: HeaderValue = HeaderValue::from_static("https://elsewhere.invalid");

/// One change of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Amendment {
    /// No origin is allowed.
    NoAllowOrigin,
    /// Another origin is allowed.
    OtherOrigin,
    /// Credentials are not allowed.
    NoCredentials,
    /// The accept key is that of another client.
    WrongAccept,
    /// The body breaks off after so many bytes.
    Truncated(usize),
    /// The body is said to be something else.
    ContentType(HeaderValue),
    /// The connection ends behind the answer.
    Close,
}

impl Amendment {
    /// The change that a fault makes; none if it is not one of those that do.
    pub(super) fn of(fault: &Fault) -> Option<Self> {
        Some(match fault {
            Fault::CorsDeny(fault) => match fault.mode {
                CorsMode::Omit => Self::NoAllowOrigin,
                CorsMode::OtherOrigin => Self::OtherOrigin,
            },
            Fault::CorsNoCredentials(_) => Self::NoCredentials,
            Fault::AcceptKeyInvalid(_) => Self::WrongAccept,
            Fault::ResponseTruncated(fault) => Self::Truncated(fault.bytes.get() as usize),
            Fault::ContentTypeWrong(fault) => Self::ContentType(fault.content_type.clone()),
            Fault::ConnectionClose(_) => Self::Close,
            _ => return None,
        })
    }

    /// Changes the answer. Whether the connection has to be cut behind it.
    pub(super) fn apply(&self, response: &mut Response<Body>) -> bool {
        if let Self::Truncated(bytes) = self {
            return response.body_mut().break_off(*bytes);
        }
        self.change(response.headers_mut());
        false
    }

    fn change(&self, headers: &mut HeaderMap) {
        match self {
            Self::NoAllowOrigin => drop(headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN)),
            Self::OtherOrigin => drop(headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ELSEWHERE)),
            Self::NoCredentials => drop(headers.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS)),
            Self::ContentType(kind) => drop(headers.insert(CONTENT_TYPE, kind.clone())),
            Self::Close => drop(headers.insert(CONNECTION, HeaderValue::from_static("close"))),
            Self::WrongAccept => {
                if let Some(accept) = headers.get_mut(SEC_WEBSOCKET_ACCEPT) {
                    *accept = foreign(accept);
                }
            }
            Self::Truncated(_) => {}
        }
    }
}

/// The accept key of a client whose key would have been this.
fn foreign(key: &HeaderValue) -> HeaderValue {
    HeaderValue::from_str(&derive_accept_key(key.as_bytes())).expect("base64 can stand in a header field")
}

//! Faults of HTTP requests: handshakes, polling, upgrades and REST endpoints.
//!
//! Knows requests by their kind alone, never by path.

use std::num::NonZeroU32;
use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::define::{Keys, fault};
use super::param::choice;
use crate::journal::Transport;
use crate::script::stage::{RequestKind, Subject};

choice! {
    /// Which requests of the real-time endpoint.
    pub enum HttpTarget {
        /// Those that begin an attempt.
        Handshake = "handshake",
        /// Polling requests of a known session.
        Polling = "polling",
        /// These, those, and upgrades of a known session.
        All = "all",
    }
}

impl HttpTarget {
    fn includes(self, request: Option<RequestKind<'_>>) -> bool {
        match request {
            Some(RequestKind::Attempt) => self != Self::Polling,
            Some(RequestKind::Polling(_)) => self != Self::Handshake,
            Some(RequestKind::Upgrade) => self == Self::All,
            _ => false,
        }
    }
}

/// An upgrade of a known session, or an attempt that is an upgrade itself.
fn is_upgrade(subject: &Subject<'_>) -> bool {
    match subject.request {
        Some(RequestKind::Upgrade) => true,
        Some(RequestKind::Attempt) => subject.transport == Some(Transport::Websocket),
        _ => false,
    }
}

/// A REST request to the endpoint of this name, or to any.
fn is_endpoint(subject: &Subject<'_>, endpoint: Option<&str>) -> bool {
    matches!(subject.request, Some(RequestKind::Endpoint(name)) if endpoint.is_none_or(|wanted| wanted == name))
}

fault! {
    /// The WebSocket upgrade request is answered by an HTTP status other than 101.
    pub struct UpgradeReject {
        /// The status.
        pub status: StatusCode = StatusCode::FORBIDDEN,
        /// The body of the answer.
        pub body: String = String::new(),
        /// Header fields that the answer has besides.
        pub headers: HeaderMap = HeaderMap::new(),
    }
    id: "upgrade-reject",
    family: "http",
    stage: Request,
    keys: Keys::CONNECTION,
    scope: Everywhere,
    concerns: |_fault, subject| is_upgrade(subject),
}

fault! {
    /// The answer to the request that begins the attempt is delayed.
    pub struct ResponseDelay {
        /// How long.
        pub delay: Duration,
    }
    id: "response-delay",
    family: "http",
    stage: Handshake,
    keys: Keys::CONNECTION,
    scope: Everywhere,
}

fault! {
    /// Handshake and polling requests are answered by an HTTP error.
    pub struct HttpError {
        /// The status.
        pub status: StatusCode = StatusCode::SERVICE_UNAVAILABLE,
        /// Which requests.
        pub only: HttpTarget = HttpTarget::All,
        /// The body of the answer.
        pub body: String = String::new(),
    }
    id: "http-error",
    family: "http",
    stage: Request,
    keys: Keys::CONNECTION,
    scope: Everywhere,
    concerns: |fault, subject| fault.only.includes(subject.request),
}

fault! {
    /// A polling request reaches an instance that does not know the sid: HTTP 400
    /// {"code":1,"message":"Session ID unknown"}.
    pub struct AffinityLoss {
        /// Which polling request with the sid, counted from 1.
        pub request: NonZeroU32 = NonZeroU32::MIN.saturating_add(1),
    }
    id: "affinity-loss",
    family: "http",
    stage: Request,
    keys: Keys::CONNECTION,
    scope: SocketIo,
    concerns: |fault, subject| subject.request == Some(RequestKind::Polling(fault.request.get())),
}

fault! {
    /// A REST endpoint answers with an error status, or drops the connection. `times` counts requests.
    pub struct RestError {
        /// The endpoint's name; absent means any.
        pub endpoint: Option<String>,
        /// The status.
        pub status: StatusCode = StatusCode::INTERNAL_SERVER_ERROR,
        /// Whether the connection is dropped instead of an answer.
        pub drop: bool = false,
    }
    id: "rest-error",
    family: "http",
    stage: Request,
    keys: Keys::REQUEST,
    scope: Rest,
    concerns: |fault, subject| is_endpoint(subject, fault.endpoint.as_deref()),
}

fault! {
    /// A REST endpoint answers late or never.
    pub struct RestDelay {
        /// The endpoint's name; absent means any.
        pub endpoint: Option<String>,
        /// How late; absent means never.
        pub delay: Option<Duration>,
    }
    id: "rest-delay",
    family: "http",
    stage: Request,
    keys: Keys::REQUEST,
    scope: Rest,
    concerns: |fault, subject| is_endpoint(subject, fault.endpoint.as_deref()),
}

fault! {
    /// A REST endpoint answers 200 with a body that is not the expected JSON.
    pub struct RestMalformed {
        /// The endpoint's name; absent means any.
        pub endpoint: Option<String>,
        /// The body.
        pub body: String = "<html>".to_owned(),
    }
    id: "rest-malformed",
    family: "http",
    stage: Request,
    keys: Keys::REQUEST,
    scope: Rest,
    concerns: |fault, subject| is_endpoint(subject, fault.endpoint.as_deref()),
}

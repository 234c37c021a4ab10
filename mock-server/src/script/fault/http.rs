//! Faults of HTTP requests: handshakes, polling, upgrades and REST endpoints.
//!
//! Knows requests by their kind alone, never by path.

use std::num::NonZeroU32;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};

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

choice! {
    /// What becomes of Access-Control-Allow-Origin.
    pub enum CorsMode {
        /// It is left out.
        Omit = "omit",
        /// It names an origin that nobody has.
        OtherOrigin = "other-origin",
    }
}

choice! {
    /// What becomes of the answers to CORS preflights.
    pub enum PreflightMode {
        /// They are honest, so that the request itself is made.
        Pass = "pass",
        /// They are denied like all others.
        Fail = "fail",
    }
}

impl HttpTarget {
    pub(super) fn includes(self, request: Option<RequestKind<'_>>) -> bool {
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

/// A request whose answer a browser holds against the origin of the page: all but upgrades.
fn is_fetch(subject: &Subject<'_>) -> bool {
    subject.request.is_some() && !is_upgrade(subject)
}

/// A request whose answer has a body of its own.
fn has_body(subject: &Subject<'_>) -> bool {
    is_fetch(subject) && subject.request != Some(RequestKind::Preflight)
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
    /// The WebSocket upgrade request is answered like a plain GET, as by a proxy that drops the Upgrade header.
    pub struct UpgradeStripped {
        /// The status.
        pub status: StatusCode = StatusCode::OK,
        /// The body of the answer.
        pub body: String = "OK".to_owned(),
    }
    id: "upgrade-stripped",
    family: "http",
    stage: Request,
    keys: Keys::CONNECTION,
    scope: Everywhere,
    concerns: |_fault, subject| is_upgrade(subject),
}

fault! {
    /// The WebSocket upgrade request is read but not answered; once the fault is undone, it is.
    pub struct UpgradeStall {}
    id: "upgrade-stall",
    family: "http",
    stage: Request,
    keys: Keys::CONNECTION.lasting(),
    scope: Everywhere,
    concerns: |_fault, subject| is_upgrade(subject),
}

fault! {
    /// WebSocket upgrades with a foreign Origin are refused by HTTP 403. Upgrades without Origin pass.
    pub struct OriginCheckUpgrade {
        /// The origins that are not foreign, as the header has them.
        pub allowed: Vec<String>,
    }
    id: "origin-check-upgrade",
    family: "http",
    stage: Request,
    keys: Keys::CONNECTION,
    scope: Everywhere,
    concerns: |fault, subject| {
        is_upgrade(subject) && subject.headers.get("origin").is_some_and(|origin| !fault.allowed.contains(origin))
    },
}

fault! {
    /// The WebSocket upgrade is answered 101 with a Sec-WebSocket-Accept that does not belong to the client's key.
    pub struct AcceptKeyInvalid {}
    id: "accept-key-invalid",
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
        /// Header fields that the answer has besides, such as Location or Retry-After.
        pub headers: HeaderMap = HeaderMap::new(),
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
    scope: EngineIo,
    concerns: |fault, subject| subject.request == Some(RequestKind::Polling(fault.request.get())),
}

fault! {
    /// Access-Control-Allow-Origin is left out of the answers, or names another origin, so that browsers keep them from
    /// the page. Upgrades are not concerned.
    pub struct CorsDeny {
        /// What becomes of the header.
        pub mode: CorsMode = CorsMode::Omit,
        /// What becomes of preflights.
        pub preflight: PreflightMode = PreflightMode::Pass,
    }
    id: "cors-deny",
    family: "http",
    stage: Request,
    keys: Keys::CONNECTION,
    scope: Http,
    concerns: |fault, subject| match subject.request {
        Some(RequestKind::Preflight) => fault.preflight == PreflightMode::Fail,
        _ => is_fetch(subject),
    },
}

fault! {
    /// Access-Control-Allow-Credentials is left out of the answers, those to preflights too. Upgrades are not concerned.
    pub struct CorsNoCredentials {}
    id: "cors-no-credentials",
    family: "http",
    stage: Request,
    keys: Keys::CONNECTION,
    scope: Http,
    concerns: |_fault, subject| is_fetch(subject),
}

fault! {
    /// The answer breaks off: Content-Length promises the whole body, but only a part of it comes, and then FIN. An
    /// answer whose body is not longer than that part is left as it is.
    pub struct ResponseTruncated {
        /// How many bytes of the body come.
        pub bytes: NonZeroU32 = NonZeroU32::MIN,
    }
    id: "response-truncated",
    family: "http",
    stage: Request,
    keys: Keys::CONNECTION,
    scope: Http,
    concerns: |_fault, subject| has_body(subject),
}

fault! {
    /// Answers are marked as something that they are not, as by a proxy that guesses.
    pub struct ContentTypeWrong {
        /// The Content-Type that they have.
        pub content_type: HeaderValue = HeaderValue::from_static("application/octet-stream"),
    }
    id: "content-type-wrong",
    family: "http",
    stage: Request,
    keys: Keys::CONNECTION,
    scope: Http,
    concerns: |_fault, subject| has_body(subject),
}

fault! {
    /// Answers have Connection: close and are followed by FIN, so that every request needs a TCP connection of its own.
    pub struct ConnectionClose {}
    id: "connection-close",
    family: "http",
    stage: Request,
    keys: Keys::CONNECTION,
    scope: Http,
    concerns: |_fault, subject| is_fetch(subject),
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

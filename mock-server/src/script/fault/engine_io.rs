//! Faults of Engine.IO: upgrade, heartbeat, close.
//!
//! Knows nothing of Socket.IO packets.

use std::time::Duration;

use serde_json::{Map, Value};

use super::define::{Keys, fault};
use super::http::HttpTarget;
use super::param::{Kind, Param};
use super::phase::OpenPhase;
use crate::journal::Transport;
use crate::script::stage::{RequestKind, Subject};

/// Transports of Engine.IO, each at most once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transports(pub Vec<Transport>);

impl Transports {
    /// Whether the transport is among them.
    pub fn contains(&self, transport: Transport) -> bool {
        self.0.contains(&transport)
    }
}

impl Param for Transports {
    const KIND: Kind = Kind::Choices(&["polling", "websocket"]);

    fn read(value: &Value) -> Option<Self> {
        let transport =
            |name: &Value| [Transport::Polling, Transport::Websocket].into_iter().find(|it| name == it.name());
        let mut transports = Vec::new();
        for name in value.as_array()? {
            transports.push(transport(name).filter(|it| !transports.contains(it))?);
        }
        Some(Self(transports)).filter(|it| !it.0.is_empty())
    }

    fn written(&self) -> Option<Value> {
        Some(self.0.iter().map(|transport| transport.name()).collect())
    }
}

/// A request that begins an attempt.
fn is_attempt(subject: &Subject<'_>) -> bool {
    subject.request == Some(RequestKind::Attempt)
}

fault! {
    /// A transport is disabled: requests over it are answered by HTTP 400 with code 0, "Transport unknown", and open
    /// packets do not offer it.
    pub struct TransportUnknown {
        /// The disabled transports.
        pub transports: Transports,
    }
    id: "transport-unknown",
    family: "engine.io",
    stage: Request,
    keys: Keys::CONNECTION,
    scope: EngineIo,
    concerns: |fault, subject| match subject.request {
        Some(RequestKind::Attempt) => true,
        Some(RequestKind::Polling(_)) => fault.transports.contains(Transport::Polling),
        Some(RequestKind::Upgrade) => fault.transports.contains(Transport::Websocket),
        _ => false,
    },
}

fault! {
    /// The WebSocket opens (101), but the Engine.IO open packet is not sent, nor anything else; once the fault is undone,
    /// it is.
    pub struct OpenPacketWithheld {}
    id: "open-packet-withheld",
    family: "engine.io",
    stage: Request,
    keys: Keys::CONNECTION.lasting(),
    scope: EngineIo,
    concerns: |_fault, subject| is_attempt(subject) && subject.transport == Some(Transport::Websocket),
}

fault! {
    /// The Engine.IO open packet says something else than what the server does.
    pub struct OpenPacketAltered {
        /// Members of the open packet that are added or replaced: sid, upgrades, pingInterval (in ms), pingTimeout (in ms),
        /// maxPayload, or any other. One that is null is left out.
        pub add: Map<String, Value>,
    }
    id: "open-packet-altered",
    family: "engine.io",
    stage: Request,
    keys: Keys::CONNECTION,
    scope: EngineIo,
    concerns: |_fault, subject| is_attempt(subject),
}

fault! {
    /// A polling request, or the handshake over polling, is answered 200 with a body that is not Engine.IO, as by a
    /// captive portal.
    pub struct PollingMalformed {
        /// Which requests.
        pub only: HttpTarget = HttpTarget::Polling,
        /// The body.
        pub body: String = "<html>".to_owned(),
    }
    id: "polling-malformed",
    family: "engine.io",
    stage: Request,
    keys: Keys::CONNECTION,
    scope: EngineIo,
    concerns: |fault, subject| {
        subject.transport == Some(Transport::Polling) && fault.only.includes(subject.request)
    },
}

fault! {
    /// The server's first Engine.IO ping comes right after the open packet instead of one interval later.
    pub struct EnginePingEarly {}
    id: "engine-ping-early",
    family: "engine.io",
    stage: Open,
    keys: Keys::CONNECTION,
    scope: EngineIo,
}

fault! {
    /// The server sends Engine.IO pings all the time, besides those of its heartbeat.
    pub struct EnginePingFlood {
        /// Time between them; at least 1ms.
        pub period: Duration,
    }
    id: "engine-ping-flood",
    family: "engine.io",
    stage: Open,
    keys: Keys::CONNECTION.lasting(),
    scope: EngineIo,
}

fault! {
    /// The upgrade to WebSocket opens, but 2probe is never answered.
    pub struct UpgradeProbeIgnored {}
    id: "upgrade-probe-ignored",
    family: "engine.io",
    stage: Request,
    keys: Keys::CONNECTION,
    scope: EngineIo,
    concerns: |_fault, subject| subject.request == Some(RequestKind::Upgrade),
}

fault! {
    /// The server stops sending Engine.IO pings while the connection stays open.
    pub struct EnginePingSuppress {}
    id: "engine-ping-suppress",
    family: "engine.io",
    stage: Open,
    keys: Keys::CONNECTION.lasting(),
    scope: EngineIo,
}

fault! {
    /// The server sends an Engine.IO close packet (1) and ends the transport.
    pub struct EngineClose {
        /// When in the life of the connection; `after` is counted from then.
        pub phase: OpenPhase = OpenPhase::Established,
    }
    id: "engine-close",
    family: "engine.io",
    stage: phase,
    keys: Keys::TRIGGERED,
    scope: EngineIo,
}

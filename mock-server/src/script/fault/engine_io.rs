//! Faults of Engine.IO: upgrade, heartbeat, close.
//!
//! Knows nothing of Socket.IO packets.

use super::define::{Keys, fault};
use super::phase::OpenPhase;
use crate::script::stage::RequestKind;

fault! {
    /// The upgrade to WebSocket opens, but 2probe is never answered.
    pub struct UpgradeProbeIgnored {}
    id: "upgrade-probe-ignored",
    family: "engine.io",
    stage: Request,
    keys: Keys::CONNECTION,
    scope: SocketIo,
    concerns: |_fault, subject| subject.request == Some(RequestKind::Upgrade),
}

fault! {
    /// The server stops sending Engine.IO pings while the connection stays open.
    pub struct EnginePingSuppress {}
    id: "engine-ping-suppress",
    family: "engine.io",
    stage: Open,
    keys: Keys::CONNECTION.lasting(),
    scope: SocketIo,
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
    scope: SocketIo,
}

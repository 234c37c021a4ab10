//! Faults of Socket.IO: CONNECT and DISCONNECT.
//!
//! Knows nothing of tokens or sessions.

use std::time::Duration;

use super::define::{Keys, fault};
use super::param::Payload;
use super::phase::ConnectedPhase;

fault! {
    /// The CONNECT packet is never answered, neither by 40 nor by 44.
    pub struct ConnectAckWithheld {}
    id: "connect-ack-withheld",
    family: "socket.io",
    stage: Connect,
    keys: Keys::CONNECTION,
    scope: SocketIo,
}

fault! {
    /// The CONNECT packet is answered late.
    pub struct ConnectAckDelay {
        /// How late.
        pub delay: Duration,
    }
    id: "connect-ack-delay",
    family: "socket.io",
    stage: Connect,
    keys: Keys::CONNECTION,
    scope: SocketIo,
}

fault! {
    /// The CONNECT packet is answered by a `CONNECT_ERROR` packet (44).
    pub struct SocketioConnectError {
        /// The message in it.
        pub message: String,
        /// The data in it; absent or null means none.
        pub data: Payload = Payload::Nothing,
    }
    id: "socketio-connect-error",
    family: "socket.io",
    stage: Connect,
    keys: Keys::CONNECTION,
    scope: SocketIo,
}

fault! {
    /// The server sends a DISCONNECT packet (41), which clients see as io server disconnect.
    pub struct ServerDisconnect {
        /// When in the life of the connection; `after` is counted from then.
        pub phase: ConnectedPhase = ConnectedPhase::Established,
        /// Whether the transport ends with it.
        pub close_transport: bool = false,
    }
    id: "server-disconnect",
    family: "socket.io",
    stage: phase,
    keys: Keys::TRIGGERED,
    scope: SocketIo,
}

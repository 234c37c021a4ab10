//! Faults of Socket.IO: CONNECT and DISCONNECT, acknowledgements, attachments, namespaces.
//!
//! Knows nothing of tokens or sessions.

use std::num::NonZeroU32;
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

fault! {
    /// An event that asks for an acknowledgement is processed but never acknowledged; `on` names the event the client
    /// sends.
    pub struct AckWithheld {}
    id: "ack-withheld",
    family: "socket.io",
    stage: Message,
    keys: Keys::ACKNOWLEDGED,
    scope: SocketIo,
}

fault! {
    /// The acknowledgement of an event comes late, and nothing else waits for it; `on` names the event the client sends.
    pub struct AckDelay {
        /// How late.
        pub delay: Duration,
    }
    id: "ack-delay",
    family: "socket.io",
    stage: Message,
    keys: Keys::ACKNOWLEDGED,
    scope: SocketIo,
}

fault! {
    /// An event is processed, but its acknowledgement carries an error in place of what it would say; `on` names the
    /// event the client sends.
    pub struct AckError {
        /// The text in its only argument, the object {"error": text}.
        pub error: String = "Internal server error".to_owned(),
    }
    id: "ack-error",
    family: "socket.io",
    stage: Message,
    keys: Keys::ACKNOWLEDGED,
    scope: SocketIo,
}

fault! {
    /// An event is acknowledged more than once; `on` names the event the client sends.
    pub struct AckDuplicate {
        /// How often in all.
        pub copies: NonZeroU32 = NonZeroU32::MIN.saturating_add(1),
    }
    id: "ack-duplicate",
    family: "socket.io",
    stage: Message,
    keys: Keys::ACKNOWLEDGED,
    scope: SocketIo,
}

fault! {
    /// An event is acknowledged under an id that the client has not given, one million above its own; `on` names the
    /// event the client sends.
    pub struct AckWrongId {}
    id: "ack-wrong-id",
    family: "socket.io",
    stage: Message,
    keys: Keys::ACKNOWLEDGED,
    scope: SocketIo,
}

fault! {
    /// A server event, named by `on`, goes out without its last binary attachment; one that has none announces one that
    /// does not come.
    pub struct BinaryAttachmentMissing {}
    id: "binary-attachment-missing",
    family: "socket.io",
    stage: Message,
    keys: Keys::SENT,
    scope: SocketIo,
}

fault! {
    /// A server event, named by `on`, goes out in another namespace than its own.
    pub struct EventWrongNamespace {
        /// Which one.
        pub namespace: String = "/nowhere".to_owned(),
    }
    id: "event-wrong-namespace",
    family: "socket.io",
    stage: Message,
    keys: Keys::SENT,
    scope: SocketIo,
}

//! Faults of the messages that a server sends: late, lost, twice, out of order, or not as documented.

use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::script::fault::define::{Keys, fault};
use crate::script::fault::param::{Payload, choice};

choice! {
    /// The event of an error that is not about authentication.
    pub enum FailureEvent {
        /// What most servers call it.
        Error = "error",
        /// What some frameworks call it.
        Exception = "exception",
    }
}

fault! {
    /// A server event, named by `on`, is emitted later than usual.
    pub struct EventDelay {
        /// How much later.
        pub delay: Duration,
    }
    id: "event-delay",
    family: "application",
    stage: Message,
    keys: Keys::SENT,
    scope: Everywhere,
}

fault! {
    /// A server event, named by `on`, is not transmitted.
    pub struct EventDrop {}
    id: "event-drop",
    family: "application",
    stage: Message,
    keys: Keys::SENT,
    scope: Everywhere,
}

fault! {
    /// Server events are transmitted in another order: the first of them to be due waits for the others.
    pub struct EventReorder {
        /// The events, in the order in which they are to go out.
        pub order: Vec<String>,
    }
    id: "event-reorder",
    family: "application",
    stage: Message,
    keys: Keys::CONNECTION,
    scope: Everywhere,
}

fault! {
    /// A server event, named by `on`, is transmitted more than once.
    pub struct DuplicateEvent {
        /// How often in all.
        pub copies: NonZeroU32 = NonZeroU32::MIN.saturating_add(1),
        /// Time between one and the next.
        pub gap: Duration = Duration::ZERO,
    }
    id: "duplicate-event",
    family: "application",
    stage: Message,
    keys: Keys::SENT,
    scope: Everywhere,
}

fault! {
    /// The payload of a server event, named by `on`, is replaced by one that breaks the contract.
    pub struct MalformedPayload {
        /// The payload instead; absent or null means no argument.
        pub payload: Payload = Payload::Nothing,
        /// A whole text frame instead of the event.
        pub raw: Option<String>,
    }
    id: "malformed-payload",
    family: "application",
    stage: Message,
    keys: Keys::SENT,
    scope: Everywhere,
}

fault! {
    /// An undocumented event is sent just before the event named by `on`, which may have extra fields.
    pub struct UnknownEvent {
        /// Its name.
        pub event: String = "undocumented".to_owned(),
        /// Its payload; absent or null means no argument.
        pub payload: Payload = Payload::Nothing,
        /// Fields that the payload of the event named by `on` has besides.
        pub add: Map<String, Value> = Map::new(),
    }
    id: "unknown-event",
    family: "application",
    stage: Message,
    keys: Keys::SENT,
    scope: Everywhere,
}

fault! {
    /// An error event that is not about authentication is emitted; `after` is counted from the verdict, or from the
    /// message named by `on`.
    pub struct ApplicationError {
        /// Its name.
        pub event: FailureEvent = FailureEvent::Error,
        /// Its payload; null means no argument.
        pub payload: Payload = Payload::Json(json!({"message": "Internal server error"})),
    }
    id: "application-error",
    family: "application",
    stage: Ready,
    keys: Keys::TRIGGERED,
    scope: Named,
}

fault! {
    /// An event that goes to a room, named by `on`, is delivered to a connection outside it too; `who`, `when` and
    /// `attempts` say to which.
    pub struct CrossRoomLeak {
        /// Which room; absent means any.
        pub room: Option<String>,
    }
    id: "cross-room-leak",
    family: "application",
    stage: Message,
    keys: Keys::OVERHEARD,
    scope: SocketIo,
    concerns: |fault, subject| fault.room.is_none() || fault.room.as_deref() == subject.room,
}

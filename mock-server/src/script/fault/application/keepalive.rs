//! Faults of the keepalive that an application keeps by messages of its own: PING from the client, PONG from the server.
//!
//! The server's PONG is whatever it sends under that name, in any letter case.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::script::fault::define::{Keys, fault};
use crate::script::fault::param::Payload;

fault! {
    /// The client's PING messages are not answered, or are answered by something else.
    pub struct PongWithhold {
        /// How many are answered first on each connection; absent means none.
        pub after_count: Option<NonZeroU32>,
        /// What is sent instead of PONG: a text goes out as it stands, anything else as JSON.
        pub replace_with: Option<Payload>,
        /// Whether an unsolicited pong control frame is sent instead.
        pub control_frame: bool = false,
    }
    id: "pong-withhold",
    family: "application",
    stage: Message,
    keys: Keys::CONNECTION,
    scope: Plain,
}

fault! {
    /// The server's PONG messages come late; what else is sent does not wait for them.
    pub struct PongDelay {
        /// How late.
        pub delay: Duration,
    }
    id: "pong-delay",
    family: "application",
    stage: Message,
    keys: Keys::CONNECTION,
    scope: Plain,
}

//! The fault of a server that refuses what comes too often.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::script::fault::define::{Keys, fault};
use crate::script::fault::param::choice;
use crate::script::fault::phase::Staged;
use crate::script::stage::Stage;

choice! {
    /// Whose doings are counted together.
    pub enum RateScope {
        /// Those of each connection.
        Socket = "socket",
        /// Those of each user, on whatever connection; without a user, those of the connection.
        User = "user",
        /// Those of each actor, which has an address of its own.
        Address = "address",
    }
}

choice! {
    /// What is limited, and how the client learns of a refusal.
    pub enum RateVia {
        /// Events, refused in the acknowledgement; where the client has asked for none, as by `event`.
        Ack = "ack",
        /// Events, refused by the system's own event for that.
        Event = "event",
        /// Connection attempts, refused with HTTP 429; they are always counted by address.
        Http = "http",
    }
}

impl Staged for RateVia {
    const PHASES: &'static [Self] = Self::ALL;

    fn stage(self) -> Stage {
        match self {
            Self::Ack | Self::Event => Stage::Message,
            Self::Http => Stage::Handshake,
        }
    }
}

fault! {
    /// Events, or only the one named by `on`, are refused as soon as more than `limit` of them have come within `window`;
    /// or connection attempts are. What has been refused does not count.
    pub struct RateLimit {
        /// How many are let through within the window.
        pub limit: NonZeroU32 = NonZeroU32::MIN.saturating_add(4),
        /// Over how long they are counted.
        pub window: Duration = Duration::from_secs(1),
        /// What is counted together. `socket` is each connection, `user` each user, `address` each actor.
        pub scope: RateScope = RateScope::Socket,
        /// How the client learns of it.
        pub via: RateVia = RateVia::Ack,
        /// What the refusal says.
        pub error: String = "rate limited".to_owned(),
    }
    id: "rate-limit",
    family: "application",
    stage: via,
    keys: Keys::RECEIVED,
    scope: Everywhere,
}

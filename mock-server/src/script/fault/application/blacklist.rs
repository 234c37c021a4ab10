//! Faults of the blacklist: a token on it, and its store out of reach.

use std::time::Duration;

use super::session::RevocationPhase;
use crate::script::fault::define::{Keys, fault};
use crate::script::fault::param::choice;

choice! {
    /// What becomes of a question to a store that is down.
    pub enum OutageMode {
        /// It fails at once.
        Refuse = "refuse",
        /// It is not answered before the store is back.
        Hang = "hang",
    }
}

fault! {
    /// A token is put on the blacklist: those who present it are refused from then on, and a connection that it has
    /// opened at its next event.
    pub struct BlacklistToken {
        /// Which token; absent means the one that the connection presents.
        pub token: Option<String>,
        /// How long it stays there, by the server's clock, in whole seconds; parts of a second are left out, and one
        /// second is the least.
        pub ttl: Duration = Duration::from_secs(3_600),
        /// When; `after` is counted from then.
        pub phase: RevocationPhase = RevocationPhase::BeforeConnect,
    }
    id: "blacklist-token",
    family: "application",
    stage: phase,
    keys: Keys::CONNECTION,
    scope: Blacklist,
}

fault! {
    /// The store of the blacklist is out of reach for everybody; `after` is counted from the start of the server, or from
    /// when the rule is armed.
    pub struct BlacklistStoreDown {
        /// What becomes of a question to it.
        pub mode: OutageMode = OutageMode::Refuse,
    }
    id: "blacklist-store-down",
    family: "application",
    stage: Start,
    keys: Keys::SERVER.lasting(),
    scope: Blacklist,
}

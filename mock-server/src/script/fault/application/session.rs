//! Faults of sessions: making them, losing them, refusing things to them.

use std::time::Duration;

use crate::script::fault::define::{Keys, OnKey, fault};
use crate::script::fault::param::choice;
use crate::script::fault::phase::Staged;
use crate::script::stage::Stage;

choice! {
    /// Whose sessions.
    pub enum SessionTarget {
        /// Everybody's.
        All = "all",
        /// Those of guests.
        Guest = "guest",
        /// Those of users with a JWT.
        Jwt = "jwt",
    }
}

choice! {
    /// When a session is revoked.
    pub enum RevocationPhase {
        /// Before the token is judged.
        BeforeConnect = "before-connect",
        /// While the session is up.
        AfterConnect = "after-connect",
    }
}

impl Staged for RevocationPhase {
    const PHASES: &'static [Self] = Self::ALL;

    fn stage(self) -> Stage {
        match self {
            Self::BeforeConnect => Stage::Authenticate,
            Self::AfterConnect => Stage::Ready,
        }
    }
}

fault! {
    /// Session creation after a successful verification takes longer than usual.
    pub struct SessionCreationDelay {
        /// How much longer.
        pub delay: Duration,
    }
    id: "session-creation-delay",
    family: "application",
    stage: Session,
    keys: Keys::CONNECTION,
    scope: Sessions,
}

fault! {
    /// Session creation throws.
    pub struct SessionCreationError {
        /// For whom.
        pub target: SessionTarget = SessionTarget::All,
    }
    id: "session-creation-error",
    family: "application",
    stage: Session,
    keys: Keys::CONNECTION,
    scope: Sessions,
    concerns: |fault, subject| fault.target == SessionTarget::All || subject.token_kind == Some(fault.target.name()),
}

fault! {
    /// The verdict `session_created` is emitted although the attempt is already lost; `after` is counted from the event
    /// named by `on`.
    pub struct LateSessionCreated {}
    id: "late-session-created",
    family: "application",
    stage: Message,
    keys: Keys { on: OnKey::SentOr("auth_error"), ..Keys::CONNECTION },
    scope: Sessions,
}

fault! {
    /// A session is removed from the store while its token stays valid.
    pub struct SessionRevoked {
        /// When; `after` is counted from then.
        pub phase: RevocationPhase = RevocationPhase::AfterConnect,
        /// Whether sessions made later for the same user are revoked too.
        pub also_new_sessions: bool = false,
    }
    id: "session-revoked",
    family: "application",
    stage: phase,
    keys: Keys::CONNECTION,
    scope: Sessions,
}

fault! {
    /// A stored session expires.
    pub struct SessionExpiry {
        /// Time from its creation to its end, by the server's clock.
        pub lifetime: Duration,
    }
    id: "session-expiry",
    family: "application",
    stage: Ready,
    keys: Keys::CONNECTION,
    scope: Sessions,
}

fault! {
    /// An operation, named by `on`, is refused to guests.
    pub struct GuestRestriction {
        /// What the refusal says.
        pub error: String = "Not available to guests".to_owned(),
    }
    id: "guest-restriction",
    family: "application",
    stage: Message,
    keys: Keys::RECEIVED,
    scope: Guests,
    concerns: |_fault, subject| subject.token_kind == Some("guest"),
}

fault! {
    /// The session store throws when it is asked.
    pub struct SessionStoreError {}
    id: "session-store-error",
    family: "application",
    stage: Session,
    keys: Keys::CONNECTION,
    scope: Sessions,
}

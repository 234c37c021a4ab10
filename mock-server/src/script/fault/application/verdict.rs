//! Faults of the verdict on a token: none, a wrong one, a late one, or an end without one.

use std::time::Duration;

use crate::script::fault::define::{Keys, fault};
use crate::script::fault::param::{Payload, choice};

choice! {
    /// How the server ends a connection.
    pub enum DisconnectVia {
        /// With a Socket.IO DISCONNECT packet (41).
        SocketIo = "socket.io",
        /// By the end of the TCP stream alone.
        Tcp = "tcp",
        /// With a WebSocket close frame.
        CloseFrame = "close-frame",
    }
}

choice! {
    /// Which work is slow.
    pub enum VerificationTarget {
        /// All that stands before the verdict.
        All = "all",
        /// The check of the token.
        Token = "token",
    }
}

choice! {
    /// How verification fails.
    pub enum VerificationFailure {
        /// The service answers with an error.
        Throw = "throw",
        /// The service does not answer.
        Unreachable = "unreachable",
    }
}

choice! {
    /// The event in which an error goes out.
    pub enum ErrorEvent {
        /// The system's own authentication error.
        AuthError = "auth_error",
        /// A plain error.
        Error = "error",
    }
}

fault! {
    /// Transport and protocol connect succeed, but no verdict is ever sent.
    pub struct SilentAuth {}
    id: "silent-auth",
    family: "application",
    stage: Authenticate,
    keys: Keys::CONNECTION,
    scope: Tokens,
}

fault! {
    /// The server disconnects during authentication without an error event before it; `after` is counted from the
    /// acknowledgement.
    pub struct DisconnectWithoutVerdict {
        /// How.
        pub via: DisconnectVia = DisconnectVia::SocketIo,
    }
    id: "disconnect-without-verdict",
    family: "application",
    stage: Authenticate,
    keys: Keys::CONNECTION,
    scope: Tokens,
}

fault! {
    /// An authentication error is emitted whatever the token; `after` is counted from the acknowledgement.
    pub struct ForcedAuthError {
        /// The code.
        pub code: String = "AUTH_INVALID".to_owned(),
        /// The message; absent means the document's for that code.
        pub message: Option<String>,
        /// The whole payload, in place of code, message and timestamp; null means no argument.
        pub payload: Option<Payload>,
        /// The event that carries it.
        pub event: ErrorEvent = ErrorEvent::AuthError,
        /// Whether the server disconnects after it.
        pub disconnect: bool = true,
    }
    id: "forced-auth-error",
    family: "application",
    stage: Authenticate,
    keys: Keys::CONNECTION,
    scope: Tokens,
}

fault! {
    /// An authentication error is emitted whatever the token, but the connection is left open.
    pub struct AuthErrorWithoutDisconnect {
        /// The code.
        pub code: String = "AUTH_INVALID".to_owned(),
        /// The message; absent means the document's for that code.
        pub message: Option<String>,
    }
    id: "auth-error-without-disconnect",
    family: "application",
    stage: Authenticate,
    keys: Keys::CONNECTION,
    scope: Tokens,
}

fault! {
    /// Token verification or session lookup takes longer than usual.
    pub struct VerificationDelay {
        /// How much longer; absent means for ever.
        pub delay: Option<Duration>,
        /// Which work.
        pub target: VerificationTarget = VerificationTarget::All,
    }
    id: "verification-delay",
    family: "application",
    stage: Authenticate,
    keys: Keys::CONNECTION,
    scope: Tokens,
}

fault! {
    /// The verification service throws or is unreachable.
    pub struct VerificationError {
        /// Which of the two.
        pub mode: VerificationFailure = VerificationFailure::Throw,
    }
    id: "verification-error",
    family: "application",
    stage: Authenticate,
    keys: Keys::CONNECTION,
    scope: Tokens,
}

fault! {
    /// The server lacks guest support and refuses well-formed guest tokens as invalid.
    pub struct GuestTokensUnrecognised {}
    id: "guest-tokens-unrecognised",
    family: "application",
    stage: Authenticate,
    keys: Keys::CONNECTION,
    scope: Guests,
    concerns: |_fault, subject| subject.token_kind == Some("guest"),
}

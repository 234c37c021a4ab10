//! Faults of TLS. They exist only where the mock serves TLS.
//!
//! Nothing of a request has been read when they strike, so no attempt is known.

use super::define::{Keys, Span, fault};
use super::param::choice;

choice! {
    /// What is wrong with a certificate; nothing else is.
    pub enum CertificateProblem {
        /// Its time is over since a day.
        Expired = "expired",
        /// Its time comes in a day.
        NotYetValid = "not-yet-valid",
        /// It is for another host.
        WrongHost = "wrong-host",
        /// Its issuer is not the one that clients are told to trust.
        Untrusted = "untrusted",
    }
}

choice! {
    /// A fatal alert of TLS.
    pub enum Alert {
        /// No acceptable set of parameters (40).
        HandshakeFailure = "handshake-failure",
        /// No version in common (70).
        ProtocolVersion = "protocol-version",
        /// No such host (112).
        UnrecognizedName = "unrecognized-name",
        /// The server itself is broken (80).
        InternalError = "internal-error",
    }
}

impl Alert {
    /// Its code on the wire.
    pub fn code(self) -> u8 {
        match self {
            Self::HandshakeFailure => 40,
            Self::ProtocolVersion => 70,
            Self::InternalError => 80,
            Self::UnrecognizedName => 112,
        }
    }
}

fault! {
    /// The server shows a certificate that a client must refuse. `times` counts TCP connections.
    pub struct TlsCertificate {
        /// What is wrong with it.
        pub problem: CertificateProblem,
    }
    id: "tls-certificate",
    family: "tls",
    stage: Accept,
    keys: Keys { lasts: Span::Rule, ..Keys::ADDRESS },
    scope: Everywhere,
}

fault! {
    /// The client begins the TLS handshake, and the server does not answer. `times` counts TCP connections.
    pub struct TlsHandshakeStall {}
    id: "tls-handshake-stall",
    family: "tls",
    stage: Accept,
    keys: Keys::ADDRESS.lasting(),
    scope: Everywhere,
}

fault! {
    /// The client begins the TLS handshake, and the server answers with a fatal alert and the end of the connection.
    /// `times` counts TCP connections.
    pub struct TlsHandshakeFailure {
        /// Which alert.
        pub alert: Alert = Alert::HandshakeFailure,
    }
    id: "tls-handshake-failure",
    family: "tls",
    stage: Accept,
    keys: Keys { lasts: Span::Rule, ..Keys::ADDRESS },
    scope: Everywhere,
}

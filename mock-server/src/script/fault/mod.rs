//! The closed list of faults, one file for each family.
//!
//! A fault is data: what goes wrong, with which parameters, at which stage. Who carries it out is not said here. To add
//! one, write its block in the file of its family and name it in the list below.

mod application;
mod define;
mod engine_io;
mod http;
mod param;
mod phase;
mod socket_io;
mod tcp;
mod time;
mod tls;
mod websocket;

use std::sync::LazyLock;

use serde_json::{Map, Value};

use define::Definition;

use super::stage::{Stage, Subject};
use crate::contract::SystemId;
use crate::fields::Fields;

pub use application::blacklist::{BlacklistStoreDown, BlacklistToken, OutageMode};
pub use application::delivery::{DeliveryFailure, OfflineQueue, QueueOrder, QueueVia};
pub use application::keepalive::{PongDelay, PongWithhold};
pub use application::message::{
    ApplicationError, CrossRoomLeak, DuplicateEvent, EventDelay, EventDrop, EventReorder, MalformedPayload,
    UnknownEvent,
};
pub use application::rate::{RateLimit, RateScope, RateVia};
pub use application::session::{
    GuestRestriction, LateSessionCreated, RevocationPhase, SessionCreationDelay, SessionCreationError, SessionExpiry,
    SessionRevoked, SessionStoreError, SessionTarget,
};
pub use application::verdict::{
    AuthErrorWithoutDisconnect, DisconnectVia, DisconnectWithoutVerdict, ErrorEvent, ForcedAuthError,
    GuestTokensUnrecognised, SilentAuth, VerificationDelay, VerificationError, VerificationFailure, VerificationTarget,
};
pub use define::{FaultInfo, Keys, OnKey, ParamInfo, Presence, Scope, Selects, Span};
pub use engine_io::{
    EngineClose, EnginePingEarly, EnginePingFlood, EnginePingSuppress, OpenPacketAltered, OpenPacketWithheld,
    PollingMalformed, TransportUnknown, Transports, UpgradeProbeIgnored,
};
pub use http::{
    AcceptKeyInvalid, AffinityLoss, ConnectionClose, ContentTypeWrong, CorsDeny, CorsMode, CorsNoCredentials,
    HttpError, HttpTarget, OriginCheckUpgrade, PreflightMode, ResponseDelay, ResponseTruncated, RestDelay, RestError,
    RestMalformed, UpgradeReject, UpgradeStall, UpgradeStripped,
};
pub(super) use param::exact;
pub use param::{Bytes, Code, Kind, Octets, Payload, WallTime};
pub use phase::{ConnectedPhase, OpenPhase, Phase};
pub use socket_io::{
    AckDelay, AckDuplicate, AckError, AckWithheld, AckWrongId, BinaryAttachmentMissing, ConnectAckDelay,
    ConnectAckWithheld, EventWrongNamespace, ServerDisconnect, SocketioConnectError,
};
pub use tcp::{
    AbruptClose, AcceptBlackhole, Bandwidth, ConnectionRefused, ConnectionReset, Flow, FrameEnd, HalfOpen, IdleTimeout,
    Latency, LimitData, MaxConnectionLifetime, PacketCoalesce, RefusalStart, ServerRestart, Slicer, SlowClose,
    TruncatedFrame,
};
pub use time::{
    ClockAdvance, ClockFreeze, ColdPhase, ColdStart, ExpiryAction, ServerStall, TokenExpired, TokenExpiresMidSession,
};

pub use tls::{Alert, CertificateProblem, TlsCertificate, TlsHandshakeFailure, TlsHandshakeStall};
pub use websocket::{
    BinaryFrame, CloseFrame, CloseHandshakeStall, FragmentedFrame, IllegalFrame, IllegalKind, OversizedFrame, WsPing,
    WsPingSuppress, WsPongSuppress,
};

/// Lists the faults: the enum and all that must be the same for each.
macro_rules! faults {
    ($($name:ident),+ $(,)?) => {
        /// Something that goes wrong on demand. Ids and parameters are those of the fault catalogue.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Fault {
            $(#[doc = concat!("See [`", stringify!($name), "`].")] $name($name),)+
        }

        impl Fault {
            /// What there is to say about each, in the order of the catalogue.
            pub fn catalogue() -> &'static [FaultInfo] {
                static CATALOGUE: LazyLock<Vec<FaultInfo>> = LazyLock::new(|| vec![$($name::info()),+]);
                &CATALOGUE
            }

            /// Its id in the catalogue.
            pub fn id(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $name::ID,)+
                }
            }

            /// The stage at which it works, unless a message starts it.
            pub fn stage(&self) -> Stage {
                match self {
                    $(Self::$name(fault) => fault.stage(),)+
                }
            }

            /// Its parameters that differ from their defaults, as they would be written.
            pub fn params(&self) -> Map<String, Value> {
                match self {
                    $(Self::$name(fault) => fault.params(),)+
                }
            }

            /// Whether the subject is one that its parameters mean.
            pub fn concerns(&self, subject: &Subject<'_>) -> bool {
                match self {
                    $(Self::$name(fault) => fault.concerns(subject),)+
                }
            }

            /// Reads the fault of this id; none if its parameters are wrong, which `fields` keeps.
            pub(super) fn read(id: &str, fields: &mut Fields<'_>) -> Option<Self> {
                match id {
                    $($name::ID => $name::read(fields).map(Self::$name),)+
                    _ => None,
                }
            }
        }
    };
}

faults! {
    ConnectionRefused, AcceptBlackhole, ConnectionReset, AbruptClose, HalfOpen, Latency, PacketCoalesce,
    MaxConnectionLifetime, ServerRestart, IdleTimeout, Bandwidth, Slicer, LimitData, SlowClose, TruncatedFrame,
    TlsCertificate, TlsHandshakeStall, TlsHandshakeFailure,
    UpgradeReject, UpgradeStripped, UpgradeStall, ResponseDelay, HttpError, AffinityLoss, CorsDeny, CorsNoCredentials,
    OriginCheckUpgrade, AcceptKeyInvalid, ResponseTruncated, ContentTypeWrong, ConnectionClose, RestError, RestDelay,
    RestMalformed,
    TransportUnknown, UpgradeProbeIgnored, OpenPacketWithheld, OpenPacketAltered, PollingMalformed, EnginePingSuppress,
    EnginePingEarly, EnginePingFlood, EngineClose,
    ConnectAckWithheld, ConnectAckDelay, SocketioConnectError, ServerDisconnect, AckWithheld, AckDelay, AckError,
    AckDuplicate, AckWrongId, BinaryAttachmentMissing, EventWrongNamespace,
    CloseFrame, CloseHandshakeStall, WsPing, WsPingSuppress, WsPongSuppress, FragmentedFrame, OversizedFrame,
    BinaryFrame, IllegalFrame,
    SilentAuth, DisconnectWithoutVerdict, ForcedAuthError, AuthErrorWithoutDisconnect, VerificationDelay,
    VerificationError, SessionCreationDelay, SessionCreationError, LateSessionCreated, SessionRevoked, SessionExpiry,
    GuestTokensUnrecognised, GuestRestriction, EventDelay, EventDrop, EventReorder, DuplicateEvent, MalformedPayload,
    UnknownEvent, ApplicationError, CrossRoomLeak, PongWithhold, PongDelay, RateLimit, SessionStoreError, BlacklistToken,
    BlacklistStoreDown, OfflineQueue, DeliveryFailure,
    TokenExpired, TokenExpiresMidSession, ClockFreeze, ClockAdvance, ColdStart, ServerStall,
}

impl Fault {
    /// All ids, in the order of the catalogue.
    pub fn ids() -> impl Iterator<Item = &'static str> {
        Self::catalogue().iter().map(|info| info.id)
    }

    /// What there is to say about the fault of this id.
    pub fn describe(id: &str) -> Option<&'static FaultInfo> {
        Self::catalogue().iter().find(|info| info.id == id)
    }

    /// What there is to say about this one.
    pub fn info(&self) -> &'static FaultInfo {
        Self::describe(self.id()).expect("the same list makes the variants and the catalogue")
    }

    /// Whether the system has it.
    pub fn applies_to(&self, system: SystemId) -> bool {
        self.info().applies_to(system)
    }
}

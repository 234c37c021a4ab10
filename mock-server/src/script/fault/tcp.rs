//! Faults of the connection beneath every protocol.
//!
//! Only the wire layer can carry them out; honest code never sees them.

use std::num::NonZeroU32;
use std::time::Duration;

use super::define::{Keys, fault};
use super::param::{Bytes, choice};
use super::phase::{OpenPhase, Phase};

choice! {
    /// When a port closes.
    pub enum RefusalStart {
        /// As soon as the rule is armed.
        Now = "now",
        /// When the actor next loses a connection.
        AfterNextLoss = "after-next-loss",
    }
}

choice! {
    /// Which way bytes go, as the server sees it.
    pub enum Flow {
        /// From the client to the server.
        In = "in",
        /// From the server to the client.
        Out = "out",
        /// Both ways.
        Both = "both",
    }
}

choice! {
    /// How a connection ends.
    pub enum FrameEnd {
        /// By RST.
        Reset = "reset",
        /// By FIN.
        Cut = "cut",
    }
}

fault! {
    /// The port is closed, so that the kernel refuses every connection attempt. Nobody sees a refused attempt, so they
    /// cannot be counted: to turn away the next few and then recover, see `connection-reset` in phase `accept`.
    pub struct ConnectionRefused {
        /// When the port closes; `after` is counted from then.
        pub start: RefusalStart = RefusalStart::Now,
    }
    id: "connection-refused",
    family: "tcp",
    stage: Start,
    keys: Keys::ADDRESS.lasting(),
    scope: Everywhere,
}

fault! {
    /// TCP is accepted, but no byte is ever read or written. `times` counts TCP connections.
    pub struct AcceptBlackhole {}
    id: "accept-blackhole",
    family: "tcp",
    stage: Accept,
    keys: Keys::ADDRESS.lasting(),
    scope: Everywhere,
}

fault! {
    /// The connection is ended by RST at a chosen phase.
    pub struct ConnectionReset {
        /// When in the life of the connection; `after` is counted from then. In phase `accept` nothing is read, and
        /// `times` counts TCP connections.
        pub phase: Phase = Phase::Established,
    }
    id: "connection-reset",
    family: "tcp",
    stage: phase,
    keys: Keys::TRIGGERED,
    scope: Everywhere,
}

fault! {
    /// The connection is ended by FIN without any close of the protocol: peers see close code 1006.
    pub struct AbruptClose {
        /// When in the life of the connection; `after` is counted from then. In phase `accept` nothing is read, and
        /// `times` counts TCP connections.
        pub phase: Phase = Phase::Established,
        /// Time between this cut and further ones, each of which ends the connection that the actor then has; absent
        /// means that there is only one.
        pub period: Option<Duration>,
    }
    id: "abrupt-close",
    family: "tcp",
    stage: phase,
    keys: Keys::TRIGGERED,
    scope: Everywhere,
}

fault! {
    /// The server stops reading and writing but keeps the connection, as after a silent network partition.
    pub struct HalfOpen {
        /// When in the life of the connection; `after` is counted from then. In phase `accept` nothing is read, and
        /// `times` counts TCP connections.
        pub phase: Phase = Phase::Established,
    }
    id: "half-open",
    family: "tcp",
    stage: phase,
    keys: Keys::TRIGGERED.lasting(),
    scope: Everywhere,
}

fault! {
    /// Every byte of the attempt is delayed, on whichever of its TCP connections.
    pub struct Latency {
        /// How long a byte takes.
        pub delay: Duration,
        /// By how much that varies, up and down.
        pub jitter: Duration = Duration::ZERO,
        /// Which bytes.
        pub direction: Flow = Flow::Both,
    }
    id: "latency",
    family: "tcp",
    stage: Handshake,
    keys: Keys::CONNECTION.lasting(),
    scope: Everywhere,
}

fault! {
    /// Several packets or frames are written in one segment, or in one polling payload separated by 0x1E.
    pub struct PacketCoalesce {
        /// The packets and events, in the order in which they are written; earlier ones wait for the last.
        pub packets: Vec<String> = vec!["CONNECT".to_owned(), "session_created".to_owned()],
        /// How long they wait for it at most; then they leave without it, as they do when the session ends before.
        pub wait: Duration = Duration::from_secs(30),
    }
    id: "packet-coalesce",
    family: "tcp",
    stage: Connect,
    keys: Keys::CONNECTION,
    scope: Everywhere,
}

fault! {
    /// The hosting platform ends the connection a set time after its start, heartbeats or not.
    pub struct MaxConnectionLifetime {
        /// Time from the attempt to the end.
        pub lifetime: Duration,
    }
    id: "max-connection-lifetime",
    family: "tcp",
    stage: Handshake,
    keys: Keys::CONNECTION,
    scope: Everywhere,
}

fault! {
    /// All connections are cut, the port stays closed for a while, and sessions held in memory are lost.
    pub struct ServerRestart {
        /// How long the port stays closed.
        pub down: Duration,
        /// Whether sessions outlive the restart.
        pub keep_sessions: bool = false,
    }
    id: "server-restart",
    family: "tcp",
    stage: Start,
    keys: Keys::SERVER,
    scope: Everywhere,
}

fault! {
    /// A proxy in front of the server ends the connection by FIN when no byte has gone either way, on any TCP
    /// connection of the attempt, for a set time. Heartbeats are bytes.
    pub struct IdleTimeout {
        /// How long nothing must pass.
        pub idle: Duration,
    }
    id: "idle-timeout",
    family: "tcp",
    stage: Handshake,
    keys: Keys::CONNECTION,
    scope: Everywhere,
}

fault! {
    /// Bytes of the attempt pass no faster than this, on each of its TCP connections; whoever sends more has to wait.
    pub struct Bandwidth {
        /// Bytes in a second, in each direction for itself.
        pub rate: Bytes,
        /// Which bytes.
        pub direction: Flow = Flow::Both,
    }
    id: "bandwidth",
    family: "tcp",
    stage: Handshake,
    keys: Keys::CONNECTION.lasting(),
    scope: Everywhere,
}

fault! {
    /// What goes to the client is cut into small pieces, each written for itself, wherever frames begin and end.
    pub struct Slicer {
        /// The most bytes of a piece.
        pub size: Bytes,
        /// The least time between two pieces; without any, several may be read at once.
        pub gap: Duration = Duration::ZERO,
    }
    id: "slicer",
    family: "tcp",
    stage: Handshake,
    keys: Keys::CONNECTION.lasting(),
    scope: Everywhere,
}

fault! {
    /// The connection is ended by FIN as soon as so many bytes of the attempt have gone to the client, be it in the
    /// middle of an answer or frame.
    pub struct LimitData {
        /// How many bytes, on all TCP connections of the attempt together; those that TLS adds do not count.
        pub bytes: Bytes,
    }
    id: "limit-data",
    family: "tcp",
    stage: Handshake,
    keys: Keys::CONNECTION,
    scope: Everywhere,
}

fault! {
    /// When the server ends a TCP connection of the attempt, the client learns of it only later.
    pub struct SlowClose {
        /// How long the end (FIN) is on its way.
        pub delay: Duration,
    }
    id: "slow-close",
    family: "tcp",
    stage: Handshake,
    keys: Keys::CONNECTION.lasting(),
    scope: Everywhere,
}

fault! {
    /// The client gets the start of a WebSocket frame, and then the connection ends. A session over polling is spared
    /// until it has moved to a WebSocket.
    pub struct TruncatedFrame {
        /// When in the life of the connection; `after` is counted from then.
        pub phase: OpenPhase = OpenPhase::Established,
        /// How many bytes of the frame come, its head included; absent means half of it.
        pub bytes: Option<NonZeroU32>,
        /// How the connection ends.
        pub end: FrameEnd = FrameEnd::Reset,
    }
    id: "truncated-frame",
    family: "tcp",
    stage: phase,
    keys: Keys::TRIGGERED,
    scope: Everywhere,
}

//! Faults of WebSocket frames, whatever they carry: messages of a plain WebSocket or packets of Engine.IO.
//!
//! A session that is still polled when such a fault is due meets it as soon as a WebSocket carries it.

use std::time::Duration;

use super::define::{Keys, fault};
use super::param::{Bytes, Code, Octets, choice};
use super::phase::OpenPhase;

choice! {
    /// What is illegal about a frame.
    pub enum IllegalKind {
        /// A reserved bit is set.
        ReservedBits = "reserved-bits",
        /// A data frame with a reserved opcode, 3.
        ReservedOpcode = "reserved-opcode",
        /// A control frame with a reserved opcode, 11.
        ReservedControlOpcode = "reserved-control-opcode",
        /// A server's frame that is masked.
        Masked = "masked",
        /// A length with the highest of its 64 bits set.
        BadLength = "bad-length",
        /// A text that is not UTF-8.
        InvalidUtf8 = "invalid-utf8",
        /// A ping that is only a fragment.
        FragmentedControl = "fragmented-control",
        /// A ping of 126 bytes.
        OversizedControl = "oversized-control",
        /// A continuation of nothing.
        OrphanContinuation = "orphan-continuation",
        /// A text message within another.
        InterleavedMessage = "interleaved-message",
        /// A close frame with code 1005, which stands for no code at all.
        ReservedCloseCode = "reserved-close-code",
        /// A close frame with half a code.
        ShortClose = "short-close",
        /// A close frame whose reason is not UTF-8.
        BadCloseReason = "bad-close-reason",
    }
}

fault! {
    /// The server closes the WebSocket by a close frame with a chosen code and reason.
    pub struct CloseFrame {
        /// The code, as it is put into the frame. With 1005 the frame has none, which is what that code means to those
        /// who read it.
        pub code: Code = Code(1011),
        /// The reason, at most 123 bytes.
        pub reason: String = String::new(),
        /// When in the life of the connection; `after` is counted from then.
        pub phase: OpenPhase = OpenPhase::Established,
    }
    id: "close-frame",
    family: "websocket",
    stage: phase,
    keys: Keys::TRIGGERED,
    scope: Everywhere,
}

fault! {
    /// The client's close frame is answered late or never, and TCP stays open meanwhile; the fault fires when that frame
    /// has come.
    pub struct CloseHandshakeStall {
        /// How late; absent means never.
        pub delay: Option<Duration>,
    }
    id: "close-handshake-stall",
    family: "websocket",
    stage: Open,
    keys: Keys::CONNECTION.lasting(),
    scope: Everywhere,
}

fault! {
    /// The server sends a ping control frame, or goes on sending them.
    pub struct WsPing {
        /// Its payload, at most 125 bytes: a text, or bytes in hexadecimal behind 0x.
        pub payload: Octets = Octets::default(),
        /// Time between this ping and further ones; absent means that there is only one.
        pub period: Option<Duration>,
        /// When in the life of the connection; `after` is counted from then.
        pub phase: OpenPhase = OpenPhase::Established,
    }
    id: "ws-ping",
    family: "websocket",
    stage: phase,
    keys: Keys::TRIGGERED.lasting(),
    scope: Everywhere,
}

fault! {
    /// The server's heartbeat of ping control frames is switched off.
    pub struct WsPingSuppress {}
    id: "ws-ping-suppress",
    family: "websocket",
    stage: Open,
    keys: Keys::CONNECTION.lasting(),
    scope: Plain,
}

fault! {
    /// The client's ping control frames are not answered.
    pub struct WsPongSuppress {}
    id: "ws-pong-suppress",
    family: "websocket",
    stage: Open,
    keys: Keys::CONNECTION.lasting(),
    scope: Everywhere,
}

fault! {
    /// A message, named by `on`, is sent in several frames.
    pub struct FragmentedFrame {
        /// Bytes of the message in each frame but the last, which has the rest.
        pub fragment_bytes: Bytes,
        /// Time between one frame and the next.
        pub pause: Duration = Duration::ZERO,
    }
    id: "fragmented-frame",
    family: "websocket",
    stage: Message,
    keys: Keys::SENT,
    scope: Everywhere,
}

fault! {
    /// A very large message is sent in one frame: just before the message named by `on`, or when the session has been
    /// made known.
    pub struct OversizedFrame {
        /// Bytes of the message in all; never fewer than its type and name need.
        pub bytes: Bytes,
        /// The event or type of the message.
        pub event: String = "oversized".to_owned(),
    }
    id: "oversized-frame",
    family: "websocket",
    stage: Ready,
    keys: Keys::SENT_OR_STAGE,
    scope: Everywhere,
}

fault! {
    /// The message named by `on` is sent with the binary opcode; or else a binary frame is sent just before it, or when
    /// the session has been made known.
    pub struct BinaryFrame {
        /// What a frame of its own holds: a text, or bytes in hexadecimal behind 0x; absent means the message itself.
        pub payload: Option<Octets>,
    }
    id: "binary-frame",
    family: "websocket",
    stage: Ready,
    keys: Keys::SENT_OR_STAGE,
    scope: Everywhere,
}

fault! {
    /// The server sends a frame that RFC 6455 forbids; the connection goes on until the client ends it.
    pub struct IllegalFrame {
        /// What is wrong with it.
        pub kind: IllegalKind,
        /// When in the life of the connection; `after` is counted from then.
        pub phase: OpenPhase = OpenPhase::Established,
    }
    id: "illegal-frame",
    family: "websocket",
    stage: phase,
    keys: Keys::TRIGGERED,
    scope: Everywhere,
}

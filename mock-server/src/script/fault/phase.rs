//! Phases: the parameter by which some faults choose the stage at which they work.
//!
//! Knows nothing of what happens there.

use super::param::choice;
use crate::script::stage::Stage;

/// A choice that stands for a stage.
pub(super) trait Staged: Copy + 'static {
    /// All choices.
    const PHASES: &'static [Self];
    /// The stage of this one.
    fn stage(self) -> Stage;
}

/// The stages that a fault's parameter `phase` can choose. The function tells the parameter's type, and is not called.
pub(super) fn stages<F, P: Staged>(_: fn(&F) -> P) -> Vec<Stage> {
    P::PHASES.iter().map(|phase| phase.stage()).collect()
}

choice! {
    /// A moment in the life of a connection.
    pub enum Phase {
        /// The kernel has accepted the TCP connection; not a byte has been read. `times` then counts TCP connections.
        Accept = "accept",
        /// The head of the attempt has been read; not a byte has been answered.
        Handshake = "handshake",
        /// The transport is open; no CONNECT has been answered.
        PostOpen = "post-open",
        /// The CONNECT has been acknowledged.
        PostConnect = "post-connect",
        /// The token is being judged; no verdict has been sent.
        Authenticating = "authenticating",
        /// The session has been made known.
        Established = "established",
    }
}

impl Staged for Phase {
    const PHASES: &'static [Self] = Self::ALL;

    fn stage(self) -> Stage {
        match self {
            Self::Accept => Stage::Accept,
            Self::Handshake => Stage::Handshake,
            Self::PostOpen => Stage::Open,
            Self::PostConnect => Stage::Acknowledged,
            Self::Authenticating => Stage::Authenticate,
            Self::Established => Stage::Ready,
        }
    }
}

choice! {
    /// A moment in the life of an open Engine.IO session.
    pub enum OpenPhase {
        /// The transport is open; no CONNECT has been answered.
        PostOpen = "post-open",
        /// The CONNECT has been acknowledged.
        PostConnect = "post-connect",
        /// The token is being judged; no verdict has been sent.
        Authenticating = "authenticating",
        /// The session has been made known.
        Established = "established",
    }
}

impl Staged for OpenPhase {
    const PHASES: &'static [Self] = Self::ALL;

    fn stage(self) -> Stage {
        match self {
            Self::PostOpen => Stage::Open,
            Self::PostConnect => Stage::Acknowledged,
            Self::Authenticating => Stage::Authenticate,
            Self::Established => Stage::Ready,
        }
    }
}

choice! {
    /// A moment in the life of a connected Socket.IO namespace.
    pub enum ConnectedPhase {
        /// The CONNECT has been acknowledged.
        PostConnect = "post-connect",
        /// The token is being judged; no verdict has been sent.
        Authenticating = "authenticating",
        /// The session has been made known.
        Established = "established",
    }
}

impl Staged for ConnectedPhase {
    const PHASES: &'static [Self] = Self::ALL;

    fn stage(self) -> Stage {
        match self {
            Self::PostConnect => Stage::Acknowledged,
            Self::Authenticating => Stage::Authenticate,
            Self::Established => Stage::Ready,
        }
    }
}

//! Faults of time: clocks, lifetimes, cold starts and stalls.

use std::time::Duration;

use super::define::{Keys, fault};
use super::param::{WallTime, choice};
use super::phase::Staged;
use crate::script::stage::Stage;

choice! {
    /// How a client learns that its token has reached its end.
    pub enum ExpiryAction {
        /// The connection is closed.
        Close = "close",
        /// An authentication error is emitted, then the server disconnects.
        Event = "event",
        /// The next operation is refused.
        NextOperation = "next-operation",
    }
}

choice! {
    /// What a cold instance makes wait.
    pub enum ColdPhase {
        /// The TCP connection is accepted and nothing is read.
        Tcp = "tcp",
        /// The request is read and not answered.
        Http = "http",
    }
}

impl Staged for ColdPhase {
    const PHASES: &'static [Self] = Self::ALL;

    fn stage(self) -> Stage {
        match self {
            Self::Tcp => Stage::Accept,
            Self::Http => Stage::Request,
        }
    }
}

fault! {
    /// The presented token is judged as if it were past its lifetime.
    pub struct TokenExpired {
        /// By how much.
        pub age: Duration = Duration::from_secs(1),
    }
    id: "token-expired",
    family: "time",
    stage: Authenticate,
    keys: Keys::CONNECTION,
    scope: Tokens,
}

fault! {
    /// The token of an established connection reaches its end; `after` is counted from the verdict.
    pub struct TokenExpiresMidSession {
        /// How the client learns of it.
        pub action: ExpiryAction = ExpiryAction::Event,
    }
    id: "token-expires-mid-session",
    family: "time",
    stage: Ready,
    keys: Keys::CONNECTION,
    scope: Tokens,
}

fault! {
    /// The server's clock stands still, so that age limits can be hit exactly.
    pub struct ClockFreeze {
        /// At which moment; absent means the present one.
        pub at: Option<WallTime>,
    }
    id: "clock-freeze",
    family: "time",
    stage: Start,
    keys: Keys::SERVER.lasting(),
    scope: Everywhere,
}

fault! {
    /// The server's clock jumps; `after` is counted from the start of the server.
    pub struct ClockAdvance {
        /// How far.
        pub by: Duration,
    }
    id: "clock-advance",
    family: "time",
    stage: Start,
    keys: Keys::SERVER,
    scope: Everywhere,
}

fault! {
    /// The first request, also that after an idle period, waits for an instance to start; so do those that come
    /// meanwhile, until it is up.
    pub struct ColdStart {
        /// How long the instance takes to start, from the request that wakes it.
        pub delay: Duration,
        /// How long without a request until it is cold again; absent means that it stays up.
        pub idle: Option<Duration>,
        /// What waits.
        pub phase: ColdPhase = ColdPhase::Http,
    }
    id: "cold-start",
    family: "time",
    stage: phase,
    keys: Keys::CONNECTION,
    scope: Everywhere,
}

fault! {
    /// The server emits and processes nothing for a while and then resumes, as under CPU throttling; `after` is counted
    /// from the verdict.
    pub struct ServerStall {}
    id: "server-stall",
    family: "time",
    stage: Ready,
    keys: Keys::CONNECTION.lasting(),
    scope: Everywhere,
}

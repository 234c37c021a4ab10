//! Faults of the application: verdicts, sessions and messages.
//!
//! Groups, by what they break: [`verdict`] the answer to a token, [`session`] what is made of a good one, [`blacklist`] the
//! list of those that are good no longer, [`keepalive`] the answer to a PING, [`rate`] what comes too often, [`delivery`]
//! what users send each other, [`message`] whatever else is sent.

pub(super) mod blacklist;
pub(super) mod delivery;
pub(super) mod keepalive;
pub(super) mod message;
pub(super) mod rate;
pub(super) mod session;
pub(super) mod verdict;

//! Faults of the application: verdicts, sessions and messages.
//!
//! Four groups, by what they break: [`verdict`] the answer to a token, [`session`] what is made of a good one,
//! [`keepalive`] the answer to a PING, [`message`] whatever else is sent.

pub(super) mod keepalive;
pub(super) mod message;
pub(super) mod session;
pub(super) mod verdict;

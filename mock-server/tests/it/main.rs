//! The mock server through real sockets: honest lives, every fault, every live action, the control API.
//!
//! `client` speaks the protocol by hand, so that nothing between the test and the wire is cleverer than it should be.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod client;
mod control;
mod faults;
mod honest;
mod live;
mod wire_faults;

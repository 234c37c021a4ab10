//! The mock server through real sockets: honest lives, every fault, every live action.
//!
//! `client` speaks the protocol by hand, so that nothing between the test and the wire is cleverer than it should be.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod client;
mod faults;
mod honest;
mod live;
mod socket_io;
mod socket_io_protocol;
mod wire_faults;

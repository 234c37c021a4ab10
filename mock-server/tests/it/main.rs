//! The mock server through real sockets: honest lives, every fault, every live action, the control API.
//!
//! `client` speaks the protocol by hand, so that nothing between the test and the wire is cleverer than it should be.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod autobahn;
mod chatgenius;
mod chatgenius_faults;
mod client;
mod control;
mod engine_io_protocol;
mod faults;
mod frames;
mod honest;
mod hostile;
mod http_faults;
mod live;
mod plain;
mod rate_limit;
mod raw;
mod socket_io;
mod socket_io_faults;
mod socket_io_protocol;
mod tls;
mod traffic;
mod wire_faults;

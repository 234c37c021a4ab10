//! The documented clients in Rust, behind the adapter protocol; compiled into `sparring` as the client `built-in`.
//!
//! [`serve`] is the adapter's loop, [`adapter`] the protocol, `digitwin` the one client so far. Beneath it lies a
//! transport of our own: [`socket_io`] on [`engine_io`] on [`net`], which the harness's probe uses too.
//!
//! Why not `rust_socketio`: it sets no limit to the wait for the CONNECT acknowledgement and fixes `auth` when a client
//! is built, while the documents ask for both, and for the exact moment and reason of every failure below. So the
//! behaviour of the official client is written out here, on `hyper` and `tokio-tungstenite`. TLS is not spoken.

pub mod adapter;
mod digitwin;
pub mod engine_io;
#[cfg(test)]
mod fuzz;
pub mod net;
pub mod socket_io;

pub use adapter::serve;

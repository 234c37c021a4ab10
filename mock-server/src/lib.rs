//! Honest servers for documented real-time systems, and everything that can go wrong with them.
//!
//! Every connection of every system passes the same stages: accept, request, handshake, authenticate, session, ready,
//! message, heartbeat, close. Honest code lives in `systems`, over the Engine.IO and HTTP of `engine` or the WebSockets of `plain`; rules in
//! [`script`], the bytes beneath HTTP in [`wire`]; what happened is in the [`journal`], in the words of the
//! [`lane`]. [`server`] puts it all together. Nothing here knows of scenario steps, clients under test or verdicts.

pub mod clock;
pub mod contract;
mod engine;
mod fields;
pub mod journal;
pub mod lane;
pub mod limits;
pub mod live;
mod plain;
mod rfc6455;
pub mod script;
pub mod server;
pub mod store;
mod systems;
pub mod tokens;
pub mod values;
pub mod wire;

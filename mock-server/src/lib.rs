//! Honest servers for documented real-time systems, and everything that can go wrong with them.
//!
//! A client is tested against a server that is honest until it is told to misbehave: the verdict that never comes, the
//! connection that dies without a word, the byte that is late. Each mock has ports, rules, clock and journal of its own,
//! and no thread: hundreds run in one process, one for each test.
//!
//! # Start, script, act, look
//!
//! ```
//! use serde_json::json;
//! use sparring_mock_server::contract::SystemId;
//! use sparring_mock_server::journal::Actor;
//! use sparring_mock_server::live::LiveAction;
//! use sparring_mock_server::script::Rule;
//! use sparring_mock_server::server::MockServer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Rules are in force before the first byte: the first two attempts never learn whether their token is good.
//! let mock = MockServer::builder(SystemId::Digitwin)
//!     .rules(vec![Rule::parse_line("silent-auth attempts=1-2")?])
//!     .start()
//!     .await?;
//! let client = Actor::new("client");
//! println!("connect to {}", mock.url(&client));
//!
//! // They come and go while it runs, each change in one step.
//! mock.script().replace(vec![Rule::parse_line("latency delay=250ms jitter=50ms")?]);
//!
//! // What no rule says is done at once: to the clock, or to a connection.
//! let advance = LiveAction::read("advance", json!({"by": "1h"}).as_object().unwrap()).unwrap();
//! mock.act(&advance, &client).await?;
//!
//! // Everything that was seen and done is in the journal, from any offset.
//! let page = mock.journal().read(0, 100);
//! assert!(page.records.is_empty() && page.gap.is_none(), "nobody has connected yet");
//!
//! // Back to the start, for the next test: the rules are those that the builder was given.
//! mock.reset().await;
//! assert_eq!(mock.script().rules()[0].1.to_string(), "silent-auth attempts=1-2");
//! # Ok(())
//! # }
//! ```
//!
//! Programs in other languages do the same over HTTP: `.control(control::Setting::default())` adds a port for it, with
//! an OpenAPI document, the journal as server-sent events and figures for Prometheus. See [`control`].
//!
//! # What is where
//!
//! - [`server`]: a mock as a whole. [`MockServer::builder`](server::MockServer::builder) is where everything begins.
//! - [`script`]: the rules. [`script::fault`] lists what can go wrong, with parameters; [`script::Rule`] adds on which
//!   attempts, when, and how often.
//! - [`live`]: what is done to a server that is up, without a rule.
//! - [`journal`]: what was seen and done, as typed records, in the words of the [`lane`].
//! - [`tokens`], [`clock`], [`store`]: tokens good and bad, the wall clock by which they age, the sessions.
//! - [`contract`]: what each system's document promises; [`limits`]: how much of anything a client may take.
//! - [`control`] and [`metrics`]: the same over HTTP, and the documents' monitoring figures.
//! - [`wire`]: the bytes beneath HTTP. It knows no protocol but WebSocket frames.
//!
//! Every connection of every system passes the same stages: accept, request, handshake, authenticate, session, ready,
//! message, heartbeat, close. At each, honest code asks the script once and obeys. Honest code lives in `systems`, over
//! the Socket.IO of `socket_io`, the Engine.IO and HTTP of `engine`, or the WebSockets of `plain`. Nothing here knows of
//! scenario steps, clients under test or verdicts.

pub mod clock;
pub mod contract;
pub mod control;
mod engine;
mod fields;
#[cfg(test)]
mod fuzz;
pub mod journal;
pub mod lane;
pub mod limits;
pub mod live;
pub mod metrics;
mod plain;
mod rfc6455;
pub mod script;
pub mod server;
mod socket_io;
pub mod store;
mod systems;
pub mod tokens;
pub mod values;
pub mod wire;

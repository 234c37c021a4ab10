//! Conformance tests for real-time clients.
//!
//! Six stages, one module each, told in the order in which a run passes them:
//!
//! 1. [`spec`]: YAML text becomes [`spec::model::Scenario`]s, or every error at once.
//! 2. [`plan`]: scenarios, clients, filters and expectations become what runs, what does not, and why.
//! 3. [`run`]: one planned case becomes the server's journal and the client's report. The only stage with I/O.
//! 4. [`trace`]: journal and report become one [`trace::Record`] list.
//! 5. [`judge`]: scenario and trace become a verdict for each check and requirement.
//! 6. [`report`]: verdicts and traces become text for people and programs.
//!
//! [`cli`] calls them; [`probe`] is the peer that drives a server instead of a client, and [`secrets`] keeps
//! tokens out of what people read.

pub mod cli;
pub mod judge;
pub mod plan;
pub mod probe;
pub mod report;
pub mod run;
pub mod secrets;
pub mod spec;
pub mod trace;

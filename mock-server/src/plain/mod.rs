//! Plain WebSockets: systems that speak messages of their own over RFC 6455, behind the same gate as all others.
//!
//! A connection is the same [`Conn`](crate::engine::conn::Conn) that Engine.IO has, so that rules, records and live
//! actions work on it as they do there; its packets are messages. `opening` answers the request,
//! `heart` pings, and [`Client`] is what a system has of it. Knows nothing of what messages mean.

mod client;
mod heart;
pub(crate) mod message;
mod opening;

pub(crate) use client::Client;
pub(crate) use opening::{bad, open, refusal, trouble};

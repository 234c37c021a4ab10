//! The answer that a client has asked for.
//!
//! Knows nothing of what is answered.

use std::sync::Arc;

use super::member::Member;
use super::packet::{Args, encode_ack};

/// The way to acknowledge one event, once.
#[derive(Debug)]
pub(crate) struct Ack {
    member: Arc<Member>,
    id: u64,
    event: Arc<str>,
}

impl Ack {
    pub(super) fn new(member: Arc<Member>, id: u64, event: &str) -> Self {
        Self { member, id, event: event.into() }
    }

    /// Acknowledges the event. Nothing happens if the client has left.
    pub(crate) fn send(self, args: &Args) {
        if self.member.is_present() {
            let mut parcel = encode_ack(self.member.namespace.name, self.id, args);
            parcel.answers = Some(self.event);
            self.member.conn.post(parcel);
        }
    }
}

//! Messages that came while their recipient had no connection.
//!
//! They come again at the next connection until they are confirmed. Knows nothing of rooms.

use std::time::Duration;

use serde_json::Value;

use super::delivery::{Delivery, Status};
use super::messages::Message;
use super::{Chatgenius, Peer};
use crate::script::fault::{OfflineQueue, QueueOrder, QueueVia};
use crate::server::lock;

/// Who has written what a rule puts into a queue, where nobody else is in the channel.
const STRANGER: &str = "somebody_else";

impl Chatgenius {
    /// How many messages a user has missed and not confirmed.
    pub(super) fn missed_count(&self, user: &str) -> usize {
        self.missed(user).len()
    }

    /// The messages that a user has missed and not confirmed, in the order of creation.
    pub(super) fn missed(&self, user: &str) -> Vec<Value> {
        let state = lock(&self.state);
        let missed = |message: &&Message| message.deliveries.get(user).is_some_and(|delivery| delivery.missed);
        state.messages.all().filter(missed).map(Message::payload).collect()
    }

    /// Sends a socket what its user has missed.
    pub(super) fn redeliver(&self, peer: &Peer, user: &str) {
        for message in self.missed(user) {
            peer.emit_soon("message.created", &message);
        }
    }

    /// Lets a user have missed messages, as a rule has it. A user without channels cannot have missed any.
    pub(super) fn fill_queue(&self, peer: &Peer, user: &str, fault: &OfflineQueue) {
        let channels = self.channels(user);
        let Some(channel) = channels.first() else { return };
        let mut state = lock(&self.state);
        let author = self.members(&state, channel).into_iter().find(|member| member != user);
        let author = author.unwrap_or_else(|| STRANGER.to_owned());
        let (count, now) = (fault.messages.get(), self.shared.clock.now());
        let mut messages = Vec::new();
        for number in 1..=count {
            let made = now.saturating_sub(Duration::from_secs(u64::from(count - number + 1)));
            let mut message = Message::new(&author, channel, &format!("missed message {number}"), made);
            let delivery = Delivery { status: Status::Sent, at: made, missed: true };
            message.deliveries.insert(user.to_owned(), delivery);
            messages.push(state.messages.add(message).payload());
        }
        drop(state);
        if fault.order == QueueOrder::Shuffled {
            messages.rotate_left(1);
        }
        if fault.via == QueueVia::Events {
            for message in &messages {
                peer.emit_soon("message.created", message);
            }
        }
    }
}

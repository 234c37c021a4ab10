//! What becomes of a message for each of its recipients.
//!
//! A status never moves backwards. Knows nothing of how messages are posted.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::messages::Message;
use super::{Chatgenius, Peer, Refused, rooms, text, written};
use crate::script::Firing;
use crate::server::lock;
use crate::socket_io::Audience;

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    Sending,
    Sent,
    Delivered,
    Read,
    Failed,
}

impl Status {
    /// The word for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sending => "SENDING",
            Self::Sent => "SENT",
            Self::Delivered => "DELIVERED",
            Self::Read => "READ",
            Self::Failed => "FAILED",
        }
    }
}

/// What has become of a message for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) status: Status,
    /// Since when.
    pub(super) at: Duration,
    /// Whether it came while the recipient had no connection, and has not been confirmed since.
    pub(super) missed: bool,
}

impl Delivery {
    fn payload(&self, message: &str, recipient: &str) -> Value {
        json!({
            "messageId": message,
            "recipientId": recipient,
            "status": self.status.name(),
            "timestamp": written(self.at),
        })
    }
}

impl Chatgenius {
    /// A recipient confirms a message.
    pub(super) fn confirm(&self, peer: &Peer, user: &str, payload: &Value, to: Status) -> Result<Value, Refused> {
        let id = text(payload, "messageId", "message")?;
        let (author, status, moved) = self.advance(user, id, to)?;
        if moved {
            self.tell_author(peer, &author, &status);
        }
        Ok(status)
    }

    /// Moves a status forward; says whose message it is, what the status is now, and whether it has changed.
    fn advance(&self, user: &str, id: &str, to: Status) -> Result<(String, Value, bool), Refused> {
        let now = self.shared.clock.now();
        let mut state = lock(&self.state);
        let message = state.messages.get(id).ok_or("unknown_message")?;
        self.admits(user, &message.channel)?;
        let author = message.author.clone();
        if author == user {
            // It is no recipient of its own message.
            let own = Delivery { status: Status::Sent, at: message.created, missed: false };
            return Ok((author, own.payload(id, user), false));
        }
        let fresh = || Delivery { status: Status::Sent, at: now, missed: false };
        let delivery = message.deliveries.entry(user.to_owned()).or_insert_with(fresh);
        let moved = delivery.status < to;
        if moved {
            (delivery.status, delivery.at) = (to, now);
        }
        delivery.missed = false;
        Ok((author, delivery.payload(id, user), moved))
    }

    /// The statuses of a message.
    pub(super) fn statuses(&self, user: &str, payload: &Value) -> Result<Value, Refused> {
        let id = text(payload, "messageId", "message")?;
        let mut state = lock(&self.state);
        let message = state.messages.get(id).ok_or("unknown_message")?;
        self.admits(user, &message.channel)?;
        Ok(message.deliveries.iter().map(|(recipient, delivery)| delivery.payload(id, recipient)).collect())
    }

    fn tell_author(&self, peer: &Peer, author: &str, status: &Value) {
        if self.chooses("status_events", "send") {
            let room = rooms::of_user(author);
            peer.broadcast(Audience { rooms: &[&room], except: &[] }, "message.status", &status.into());
        }
    }

    /// Delivers a message to nobody, and tells its author so when the rule is due. What is returned is the message, on its
    /// way.
    pub(super) fn fail_to_deliver(self: &Arc<Self>, peer: &Peer, mut message: Message, firing: Firing) -> Value {
        if let Some(kept) = lock(&self.state).messages.get(&message.id()) {
            kept.deliveries.values_mut().for_each(|delivery| delivery.status = Status::Sending);
            message.clone_from(kept);
        }
        let mut payload = message.payload();
        payload["deliveryStatus"] = Status::Sending.name().into();
        if self.chooses("own_messages", "send") {
            let room = rooms::of_user(&message.author);
            peer.broadcast(Audience { rooms: &[&room], except: &[] }, "message.created", &(&payload).into());
        }
        let (system, peer) = (Arc::clone(self), peer.clone());
        self.shared.spawn(async move {
            if firing.due().await {
                firing.fired();
                system.failed(&peer, &message);
            } else {
                system.deliver_late(&peer, &message);
            }
        });
        payload
    }

    /// A rule has been disarmed before it was due.
    fn deliver_late(&self, peer: &Peer, message: &Message) {
        let room = rooms::of_channel(&message.channel);
        let turn = lock(&self.turn);
        let payload = lock(&self.state).messages.get(&message.id()).map(|message| {
            message.deliveries.values_mut().for_each(|delivery| delivery.status = delivery.status.max(Status::Sent));
            message.payload()
        });
        if let Some(payload) = payload {
            let author = rooms::of_user(&message.author);
            peer.broadcast(Audience { rooms: &[&room], except: &[&author] }, "message.created", &payload.into());
        }
        drop(turn);
    }

    fn failed(&self, peer: &Peer, message: &Message) {
        let (id, now) = (message.id(), self.shared.clock.now());
        let statuses: Vec<Value> = {
            let mut state = lock(&self.state);
            let Some(message) = state.messages.get(&id) else { return };
            let failed = Delivery { status: Status::Failed, at: now, missed: false };
            if message.deliveries.is_empty() {
                // Its author must learn of it all the same.
                message.deliveries.insert(message.author.clone(), failed.clone());
            }
            message.deliveries.values_mut().for_each(|delivery| *delivery = failed.clone());
            message.deliveries.iter().map(|(recipient, delivery)| delivery.payload(&id, recipient)).collect()
        };
        for status in &statuses {
            self.tell_author(peer, &message.author, status);
        }
    }
}

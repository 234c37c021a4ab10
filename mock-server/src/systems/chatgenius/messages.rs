//! Messages: posting, changing and deleting them.
//!
//! As many are kept as the limits here allow; the oldest go first. Knows nothing of who has read them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::delivery::{Delivery, Status};
use super::{Chatgenius, Peer, Refused, rooms, text, written};
use crate::script::{Firing, Stage, Subject};
use crate::server::lock;
use crate::socket_io::Audience;

/// Messages that are kept.
const MOST: usize = 10_000;

/// Bytes of the texts that are kept.
const MOST_BYTES: usize = 16 << 20;

/// A message in a channel.
#[derive(Debug, Clone)]
pub(super) struct Message {
    number: u64,
    pub(super) content: String,
    pub(super) channel: String,
    pub(super) author: String,
    pub(super) created: Duration,
    pub(super) updated: Duration,
    /// What has become of it for each recipient.
    pub(super) deliveries: BTreeMap<String, Delivery>,
}

impl Message {
    /// A message that has not been delivered.
    pub(super) fn new(author: &str, channel: &str, content: &str, now: Duration) -> Self {
        let (content, channel, author) = (content.to_owned(), channel.to_owned(), author.to_owned());
        Self { number: 0, content, channel, author, created: now, updated: now, deliveries: BTreeMap::new() }
    }

    /// Its id.
    pub(super) fn id(&self) -> String {
        format!("msg_{}", self.number)
    }

    /// As events have it.
    pub(super) fn payload(&self) -> Value {
        let status = self.deliveries.values().map(|delivery| delivery.status).min().unwrap_or(Status::Sent);
        json!({
            "id": self.id(),
            "content": self.content,
            "channelId": self.channel,
            "userId": self.author,
            "createdAt": written(self.created),
            "updatedAt": written(self.updated),
            "deliveryStatus": status.name(),
            "user": {"id": self.author},
        })
    }
}

/// All messages, in the order in which they were accepted.
#[derive(Debug, Default)]
pub(super) struct Messages {
    kept: BTreeMap<u64, Message>,
    last: u64,
    bytes: usize,
}

impl Messages {
    /// Accepts a message, and gives it its id.
    pub(super) fn add(&mut self, mut message: Message) -> Message {
        self.last += 1;
        message.number = self.last;
        self.bytes += message.content.len();
        self.kept.insert(message.number, message.clone());
        while self.kept.len() > MOST || self.bytes > MOST_BYTES {
            let Some((_, oldest)) = self.kept.pop_first() else { break };
            self.bytes -= oldest.content.len();
        }
        message
    }

    /// The message of this id.
    pub(super) fn get(&mut self, id: &str) -> Option<&mut Message> {
        self.kept.get_mut(&number(id)?)
    }

    /// Gives a message another text.
    fn rewrite(&mut self, id: &str, content: &str, now: Duration) -> Option<Message> {
        let message = self.kept.get_mut(&number(id)?)?;
        self.bytes = self.bytes - message.content.len() + content.len();
        (message.content, message.updated) = (content.to_owned(), now);
        Some(message.clone())
    }

    fn remove(&mut self, id: &str) -> Option<Message> {
        let message = self.kept.remove(&number(id)?)?;
        self.bytes -= message.content.len();
        Some(message)
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Message> {
        self.kept.values()
    }
}

/// The number in an id.
fn number(id: &str) -> Option<u64> {
    id.strip_prefix("msg_")?.parse().ok()
}

impl Chatgenius {
    /// Posts a message in a channel.
    pub(super) fn send(self: &Arc<Self>, peer: &Peer, user: &str, payload: &Value) -> Result<Value, Refused> {
        let content = text(payload, "content", "content")?;
        let channel = text(payload, "channelId", "channel")?;
        self.admits(user, channel)?;
        let script = &self.shared.script;
        let failing: Vec<Firing> =
            peer.conn.ask(|subject| script.at(Stage::Delivery, &Subject { text: Some(content), ..*subject }));
        let turn = lock(&self.turn);
        let message = self.accept(Message::new(user, channel, content, self.shared.clock.now()));
        match failing.into_iter().next() {
            None => self.deliver(peer, &message),
            Some(firing) => return Ok(self.fail_to_deliver(peer, message, firing)),
        }
        drop(turn);
        Ok(message.payload())
    }

    /// Keeps a message, with its recipients: all other members of its channel.
    fn accept(&self, mut message: Message) -> Message {
        let mut state = lock(&self.state);
        for member in self.members(&state, &message.channel) {
            if member != message.author {
                let delivery =
                    Delivery { status: Status::Sent, at: message.created, missed: !state.is_online(&member) };
                message.deliveries.insert(member, delivery);
            }
        }
        state.messages.add(message)
    }

    /// Sends a message to those who are in its channel.
    pub(super) fn deliver(&self, peer: &Peer, message: &Message) {
        let room = rooms::of_channel(&message.channel);
        let except: &[&str] = if self.chooses("own_messages", "withhold") { &[peer.id()] } else { &[] };
        let payload = message.payload();
        peer.broadcast(Audience { rooms: &[&room], except }, "message.created", &payload.into());
    }

    /// Gives one of the user's messages another text.
    pub(super) fn update(&self, peer: &Peer, user: &str, payload: &Value) -> Result<Value, Refused> {
        let id = text(payload, "messageId", "message")?;
        let content = text(payload, "content", "content")?;
        let turn = lock(&self.turn);
        self.is_authors(user, id)?;
        let message = lock(&self.state).messages.rewrite(id, content, self.shared.clock.now());
        let payload = message.ok_or("unknown_message")?;
        let room = rooms::of_channel(&payload.channel);
        let payload = payload.payload();
        peer.broadcast(Audience { rooms: &[&room], except: &[] }, "message.updated", &(&payload).into());
        drop(turn);
        Ok(payload)
    }

    /// Deletes one of the user's messages.
    pub(super) fn delete(&self, peer: &Peer, user: &str, payload: &Value) -> Result<Value, Refused> {
        let id = text(payload, "messageId", "message")?;
        let turn = lock(&self.turn);
        self.is_authors(user, id)?;
        let message = lock(&self.state).messages.remove(id).ok_or("unknown_message")?;
        let (room, payload) = (rooms::of_channel(&message.channel), json!({"messageId": id}));
        peer.broadcast(Audience { rooms: &[&room], except: &[] }, "message.deleted", &(&payload).into());
        drop(turn);
        Ok(payload)
    }

    fn is_authors(&self, user: &str, id: &str) -> Result<(), Refused> {
        match lock(&self.state).messages.get(id) {
            None => Err("unknown_message"),
            Some(message) if message.author != user => Err("not_the_author"),
            Some(_) => Ok(()),
        }
    }
}

//! Who is typing where. A state that is not renewed expires.
//!
//! Knows nothing of messages.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Chatgenius, Peer, Refused, rooms, text, written};
use crate::server::lock;
use crate::socket_io::Audience;

/// A user who is typing in a channel.
#[derive(Debug)]
pub(super) struct Typing {
    /// The socket on which that was said last.
    socket: String,
    /// When it expires.
    until: Instant,
}

impl Chatgenius {
    /// A user types in a channel.
    pub(super) fn types(self: &Arc<Self>, peer: &Peer, user: &str, payload: &Value) -> Result<Value, Refused> {
        let channel = text(payload, "channelId", "channel")?;
        self.admits(user, channel)?;
        let until = Instant::now() + self.shared.contract.timer("typing_expiry");
        let place = (channel.to_owned(), user.to_owned());
        let typing = Typing { socket: peer.id().to_owned(), until };
        let known = lock(&self.state).typing.insert(place.clone(), typing).is_some();
        if !known {
            let (system, peer) = (Arc::clone(self), peer.clone());
            self.shared.spawn(async move { system.expire(&peer, &place).await });
        }
        Ok(self.tell_of_typing(peer, user, channel, true))
    }

    /// Waits until the state is gone, or ends it when it has not been renewed in time.
    async fn expire(&self, peer: &Peer, place: &(String, String)) {
        loop {
            let Some(until) = lock(&self.state).typing.get(place).map(|typing| typing.until) else { return };
            tokio::time::sleep_until(until).await;
            let expired = {
                let mut state = lock(&self.state);
                let late = state.typing.get(place).is_some_and(|typing| typing.until <= Instant::now());
                late && state.typing.remove(place).is_some()
            };
            if expired {
                self.tell_of_typing(peer, &place.1, &place.0, false);
            }
        }
    }

    /// A user does not type any more.
    pub(super) fn stops_typing(&self, peer: &Peer, user: &str, payload: &Value) -> Result<Value, Refused> {
        let channel = text(payload, "channelId", "channel")?;
        self.admits(user, channel)?;
        let typed = lock(&self.state).typing.remove(&(channel.to_owned(), user.to_owned())).is_some();
        if typed {
            return Ok(self.tell_of_typing(peer, user, channel, false));
        }
        Ok(self.indicator(user, channel, false))
    }

    /// A socket leaves, on which somebody may have been typing.
    pub(super) fn stops_typing_everywhere(&self, peer: &Peer, user: &str) {
        let mut ended = Vec::new();
        lock(&self.state).typing.retain(|(channel, _), typing| {
            let stays = typing.socket != peer.id();
            if !stays {
                ended.push(channel.clone());
            }
            stays
        });
        for channel in ended {
            self.tell_of_typing(peer, user, &channel, false);
        }
    }

    /// Who else is typing in a channel.
    pub(super) fn typists(&self, user: &str, payload: &Value) -> Result<Value, Refused> {
        let channel = text(payload, "channelId", "channel")?;
        self.admits(user, channel)?;
        let state = lock(&self.state);
        let there = state.typing.keys().filter(|(place, typist)| place == channel && typist != user);
        Ok(there.map(|(_, typist)| self.indicator(typist, channel, true)).collect())
    }

    fn indicator(&self, user: &str, channel: &str, is_typing: bool) -> Value {
        let timestamp = written(self.shared.clock.now());
        json!({"userId": user, "channelId": channel, "isTyping": is_typing, "timestamp": timestamp})
    }

    /// Tells the others in the channel, and returns what they are told.
    fn tell_of_typing(&self, peer: &Peer, user: &str, channel: &str, is_typing: bool) -> Value {
        let indicator = self.indicator(user, channel, is_typing);
        if self.chooses("status_events", "send") {
            let (room, own) = (rooms::of_channel(channel), rooms::of_user(user));
            let audience = Audience { rooms: &[&room], except: &[&own] };
            peer.broadcast(audience, "typing.status", &(&indicator).into());
        }
        indicator
    }
}

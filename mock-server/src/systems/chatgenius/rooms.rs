//! Who is where: the channels of users, and the rooms of sockets.
//!
//! Memberships are settled at the start; a socket is in the room of its user and in those of the user's channels.

use serde_json::Value;

use super::guard::Pass;
use super::{Chatgenius, Peer, Refused, Seat, State};
use crate::server::lock;

/// The channel of every user where nothing is said about channels.
const GENERAL: &str = "general";

/// The room of a user's sockets.
pub(super) fn of_user(user: &str) -> String {
    format!("user:{user}")
}

/// The room of a channel's members.
pub(super) fn of_channel(channel: &str) -> String {
    format!("channel:{channel}")
}

impl Chatgenius {
    /// The channels of a user.
    pub(super) fn channels(&self, user: &str) -> Vec<&str> {
        let Some(channels) = self.shared.data.get("channels") else { return vec![GENERAL] };
        let own = channels.get(user).and_then(Value::as_array);
        own.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Refuses a channel of which the user is no member.
    pub(super) fn admits(&self, user: &str, channel: &str) -> Result<(), Refused> {
        if self.channels(user).contains(&channel) { Ok(()) } else { Err("not_a_member") }
    }

    /// The members of a channel, connected or not.
    pub(super) fn members(&self, state: &State, channel: &str) -> Vec<String> {
        let users: Vec<String> = match self.shared.data.get("channels").and_then(Value::as_object) {
            Some(channels) => channels.keys().cloned().collect(),
            None => state.users.iter().cloned().collect(),
        };
        users.into_iter().filter(|user| self.channels(user).contains(&channel)).collect()
    }

    /// Lets an authenticated socket into its rooms, with what its user has missed; no if it has left meanwhile.
    pub(super) fn enter(&self, peer: &Peer, pass: Pass) -> bool {
        let turn = lock(&self.turn);
        let user = pass.user.clone();
        {
            let mut state = lock(&self.state);
            state.remember(&user);
            state.seats.insert(peer.id().to_owned(), Seat { pass, expired: false });
        }
        peer.enter(&of_user(&user));
        for channel in self.channels(&user) {
            peer.enter(&of_channel(channel));
        }
        if !self.chooses("missed_messages", "rest") {
            self.redeliver(peer, &user);
        }
        drop(turn);
        if !peer.member.is_present() {
            self.leave(peer);
            return false;
        }
        true
    }

    /// Forgets a socket; its rooms have forgotten it already.
    pub(super) fn leave(&self, peer: &Peer) {
        let seat = lock(&self.state).seats.remove(peer.id());
        if let Some(seat) = seat {
            self.stops_typing_everywhere(peer, &seat.pass.user);
        }
    }
}

/// Users who are remembered without being asked to.
const MOST_USERS: usize = 10_000;

impl State {
    fn remember(&mut self, user: &str) {
        if self.users.len() < MOST_USERS {
            self.users.insert(user.to_owned());
        }
    }

    /// Whether a user is connected.
    pub(super) fn is_online(&self, user: &str) -> bool {
        self.seats.values().any(|seat| seat.pass.user == user)
    }
}

//! `ChatGenius`: the document's server.
//!
//! The token comes in the handshake's `auth`. It is judged behind the acknowledged `CONNECT`, and again by a guard before
//! every event; a good one lets its user into the rooms, a bad one is rejected. All texts and numbers are the contract's.
//!
//! `connect` and `guard` are the layers in front, `rejection` is how they say no; `rooms` knows who is where, `messages`,
//! `delivery`, `typing` and `offline` do what events ask for, `rest` is the HTTP side.

mod connect;
mod delivery;
mod guard;
mod messages;
mod offline;
mod rejection;
mod rest;
mod rooms;
mod typing;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use super::{ConnectRefusal, Peer, System, Task, nothing};
use crate::engine::conn::Conn;
use crate::script::Fault;
use crate::script::fault::OutageMode;
use crate::server::{Shared, lock};
use crate::socket_io::{Ack, Args};
use crate::store::{Blacklist, Outage};
use guard::Pass;
use messages::Messages;
use typing::Typing;

/// The honest server.
pub(crate) struct Chatgenius {
    shared: Arc<Shared>,
    blacklist: Blacklist,
    state: Mutex<State>,
    /// Held while something is said in a channel: whoever is there hears all in the same order.
    turn: Mutex<()>,
}

/// What the server knows at the moment.
#[derive(Default)]
struct State {
    /// Authenticated sockets, by their ids.
    seats: HashMap<String, Seat>,
    /// Users who have been here.
    users: BTreeSet<String>,
    messages: Messages,
    /// Who is typing: by channel and user.
    typing: BTreeMap<(String, String), Typing>,
    /// Rejections so far.
    rejected: u64,
}

/// An authenticated socket.
#[derive(Clone)]
struct Seat {
    pass: Pass,
    /// Whether the next event finds the token past its end.
    expired: bool,
}

/// The name of an error in the contract.
type Refused = &'static str;

impl Chatgenius {
    /// A server without users or messages.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let blacklist = Blacklist::in_memory(Arc::clone(&shared.clock), Arc::clone(&shared.journal));
        Self { shared, blacklist, state: Mutex::default(), turn: Mutex::default() }
    }

    fn seat(&self, peer: &Peer) -> Option<Seat> {
        lock(&self.state).seats.get(peer.id()).cloned()
    }

    /// The text of an error that the contract names.
    fn text(&self, error: Refused) -> &'static str {
        &self.shared.contract.error(error).message
    }

    /// Whether a switch stands on this alternative.
    fn chooses(&self, switch: &str, value: &str) -> bool {
        self.shared.switch(switch) == value
    }

    /// Takes an event through the guard to those who do what it asks for, and answers it.
    async fn operate(self: &Arc<Self>, peer: &Peer, event: &str, args: &Args, ack: Option<Ack>) {
        let Some(seat) = self.seat(peer) else {
            return self.answer(None, ack, Err("unauthenticated"));
        };
        if !self.shared.contract.events.received.iter().any(|known| known.name == event) {
            return;
        }
        if !self.guards(&seat).await {
            self.answer(None, ack, Err("authentication"));
            // Somebody else may have rejected it meanwhile.
            if self.seat(peer).is_some() {
                self.reject(peer);
            }
            return;
        }
        let answer = self.done(peer, &seat.pass.user, event, args.first().unwrap_or(&Value::Null));
        self.answer(Some(peer), ack, answer);
    }

    fn done(self: &Arc<Self>, peer: &Peer, user: &str, event: &str, payload: &Value) -> Result<Value, Refused> {
        match event {
            "sendMessage" => self.send(peer, user, payload),
            "updateMessage" => self.update(peer, user, payload),
            "deleteMessage" => self.delete(peer, user, payload),
            "message:delivered" => self.confirm(peer, user, payload, delivery::Status::Delivered),
            "message:seen" => self.confirm(peer, user, payload, delivery::Status::Read),
            "message:getStatus" => self.statuses(user, payload),
            "typing" => self.types(peer, user, payload),
            "typing:stop" => self.stops_typing(peer, user, payload),
            "typing:get" => self.typists(user, payload),
            _ => Ok(self.missed_count(user).into()),
        }
    }

    /// Answers an event. A refusal that nobody has asked for goes to the socket as an error.
    fn answer(&self, peer: Option<&Peer>, ack: Option<Ack>, answer: Result<Value, Refused>) {
        match (ack, answer) {
            (Some(ack), Ok(data)) => ack.send(&json!({"data": data}).into()),
            (Some(ack), Err(error)) => ack.send(&json!({"error": self.text(error)}).into()),
            (None, Err(error)) => {
                if let Some(peer) = peer {
                    peer.emit_soon("error", &json!({"message": self.text(error)}));
                }
            }
            (None, Ok(_)) => {}
        }
    }
}

/// A member of a payload that must be a text, and not an empty one.
fn text<'a>(payload: &'a Value, name: &str, error: Refused) -> Result<&'a str, Refused> {
    payload.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or(error)
}

/// A time since the epoch as JSON of JavaScript has it.
fn written(time: Duration) -> String {
    let shape = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    let date = time::Duration::try_from(time).ok().and_then(|time| OffsetDateTime::UNIX_EPOCH.checked_add(time));
    // Fails only for times that no calendar has.
    date.and_then(|date| date.format(shape).ok()).unwrap_or_else(|| "9999-12-31T23:59:59.999Z".to_owned())
}

impl System for Chatgenius {
    fn greet(self: Arc<Self>, peer: Peer, auth: Value) -> Task<Result<(), ConnectRefusal>> {
        Box::pin(async move { self.welcome(&peer, &auth).await })
    }

    fn join(self: Arc<Self>, peer: Peer, auth: Value) -> Task {
        Box::pin(async move {
            let conn = Arc::clone(&peer.conn);
            conn.unless_over(self.connect(&peer, &auth)).await;
            conn.over().await;
            self.leave(&peer);
        })
    }

    fn left(self: Arc<Self>, peer: Peer) -> Task {
        self.leave(&peer);
        nothing()
    }

    fn event(self: Arc<Self>, peer: Peer, name: String, args: Args, ack: Option<Ack>) -> Task {
        Box::pin(async move {
            let conn = Arc::clone(&peer.conn);
            conn.unless_over(self.operate(&peer, &name, &args, ack)).await;
        })
    }

    fn afflict(&self, fault: &Fault, begins: bool) {
        if let Fault::BlacklistStoreDown(fault) = fault {
            let outage = match fault.mode {
                OutageMode::Refuse => Outage::Refuse,
                OutageMode::Hang => Outage::Hang,
            };
            self.blacklist.fail(begins.then_some(outage));
        }
    }

    fn refusal(&self, _operation: &str, error: &str) -> (String, Value) {
        ("error".to_owned(), json!({"message": error}))
    }

    fn rest(&self, endpoint: &str, body: &Value) -> (StatusCode, Value) {
        self.answer_request(endpoint, body)
    }

    fn revoke(self: Arc<Self>, conn: Arc<Conn>) -> Task {
        let lifetime = self.token_lifetime();
        for member in conn.sockets.members() {
            let pass = lock(&self.state).seats.get(&member.id).map(|seat| seat.pass.clone());
            if let Some(pass) = pass {
                self.blacklist.put(&conn.actor, Some(conn.number()), &pass.token, lifetime);
            }
        }
        nothing()
    }

    fn clear(&self) {
        let mut state = lock(&self.state);
        state.seats.clear();
        state.typing.clear();
    }

    fn forget(self: Arc<Self>) -> Task {
        *lock(&self.state) = State::default();
        self.blacklist.clear();
        nothing()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_with_milliseconds() {
        assert_eq!(written(Duration::from_millis(1_735_689_600_007)), "2025-01-01T00:00:00.007Z");
        assert_eq!(written(Duration::MAX), "9999-12-31T23:59:59.999Z");
    }
}

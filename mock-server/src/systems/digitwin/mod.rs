//! `DigiTwin` Live: the document's server.
//!
//! The token comes in the handshake's `auth`; after the `CONNECT` is acknowledged, the server says once whether it is
//! good. All texts and numbers are the contract's.
//!
//! `connect` takes a connection to its verdict, `established` keeps what can end it afterwards, `rest` is the HTTP side.

mod connect;
mod established;
mod rest;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use http::StatusCode;
use serde_json::{Value, json};

use super::{Peer, System, Task};
use crate::engine::conn::Conn;
use crate::journal::Actor;
use crate::server::{Shared, lock};
use crate::socket_io::{Ack, Args};
use crate::store::{Session, Store};
use crate::tokens::{Identity, Judge, Readings};

/// The honest server.
pub(crate) struct Digitwin {
    shared: Arc<Shared>,
    judge: Judge,
    store: Store,
    present: Mutex<Present>,
}

/// Who is there.
#[derive(Default)]
struct Present {
    established: HashMap<(Actor, u32), Established>,
    /// Users whose later sessions are taken away as well.
    banned: HashSet<String>,
}

/// A connection whose session is known to its client.
#[derive(Clone)]
struct Established {
    session: Session,
    peer: Peer,
    /// Whether the next operation finds the token past its end.
    expired: bool,
}

/// The event that makes a session known.
const SESSION_CREATED: &str = "session_created";

/// The event that refuses a connection or ends it.
const AUTH_ERROR: &str = "auth_error";

impl Digitwin {
    /// A server without sessions.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let readings = Readings::from_switches(|name| Some(shared.switch(name)));
        let judge = Judge::new(shared.contract, &shared.secret, readings);
        let store = Store::in_memory(Arc::clone(&shared.clock), Arc::clone(&shared.journal));
        Self { shared, judge, store, present: Mutex::default() }
    }

    /// The server's time, as payloads have it.
    fn timestamp(&self) -> u64 {
        u64::try_from(self.shared.clock.now().as_millis()).unwrap_or(u64::MAX)
    }

    fn session_created(&self, id: &str, identity: &Identity) -> Value {
        json!({
            "sessionId": id,
            "userId": identity.user_id,
            "isGuest": identity.guest,
            "timestamp": self.timestamp(),
        })
    }

    /// The payload of an error that the contract names.
    fn auth_error(&self, name: &str) -> Value {
        let error = self.shared.contract.error(name);
        json!({"code": error.code, "message": error.message, "timestamp": self.timestamp()})
    }

    /// Sends an error that the contract names, then disconnects.
    fn refuse(&self, peer: &Peer, name: &str) {
        peer.emit_soon(AUTH_ERROR, &self.auth_error(name));
        peer.disconnect();
    }

    fn established(&self, conn: &Conn) -> Option<Established> {
        lock(&self.present).established.get(&place(conn)).cloned()
    }

    /// Whether this session is still that of its connection.
    fn is_current(&self, established: &Established) -> bool {
        self.established(&established.peer.conn).is_some_and(|now| now.session.id == established.session.id)
    }

    /// Takes a session away; none if it is gone already.
    async fn end(&self, conn: &Conn) -> Option<Established> {
        let ended = lock(&self.present).established.remove(&place(conn))?;
        self.store.remove(&ended.session.id).await;
        Some(ended)
    }

    async fn operate(&self, peer: &Peer, event: &str, args: &Args, ack: Option<Ack>) {
        let known = self.shared.contract.events.received.iter().any(|known| known.name == event);
        let Some(established) = self.established(&peer.conn).filter(|_| known) else { return };
        if established.expired {
            self.expire(&peer.conn).await;
            return;
        }
        let done = json!({"event": event, "data": args.first()});
        if let Some(ack) = ack {
            ack.send(&(&done).into());
        }
        peer.emit_soon("operation_done", &done);
    }
}

/// Where a connection is found.
fn place(conn: &Conn) -> (Actor, u32) {
    (conn.actor.clone(), conn.number())
}

impl System for Digitwin {
    fn join(self: Arc<Self>, peer: Peer, auth: Value) -> Task {
        Box::pin(async move {
            let conn = Arc::clone(&peer.conn);
            conn.unless_over(self.connect(peer, &auth)).await;
            conn.over().await;
            self.end(&conn).await;
        })
    }

    fn left(self: Arc<Self>, peer: Peer) -> Task {
        Box::pin(async move { drop(self.end(&peer.conn).await) })
    }

    fn event(self: Arc<Self>, peer: Peer, name: String, args: Args, ack: Option<Ack>) -> Task {
        Box::pin(async move { self.operate(&peer, &name, &args, ack).await })
    }

    fn refusal(&self, operation: &str, error: &str) -> (String, Value) {
        ("operation_error".to_owned(), json!({"event": operation, "error": error}))
    }

    fn verdict(&self, conn: &Conn) -> Option<(String, Value)> {
        let who = conn.who();
        let identity = Identity {
            guest: who.token_kind == Some("guest"),
            user_id: who.user.unwrap_or_else(|| format!("user_{}", conn.actor)),
        };
        let id = format!("sess_{}", uuid::Uuid::new_v4().simple());
        Some((SESSION_CREATED.to_owned(), self.session_created(&id, &identity)))
    }

    fn rest(&self, endpoint: &str, body: &Value) -> (StatusCode, Value) {
        self.answer(endpoint, body)
    }

    fn revoke(self: Arc<Self>, conn: Arc<Conn>) -> Task {
        Box::pin(async move { self.take_away(&conn, false).await })
    }

    fn clear(&self) {
        let established = std::mem::take(&mut lock(&self.present).established);
        // Outside the lock: a connection may be the last that holds its socket.
        drop(established);
    }

    fn forget(self: Arc<Self>) -> Task {
        Box::pin(async move {
            lock(&self.present).banned.clear();
            self.store.clear().await;
        })
    }
}

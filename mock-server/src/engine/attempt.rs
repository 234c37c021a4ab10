//! Requests that begin a connection attempt: polling handshakes, and WebSockets from the start.
//!
//! Knows nothing of what the session is for.

use std::sync::Arc;

use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use super::conn::{Conn, Ending, Who};
use super::gate::{Call, Gate};
use super::http::{Reply, Trouble};
use super::obstacle::Obstacles;
use super::packet::Packet;
use super::{session, websocket};
use crate::contract::Protocol;
use crate::journal::{Closer, Entry, Transport};
use crate::plain;
use crate::script::{Firing, RequestKind};
use crate::tokens::user_of;

impl Gate {
    /// Answers an attempt as the rules have it, and lets its session live if it has opened one.
    pub(super) async fn attempt(
        self: &Arc<Self>,
        call: &Call,
        transport: Transport,
        request: Request<Incoming>,
    ) -> (Arc<Conn>, Reply, Obstacles) {
        let attempt = call.head.attempt(self.shared.next_attempt(&call.actor));
        let journal = Arc::clone(&self.shared.journal);
        let gate = Arc::downgrade(self);
        let conn = Conn::new(call.actor.clone(), attempt.clone(), new_sid(), transport, gate, journal);
        conn.identify(Who { token_kind: call.head.token_kind(), user: call.head.token().and_then(user_of) });
        conn.travels_on(&call.link);
        conn.record(transport, Entry::Attempt(attempt));
        self.shared.arrived(&conn);
        let mut unanswered = Unanswered(Some(Arc::clone(&conn)));
        let mut obstacles = self.obstacles(call, Some(&conn), RequestKind::Attempt).await;
        let plain = self.shared.contract.transport.protocol == Protocol::WebSocket;
        let opened = match (obstacles.reply.take(), self.trouble(call)) {
            (Some(reply), _) | (None, Some(reply)) => Err(reply),
            (None, None) if plain => plain::open(self, &conn, request).await,
            (None, None) => self.open(call, &conn, request, &mut obstacles),
        };
        unanswered.0 = None;
        let reply = opened.unwrap_or_else(|refusal| {
            conn.end(Ending::by(Closer::Server, false));
            refusal
        });
        (conn, reply, obstacles)
    }

    /// Opens the session of an attempt.
    fn open(
        self: &Arc<Self>,
        call: &Call,
        conn: &Arc<Conn>,
        request: Request<Incoming>,
        obstacles: &mut Obstacles,
    ) -> Result<Reply, Reply> {
        let opening = session::opening(conn, &self.shared, &obstacles.opening);
        let (gate, session) = (Arc::clone(self), Arc::clone(conn));
        let live = move || session::live(gate, session);
        if conn.transport() == Transport::Polling {
            self.shared.opened(conn);
            self.shared.spawn(live());
            return Ok(Reply::packets(vec![opening]));
        }
        let (reply, upgrade) = call.switch(request)?;
        self.shared.opened(conn);
        match obstacles.withheld.take() {
            None => {
                conn.send([opening]);
                self.shared.spawn(live());
            }
            Some(firing) => self.shared.spawn(later(Arc::clone(self), Arc::clone(conn), firing, opening, live)),
        }
        self.shared.spawn(websocket::carry(Arc::clone(conn), upgrade));
        Ok(reply)
    }

    /// What keeps an attempt from opening a session in the honest server.
    fn trouble(&self, call: &Call) -> Option<Reply> {
        if self.shared.is_full() {
            return Some(Reply::text(StatusCode::SERVICE_UNAVAILABLE, "Too many sessions"));
        }
        if self.shared.contract.transport.protocol == Protocol::WebSocket {
            return None;
        }
        let trouble =
            match (call.unknown_transport(self.shared.contract), call.head.query.get("EIO").map(String::as_str)) {
                (true, _) => Trouble::UnknownTransport,
                // JSONP has gone with the version before.
                (false, Some("4")) if call.head.query.contains_key("j") => Trouble::BadRequest,
                (false, Some("4")) => return None,
                (false, _) => Trouble::Version,
            };
        Some(call.refuse(trouble))
    }
}

/// Opens a session whose open packet a rule withholds, once the rule is over.
async fn later<F>(gate: Arc<Gate>, conn: Arc<Conn>, firing: Firing, opening: Packet, live: impl FnOnce() -> F)
where
    F: Future<Output = ()>,
{
    if conn.unless_over(firing.over()).await.is_some() {
        firing.undone();
        conn.send([opening]);
        live().await;
    } else {
        gate.shared.forget(&conn);
    }
}

/// An attempt that has no answer yet. If its request is dropped, its client is gone.
struct Unanswered(Option<Arc<Conn>>);

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(conn) = &self.0 {
            conn.end(Ending::by(Closer::Client, false));
            conn.closed();
        }
    }
}

/// The answer that turns a request into a WebSocket, or that says why not.
pub(crate) fn switch(mut request: Request<Incoming>) -> Result<(Reply, OnUpgrade), Reply> {
    if let Some(refusal) = plain::trouble(request.method(), request.headers()) {
        return Err(refusal);
    }
    let reply =
        Reply::switching(request.headers()).ok_or_else(|| plain::bad("Missing or invalid Sec-WebSocket-Key header"))?;
    Ok((reply, hyper::upgrade::on(&mut request)))
}

/// An id of the form that the official server gives.
fn new_sid() -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(&uuid::Uuid::new_v4().as_bytes()[..15])
}

//! Requests to sessions that exist: polls, posts and upgrades.
//!
//! Knows nothing of how a session began.

use std::sync::Arc;

use http::{Method, Request, StatusCode};
use hyper::body::Incoming;

use super::conn::Conn;
use super::gate::{Call, Gate};
use super::http::{Reply, Trouble};
use super::obstacle::Obstacles;
use super::{polling, websocket};
use crate::script::RequestKind;

/// Whom a request concerned, its answer, and what becomes of that.
pub(super) type Visit = (Option<Arc<Conn>>, Reply, Obstacles);

impl Gate {
    pub(super) async fn polled(self: &Arc<Self>, call: &Call, request: Request<Incoming>) -> Visit {
        let conn = match self.known(call) {
            Ok(conn) => conn,
            Err(reply) => return (None, reply, Obstacles::default()),
        };
        let kind = RequestKind::Polling(conn.next_poll());
        let mut obstacles = self.obstacles(call, Some(&conn), kind).await;
        if let Some(reply) = obstacles.reply.take() {
            return (Some(conn), reply, obstacles);
        }
        conn.until(|conn| !conn.bent().stalled).await;
        let reply = match call.head.method {
            Method::GET => polling::poll(&conn).await,
            Method::POST => {
                let time = self.shared.limits.body_time;
                polling::post(&conn, &call.head.headers, request.into_body(), time).await
            }
            _ => Reply::empty(StatusCode::INTERNAL_SERVER_ERROR),
        };
        (Some(conn), reply, obstacles)
    }

    pub(super) async fn upgrade(self: &Arc<Self>, call: &Call, request: Request<Incoming>) -> Visit {
        let conn = match self.known(call) {
            Ok(conn) => conn,
            Err(reply) => return (None, reply, Obstacles::default()),
        };
        let mut obstacles = self.obstacles(call, Some(&conn), RequestKind::Upgrade).await;
        if let Some(reply) = obstacles.reply.take() {
            return (Some(conn), reply, obstacles);
        }
        conn.until(|conn| !conn.bent().stalled).await;
        let (reply, upgrade) = match call.switch(request) {
            Ok(switched) => switched,
            Err(reply) => return (Some(conn), reply, obstacles),
        };
        let session = Arc::clone(&conn);
        if obstacles.ignored {
            self.shared.spawn(websocket::ignore(session, upgrade));
        } else {
            self.shared.spawn(websocket::probe(session, upgrade));
        }
        (Some(conn), reply, obstacles)
    }

    /// The session that a request names, which has then travelled on the request's TCP connection; else the answer.
    fn known(&self, call: &Call) -> Result<Arc<Conn>, Reply> {
        let session = call.head.sid().map(|sid| self.shared.session(sid));
        self.record_request(call, session.as_ref().and_then(Option::as_deref));
        let trouble = match session {
            _ if call.unknown_transport(self.shared.contract) => Trouble::UnknownTransport,
            Some(Some(conn)) => {
                conn.travels_on(&call.link);
                return Ok(conn);
            }
            Some(None) => Trouble::UnknownSession,
            None => Trouble::HandshakeMethod,
        };
        Err(call.refuse(trouble))
    }
}

//! The gate through which every request passes: recorded, handed to whom it concerns, answered, recorded.
//!
//! Rules have their say here between the head and the answer. Knows nothing of tokens and verdicts.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Collected, Full, Limited};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tower::{Layer, ServiceExt};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

use super::conn::{Conn, Ending};
use super::departure::{Departures, Noted};
use super::http::{Reply, Trouble};
use super::obstacle::Obstacle;
use super::{LARGEST, polling, session, websocket};
use crate::contract::Cors;
use crate::journal::{Actor, Answer, Closer, Entry, Moment, Transport};
use crate::lane::{self, Head, Kind};
use crate::script::RequestKind;
use crate::server::Shared;
use crate::socket_io::Hub;
use crate::systems::System;
use crate::wire::{Link, Stream};

/// Everything behind the ports of one mock.
pub(crate) struct Gate {
    /// What all parts share.
    pub(crate) shared: Arc<Shared>,
    /// The honest system.
    pub(crate) system: Arc<dyn System>,
    /// Socket.IO's namespaces.
    pub(crate) hub: Hub,
    cors: CorsLayer,
}

/// A request on its way through the gate.
pub(super) struct Call {
    /// What its head says.
    pub(super) head: Head,
    /// Whose it is.
    pub(super) actor: Actor,
    /// The TCP connection.
    pub(super) link: Arc<Link>,
    /// When the head had been read.
    pub(super) asked: Moment,
    departures: Arc<Departures>,
}

/// What the journal wants to know of an answer, and what goes out with it; travels in the response.
#[derive(Clone, Default)]
struct Luggage {
    conn: Option<Arc<Conn>>,
    reply: Option<Reply>,
}

impl Gate {
    /// A gate before this system.
    pub(crate) fn new(shared: Arc<Shared>, system: Arc<dyn System>) -> Arc<Self> {
        let cors = cors(&shared.contract.transport.cors);
        let hub = Hub::new(system.namespaces());
        Arc::new(Self { shared, system, hub, cors })
    }

    /// Serves one TCP connection of an actor until it ends.
    pub(crate) async fn serve(self: Arc<Self>, stream: Stream, actor: Actor) {
        let link = Arc::clone(stream.link());
        let departures = Arc::new(Departures::default());
        let stream = Noted::new(stream, Arc::clone(&departures));
        let service = hyper::service::service_fn(move |request| {
            let (gate, actor) = (Arc::clone(&self), actor.clone());
            let (link, departures) = (Arc::clone(&link), Arc::clone(&departures));
            async move { Ok::<_, Infallible>(gate.pass(request, actor, link, departures).await) }
        });
        let mut http = hyper::server::conn::http1::Builder::new();
        http.header_read_timeout(None);
        // Fails when the client breaks off or does not speak HTTP, which concerns nobody else.
        let _ = http.serve_connection(TokioIo::new(stream), service).with_upgrades().await;
    }

    /// Takes a request from its head to the head of its answer.
    async fn pass(
        self: Arc<Self>,
        request: Request<Incoming>,
        actor: Actor,
        link: Arc<Link>,
        departures: Arc<Departures>,
    ) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let head = Head::read(
            &parts.method,
            parts.uri.path(),
            parts.uri.query().unwrap_or_default(),
            &parts.headers,
            self.shared.contract,
        );
        let session = head.sid().and_then(|sid| self.shared.session(sid));
        if let Some(late) = session.and_then(|conn| conn.lateness(&link)) {
            tokio::time::sleep(late).await;
        }
        let call = Arc::new(Call { head, actor, link, asked: Moment::now(), departures });
        if call.head.kind == Kind::Preflight {
            self.record_request(&call, None, Value::Null);
        }
        let (gate, route) = (Arc::clone(&self), Arc::clone(&call));
        let honest = tower::service_fn(move |request| {
            let (gate, call) = (Arc::clone(&gate), Arc::clone(&route));
            async move { Ok::<_, Infallible>(gate.route(&call, request).await) }
        });
        let Ok(response) = self.cors.layer(honest).oneshot(Request::from_parts(parts, body)).await;
        self.leave(&call, response)
    }

    /// Records an answer and what goes out with it.
    fn leave(&self, call: &Call, mut response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
        let Luggage { conn, reply } = response.extensions_mut().remove::<Luggage>().unwrap_or_default();
        let answer = Answer {
            name: call.head.name(),
            status: response.status().as_u16(),
            headers: lane::headers(response.headers()),
            body: reply.as_ref().map_or(Value::Null, Reply::kept_body),
            asked: call.asked,
        };
        let (connection, transport) = (conn.as_ref().map(|conn| conn.number()), call.head.transport());
        self.shared.journal.write(&call.actor, connection, transport, Entry::Answer(answer));
        if let (Some(conn), Some(reply)) = (conn, reply) {
            reply.packets.iter().for_each(|packet| conn.sent(packet, Transport::Polling));
            if call.head.is_attempt() && conn.is_over() {
                // It was refused, and ends behind its answer.
                conn.closed();
            } else if !reply.packets.is_empty() {
                call.departures.expect(conn);
            }
        }
        response
    }

    fn record_request(&self, call: &Call, conn: Option<&Conn>, body: Value) {
        let entry = Entry::Request(call.head.request(body));
        self.shared.journal.write(&call.actor, conn.map(Conn::number), call.head.transport(), entry);
    }

    /// Hands a request to whom it concerns.
    async fn route(self: &Arc<Self>, call: &Call, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (conn, reply) = match call.head.kind {
            Kind::Attempt(transport) => self.attempt(call, transport, request).await,
            Kind::Polling => self.polled(call, request).await,
            Kind::Upgrade => self.upgrade(call, request).await,
            Kind::Endpoint(name) => (None, self.endpoint(call, name, request).await),
            Kind::Preflight | Kind::Other => {
                self.record_request(call, None, Value::Null);
                (None, Reply::text(StatusCode::NOT_FOUND, ""))
            }
        };
        let mut response = reply.clone().into_response();
        response.extensions_mut().insert(Luggage { conn, reply: Some(reply) });
        response
    }

    // An attempt.

    async fn attempt(
        self: &Arc<Self>,
        call: &Call,
        transport: Transport,
        request: Request<Incoming>,
    ) -> (Option<Arc<Conn>>, Reply) {
        let attempt = call.head.attempt(self.shared.next_attempt(&call.actor));
        let sid = new_sid();
        let journal = Arc::clone(&self.shared.journal);
        let conn = Conn::new(call.actor.clone(), attempt.clone(), sid, transport, Arc::downgrade(self), journal);
        conn.travels_on(&call.link);
        conn.record(transport, Entry::Attempt(attempt));
        self.shared.arrived(&conn);
        let mut unanswered = Unanswered(Some(Arc::clone(&conn)));
        let obstacle = self.obstacle(call, Some(&conn), RequestKind::Attempt).await;
        let reply = match (obstacle, trouble(call)) {
            (Some(Obstacle::Reply(reply)), _) => Err(reply),
            (Some(Obstacle::Ignored), _) | (None, None) => self.open(&conn, transport, request),
            (None, Some(trouble)) => Err(trouble.reply()),
        };
        unanswered.0 = None;
        match reply {
            Ok(reply) => {
                self.shared.opened(&conn);
                self.shared.spawn(session::live(Arc::clone(self), Arc::clone(&conn)));
                (Some(conn), reply)
            }
            Err(reply) => {
                conn.end(Ending::by(Closer::Server, false));
                (Some(conn), reply)
            }
        }
    }

    /// The honest answer to an attempt.
    fn open(&self, conn: &Arc<Conn>, transport: Transport, request: Request<Incoming>) -> Result<Reply, Reply> {
        let opening = session::opening(conn, &self.shared);
        match transport {
            Transport::Polling => Ok(Reply::packets(vec![opening])),
            Transport::Websocket => {
                let (reply, upgrade) = switch(request).ok_or_else(|| Trouble::BadRequest.reply())?;
                conn.send([opening]);
                self.shared.spawn(websocket::carry(Arc::clone(conn), upgrade));
                Ok(reply)
            }
        }
    }

    // A session that exists.

    async fn polled(self: &Arc<Self>, call: &Call, request: Request<Incoming>) -> (Option<Arc<Conn>>, Reply) {
        let conn = self.known(call);
        self.record_request(call, conn.as_deref(), Value::Null);
        let Some(conn) = conn else { return (None, Self::stranger(call)) };
        if let Some(Obstacle::Reply(reply)) =
            self.obstacle(call, Some(&conn), RequestKind::Polling(conn.next_poll())).await
        {
            return (Some(conn), reply);
        }
        conn.until(|conn| !conn.bent().stalled).await;
        let reply = match call.head.method {
            Method::GET => polling::poll(&conn).await,
            Method::POST => polling::post(&conn, request.into_body()).await,
            _ => Trouble::BadRequest.reply(),
        };
        (Some(conn), reply)
    }

    async fn upgrade(self: &Arc<Self>, call: &Call, request: Request<Incoming>) -> (Option<Arc<Conn>>, Reply) {
        let conn = self.known(call);
        self.record_request(call, conn.as_deref(), Value::Null);
        let Some(conn) = conn else { return (None, Self::stranger(call)) };
        let obstacle = self.obstacle(call, Some(&conn), RequestKind::Upgrade).await;
        if let Some(Obstacle::Reply(reply)) = obstacle {
            return (Some(conn), reply);
        }
        conn.until(|conn| !conn.bent().stalled).await;
        let Some((reply, upgrade)) = switch(request) else { return (Some(conn), Trouble::BadRequest.reply()) };
        let session = Arc::clone(&conn);
        match obstacle {
            Some(_) => self.shared.spawn(websocket::ignore(session, upgrade)),
            None => self.shared.spawn(websocket::probe(session, upgrade)),
        }
        (Some(conn), reply)
    }

    /// The session that a request names, which has then travelled on the request's TCP connection.
    fn known(&self, call: &Call) -> Option<Arc<Conn>> {
        let conn = self.shared.session(call.head.sid()?)?;
        conn.travels_on(&call.link);
        Some(conn)
    }

    /// The answer to a request that names no session which exists.
    fn stranger(call: &Call) -> Reply {
        match call.head.sid() {
            Some(_) => Trouble::UnknownSession.reply(),
            None => Trouble::HandshakeMethod.reply(),
        }
    }

    // REST.

    async fn endpoint(self: &Arc<Self>, call: &Call, name: &'static str, request: Request<Incoming>) -> Reply {
        let body = Limited::new(request.into_body(), LARGEST).collect().await;
        let Ok(body) = body.map(Collected::to_bytes) else { return Trouble::TooLarge.reply() };
        let body = lane::body(&body);
        self.record_request(call, None, body.clone());
        if let Some(Obstacle::Reply(reply)) = self.obstacle(call, None, RequestKind::Endpoint(name)).await {
            return reply;
        }
        let (status, answer) = self.system.rest(name, &body);
        Reply::json(status, &answer)
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

/// What keeps an attempt from opening a session in the honest server.
fn trouble(call: &Call) -> Option<Trouble> {
    match (call.head.query.get("transport").map(String::as_str), call.head.query.get("EIO").map(String::as_str)) {
        (Some("polling" | "websocket"), Some("4")) => None,
        (Some("polling" | "websocket"), _) => Some(Trouble::Version),
        _ => Some(Trouble::UnknownTransport),
    }
}

/// The answer that turns a request into a WebSocket; none if it does not ask for one.
fn switch(mut request: Request<Incoming>) -> Option<(Reply, OnUpgrade)> {
    let reply = Reply::switching(request.headers())?;
    Some((reply, hyper::upgrade::on(&mut request)))
}

/// An id of the form that the official server gives.
fn new_sid() -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(&uuid::Uuid::new_v4().as_bytes()[..15])
}

fn cors(rules: &Cors) -> CorsLayer {
    let origins = rules.origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    let allowed = match rules.origins.as_slice() {
        [all] if all == "*" => AllowOrigin::any(),
        _ => AllowOrigin::list(origins),
    };
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_credentials(rules.credentials)
        .allow_headers(AllowHeaders::mirror_request())
        .allow_methods(AllowMethods::mirror_request())
}

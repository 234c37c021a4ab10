//! The gate through which every request passes: recorded, handed to whom it concerns, answered, recorded.
//!
//! Rules have their say here between the head and the answer. Knows nothing of tokens and verdicts.

use std::convert::Infallible;
use std::sync::Arc;

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tower::{Layer, ServiceExt};
use tower_http::cors::CorsLayer;

use super::amend::Amendment;
use super::attempt::switch;
use super::conn::Conn;
use super::departure::{Departures, Noted};
use super::http::{Body, Reply, Trouble};
use super::obstacle::Obstacles;
use super::visit::Visit;
use super::{LARGEST, cors};
use crate::contract::Contract;
use crate::journal::{Actor, Answer, Entry, Moment, Transport};
use crate::lane::{self, Head, Kind};
use crate::limits;
use crate::plain;
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
    amendments: Vec<Amendment>,
}

impl Gate {
    /// A gate before this system.
    pub(crate) fn new(shared: Arc<Shared>, system: Arc<dyn System>) -> Arc<Self> {
        let cors = cors::layer(&shared.contract.transport.cors);
        let hub = Hub::new(system.namespaces());
        Arc::new(Self { shared, system, hub, cors })
    }

    /// Serves one TCP connection of an actor until it ends.
    pub(crate) async fn serve(self: Arc<Self>, stream: Stream, actor: Actor) {
        let link = Arc::clone(stream.link());
        let departures = Arc::new(Departures::default());
        let stream = Noted::new(stream, Arc::clone(&departures));
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(self.shared.limits.head_time).max_buf_size(limits::HEAD);
        let service = hyper::service::service_fn(move |request| {
            let (gate, actor) = (Arc::clone(&self), actor.clone());
            let (link, departures) = (Arc::clone(&link), Arc::clone(&departures));
            async move { Ok::<_, Infallible>(gate.pass(request, actor, link, departures).await) }
        });
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
    ) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let query = parts.uri.query().unwrap_or_default();
        let head = Head::read(&parts.method, parts.uri.path(), query, &parts.headers, self.shared.contract);
        let session = head.sid().and_then(|sid| self.shared.session(sid));
        if let Some(late) = session.and_then(|conn| conn.lateness(&link)) {
            tokio::time::sleep(late).await;
        }
        let call = Arc::new(Call { head, actor, link, asked: Moment::now(), departures });
        let mut amendments = Vec::new();
        if call.head.kind == Kind::Preflight {
            self.record_request(&call, None);
            amendments = self.obstacles(&call, None, RequestKind::Preflight).await.amendments;
        }
        let (gate, route) = (Arc::clone(&self), Arc::clone(&call));
        let honest = tower::service_fn(move |request| {
            let (gate, call) = (Arc::clone(&gate), Arc::clone(&route));
            async move { Ok::<_, Infallible>(gate.route(&call, request).await) }
        });
        let Ok(mut response) = self.cors.layer(honest).oneshot(Request::from_parts(parts, body)).await;
        if call.head.kind == Kind::Preflight {
            *response.status_mut() = StatusCode::NO_CONTENT;
        }
        self.leave(&call, response, &amendments)
    }

    /// Changes an answer as the rules have it, and records it and what goes out with it.
    fn leave(&self, call: &Call, mut response: Response<Body>, before: &[Amendment]) -> Response<Body> {
        let Luggage { conn, reply, amendments } = response.extensions_mut().remove::<Luggage>().unwrap_or_default();
        for amendment in before.iter().chain(&amendments) {
            if amendment.apply(&mut response) {
                call.departures.end(&call.link);
            }
        }
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

    /// Records a request that begins no attempt and has no body that matters.
    pub(super) fn record_request(&self, call: &Call, conn: Option<&Conn>) {
        let entry = Entry::Request(call.head.request(Value::Null));
        self.shared.journal.write(&call.actor, conn.map(Conn::number), call.head.transport(), entry);
    }

    /// Hands a request to whom it concerns.
    async fn route(self: &Arc<Self>, call: &Call, request: Request<Incoming>) -> Response<Body> {
        let (conn, reply, obstacles) = match call.head.kind {
            Kind::Attempt(transport) => {
                let (conn, reply, obstacles) = self.attempt(call, transport, request).await;
                (Some(conn), reply, obstacles)
            }
            Kind::Polling => self.polled(call, request).await,
            Kind::Upgrade => self.upgrade(call, request).await,
            Kind::Endpoint(name) => self.endpoint(call, name, request).await,
            Kind::Plain => {
                self.record_request(call, None);
                (None, plain::refusal(&call.head.method), Obstacles::default())
            }
            Kind::Preflight | Kind::Other => {
                self.record_request(call, None);
                (None, Reply::text(StatusCode::NOT_FOUND, ""), Obstacles::default())
            }
        };
        let mut response = reply.clone().into_response();
        let luggage = Luggage { conn, reply: Some(reply), amendments: obstacles.amendments };
        response.extensions_mut().insert(luggage);
        response
    }

    async fn endpoint(self: &Arc<Self>, call: &Call, name: &'static str, request: Request<Incoming>) -> Visit {
        let body = Limited::new(request.into_body(), LARGEST).collect();
        let body = match tokio::time::timeout(self.shared.limits.body_time, body).await {
            Ok(Ok(body)) => lane::body(&body.to_bytes()),
            Ok(Err(_)) => return (None, Trouble::TooLarge.reply(), Obstacles::default()),
            Err(_) => return (None, Reply::empty(StatusCode::REQUEST_TIMEOUT), Obstacles::default()),
        };
        let entry = Entry::Request(call.head.request(body.clone()));
        self.shared.journal.write(&call.actor, None, None, entry);
        let mut obstacles = self.obstacles(call, None, RequestKind::Endpoint(name)).await;
        let reply = obstacles.reply.take().unwrap_or_else(|| {
            let (status, answer) = self.system.rest(name, &body);
            Reply::json(status, &answer)
        });
        (None, reply, obstacles)
    }
}

impl Call {
    /// Whether the request names no transport that the server has.
    pub(super) fn unknown_transport(&self, contract: &Contract) -> bool {
        let named = self.head.query.get("transport");
        !named.is_some_and(|named| contract.transport.order.contains(named))
    }

    /// Whether the request wants to leave HTTP, for whatever protocol.
    fn wants_upgrade(&self) -> bool {
        let upgrades = |value: &String| value.to_ascii_lowercase().contains("upgrade");
        self.head.headers.get("connection").is_some_and(upgrades) && self.head.headers.contains_key("upgrade")
    }

    /// The honest refusal, in the form that the request calls for.
    pub(super) fn refuse(&self, trouble: Trouble) -> Reply {
        if self.wants_upgrade() { trouble.abort() } else { trouble.reply() }
    }

    /// The answer that turns the request into a WebSocket, or that says why not.
    pub(super) fn switch(&self, request: Request<Incoming>) -> Result<(Reply, OnUpgrade), Reply> {
        if !self.wants_upgrade() {
            return Err(Trouble::BadRequest.reply());
        }
        if !self.head.headers.get("upgrade").is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket")) {
            return Err(plain::bad("Invalid Upgrade header"));
        }
        switch(request)
    }
}

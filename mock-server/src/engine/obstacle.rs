//! What rules put between the head of a request and its honest answer.
//!
//! Knows nothing of what the honest answer would be.

use std::future::pending;
use std::sync::Arc;

use http::StatusCode;

use super::amend::Amendment;
use super::conn::Conn;
use super::gate::{Call, Gate};
use super::http::{Reply, Trouble};
use super::session::Opening;
use crate::script::fault::{RestError, TransportUnknown};
use crate::script::{Fault, Firing, RequestKind, Stage, Subject};

/// What the rules have in store for a request.
#[derive(Default)]
pub(super) struct Obstacles {
    /// Another answer than the honest one.
    pub(super) reply: Option<Reply>,
    /// The upgrade opens, but its probe is ignored.
    pub(super) ignored: bool,
    /// The WebSocket opens, but the session does not until this rule is over.
    pub(super) withheld: Option<Firing>,
    /// What the open packet says that the server does not do.
    pub(super) opening: Opening,
    /// What becomes of the answer.
    pub(super) amendments: Vec<Amendment>,
}

impl Gate {
    /// Lets the rules do what they do to this request; returns when it is due to be answered, which may be never.
    pub(super) async fn obstacles(
        self: &Arc<Self>,
        call: &Call,
        conn: Option<&Arc<Conn>>,
        request: RequestKind<'_>,
    ) -> Obstacles {
        let mut obstacles = Obstacles::default();
        for firing in self.firings(call, conn, request) {
            self.meet(call, conn, firing, &mut obstacles).await;
        }
        obstacles
    }

    fn firings(&self, call: &Call, conn: Option<&Arc<Conn>>, request: RequestKind<'_>) -> Vec<Firing> {
        let who = conn.map(|conn| conn.who()).unwrap_or_default();
        let subject = Subject {
            connection: conn.map(|conn| conn.number()),
            transport: call.head.transport(),
            token_kind: who.token_kind,
            user: who.user.as_deref(),
            path: Some(&call.head.path),
            headers: &call.head.headers,
            request: Some(request),
            ..Subject::of(&call.actor)
        };
        let mut firings = self.shared.script.at(Stage::Request, &subject);
        if matches!(request, RequestKind::Attempt) {
            firings.extend(self.shared.script.at(Stage::Handshake, &subject));
        }
        firings
    }

    async fn meet(self: &Arc<Self>, call: &Call, conn: Option<&Arc<Conn>>, firing: Firing, met: &mut Obstacles) {
        if let (Some(conn), true) = (conn, super::perform::is_about_wire(firing.fault())) {
            return self.meet_wire(conn, &firing).await;
        }
        if !firing.due().await {
            return;
        }
        firing.fired();
        met.amendments.extend(Amendment::of(firing.fault()));
        match firing.fault() {
            Fault::ResponseDelay(fault) => tokio::time::sleep(fault.delay).await,
            Fault::RestDelay(fault) => match fault.delay {
                Some(delay) => tokio::time::sleep(delay).await,
                None => pending().await,
            },
            Fault::ColdStart(_) => tokio::time::sleep(firing.wait).await,
            Fault::UpgradeStall(_) => {
                firing.over().await;
                firing.undone();
            }
            Fault::UpgradeProbeIgnored(_) => met.ignored = true,
            Fault::OpenPacketWithheld(_) => met.withheld = Some(firing),
            Fault::OpenPacketAltered(fault) => met.opening.add.extend(fault.add.clone()),
            fault => {
                // The first answer stands, but rules behind it may still be in time to delay it.
                let reply = other_answer(call, fault, &mut met.opening).await;
                met.reply = met.reply.take().or(reply);
            }
        }
    }

    /// Ends or bends the connection; one that is ended gets no answer.
    async fn meet_wire(self: &Arc<Self>, conn: &Arc<Conn>, firing: &Firing) {
        if super::perform::holds(firing.fault()) {
            self.perform(conn, firing).await;
            if conn.is_over() {
                pending::<()>().await;
            }
        } else {
            let before = conn.bent().latency;
            self.begin(conn, firing.clone(), None);
            let latency = conn.bent().latency.filter(|_| before.is_none());
            if let Some(late) = latency.and_then(|latency| latency.first_inward()) {
                // The head was read before the latency was known.
                tokio::time::sleep(late).await;
            }
        }
    }
}

/// The answer that a fault gives instead of the honest one.
async fn other_answer(call: &Call, fault: &Fault, opening: &mut Opening) -> Option<Reply> {
    Some(match fault {
        Fault::HttpError(fault) => Reply::text(fault.status, fault.body.clone()).with(&fault.headers),
        Fault::AffinityLoss(_) => Trouble::UnknownSession.reply(),
        Fault::UpgradeReject(fault) => Reply::text(fault.status, fault.body.clone()).with(&fault.headers),
        Fault::UpgradeStripped(fault) => Reply::html(fault.status, fault.body.clone()),
        Fault::OriginCheckUpgrade(_) => Reply::text(StatusCode::FORBIDDEN, "Forbidden"),
        Fault::RateLimit(fault) => Reply::text(StatusCode::TOO_MANY_REQUESTS, fault.error.clone()),
        Fault::TransportUnknown(fault) => return disabled(call, fault, opening),
        Fault::PollingMalformed(fault) => Reply::html(StatusCode::OK, fault.body.clone()),
        Fault::RestError(fault) => broken(call, fault).await,
        Fault::RestMalformed(fault) => Reply::html(StatusCode::OK, fault.body.clone()),
        _ => return None,
    })
}

/// The answer to a request over a transport that is disabled; over another one, the open packet does not offer it.
fn disabled(call: &Call, fault: &TransportUnknown, opening: &mut Opening) -> Option<Reply> {
    if call.head.transport().is_some_and(|transport| fault.transports.contains(transport)) {
        return Some(call.refuse(Trouble::UnknownTransport));
    }
    opening.disabled.extend(&fault.transports.0);
    None
}

async fn broken(call: &Call, fault: &RestError) -> Reply {
    if fault.drop {
        call.link.cut();
        pending::<()>().await;
    }
    Reply::json(fault.status, &serde_json::json!({"error": fault.status.canonical_reason().unwrap_or("Error")}))
}

//! What rules put between the head of a request and its honest answer.
//!
//! Knows nothing of what the honest answer would be.

use std::future::pending;
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;

use super::conn::Conn;
use super::gate::{Call, Gate};
use super::http::{Reply, Trouble};
use crate::script::fault::{RestError, UpgradeReject};
use crate::script::{Fault, Firing, RequestKind, Stage, Subject};

/// What stands in the way of the honest answer.
pub(super) enum Obstacle {
    /// Another answer.
    Reply(Reply),
    /// The upgrade opens, but its probe is ignored.
    Ignored,
}

impl Gate {
    /// Lets the rules do what they do to this request; returns when it is due to be answered, which may be never.
    pub(super) async fn obstacle(
        self: &Arc<Self>,
        call: &Call,
        conn: Option<&Arc<Conn>>,
        request: RequestKind<'_>,
    ) -> Option<Obstacle> {
        let mut obstacle = None;
        for firing in self.firings(call, conn, request) {
            let found = self.meet(call, conn, &firing).await;
            // The first answer stands, but rules behind it may still be in time to delay it.
            obstacle = obstacle.or(found);
        }
        obstacle
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

    async fn meet(self: &Arc<Self>, call: &Call, conn: Option<&Arc<Conn>>, firing: &Firing) -> Option<Obstacle> {
        if let (Some(conn), true) = (conn, super::perform::is_about_wire(firing.fault())) {
            self.meet_wire(conn, firing).await;
            return None;
        }
        if !firing.due().await {
            return None;
        }
        firing.fired();
        Some(Obstacle::Reply(match firing.fault() {
            Fault::HttpError(fault) => Reply::text(fault.status, fault.body.clone()),
            Fault::AffinityLoss(_) => Trouble::UnknownSession.reply(),
            Fault::UpgradeReject(fault) => rejection(fault),
            Fault::RestError(fault) => broken(call, fault).await,
            Fault::RestMalformed(fault) => Reply::html(StatusCode::OK, fault.body.clone()),
            Fault::UpgradeProbeIgnored(_) => return Some(Obstacle::Ignored),
            Fault::ResponseDelay(fault) => return wait(Some(fault.delay)).await,
            Fault::RestDelay(fault) => return wait(fault.delay).await,
            Fault::ColdStart(_) => return wait(Some(firing.wait)).await,
            _ => return None,
        }))
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

async fn wait(delay: Option<std::time::Duration>) -> Option<Obstacle> {
    match delay {
        Some(delay) => tokio::time::sleep(delay).await,
        None => pending().await,
    }
    None
}

fn rejection(fault: &UpgradeReject) -> Reply {
    let mut reply = Reply::text(fault.status, fault.body.clone());
    reply.headers.extend(fault.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
    reply
}

async fn broken(call: &Call, fault: &RestError) -> Reply {
    if fault.drop {
        call.link.cut();
        pending::<()>().await;
    }
    Reply::json(fault.status, &serde_json::json!({"error": fault.status.canonical_reason().unwrap_or("Error")}))
}

impl Reply {
    fn html(status: StatusCode, body: impl Into<Bytes>) -> Self {
        let mut reply = Self::text(status, body);
        reply.headers = vec![(http::header::CONTENT_TYPE, http::HeaderValue::from_static("text/html"))];
        reply
    }
}

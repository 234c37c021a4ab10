//! From the request for a WebSocket to its messages: the checks of the handshake, the system's own, and the upgrade.
//!
//! What is refused, and how, follows the server of Node's `ws`. Knows nothing of frames.

use std::sync::Arc;

use http::header::{
    ALLOW, CONNECTION, HeaderMap, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderValue, Method, Request, StatusCode};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use super::{Client, heart};
use crate::contract::Contract;
use crate::engine::attempt::switch;
use crate::engine::carry::{self, Speech};
use crate::engine::conn::{Conn, Ending};
use crate::engine::gate::Gate;
use crate::engine::http::Reply;
use crate::engine::mail;
use crate::journal::Closer;
use crate::limits::PLAIN_MESSAGE;
use crate::script::{Fault, Stage};

/// The answer to a request on the WebSocket's path that asks for none.
pub(crate) fn refusal(method: &Method) -> Reply {
    if *method == Method::GET {
        Reply::text(StatusCode::UPGRADE_REQUIRED, "Upgrade Required").having(UPGRADE, "websocket")
    } else {
        Reply::text(StatusCode::METHOD_NOT_ALLOWED, "Invalid HTTP method").having(ALLOW, "GET")
    }
}

/// Answers a request for a WebSocket; if that is granted, the connection lives from then on.
pub(crate) async fn open(gate: &Arc<Gate>, conn: &Arc<Conn>, request: Request<Incoming>) -> Result<Reply, Reply> {
    if let Some(refusal) = trouble(request.method(), request.headers()) {
        return Err(refusal);
    }
    let client = Client::new(gate, conn);
    Arc::clone(&gate.system).admit(client).await?;
    let protocol = protocol(request.headers(), gate.shared.contract);
    let (mut reply, upgrade) = switch(request)?;
    reply.headers.extend(protocol.map(|protocol| (SEC_WEBSOCKET_PROTOCOL, protocol)));
    gate.shared.opened(conn);
    gate.shared.spawn(live(Arc::clone(gate), Arc::clone(conn), upgrade));
    Ok(reply)
}

/// What is wrong with a request for a WebSocket.
pub(crate) fn trouble(method: &Method, fields: &HeaderMap) -> Option<Reply> {
    if *method != Method::GET {
        return Some(refusal(method).having(CONNECTION, "close"));
    }
    if !fields.get(SEC_WEBSOCKET_KEY).is_some_and(|key| is_key(key.as_bytes())) {
        return Some(bad("Missing or invalid Sec-WebSocket-Key header"));
    }
    if fields.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let refusal = bad("Missing or invalid Sec-WebSocket-Version header");
        return Some(refusal.having(SEC_WEBSOCKET_VERSION, "13"));
    }
    None
}

/// A refusal in Node's words.
pub(crate) fn bad(text: &'static str) -> Reply {
    Reply::text(StatusCode::BAD_REQUEST, text).having(CONNECTION, "close")
}

/// Whether it is 16 bytes in base64.
fn is_key(key: &[u8]) -> bool {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16)
}

/// The subprotocol on which both sides agree, if they do.
fn protocol(fields: &HeaderMap, contract: &Contract) -> Option<HeaderValue> {
    let offers = fields.get_all(SEC_WEBSOCKET_PROTOCOL).into_iter().filter_map(|field| field.to_str().ok());
    let mut offered = offers.flat_map(|field| field.split(',')).map(str::trim).filter(|offer| !offer.is_empty());
    let spoken = &contract.transport.subprotocols;
    let agreed = offered.find(|offer| contract.events.any || spoken.iter().any(|known| known == offer))?;
    HeaderValue::from_str(agreed).ok()
}

/// Lives until the WebSocket is over, and sees to it that nobody finds it any more.
async fn live(gate: Arc<Gate>, conn: Arc<Conn>, upgrade: OnUpgrade) {
    if let Some((reader, writer)) = carry::open(upgrade, PLAIN_MESSAGE).await {
        tokio::join!(carry::run(&conn, reader, writer, Speech::Plain), serve(&gate, &conn));
    }
    gate.shared.forget(&conn);
    conn.end(Ending::by(Closer::Client, false));
    conn.closed();
}

/// What happens on an open WebSocket, until it is over.
async fn serve(gate: &Arc<Gate>, conn: &Arc<Conn>) {
    // What the opening needs is let go when it is done; a connection at rest is to be small.
    let heard = Box::pin(conn.unless_over(async {
        arrive(gate, conn).await;
        let opened = Arc::clone(&gate.system).opened(Client::new(gate, conn));
        tokio::join!(opened, mail::take_through(gate, conn));
    }));
    tokio::join!(heard, heart::beat(conn, gate.shared.heartbeat, gate.shared.contract.transport.unanswered_ping));
}

/// Comes to the stages that are over when a plain WebSocket is open: there is no CONNECT to wait for.
async fn arrive(gate: &Arc<Gate>, conn: &Arc<Conn>) {
    mail::opened(gate, conn).await;
    for stage in [Stage::Open, Stage::Connect, Stage::Acknowledged] {
        for firing in gate.stage(stage, conn, None).await {
            if let Fault::PacketCoalesce(fault) = firing.fault()
                && firing.due().await
            {
                firing.fired();
                conn.coalesce(&fault.packets);
                gate.shared.spawn(mail::let_go(Arc::clone(conn), firing.clone(), fault.wait));
            }
        }
    }
}

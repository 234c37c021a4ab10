//! The life of an Engine.IO session beneath its transports: socketioxide's side, the heartbeat, and the end.
//!
//! Knows nothing of HTTP.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;

use super::bridge::carry;
use super::conn::{Carrier, Conn};
use super::gate::Gate;
use super::heart::beat;
use super::packet::Packet;
use super::{LARGEST, mail};
use crate::contract::TransportContract;
use crate::script::Stage;

/// How long a polled session that is over waits for its open poll to leave with the last packets.
const LAST_POLL: Duration = Duration::from_secs(1);

/// The packet that opens a session.
pub(super) fn opening(conn: &Conn, settings: &TransportContract) -> Packet {
    let upgrades: &[&str] = if settings.upgrade && conn.carrier() == Carrier::Polling { &["websocket"] } else { &[] };
    let open = json!({
        "sid": conn.sid,
        "upgrades": upgrades,
        "pingInterval": settings.ping_interval.as_millis(),
        "pingTimeout": settings.ping_timeout.as_millis(),
        "maxPayload": LARGEST,
    });
    Packet::Open(open.to_string())
}

/// Lives until the session is over, and sees to it that nobody finds it any more.
pub(super) async fn live(gate: Arc<Gate>, conn: Arc<Conn>, inbox: mpsc::Receiver<Packet>) {
    let settings = &gate.shared.contract.transport;
    let (outgoing, post) = mpsc::unbounded_channel();
    let joined = async {
        if conn.unless_over(gate.stage(Stage::Open, &conn, Some("OPEN"))).await.is_some() {
            carry(&gate, &conn, inbox, outgoing).await;
        }
    };
    tokio::join!(
        joined,
        mail::deliver(&gate, &conn, post),
        beat(Arc::clone(&conn), settings.ping_interval, settings.ping_timeout),
    );
    gate.shared.forget(&conn);
    if conn.carrier() != Carrier::WebSocket {
        let _ = tokio::time::timeout(LAST_POLL, conn.until(|conn| !conn.is_polled())).await;
        conn.closed();
    }
}

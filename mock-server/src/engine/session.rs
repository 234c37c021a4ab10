//! The life of an Engine.IO session beneath its transports: socketioxide's side, the heartbeat, and the end.
//!
//! Knows nothing of HTTP.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::bridge::carry;
use super::conn::{Carrier, Conn, Freight};
use super::gate::Gate;
use super::heart::beat;
use super::packet::Packet;
use super::{LARGEST, mail};
use crate::script::Stage;
use crate::server::{Heartbeat, Shared};

/// How long a polled session that is over waits for its open poll to leave with the last packets.
const LAST_POLL: Duration = Duration::from_secs(1);

/// The packet that opens a session.
pub(super) fn opening(conn: &Conn, shared: &Shared) -> Packet {
    let Heartbeat { interval, timeout } = shared.heartbeat;
    let upgrades: &[&str] =
        if shared.contract.transport.upgrade && conn.carrier() == Carrier::Polling { &["websocket"] } else { &[] };
    let open = json!({
        "sid": conn.sid,
        "upgrades": upgrades,
        "pingInterval": interval.as_millis(),
        "pingTimeout": timeout.as_millis(),
        "maxPayload": LARGEST,
    });
    Packet::Open(open.to_string())
}

/// Lives until the session is over, and sees to it that nobody finds it any more.
pub(super) async fn live(gate: Arc<Gate>, conn: Arc<Conn>, freight: Freight) {
    let settings = gate.shared.heartbeat;
    let Freight { inbox, mail } = freight;
    let joined = async {
        let opened = async {
            mail::opened(&gate, &conn).await;
            gate.stage(Stage::Open, &conn, Some("OPEN")).await;
        };
        if conn.unless_over(opened).await.is_some() {
            carry(&gate, &conn, inbox).await;
        }
    };
    tokio::join!(
        joined,
        mail::deliver(&gate, &conn, mail),
        beat(Arc::clone(&conn), settings.interval, settings.timeout),
    );
    gate.shared.forget(&conn);
    if conn.carrier() != Carrier::WebSocket {
        let _ = tokio::time::timeout(LAST_POLL, conn.until(|conn| !conn.is_polled())).await;
        conn.closed();
    }
}

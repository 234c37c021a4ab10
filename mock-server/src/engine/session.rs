//! The life of an Engine.IO session beneath its transports: socketioxide's side, the heartbeat, and the end.
//!
//! Knows nothing of HTTP.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::bridge::carry;
use super::conn::{Carrier, Conn, Freight};
use super::gate::Gate;
use super::heart::beat;
use super::packet::Packet;
use super::{LARGEST, mail, talk};
use crate::contract::Protocol;
use crate::journal::Transport;
use crate::script::Stage;
use crate::server::{Heartbeat, Shared};

/// How long a polled session that is over waits for its open poll to leave with the last packets.
const LAST_POLL: Duration = Duration::from_secs(1);

/// What rules make the open packet say.
#[derive(Debug, Clone, Default)]
pub(super) struct Opening {
    /// Members to add or replace; those that are null are left out.
    pub(super) add: Map<String, Value>,
    /// Transports that are not offered.
    pub(super) disabled: Vec<Transport>,
}

/// The packet that opens a session.
pub(super) fn opening(conn: &Conn, shared: &Shared, rules: &Opening) -> Packet {
    let Heartbeat { interval, timeout } = shared.heartbeat;
    let offered = shared.contract.transport.upgrade
        && conn.carrier() == Carrier::Polling
        && !rules.disabled.contains(&Transport::Websocket);
    let upgrades: &[&str] = if offered { &["websocket"] } else { &[] };
    let mut open = json!({
        "sid": conn.sid,
        "upgrades": upgrades,
        "pingInterval": interval.as_millis(),
        "pingTimeout": timeout.as_millis(),
        "maxPayload": LARGEST,
    });
    if let Some(members) = open.as_object_mut() {
        members.extend(rules.add.clone());
        members.retain(|_, value| !value.is_null());
    }
    Packet::Open(open.to_string())
}

/// Lives until the session, which is opened by this call, is over, and sees to it that nobody finds it any more.
pub(super) fn live(gate: Arc<Gate>, conn: Arc<Conn>, freight: Freight) -> impl Future<Output = ()> {
    let opened = Instant::now();
    lived(gate, conn, freight, opened)
}

async fn lived(gate: Arc<Gate>, conn: Arc<Conn>, freight: Freight, opened: Instant) {
    let settings = gate.shared.heartbeat;
    let Freight { inbox, mail } = freight;
    let joined = async {
        let begun = async {
            mail::opened(&gate, &conn).await;
            gate.stage(Stage::Open, &conn, Some("OPEN")).await;
        };
        if conn.unless_over(begun).await.is_some() {
            match gate.shared.contract.transport.protocol {
                Protocol::EngineIo => talk::carry(&gate, &conn, inbox).await,
                Protocol::SocketIo | Protocol::WebSocket => carry(&gate, &conn, inbox).await,
            }
        }
    };
    tokio::join!(
        joined,
        mail::deliver(&gate, &conn, mail),
        beat(Arc::clone(&conn), opened, settings.interval, settings.timeout),
    );
    gate.shared.forget(&conn);
    if conn.carrier() != Carrier::WebSocket {
        let _ = tokio::time::timeout(LAST_POLL, conn.until(|conn| !conn.is_polled())).await;
        conn.closed();
    }
}

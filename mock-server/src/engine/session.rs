//! The life of an Engine.IO session beneath its transports: its opening, the heartbeat, and the end.
//!
//! Knows nothing of HTTP.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::conn::{Carrier, Conn, Ending};
use super::gate::Gate;
use super::heart::beat;
use super::packet::Packet;
use super::{LARGEST, mail};
use crate::contract::Protocol;
use crate::journal::{Closer, Transport};
use crate::script::Stage;
use crate::server::{Heartbeat, Shared};
use crate::socket_io;

/// How long a polled session that is over waits for its open poll to leave with the last packets.
const LAST_POLL: Duration = Duration::from_secs(1);

/// How long a session that is over waits for a poll, to tell its client; as in the official server.
const LINGER: Duration = Duration::from_secs(30);
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
pub(super) fn live(gate: Arc<Gate>, conn: Arc<Conn>) -> impl Future<Output = ()> {
    let opened = Instant::now();
    lived(gate, conn, opened)
}

async fn lived(gate: Arc<Gate>, conn: Arc<Conn>, opened: Instant) {
    let Heartbeat { interval, timeout } = gate.shared.heartbeat;
    let heart = beat(Arc::clone(&conn), opened, interval, timeout);
    let lives = async {
        // What the opening needs is let go when it is done; a connection at rest is to be small.
        tokio::join!(Box::pin(open(&gate, &conn)), Box::pin(expect_somebody(&gate, &conn)), heart)
    };
    conn.unless_over(lives).await;
    for member in conn.sockets.members() {
        socket_io::leave(&gate, &member);
    }
    let _ = tokio::time::timeout(LINGER, conn.until(|conn| !conn.lingers())).await;
    gate.shared.forget(&conn);
    if conn.carrier() != Carrier::WebSocket {
        let _ = tokio::time::timeout(LAST_POLL, conn.until(|conn| !conn.is_polled())).await;
        conn.closed();
    }
}

/// Begins what the opening starts, then lets the client's messages pass.
async fn open(gate: &Arc<Gate>, conn: &Arc<Conn>) {
    mail::opened(gate, conn).await;
    gate.stage(Stage::Open, conn, Some("OPEN")).await;
    if gate.shared.contract.transport.protocol == Protocol::EngineIo {
        // Nobody has to join anything: a session that is open is established.
        gate.stage(Stage::Ready, conn, Some("OPEN")).await;
    }
    mail::take_through(gate, conn).await;
}

/// Ends the session of a client that has joined nothing for too long.
async fn expect_somebody(gate: &Gate, conn: &Conn) {
    if gate.shared.contract.transport.protocol == Protocol::SocketIo {
        tokio::time::sleep(gate.shared.connect_timeout).await;
        if !conn.sockets.has_joined() {
            conn.hang_up(Ending::by(Closer::Server, true));
        }
    }
}

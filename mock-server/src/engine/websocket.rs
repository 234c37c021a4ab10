//! A WebSocket that carries a session, from its start or after a probe.
//!
//! Knows nothing of how it came to be, nor of rules.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use tokio::io::{ReadHalf, WriteHalf};

use super::LARGEST;
use super::conn::{Carrier, Conn, Ending};
use super::departure::Noted;
use super::packet::Packet;
use crate::journal::{Closer, Transport};
use crate::plain::carry::{Dialect, decline, run};
use crate::plain::stream;
use crate::rfc6455::{self, Incoming};
use crate::wire::Opcode;

type Reader = rfc6455::Reader<ReadHalf<Noted>>;
type Writer = rfc6455::Writer<WriteHalf<Noted>>;

/// How long a probe may take, as in the official server.
const PROBE: Duration = Duration::from_secs(10);

async fn open(upgrade: OnUpgrade) -> Option<(Reader, Writer)> {
    let (io, before) = stream(upgrade).await?;
    Some(rfc6455::split(io, &before, LARGEST))
}

/// Carries a session that began on this WebSocket.
pub(super) async fn carry(conn: Arc<Conn>, upgrade: OnUpgrade) {
    if let Some((reader, writer)) = open(upgrade).await {
        run(&conn, Dialect::EngineIo, reader, writer).await;
    }
    conn.end(Ending::by(Closer::Client, false));
    conn.closed();
}

/// Probes a WebSocket for a polled session; carries it once the client says so.
pub(super) async fn probe(conn: Arc<Conn>, upgrade: OnUpgrade) {
    let Some((mut reader, mut writer)) = open(upgrade).await else { return };
    let upgraded = match Probing::begin(&conn) {
        Some(probing) => tokio::select! {
            upgraded = probing.run(&mut reader, &mut writer) => upgraded,
            () = tokio::time::sleep(PROBE) => false,
            () = conn.over() => false,
        },
        None => false,
    };
    if upgraded {
        run(&conn, Dialect::EngineIo, reader, writer).await;
        conn.end(Ending::by(Closer::Client, false));
        conn.closed();
    } else {
        // A client that takes nothing any more is not waited for.
        let _ = decline(&mut reader, &mut writer).await;
    }
}

/// Opens a WebSocket for a polled session and never answers its probe.
pub(super) async fn ignore(conn: Arc<Conn>, upgrade: OnUpgrade) {
    // Kept, so that the WebSocket stays open.
    let Some((mut reader, _writer)) = open(upgrade).await else { return };
    let ignored = async {
        while let Ok(incoming) = reader.next().await {
            if let Some(packet) = packet(incoming) {
                conn.received(&packet, Transport::Websocket);
            }
        }
    };
    conn.unless_over(ignored).await;
}

/// The packet in a text message, if it is one.
fn packet(incoming: Incoming) -> Option<Packet> {
    match incoming {
        Incoming::Text(text) => Packet::read(&text).ok(),
        _ => None,
    }
}

/// The one upgrade that a session may be in. If it comes to nothing, the session goes on by polling.
struct Probing<'a> {
    conn: &'a Conn,
}

impl<'a> Probing<'a> {
    /// Begins it, unless the session has left polling already or is about to by another WebSocket.
    fn begin(conn: &'a Conn) -> Option<Self> {
        conn.begin_upgrade().then_some(Self { conn })
    }

    /// Whether the client has moved to the WebSocket. As in the official server, it may do so without a probe, and may
    /// probe again.
    async fn run(self, reader: &mut Reader, writer: &mut Writer) -> bool {
        while let Ok(incoming) = reader.next().await {
            if matches!(incoming, Incoming::Ping(_) | Incoming::Pong(_)) {
                continue;
            }
            let Some(packet) = packet(incoming) else { return false };
            self.conn.received(&packet, Transport::Websocket);
            let goes_on = match packet {
                Packet::Ping(payload) if payload == "probe" => self.answer(payload, writer).await.is_ok(),
                Packet::Upgrade => return self.conn.leave_polling(),
                _ => false,
            };
            if !goes_on {
                return false;
            }
        }
        false
    }

    async fn answer(&self, payload: String, writer: &mut Writer) -> io::Result<()> {
        self.conn.carry(Carrier::Polling, Carrier::Probing);
        let pong = Packet::Pong(payload);
        self.conn.sent(&pong, Transport::Websocket);
        writer.feed(Opcode::Text, pong.write().as_bytes());
        writer.flush().await
    }
}

impl Drop for Probing<'_> {
    fn drop(&mut self) {
        self.conn.end_upgrade();
    }
}

//! A WebSocket of an Engine.IO session, from its start or after a probe.
//!
//! Knows nothing of rules, nor of how frames are carried.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::upgrade::OnUpgrade;

use super::LARGEST;
use super::carry::{self, Reader, Speech, Writer};
use super::conn::{Carrier, Conn, Ending};
use super::packet::Packet;
use crate::journal::{Closer, Transport};
use crate::limits::FAREWELL;
use crate::rfc6455::Incoming;
use crate::wire::Opcode;

/// How long a probe may take, as in the official server.
const PROBE: Duration = Duration::from_secs(10);

/// Carries a session that began on this WebSocket.
pub(super) async fn carry(conn: Arc<Conn>, upgrade: OnUpgrade) {
    if let Some((reader, writer)) = carry::open(upgrade, LARGEST).await {
        carry::run(&conn, reader, writer, Speech::EngineIo).await;
    }
    conn.end(Ending::by(Closer::Client, false));
    conn.closed();
}

/// Probes a WebSocket for a polled session; carries it once the client says so.
pub(super) async fn probe(conn: Arc<Conn>, upgrade: OnUpgrade) {
    let Some((mut reader, mut writer)) = carry::open(upgrade, LARGEST).await else { return };
    let upgraded = match Probing::begin(&conn) {
        Some(probing) => tokio::select! {
            upgraded = probing.run(&mut reader, &mut writer) => upgraded,
            () = tokio::time::sleep(PROBE) => false,
            () = conn.over() => false,
        },
        None => false,
    };
    if upgraded {
        carry::run(&conn, reader, writer, Speech::EngineIo).await;
        conn.end(Ending::by(Closer::Client, false));
        conn.closed();
    } else {
        close(reader, writer).await;
    }
}

/// Closes a WebSocket that carries nothing.
async fn close(mut reader: Reader, mut writer: Writer) {
    let closing = async {
        writer.feed_close(None, "");
        writer.flush().await?;
        while !matches!(reader.next().await, Ok(Incoming::Close(_)) | Err(_)) {}
        writer.end().await?;
        reader.drain().await;
        Ok::<_, io::Error>(())
    };
    // A client that takes nothing any more is not waited for.
    let _ = tokio::time::timeout(FAREWELL, closing).await;
}

/// Opens a WebSocket for a polled session and never answers its probe.
pub(super) async fn ignore(conn: Arc<Conn>, upgrade: OnUpgrade) {
    let Some((mut reader, _writer)) = carry::open(upgrade, LARGEST).await else { return };
    let ignoring = async {
        while let Ok(incoming) = reader.next().await {
            match incoming {
                Incoming::Text(text) => {
                    if let Ok(packet) = Packet::read(&text) {
                        conn.received(&packet, Transport::Websocket);
                    }
                }
                Incoming::Close(_) => return,
                _ => {}
            }
        }
    };
    conn.unless_over(ignoring).await;
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
            let goes_on = match incoming {
                Incoming::Pong(_) => true,
                Incoming::Ping(payload) => say(writer, Opcode::Pong, &payload).await,
                Incoming::Binary(_) | Incoming::Close(_) => false,
                Incoming::Text(text) => match Packet::read(&text) {
                    Ok(Packet::Upgrade) => {
                        self.conn.received(&Packet::Upgrade, Transport::Websocket);
                        return self.conn.leave_polling();
                    }
                    Ok(packet) => self.answer(packet, writer).await,
                    Err(_) => false,
                },
            };
            if !goes_on {
                return false;
            }
        }
        false
    }

    /// Answers a probe; no if the packet is none.
    async fn answer(&self, packet: Packet, writer: &mut Writer) -> bool {
        self.conn.received(&packet, Transport::Websocket);
        let Packet::Ping(payload) = packet else { return false };
        if payload != "probe" {
            return false;
        }
        self.conn.carry(Carrier::Polling, Carrier::Probing);
        let pong = Packet::Pong(payload);
        self.conn.sent(&pong, Transport::Websocket);
        say(writer, Opcode::Text, pong.write().as_bytes()).await
    }
}

impl Drop for Probing<'_> {
    fn drop(&mut self) {
        self.conn.end_upgrade();
    }
}

/// Writes a frame; no if the socket takes nothing more.
async fn say(writer: &mut Writer, opcode: Opcode, payload: &[u8]) -> bool {
    writer.feed(opcode, payload);
    writer.flush().await.is_ok()
}

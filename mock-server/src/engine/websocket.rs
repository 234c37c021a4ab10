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
    if conn.carrier() != Carrier::Polling {
        // It has left polling already, or is about to by another WebSocket.
        return close(reader, writer).await;
    }
    let mut probing = Probing { conn: &conn, begun: false };
    let upgraded = tokio::select! {
        upgraded = probing.run(&mut reader, &mut writer) => upgraded,
        () = tokio::time::sleep(PROBE) => false,
        () = conn.over() => false,
    };
    drop(probing);
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

/// A probe on its way. If it comes to nothing, the session goes on by polling.
struct Probing<'a> {
    conn: &'a Arc<Conn>,
    begun: bool,
}

impl Probing<'_> {
    /// Whether the client has moved to the WebSocket.
    async fn run(&mut self, reader: &mut Reader, writer: &mut Writer) -> bool {
        while let Ok(incoming) = reader.next().await {
            let text = match incoming {
                Incoming::Text(text) => text,
                Incoming::Pong(_) => continue,
                Incoming::Ping(payload) => {
                    writer.feed(Opcode::Pong, &payload);
                    if writer.flush().await.is_err() {
                        return false;
                    }
                    continue;
                }
                Incoming::Binary(_) | Incoming::Close(_) => return false,
            };
            let Ok(packet) = Packet::read(&text) else { return false };
            self.conn.received(&packet, Transport::Websocket);
            match packet {
                Packet::Ping(payload) if payload == "probe" && !self.begun => {
                    if !self.begin(writer, payload).await {
                        return false;
                    }
                }
                Packet::Upgrade if self.begun => return self.conn.carry(Carrier::Probing, Carrier::WebSocket),
                _ => return false,
            }
        }
        false
    }

    async fn begin(&mut self, writer: &mut Writer, payload: String) -> bool {
        self.begun = self.conn.carry(Carrier::Polling, Carrier::Probing);
        let pong = Packet::Pong(payload);
        if self.begun {
            self.conn.sent(&pong, Transport::Websocket);
            writer.feed(Opcode::Text, pong.write().as_bytes());
        }
        self.begun && writer.flush().await.is_ok()
    }
}

impl Drop for Probing<'_> {
    fn drop(&mut self) {
        if self.begun {
            self.conn.carry(Carrier::Probing, Carrier::Polling);
        }
    }
}

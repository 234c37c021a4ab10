//! The way from a client's Engine.IO session to socketioxide: a WebSocket in memory.
//!
//! socketioxide sees every client as one that came by WebSocket and stays, whatever the client's transports do. Its own
//! Engine.IO part is silenced: its opening and its heartbeat end here. Knows nothing of HTTP.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use http::Request;
use hyper::service::Service;
use socketioxide::SocketIo;
use socketioxide::service::SocketIoService;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::conn::{Conn, Ending};
use super::gate::Gate;
use super::packet::Packet;
use super::{LARGEST, mail};
use crate::journal::Closer;

/// socketioxide's heartbeat must neither be seen nor run out: clients have one of their own, kept by `heart`.
const NEVER: std::time::Duration = std::time::Duration::from_secs(365 * 24 * 3_600);

/// Bytes that may lie between the two ends.
const PIPE: usize = 64 * 1_024;

/// Buffers of a WebSocket in memory need not be large.
const BUFFER: usize = 512;

/// Events that may wait in socketioxide.
const EMITTED: usize = 4_096;

/// A socketioxide instance.
#[derive(Clone)]
pub(crate) struct SocketIoServer {
    service: SocketIoService<()>,
    /// Its handle.
    pub(crate) io: SocketIo,
}

impl SocketIoServer {
    /// An instance without namespaces.
    pub(crate) fn new() -> Self {
        let (service, io) = SocketIo::builder()
            .ping_interval(NEVER)
            .ping_timeout(NEVER)
            .max_buffer_size(EMITTED)
            .ws_read_buffer_size(BUFFER)
            .ws_max_message_size(LARGEST)
            .ws_max_frame_size(LARGEST)
            .build_with_inner_svc(());
        Self { service, io }
    }

    /// Joins a session to the instance; its handlers find the connection in the request's extensions.
    async fn join(&self, conn: &Arc<Conn>) -> Option<WebSocketStream<DuplexStream>> {
        let (near, far) = tokio::io::duplex(PIPE);
        let mut request = Request::new(());
        *request.uri_mut() = http::Uri::from_static("/socket.io/?EIO=4&transport=websocket");
        request.extensions_mut().insert(Arc::clone(conn));
        Service::call(&self.service, (far, request)).await.ok()?;
        let config = WebSocketConfig::default().read_buffer_size(BUFFER).write_buffer_size(0);
        Some(WebSocketStream::from_raw_socket(near, Role::Client, Some(config)).await)
    }
}

/// Carries the packets of one session to socketioxide and back, until the session is over.
///
/// socketioxide learns of a session when its first Socket.IO packet comes, so nothing of it exists for a client that
/// never speaks.
pub(super) async fn carry(gate: &Arc<Gate>, conn: &Arc<Conn>, mut inbox: mpsc::Receiver<Packet>) {
    let carried = conn.unless_over(async {
        let first = inbox.recv().await?;
        let first = mail::incoming(gate, conn, first).await?;
        if !gate.admits(conn, &first).await {
            // What such a client sends has nobody who takes it, but its transport must not fill up.
            while inbox.recv().await.is_some() {}
        }
        let mut inner = gate.server.join(conn).await?;
        inner.send(frame(first)).await.ok()?;
        loop {
            tokio::select! {
                packet = inbox.recv() => if let Some(packet) = mail::incoming(gate, conn, packet?).await {
                    inner.send(frame(packet)).await.ok()?;
                },
                received = inner.next() => pass(conn, received?.ok()?),
            }
        }
        #[expect(unreachable_code, reason = "tells the type of a block that only ends early")]
        Some(())
    });
    carried.await;
    // If socketioxide has left first, the client has nobody to talk to any more.
    conn.end(Ending::by(Closer::Server, false));
}

fn frame(packet: Packet) -> Frame {
    match packet {
        Packet::Binary(data) => Frame::Binary(data),
        other => Frame::text(other.write()),
    }
}

/// Hands on what socketioxide sends, except its own opening and heartbeat.
fn pass(conn: &Conn, frame: Frame) {
    let packet = match frame {
        Frame::Binary(data) => Packet::Binary(data),
        Frame::Text(text) => match Packet::read(&text) {
            Ok(packet @ Packet::Message(_)) => packet,
            Ok(Packet::Close) => return conn.close_politely(),
            _ => return,
        },
        _ => return,
    };
    conn.post(packet);
}

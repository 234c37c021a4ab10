//! A WebSocket that carries a session, from its start or after a probe.
//!
//! Knows nothing of how it came to be, nor of rules.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message as Frame, Utf8Bytes};

use super::LARGEST;
use super::conn::{Carrier, Conn, Ending};
use super::packet::Packet;
use crate::journal::{Closer, Entry, Message, Transport};
use crate::limits::{self, FAREWELL};

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// How long a probe may take, as in the official server.
const PROBE: Duration = Duration::from_secs(10);

async fn open(upgrade: OnUpgrade) -> Option<Socket> {
    let config = WebSocketConfig::default()
        .read_buffer_size(4_096)
        .max_message_size(Some(LARGEST))
        .max_frame_size(Some(LARGEST));
    let io = TokioIo::new(upgrade.await.ok()?);
    Some(WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await)
}

/// Carries a session that began on this WebSocket.
pub(super) async fn carry(conn: Arc<Conn>, upgrade: OnUpgrade) {
    if let Some(socket) = open(upgrade).await {
        run(&conn, socket).await;
    }
    conn.end(Ending::by(Closer::Client, false));
    conn.closed();
}

/// Probes a WebSocket for a polled session; carries it once the client says so.
pub(super) async fn probe(conn: Arc<Conn>, upgrade: OnUpgrade) {
    let Some(mut socket) = open(upgrade).await else { return };
    if conn.carrier() != Carrier::Polling {
        // It has left polling already, or is about to by another WebSocket.
        let _ = tokio::time::timeout(FAREWELL, socket.close(None)).await;
        return;
    }
    let mut probing = Probing { conn: &conn, begun: false };
    let upgraded = tokio::select! {
        upgraded = probing.run(&mut socket) => upgraded,
        () = tokio::time::sleep(PROBE) => false,
        () = conn.over() => false,
    };
    drop(probing);
    if upgraded {
        run(&conn, socket).await;
        conn.end(Ending::by(Closer::Client, false));
        conn.closed();
    } else {
        let _ = tokio::time::timeout(FAREWELL, socket.close(None)).await;
    }
}

/// Opens a WebSocket for a polled session and never answers its probe.
pub(super) async fn ignore(conn: Arc<Conn>, upgrade: OnUpgrade) {
    let Some(mut socket) = open(upgrade).await else { return };
    let _ = conn
        .unless_over(async {
            while let Some(Ok(frame)) = socket.next().await {
                if let Frame::Text(text) = frame
                    && let Ok(packet) = Packet::read(&text)
                {
                    conn.received(&packet, Transport::Websocket);
                }
            }
        })
        .await;
}

/// A probe on its way. If it comes to nothing, the session goes on by polling.
struct Probing<'a> {
    conn: &'a Arc<Conn>,
    begun: bool,
}

impl Probing<'_> {
    /// Whether the client has moved to the WebSocket.
    async fn run(&mut self, socket: &mut Socket) -> bool {
        while let Some(Ok(frame)) = socket.next().await {
            let text = match frame {
                Frame::Text(text) => text,
                Frame::Ping(_) | Frame::Pong(_) => continue,
                _ => return false,
            };
            let Ok(packet) = Packet::read(&text) else { return false };
            self.conn.received(&packet, Transport::Websocket);
            match packet {
                Packet::Ping(payload) if payload == "probe" && !self.begun => {
                    if !self.begin(socket, payload).await {
                        return false;
                    }
                }
                Packet::Upgrade if self.begun => return self.conn.carry(Carrier::Probing, Carrier::WebSocket),
                _ => return false,
            }
        }
        false
    }

    async fn begin(&mut self, socket: &mut Socket, payload: String) -> bool {
        self.begun = self.conn.carry(Carrier::Polling, Carrier::Probing);
        let pong = Packet::Pong(payload);
        if self.begun {
            self.conn.sent(&pong, Transport::Websocket);
        }
        self.begun && socket.send(Frame::text(pong.write())).await.is_ok()
    }
}

impl Drop for Probing<'_> {
    fn drop(&mut self) {
        if self.begun {
            self.conn.carry(Carrier::Probing, Carrier::Polling);
        }
    }
}

/// Carries packets both ways until either side is done.
async fn run(conn: &Arc<Conn>, socket: Socket) {
    let (mut sink, mut stream) = socket.split();
    let ended = tokio::select! {
        ended = read(conn, &mut stream) => ended,
        () = write(conn, &mut sink) => Ending::by(Closer::Client, false),
        () = conn.over() => Ending::by(Closer::Server, false),
    };
    conn.end(ended);
    let _ = tokio::time::timeout(FAREWELL, farewell(conn, sink, stream)).await;
}

/// Says what is still to be said, and waits a little for the client's close.
async fn farewell(
    conn: &Conn,
    mut sink: SplitSink<Socket, Frame>,
    mut stream: SplitStream<Socket>,
) -> Result<(), Error> {
    flush(conn, &mut sink).await?;
    let close = conn.farewell().map(|(code, reason)| CloseFrame { code: code.into(), reason: reason.into() });
    sink.send(Frame::Close(close)).await?;
    while let Some(frame) = stream.next().await {
        if frame.is_err() {
            spill(sink.reunite(stream).map_err(|_| Error::ConnectionClosed)?.get_mut()).await;
            break;
        }
    }
    Ok(())
}

/// Reads some of what can no longer be understood: a client that still writes when its connection ends would not get to
/// read why.
async fn spill(stream: &mut TokioIo<Upgraded>) {
    let mut buffer = vec![0; 4_096];
    let mut left = limits::SPILL;
    while let Ok(size @ 1..) = stream.read(&mut buffer).await {
        left = left.saturating_sub(size);
        if left == 0 {
            return;
        }
    }
}

/// Writes what waits, as one write as far as the socket takes it. May be dropped at any point without losing a packet.
async fn flush(conn: &Conn, sink: &mut SplitSink<Socket, Frame>) -> Result<(), Error> {
    loop {
        poll_fn(|cx| sink.poll_ready_unpin(cx)).await?;
        let Some(packet) = conn.take_one(Transport::Websocket) else { break };
        conn.sent(&packet, Transport::Websocket);
        sink.start_send_unpin(frame(packet))?;
    }
    sink.flush().await?;
    conn.departed();
    Ok(())
}

/// Writes until the socket takes nothing more.
async fn write(conn: &Conn, sink: &mut SplitSink<Socket, Frame>) {
    loop {
        conn.until(Conn::is_deliverable).await;
        if flush(conn, sink).await.is_err() {
            return;
        }
    }
}

fn frame(packet: Packet) -> Frame {
    match packet {
        Packet::Binary(data) => Frame::Binary(data),
        other => Frame::text(other.write()),
    }
}

async fn read(conn: &Arc<Conn>, stream: &mut SplitStream<Socket>) -> Ending {
    while let Some(frame) = stream.next().await {
        match frame {
            Ok(Frame::Text(text)) => match Packet::read(&text) {
                Ok(packet) => conn.receive(packet, Transport::Websocket).await,
                Err(_) => return Ending::by(Closer::Server, false),
            },
            Ok(Frame::Binary(data)) => conn.receive(Packet::Binary(data), Transport::Websocket).await,
            Ok(Frame::Close(close)) => return closed_by_client(conn, close),
            Ok(_) => {}
            Err(Error::Capacity(CapacityError::MessageTooLong { .. })) => {
                conn.set_farewell(CloseCode::Size.into(), "");
                return Ending { code: Some(CloseCode::Size.into()), ..Ending::by(Closer::Server, true) };
            }
            Err(_) => break,
        }
    }
    Ending::by(Closer::Client, false)
}

/// Notes the close frame of a client.
fn closed_by_client(conn: &Conn, close: Option<CloseFrame>) -> Ending {
    let code = close.as_ref().map(|close| u16::from(close.code));
    let reason =
        close.map(|close| close.reason).filter(|reason| !reason.is_empty()).map(|reason: Utf8Bytes| reason.to_string());
    let message = Message { name: "CLOSE".to_owned(), code, reason: reason.clone(), ..Message::default() };
    conn.record(Transport::Websocket, Entry::Received(message));
    Ending { code, reason, ..Ending::by(Closer::Client, true) }
}

//! A WebSocket that carries a connection's packets, from its first frame to its last byte.
//!
//! Answers pings and closes, keeps the records of what is no packet, and takes leave. What the packets are, the system's
//! protocol says. Knows nothing of HTTP, nor of why a rule wants what it wants.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{ReadHalf, WriteHalf};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::conn::{Conn, Ending};
use super::departure::Noted;
use super::packet::{Frames, Packet, PacketError};
use crate::journal::{Closer, Entry, Message, Transport};
use crate::lane;
use crate::limits::{BACKLOG, FAREWELL};
use crate::rfc6455::{self, Close, Failure, Incoming};
use crate::script::fault::CloseHandshakeStall;
use crate::script::{Fault, Firing};
use crate::wire::{Frame, Opcode};

/// What comes in.
pub(crate) type Reader = rfc6455::Reader<ReadHalf<Noted>>;

/// What goes out.
pub(crate) type Writer = rfc6455::Writer<WriteHalf<Noted>>;

/// How long a TCP connection whose WebSocket is closed waits for the client to end it too.
const LAST_BYTES: Duration = Duration::from_secs(2);

/// Bytes of large frames that are put together before they are written.
const PORTION: usize = 256 * 1_024;

/// What the messages of a WebSocket are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    /// Packets of Engine.IO.
    EngineIo,
    /// Messages of a system of its own.
    Plain,
}

impl Speech {
    fn text(self, text: Utf8Bytes) -> Result<Packet, PacketError> {
        match self {
            Self::EngineIo => Packet::take(text),
            Self::Plain => Ok(Packet::plain(text)),
        }
    }

    fn binary(self, data: Bytes) -> Packet {
        match self {
            Self::EngineIo => Packet::Binary(data),
            Self::Plain => Packet::Data(data),
        }
    }

    /// Whether the server says good-bye when it ends a connection so. The official Engine.IO server always does.
    fn takes_leave(self, ending: &Ending) -> bool {
        self == Self::EngineIo || ending.clean && ending.by == Closer::Server
    }
}

/// The two directions of a WebSocket on the stream beneath HTTP, once its upgrade has been answered.
pub(crate) async fn open(upgrade: OnUpgrade, limit: usize) -> Option<(Reader, Writer)> {
    let parts = upgrade.await.ok()?.downcast::<TokioIo<Noted>>().ok()?;
    Some(rfc6455::split(parts.io.into_inner(), &parts.read_buf, limit))
}

/// Carries packets until either side is done, and takes leave.
pub(crate) async fn run(conn: &Arc<Conn>, reader: Reader, writer: Writer, speech: Speech) {
    let mut socket = Socket { conn, reader, writer, speech };
    let verdict = tokio::select! {
        verdict = read(conn, &mut socket.reader, speech) => Some(verdict),
        () = write(conn, &mut socket.writer, speech) => Some(Verdict::Failed(Failure::Gone)),
        () = conn.over() => None,
    };
    // A client that takes nothing any more is not waited for.
    let _ = match verdict {
        Some(Verdict::Closed(close)) => socket.answer(&close).await,
        Some(Verdict::Failed(failure)) => socket.fail(failure).await,
        Some(Verdict::Rejected) => {
            conn.end(Ending::by(Closer::Server, false));
            socket.leave().await
        }
        None => socket.leave().await,
    };
}

/// What comes of a WebSocket, as far as the client decides.
enum Verdict {
    /// The client has closed it.
    Closed(Close),
    /// It has failed.
    Failed(Failure),
    /// The client has sent something that is no packet.
    Rejected,
}

async fn read(conn: &Arc<Conn>, reader: &mut Reader, speech: Speech) -> Verdict {
    loop {
        conn.until(|conn| conn.backlog() < BACKLOG).await;
        match reader.next().await {
            Ok(Incoming::Text(text)) => match speech.text(text) {
                Ok(packet) => conn.receive(packet, Transport::Websocket).await,
                Err(_) => return Verdict::Rejected,
            },
            Ok(Incoming::Binary(data)) => conn.receive(speech.binary(data), Transport::Websocket).await,
            Ok(Incoming::Ping(payload)) => pong(conn, payload),
            Ok(Incoming::Pong(payload)) if speech == Speech::Plain => {
                let payload = String::from_utf8_lossy(&payload).into_owned();
                conn.receive(Packet::Pong(payload), Transport::Websocket).await;
            }
            Ok(Incoming::Pong(payload)) => record_frame(conn, "PONG_FRAME", Opcode::Pong, payload),
            Ok(Incoming::Close(close)) => return Verdict::Closed(close),
            Err(failure) => return Verdict::Failed(failure),
        }
        // What has come in is acted on before the next is looked at, so that a failure does not overtake it.
        tokio::task::yield_now().await;
    }
}

/// Answers a ping, unless a rule forbids it.
fn pong(conn: &Conn, payload: Bytes) {
    record_frame(conn, "PING_FRAME", Opcode::Ping, payload.clone());
    if conn.answers_pings() {
        conn.send([Packet::frames("PONG_FRAME", vec![Frame::new(Opcode::Pong, payload).to_bytes()])]);
    }
}

fn record_frame(conn: &Conn, name: &str, opcode: Opcode, payload: Bytes) {
    let bytes = Frame::new(opcode, payload).to_bytes();
    conn.record(Transport::Websocket, Entry::Received(lane::frame(name, &bytes).into()));
}

/// Writes until the socket takes nothing more.
async fn write(conn: &Conn, writer: &mut Writer, speech: Speech) {
    loop {
        conn.until(Conn::is_deliverable).await;
        if flush(conn, writer, speech).await.is_err() {
            return;
        }
    }
}

/// Writes what waits, as one write as far as the socket takes it.
async fn flush(conn: &Conn, writer: &mut Writer, speech: Speech) -> io::Result<()> {
    while let Some(packet) = conn.take_one(Transport::Websocket) {
        conn.sent(&packet, Transport::Websocket);
        feed(packet, writer, speech).await?;
    }
    writer.flush().await?;
    conn.departed();
    Ok(())
}

async fn feed(packet: Packet, writer: &mut Writer, speech: Speech) -> io::Result<()> {
    match packet {
        Packet::Ping(payload) if speech == Speech::Plain => writer.feed(Opcode::Ping, payload.as_bytes()),
        Packet::Frames(frames) => return feed_frames(*frames, writer).await,
        other => {
            let (opcode, content) = other.content();
            writer.feed(opcode, &content);
        }
    }
    if writer.waiting() > PORTION { writer.flush().await } else { Ok(()) }
}

async fn feed_frames(frames: Frames, writer: &mut Writer) -> io::Result<()> {
    for (index, bytes) in frames.bytes.iter().enumerate() {
        if index > 0 && (!frames.pause.is_zero() || writer.waiting() > PORTION) {
            writer.flush().await?;
            tokio::time::sleep(frames.pause).await;
        }
        writer.feed_raw(bytes);
    }
    Ok(())
}

// The end.

/// A WebSocket that is about to end.
struct Socket<'a> {
    conn: &'a Conn,
    reader: Reader,
    writer: Writer,
    speech: Speech,
}

impl Socket<'_> {
    /// Answers the client's close.
    async fn answer(&mut self, close: &Close) -> io::Result<()> {
        let conn = self.conn;
        conn.record(Transport::Websocket, Entry::Received(close_record(close.code, &close.reason)));
        let (code, reason) = (close.code, said(&close.reason));
        conn.end(Ending { code, reason, ..Ending::by(Closer::Client, close.fault.is_none()) });
        if let Some(firing) = conn.stalled_close() {
            stall(&firing, &mut self.reader).await;
        }
        let reason = if close.fault.is_none() { close.reason.as_str() } else { "" };
        timeout(FAREWELL, self.goodbye(close.answer(), reason)).await??;
        self.part().await
    }

    /// Fails the WebSocket: says so, if there is anybody to tell.
    async fn fail(&mut self, failure: Failure) -> io::Result<()> {
        let Some(code) = failure.code() else {
            self.conn.end(Ending::by(Closer::Client, false));
            return Ok(());
        };
        self.conn.end(Ending { code: Some(code), ..Ending::by(Closer::Server, true) });
        let last_words = async {
            flush(self.conn, &mut self.writer, self.speech).await?;
            self.goodbye(Some(code), "").await
        };
        timeout(FAREWELL, last_words).await??;
        self.part().await
    }

    /// Takes leave because the server is done, if it does.
    async fn leave(&mut self) -> io::Result<()> {
        let leaves = self.conn.ending().is_some_and(|ending| self.speech.takes_leave(&ending));
        if leaves {
            timeout(FAREWELL, self.last_words()).await??;
            self.part().await?;
        }
        Ok(())
    }

    async fn last_words(&mut self) -> io::Result<()> {
        flush(self.conn, &mut self.writer, self.speech).await?;
        let (code, reason) = self.conn.farewell().map_or((None, String::new()), |(code, reason)| (Some(code), reason));
        self.goodbye(code, &reason).await?;
        while let Ok(incoming) = self.reader.next().await {
            if let Incoming::Close(close) = incoming {
                if self.speech == Speech::Plain {
                    let entry = Entry::Received(close_record(close.code, &close.reason));
                    self.conn.record(Transport::Websocket, entry);
                }
                break;
            }
        }
        Ok(())
    }

    /// Sends a close frame.
    async fn goodbye(&mut self, code: Option<u16>, reason: &str) -> io::Result<()> {
        if self.speech == Speech::Plain {
            self.conn.record(Transport::Websocket, Entry::Sent(close_record(code, reason)));
        }
        self.writer.feed_close(code, reason);
        self.writer.flush().await
    }

    /// Ends the TCP connection behind a close frame: the server first, as RFC 6455 has it.
    async fn part(&mut self) -> io::Result<()> {
        self.writer.end().await?;
        self.conn.closed();
        // What the client has still sent is read away: a socket that is closed over unread bytes resets, and the client
        // would not get to read the close.
        timeout(LAST_BYTES, self.reader.drain()).await?;
        Ok(())
    }
}

/// Withholds the answer to a close as a rule has it; a client that goes away is not waited for.
async fn stall(firing: &Firing, reader: &mut Reader) {
    firing.fired();
    let delay = async {
        match firing.fault() {
            Fault::CloseHandshakeStall(CloseHandshakeStall { delay: Some(delay) }) => tokio::time::sleep(*delay).await,
            _ => std::future::pending().await,
        }
    };
    tokio::select! {
        () = delay => {}
        () = firing.over() => firing.undone(),
        () = reader.drain() => {}
    }
}

fn close_record(code: Option<u16>, reason: &str) -> Arc<Message> {
    Arc::new(Message { name: "CLOSE".to_owned(), code, reason: said(reason), ..Message::default() })
}

fn said(reason: &str) -> Option<String> {
    Some(reason.to_owned()).filter(|reason| !reason.is_empty())
}

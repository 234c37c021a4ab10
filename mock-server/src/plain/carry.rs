//! A plain WebSocket's frames both ways, from its opening to the last byte.
//!
//! Answers pings and closes, keeps the records of what is no message, and takes leave. Knows nothing of HTTP or of
//! rules.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use crate::engine::conn::{Conn, Ending};
use crate::engine::packet::{Frames, Packet};
use crate::journal::{Closer, Entry, Message, Transport};
use crate::lane;
use crate::limits::FAREWELL;
use crate::rfc6455::{Close, Failure, Incoming, Reader, Writer};
use crate::script::fault::CloseHandshakeStall;
use crate::script::{Fault, Firing};
use crate::wire::{Frame, Opcode};

/// How long a TCP connection whose WebSocket is closed waits for the client to end it too.
const LAST_BYTES: Duration = Duration::from_secs(2);

/// Packets that wait for a client, from which on nothing is read from it: it has to read first.
const BACKLOG: usize = 1_024;

/// Bytes of large frames that are put together before they are written.
const PORTION: usize = 256 * 1_024;

/// What comes of a WebSocket, as far as the client decides.
enum Verdict {
    /// The client has closed it.
    Closed(Close),
    /// It has failed.
    Failed(Failure),
}

/// Carries messages until either side is done, and takes leave.
pub(super) async fn run<R, W>(conn: &Conn, mut reader: Reader<R>, mut writer: Writer<W>)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let verdict = tokio::select! {
        verdict = read(conn, &mut reader) => Some(verdict),
        failure = write(conn, &mut writer) => Some(Verdict::Failed(failure)),
        () = conn.over() => None,
    };
    // A client that takes nothing any more is not waited for.
    let _ = match verdict {
        Some(Verdict::Closed(close)) => answer(conn, &close, &mut reader, &mut writer).await,
        Some(Verdict::Failed(failure)) => fail(conn, failure, &mut reader, &mut writer).await,
        None => leave(conn, &mut reader, &mut writer).await,
    };
}

async fn read<R: AsyncRead + Unpin>(conn: &Conn, reader: &mut Reader<R>) -> Verdict {
    loop {
        conn.until(|conn| conn.backlog() < BACKLOG).await;
        match reader.next().await {
            Ok(Incoming::Text(text)) => conn.receive(Packet::Text(text), Transport::Websocket).await,
            Ok(Incoming::Binary(data)) => conn.receive(Packet::Data(data), Transport::Websocket).await,
            Ok(Incoming::Ping(payload)) => pong(conn, payload),
            Ok(Incoming::Pong(payload)) => {
                let payload = String::from_utf8_lossy(&payload).into_owned();
                conn.receive(Packet::Pong(payload), Transport::Websocket).await;
            }
            Ok(Incoming::Close(close)) => return Verdict::Closed(close),
            Err(failure) => return Verdict::Failed(failure),
        }
        // What has come in is acted on before the next is looked at, so that a failure does not overtake it.
        tokio::task::yield_now().await;
    }
}

/// Answers a ping, unless a rule forbids it.
fn pong(conn: &Conn, payload: Bytes) {
    let ping = Frame::new(Opcode::Ping, payload.clone()).to_bytes();
    conn.record(Transport::Websocket, Entry::Received(lane::frame("PING_FRAME", &ping)));
    if conn.answers_pings() {
        conn.send([Packet::frames("PONG_FRAME", vec![Frame::new(Opcode::Pong, payload).to_bytes()])]);
    }
}

async fn write<W: AsyncWrite + Unpin>(conn: &Conn, writer: &mut Writer<W>) -> Failure {
    loop {
        conn.until(Conn::is_deliverable).await;
        if flush(conn, writer).await.is_err() {
            return Failure::Gone;
        }
    }
}

/// Writes what waits, as one write as far as the socket takes it.
async fn flush<W: AsyncWrite + Unpin>(conn: &Conn, writer: &mut Writer<W>) -> io::Result<()> {
    while let Some(packet) = conn.take_one(Transport::Websocket) {
        conn.sent(&packet, Transport::Websocket);
        feed(packet, writer).await?;
    }
    writer.flush().await?;
    conn.departed();
    Ok(())
}

async fn feed<W: AsyncWrite + Unpin>(packet: Packet, writer: &mut Writer<W>) -> io::Result<()> {
    match packet {
        Packet::Data(data) | Packet::Binary(data) => writer.feed(Opcode::Binary, &data),
        Packet::Text(text) => writer.feed(Opcode::Text, text.as_bytes()),
        Packet::Ping(payload) => writer.feed(Opcode::Ping, payload.as_bytes()),
        Packet::Frames(frames) => feed_frames(*frames, writer).await?,
        other => writer.feed(Opcode::Text, other.write().as_bytes()),
    }
    Ok(())
}

async fn feed_frames<W: AsyncWrite + Unpin>(frames: Frames, writer: &mut Writer<W>) -> io::Result<()> {
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

/// Answers the client's close.
async fn answer<R, W>(conn: &Conn, close: &Close, reader: &mut Reader<R>, writer: &mut Writer<W>) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    received(conn, close);
    let (code, reason) = (close.code, said(&close.reason));
    conn.end(Ending { code, reason, ..Ending::by(Closer::Client, close.fault.is_none()) });
    if let Some(firing) = conn.stalled_close() {
        stall(&firing, reader).await;
    }
    let reason = if close.fault.is_none() { close.reason.as_str() } else { "" };
    goodbye(conn, close.answer(), reason, writer).await?;
    part(reader, writer).await
}

/// Withholds the answer to a close as a rule has it; a client that goes away is not waited for.
async fn stall<R: AsyncRead + Unpin>(firing: &Firing, reader: &mut Reader<R>) {
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

/// Fails the WebSocket: says why, if there is anybody to tell.
async fn fail<R, W>(conn: &Conn, failure: Failure, reader: &mut Reader<R>, writer: &mut Writer<W>) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let Some(code) = failure.code() else {
        conn.end(Ending::by(Closer::Client, false));
        return Ok(());
    };
    let reason = failure.to_string();
    conn.end(Ending { code: Some(code), reason: Some(reason.clone()), ..Ending::by(Closer::Server, true) });
    timeout(FAREWELL, async {
        flush(conn, writer).await?;
        goodbye(conn, Some(code), &reason, writer).await
    })
    .await??;
    part(reader, writer).await
}

/// Takes leave because the server is done, with a close frame if that is how it ends.
async fn leave<R, W>(conn: &Conn, reader: &mut Reader<R>, writer: &mut Writer<W>) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    if !conn.ending().is_some_and(|ending| ending.clean && ending.by == Closer::Server) {
        return Ok(());
    }
    timeout(FAREWELL, async {
        flush(conn, writer).await?;
        let (code, reason) = conn.farewell().map_or((None, String::new()), |(code, reason)| (Some(code), reason));
        goodbye(conn, code, &reason, writer).await?;
        while let Ok(incoming) = reader.next().await {
            if let Incoming::Close(close) = incoming {
                received(conn, &close);
                break;
            }
        }
        Ok::<_, io::Error>(())
    })
    .await??;
    part(reader, writer).await
}

/// Sends a close frame.
async fn goodbye<W: AsyncWrite + Unpin>(
    conn: &Conn,
    code: Option<u16>,
    reason: &str,
    writer: &mut Writer<W>,
) -> io::Result<()> {
    conn.record(Transport::Websocket, Entry::Sent(close_record(code, reason)));
    writer.feed_close(code, reason);
    writer.flush().await
}

/// Ends the TCP connection behind a close frame: the server first, as RFC 6455 has it.
async fn part<R, W>(reader: &mut Reader<R>, writer: &mut Writer<W>) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    writer.end().await?;
    // What the client has still sent is read away: a socket that is closed over unread bytes resets.
    timeout(LAST_BYTES, reader.drain()).await?;
    Ok(())
}

fn received(conn: &Conn, close: &Close) {
    conn.record(Transport::Websocket, Entry::Received(close_record(close.code, &close.reason)));
}

fn close_record(code: Option<u16>, reason: &str) -> Message {
    Message { name: "CLOSE".to_owned(), code, reason: said(reason), ..Message::default() }
}

fn said(reason: &str) -> Option<String> {
    Some(reason.to_owned()).filter(|reason| !reason.is_empty())
}

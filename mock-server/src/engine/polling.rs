//! Long-polling: what a `GET` or `POST` of a session does.
//!
//! Knows nothing of how the session began, nor of rules.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::time::{Instant, MissedTickBehavior};

use super::conn::{Carrier, Conn, Ending, Verb};
use super::http::{Reply, Trouble};
use super::packet::Packet;
use crate::journal::{Closer, Transport};
use crate::limits;

/// What a client sends on two TCP connections within this time, it has sent at the same time: which of two threads is
/// the faster one must not decide what becomes of it. (The official server has one thread.)
const SIMULTANEOUS: Duration = Duration::from_millis(50);

/// How often a poll is let go while a WebSocket is being probed, as in the official server.
const LET_GO: Duration = Duration::from_millis(100);

/// Answers a poll as soon as there is something to say.
pub(super) async fn poll(conn: &Arc<Conn>) -> Reply {
    if conn.carrier() == Carrier::WebSocket {
        return Trouble::BadRequest.reply();
    }
    let Some(turn) = Turn::poll(conn) else { return refuse(conn, "overlap from client") };
    if conn.is_over() && !conn.lingers() {
        return Trouble::UnknownSession.reply();
    }
    let begun = Instant::now();
    tokio::select! {
        () = conn.until(|conn| conn.is_deliverable() || conn.is_over() || conn.carrier() == Carrier::WebSocket) => {}
        () = let_go(conn) => {}
    }
    if conn.carrier() == Carrier::WebSocket && begun.elapsed() < SIMULTANEOUS {
        turn.done();
        return Trouble::BadRequest.reply();
    }
    turn.done();
    let mut packets = conn.take(Transport::Polling);
    if packets.is_empty() {
        // As far as the transport goes, a session that has left it is over as well.
        let ended = conn.is_ended_by(Closer::Server) || conn.carrier() == Carrier::WebSocket;
        packets.push(if ended { Packet::Close } else { Packet::Noop });
    }
    Reply::packets(packets)
}

/// Resolves when a poll without news has to end because the client wants to leave polling: at ticks that are counted
/// from the probe.
async fn let_go(conn: &Conn) {
    conn.until(|conn| conn.carrier() == Carrier::Probing).await;
    let probed = conn.probed().unwrap_or_else(Instant::now);
    let mut ticks = tokio::time::interval_at(probed, LET_GO);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    // The first is past already.
    ticks.tick().await;
    ticks.tick().await;
}

/// The one poll, and the one post, that a session may have open. One whose client goes away ends the session, as in the
/// official server.
struct Turn<'a> {
    conn: &'a Conn,
    verb: Verb,
    done: bool,
}

impl<'a> Turn<'a> {
    fn poll(conn: &'a Conn) -> Option<Self> {
        conn.begin(Verb::Poll).then(|| Self { conn, verb: Verb::Poll, done: false })
    }

    fn post(conn: &'a Conn) -> Option<Self> {
        conn.begin(Verb::Post).then(|| Self { conn, verb: Verb::Post, done: false })
    }

    /// The request has got what it came for.
    fn done(mut self) {
        self.done = true;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // In this order: whoever finds the place free must find the session over.
        if !self.done {
            self.conn.end(Ending::by(Closer::Client, false));
        }
        self.conn.finish(self.verb);
    }
}

/// Takes the packets that a client posts.
pub(super) async fn post<B>(conn: &Arc<Conn>, headers: &BTreeMap<String, String>, body: B, time: Duration) -> Reply
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>> + Send,
{
    if conn.carrier() == Carrier::WebSocket {
        return Trouble::BadRequest.reply();
    }
    let Some(turn) = Turn::post(conn) else { return refuse(conn, "data request overlap from client") };
    if headers.get(CONTENT_TYPE.as_str()).is_some_and(|kind| kind == "application/octet-stream") {
        return refuse(conn, "invalid content");
    }
    let body = tokio::select! {
        body = tokio::time::timeout(time, text(body)) => body,
        // It has been ended by another request.
        () = conn.over() => return Reply::empty(StatusCode::BAD_REQUEST),
    };
    let reply = match body {
        Ok(Ok(text)) => take(conn, &text).await,
        Ok(Err(Trouble::TooLarge)) => Trouble::TooLarge.reply(),
        // Nobody reads the answer.
        Ok(Err(trouble)) => return trouble.reply(),
        Err(_) => {
            conn.end(Ending { reason: Some("request timeout".to_owned()), ..Ending::by(Closer::Server, false) });
            Reply::empty(StatusCode::REQUEST_TIMEOUT)
        }
    };
    turn.done();
    reply
}

/// Ends the session because of a request that breaks the rules.
fn refuse(conn: &Conn, reason: &str) -> Reply {
    // A close packet reaches the client if there is a poll to carry it.
    conn.blame(Ending { reason: Some(reason.to_owned()), ..Ending::by(Closer::Server, conn.is_polled()) });
    conn.close_politely();
    Reply::empty(StatusCode::BAD_REQUEST)
}

/// Takes what a client says, up to the first thing that is no packet, which ends the session.
async fn take(conn: &Arc<Conn>, text: &str) -> Reply {
    for packet in Packet::read_body(text) {
        let Ok(packet) = packet else {
            refuse(conn, "parse error");
            break;
        };
        if packet == Packet::Close {
            // The poll of a client that leaves may be on its way as well, and is to find its session.
            let _ = tokio::time::timeout(SIMULTANEOUS, conn.until(|conn| conn.is_polled() || conn.is_over())).await;
        }
        conn.receive(packet, Transport::Polling).await;
        if conn.is_over() {
            break;
        }
    }
    Reply::ok()
}

/// A whole body, as the official server reads it: what is not UTF-8 is replaced.
async fn text<B>(mut body: B) -> Result<String, Trouble>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>> + Send,
{
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let data = frame.map_err(|_| Trouble::BadRequest)?.into_data().unwrap_or_default();
        if bytes.len() + data.len() > limits::MESSAGE {
            spill(body);
            return Err(Trouble::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads some of what is too much, beside the answer: a client that still writes when its connection ends would not get
/// to read that answer.
fn spill<B>(mut body: B)
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>> + Send,
{
    let read = async move {
        let mut left = limits::SPILL;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    tokio::spawn(tokio::time::timeout(limits::SPILL_TIME, read));
}

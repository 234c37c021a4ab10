//! Long-polling: what a `GET` or `POST` of a session does.
//!
//! Knows nothing of how the session began, nor of rules.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::LARGEST;
use super::conn::{Carrier, Conn, Ending};
use super::http::{Reply, Trouble};
use super::packet::Packet;
use crate::journal::{Closer, Transport};

/// How often a poll is let go while a WebSocket is being probed, as in the official server.
const LET_GO: Duration = Duration::from_millis(100);

/// Answers a poll as soon as there is something to say.
pub(super) async fn poll(conn: &Arc<Conn>) -> Reply {
    if conn.carrier() == Carrier::WebSocket {
        return Trouble::BadRequest.reply();
    }
    let Some(mut turn) = Turn::take(conn) else {
        conn.blame(Ending { reason: Some("overlap from client".to_owned()), ..Ending::by(Closer::Server, true) });
        conn.close_politely();
        return Trouble::BadRequest.reply();
    };
    tokio::select! {
        () = conn.until(|conn| conn.is_deliverable() || conn.is_over() || conn.carrier() == Carrier::WebSocket) => {}
        () = let_go(conn) => {}
    }
    turn.done = true;
    let mut packets = conn.take(Transport::Polling);
    if packets.is_empty() {
        packets.push(Packet::Noop);
    }
    Reply::packets(packets)
}

/// Resolves when a poll without news has to end because the client wants to leave polling.
async fn let_go(conn: &Conn) {
    conn.until(|conn| conn.carrier() == Carrier::Probing).await;
    if !conn.first_let_go() {
        tokio::time::sleep(LET_GO).await;
    }
}

/// The one poll that a session may have open. A poll whose client goes away ends the session, as in the official server.
struct Turn<'a> {
    conn: &'a Conn,
    done: bool,
}

impl<'a> Turn<'a> {
    fn take(conn: &'a Conn) -> Option<Self> {
        conn.begin_poll().then(|| Self { conn, done: false })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.conn.end_poll();
        if !self.done {
            self.conn.end(Ending::by(Closer::Client, false));
        }
    }
}

/// Takes the packets that a client posts.
pub(super) async fn post<B>(conn: &Arc<Conn>, body: B) -> Reply
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if conn.carrier() == Carrier::WebSocket {
        return Trouble::BadRequest.reply();
    }
    let text = match text(body).await {
        Ok(text) => text,
        Err(trouble) => return trouble.reply(),
    };
    let Ok(packets) = Packet::read_body(&text) else {
        conn.end(Ending { reason: Some("parse error".to_owned()), ..Ending::by(Closer::Server, false) });
        return Reply::ok();
    };
    for packet in packets {
        conn.receive(packet, Transport::Polling).await;
    }
    Reply::ok()
}

async fn text<B>(body: B) -> Result<String, Trouble>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let bytes = Limited::new(body, LARGEST).collect().await.map_err(|error| {
        if error.downcast_ref::<LengthLimitError>().is_some() { Trouble::TooLarge } else { Trouble::BadRequest }
    })?;
    String::from_utf8(bytes.to_bytes().into()).map_err(|_| Trouble::BadRequest)
}

//! The WebSocket part of a connection: opening it, probing it, and its life once it carries the session.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use http::header::{CONNECTION, HOST, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::packet::Packet;
use super::run::{Runner, until};
use super::tap::{Asked, Purpose};
use super::{End, Failure, Payload, Settings, Transport};
use crate::net::{Reply, Stream};

/// An open WebSocket.
pub(super) type Link = WebSocketStream<Stream>;

const MESSAGE: &str = "websocket error";

/// Opens a WebSocket, for a new session or, with `sid`, for one that is open.
pub(super) async fn connect(settings: Settings, sid: Option<&str>) -> Result<Link, Failure> {
    let target = settings.target(Transport::Websocket, sid);
    let headers = headers(&settings);
    let uri = format!("ws://{}{target}", settings.base.authority());
    let mut request = Request::builder().uri(uri).body(()).map_err(|error| Failure::broken_rule(MESSAGE, &error))?;
    *request.headers_mut() = headers.clone();
    let stream =
        settings.sockets.dial(settings.base.authority()).await.map_err(|error| Failure::unanswered(MESSAGE, &error))?;
    let purpose = if sid.is_some() { Purpose::Upgrade } else { Purpose::Handshake };
    let (transport, method, at) = (Transport::Websocket, Method::GET, Instant::now());
    let asked = Asked { purpose, transport, method, target, headers, at };
    settings.tap.asked(&asked);
    match tokio_tungstenite::client_async(request, stream).await {
        Ok((link, response)) => {
            settings.tap.answered(&asked, &reply(response));
            Ok(link)
        }
        Err(Error::Http(response)) => {
            let reply = reply(*response);
            settings.tap.answered(&asked, &reply);
            Err(Failure::status(MESSAGE, reply.status))
        }
        Err(error) => Err(Failure::unanswered(MESSAGE, &error)),
    }
}

/// Opens a WebSocket beside a polled session and returns it once it has answered `2probe`.
pub(super) async fn probe(settings: Settings, sid: String) -> Result<Link, Failure> {
    let tap = Arc::clone(&settings.tap);
    let mut link = connect(settings, Some(&sid)).await?;
    let failed = |error: Error| Failure::unanswered(MESSAGE, &error);
    tap.sent(Transport::Websocket, &Packet::Ping("probe".to_owned()));
    link.send(Message::text("2probe")).await.map_err(failed)?;
    match link.next().await {
        Some(Ok(Message::Text(text))) if text.as_str() == "3probe" => {
            tap.received(Transport::Websocket, &Packet::Pong("probe".to_owned()));
            Ok(link)
        }
        Some(Err(error)) => Err(failed(error)),
        _ => Err(Failure::broken_rule(MESSAGE, &"probe error")),
    }
}

/// Carries the session to its end.
pub(super) async fn run(runner: &mut Runner, mut link: Box<Link>) -> End {
    let link = &mut *link;
    loop {
        if let Err(end) = flush(runner, link).await {
            return end;
        }
        if runner.is_closing() {
            return hang_up(runner, link).await;
        }
        let alarm = runner.alarm();
        let stepped = tokio::select! {
            message = link.next() => take(runner, link, message).await,
            Some(command) = runner.commands.recv() => { runner.obey(command); Ok(()) }
            () = until(alarm) => runner.wake(),
        };
        if let Err(end) = stepped {
            return end;
        }
    }
}

async fn flush(runner: &mut Runner, link: &mut Link) -> Result<(), End> {
    for packet in std::mem::take(&mut runner.outbox) {
        runner.settings.tap.sent(Transport::Websocket, &packet);
        let message = match packet.frame() {
            Payload::Text(text) => Message::text(text),
            Payload::Binary(bytes) => Message::binary(bytes),
        };
        link.send(message).await.map_err(|error| ended(&error))?;
    }
    Ok(())
}

/// Says goodbye and waits for the other side to have done so too.
async fn hang_up(runner: &mut Runner, link: &mut Link) -> End {
    let goodbye = async {
        link.close(None).await?;
        while link.next().await.transpose()?.is_some() {}
        Ok::<(), Error>(())
    };
    tokio::select! {
        // Lost or finished, it is over.
        _ = goodbye => {}
        () = until(runner.alarm()) => {}
    }
    End::Local
}

async fn take(runner: &mut Runner, link: &mut Link, message: Option<Result<Message, Error>>) -> Result<(), End> {
    let packet = match message {
        None => return Err(End::Broken),
        Some(Err(error)) => return Err(ended(&error)),
        Some(Ok(Message::Text(text))) => {
            Packet::read(&text).map_err(|error| End::Failed(Failure::broken_rule("server error", &error)))?
        }
        Some(Ok(Message::Binary(bytes))) => Packet::Message(Payload::Binary(bytes)),
        Some(Ok(Message::Close(frame))) => return Err(closed(link, frame).await),
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => return Ok(()),
    };
    runner.take(Transport::Websocket, packet)
}

/// The server's close frame; its echo is already queued and only has to leave.
async fn closed(link: &mut Link, frame: Option<CloseFrame>) -> End {
    // Whether the echo arrives changes nothing: the server has spoken.
    let _ = tokio::time::timeout(super::LINGER, link.flush()).await;
    let (code, reason) = frame.map_or((None, None), |frame| {
        (Some(u16::from(frame.code)), Some(frame.reason.to_string()).filter(|reason| !reason.is_empty()))
    });
    End::Goodbye { code, reason }
}

/// A stream that ends is a close; anything else breaks the protocol.
fn ended(error: &Error) -> End {
    use tokio_tungstenite::tungstenite::error::ProtocolError;
    match error {
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Io(_)
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::Broken,
        error => End::Failed(Failure::broken_rule(MESSAGE, &error)),
    }
}

fn headers(settings: &Settings) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(host) = HeaderValue::from_str(settings.base.authority()) {
        headers.insert(HOST, host);
    }
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(HeaderName::from_static("sec-websocket-version"), HeaderValue::from_static("13"));
    if let Ok(key) = HeaderValue::from_str(&generate_key()) {
        headers.insert(HeaderName::from_static("sec-websocket-key"), key);
    }
    headers.extend(settings.headers.clone());
    headers
}

fn reply(response: Response<Option<Vec<u8>>>) -> Reply {
    let (head, body) = response.into_parts();
    Reply { status: head.status.as_u16(), headers: head.headers, body: body.unwrap_or_default().into() }
}

//! The stream under what really runs on it: hyper, and tungstenite on its upgraded stream.

use futures_util::{SinkExt, StreamExt};
use http::{Response, StatusCode, header};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rstest::rstest;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::*;

type Answer = Result<Response<Full<Bytes>>, hyper::Error>;

/// Serves a connection: bodies and messages come back as they are.
async fn serve(stream: Stream) {
    let service = service_fn(|request| async {
        if request.headers().contains_key(header::UPGRADE) { Ok(upgrade(request)) } else { answer(request).await }
    });
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // Ends with an error where a test breaks the connection.
    let _ = connection.with_upgrades().await;
}

async fn answer(request: http::Request<Incoming>) -> Answer {
    Ok(Response::new(Full::new(request.into_body().collect().await?.to_bytes())))
}

fn upgrade(mut request: http::Request<Incoming>) -> Response<Full<Bytes>> {
    let key = derive_accept_key(request.headers()[header::SEC_WEBSOCKET_KEY].as_bytes());
    tokio::spawn(async move {
        let stream = TokioIo::new(hyper::upgrade::on(&mut request).await.unwrap());
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
        while let Some(Ok(message)) = socket.next().await {
            if message.is_text() && socket.send(message).await.is_err() {
                break;
            }
        }
    });
    let response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::UPGRADE, "websocket")
        .header(header::CONNECTION, "Upgrade")
        .header(header::SEC_WEBSOCKET_ACCEPT, key);
    response.body(Full::default()).unwrap()
}

/// A served connection, under a tap if there is one.
async fn served(tap: Option<Arc<Notes>>) -> (Listener, Arc<Link>, TcpStream) {
    let Pair { listener, stream, link, peer } = pair().await;
    if let Some(tap) = tap {
        link.set_tap(tap);
    }
    tokio::spawn(serve(stream));
    (listener, link, peer)
}

async fn websocket(peer: TcpStream) -> WebSocketStream<TcpStream> {
    client_async("ws://mock/", peer).await.unwrap().0
}

async fn next_text(socket: &mut WebSocketStream<TcpStream>) -> String {
    soon(socket.next()).await.unwrap().unwrap().into_text().unwrap().to_string()
}

#[rstest]
#[tokio::test]
async fn http_requests_are_answered(#[values(false, true)] tapped: bool) {
    let (_listener, link, peer) = served(tapped.then(Arc::default)).await;
    let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(peer)).await.unwrap();
    tokio::spawn(connection);
    for size in [0, 10, 500_000] {
        let request = http::Request::post("/").header(header::HOST, "mock").body(Full::<Bytes>::from(pattern(size)));
        let body = soon(client.send_request(request.unwrap())).await.unwrap().into_body();
        assert!(soon(body.collect()).await.unwrap().to_bytes() == pattern(size));
    }
    assert_eq!(link.end(), None);
}

#[rstest]
#[tokio::test]
async fn websocket_messages_come_back(#[values(false, true)] tapped: bool) {
    let notes = Arc::new(Notes::default());
    let (_listener, link, peer) = served(tapped.then(|| Arc::clone(&notes))).await;
    let mut socket = websocket(peer).await;
    let said = ["one".to_owned(), String::new(), "many ".repeat(100_000)];
    for message in &said {
        socket.send(Message::text(message)).await.unwrap();
        assert_eq!(&next_text(&mut socket).await, message);
    }
    if tapped {
        assert_eq!((notes.incoming_texts(), notes.outgoing_texts()), (said.to_vec(), said.to_vec()));
    }
    socket.close(None).await.unwrap();
    while let Some(Ok(_)) = soon(socket.next()).await {}
    soon(link.ended()).await;
}

#[tokio::test]
async fn a_fed_frame_reaches_the_server() {
    let notes = Arc::new(Notes::default());
    let (_listener, link, peer) = served(Some(Arc::clone(&notes))).await;
    let mut socket = websocket(peer).await;
    link.feed(Frame::text("forged"));
    assert_eq!(next_text(&mut socket).await, "forged");
    assert_eq!((notes.incoming_texts(), notes.outgoing_texts()), (vec![], vec!["forged".into()]));
}

#[tokio::test]
async fn a_sent_frame_reaches_the_client() {
    let (_listener, link, peer) = served(Some(Arc::default())).await;
    let mut socket = websocket(peer).await;
    link.send_frame(&Frame::text("injected"));
    assert_eq!(next_text(&mut socket).await, "injected");
    link.send_frame(&Frame::close(Some(4001), "bye"));
    let close = soon(socket.next()).await.unwrap().unwrap();
    assert!(matches!(close, Message::Close(Some(frame)) if u16::from(frame.code) == 4001 && frame.reason == "bye"));
}

/// hyper has read the head and waits for the handler: the reset must not wait for the answer.
#[tokio::test]
async fn a_reset_does_not_wait_for_a_handler() {
    let Pair { listener: _listener, stream, link, mut peer } = pair().await;
    let (called, mut calls) = tokio::sync::mpsc::unbounded_channel();
    let service = service_fn(move |_| {
        let _ = called.send(());
        std::future::pending::<Result<Response<Empty<Bytes>>, hyper::Error>>()
    });
    tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    peer.write_all(b"GET / HTTP/1.1\r\nHost: mock\r\n\r\n").await.unwrap();
    soon(calls.recv()).await.unwrap();
    link.reset();
    assert_eq!(soon(peer.read(&mut [0])).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

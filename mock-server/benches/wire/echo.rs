//! The same echo server twice: hyper and tungstenite on a bare socket, and on the wire layer.
//!
//! Knows nothing of what is measured.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::{Request, Response, StatusCode, header};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sparring_mock_server::wire::Listener;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// What the echo server stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A bare socket.
    Bare,
    /// The wire layer.
    Wire,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Wire => "wire",
        }
    }

    pub(crate) fn named(name: &str) -> Self {
        if name == Self::Wire.name() { Self::Wire } else { Self::Bare }
    }
}

/// A server on a thread of its own, until the process ends.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    /// Its thread, as the kernel numbers it.
    task: String,
}

impl Server {
    pub(crate) fn start(kind: Kind) -> Self {
        let (tell, told) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
                let task = std::fs::read_link("/proc/thread-self").unwrap().to_string_lossy().into_owned();
                match kind {
                    Kind::Bare => {
                        let listener = TcpListener::bind(loopback).await.unwrap();
                        tell.send((listener.local_addr().unwrap(), task)).unwrap();
                        loop {
                            let (socket, _) = listener.accept().await.unwrap();
                            socket.set_nodelay(true).unwrap();
                            tokio::spawn(serve(socket));
                        }
                    }
                    Kind::Wire => {
                        let listener = Listener::bind(loopback).unwrap();
                        tell.send((listener.local_addr(), task)).unwrap();
                        loop {
                            let (stream, _link) = listener.accept().await;
                            tokio::spawn(serve(stream));
                        }
                    }
                }
            });
        });
        let (addr, task) = told.recv().unwrap();
        Self { addr, task }
    }

    /// Time that its thread has been running on a processor.
    pub(crate) fn cpu(&self) -> Duration {
        let figures = std::fs::read_to_string(format!("/proc/{}/schedstat", self.task)).unwrap();
        Duration::from_nanos(figures.split(' ').next().unwrap().parse().unwrap())
    }
}

/// Serves a connection: it is upgraded, and then each message comes back.
async fn serve(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let service = service_fn(|request| async { Ok::<_, Infallible>(upgrade(request)) });
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(io), service);
    // Ends with an error where the client breaks off.
    let _ = connection.with_upgrades().await;
}

fn upgrade(mut request: Request<Incoming>) -> Response<Empty<Bytes>> {
    let key = derive_accept_key(request.headers()[header::SEC_WEBSOCKET_KEY].as_bytes());
    tokio::spawn(async move {
        let io = TokioIo::new(hyper::upgrade::on(&mut request).await.unwrap());
        drop(request);
        let config = WebSocketConfig::default().read_buffer_size(4_096);
        let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        while let Some(Ok(message)) = socket.next().await {
            if message.is_text() && socket.send(message).await.is_err() {
                break;
            }
        }
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::UPGRADE, "websocket")
        .header(header::CONNECTION, "Upgrade")
        .header(header::SEC_WEBSOCKET_ACCEPT, key)
        .body(Empty::new())
        .unwrap()
}

/// A request for a WebSocket.
pub(crate) const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

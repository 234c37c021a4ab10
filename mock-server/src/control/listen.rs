//! The port of the control API: so many connections at most, each with a limit to how long it may take to ask.
//!
//! Knows nothing of what is asked.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use super::guard::Local;
use super::{Desk, routes};

/// Connections that are served at once; further ones wait in the kernel.
const CONNECTIONS: usize = 256;

/// How long a connection may take to send the head of a request, the time between two requests included.
const HEAD: Duration = Duration::from_secs(30);

/// Serves for ever; the caller ends it.
pub(super) async fn accept(listener: TcpListener, desk: Arc<Desk>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let shared = Arc::clone(&desk.house.shared);
    let router = routes::router(desk);
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let socket = next(&listener).await;
        let router = router.clone();
        shared.spawn_lasting(async move {
            serve(socket, router).await;
            drop(place);
        });
    }
}

async fn next(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => return socket,
            // The peer gave up before we came.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            // Out of file descriptors or memory: it passes, and trying again at once would not help.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(socket: TcpStream, router: Router) {
    // Fails only if the peer has gone already, which reading will tell.
    let _ = socket.set_nodelay(true);
    let Ok(local) = socket.local_addr() else { return };
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Local(local));
        router.clone().oneshot(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD);
    // Fails when the client breaks off or does not speak HTTP, which concerns nobody else.
    let _ = http.serve_connection(TokioIo::new(socket), service).await;
}

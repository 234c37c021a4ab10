//! An echo server on axum's `ws`.

use std::io;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::broadcast;

use super::{WAITING, is_for_all};

type Room = broadcast::Sender<Utf8Bytes>;

/// Serves until killed.
pub(super) async fn serve(listener: TcpListener) -> io::Result<()> {
    let router = Router::new().route("/", get(upgrade)).with_state(Room::new(WAITING));
    let listener = listener.tap_io(|stream| {
        // Fails only on a connection that is gone.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await
}

async fn upgrade(State(room): State<Room>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |socket| {
        // Ends with the connection, however that ends.
        let _ = converse(socket, room).await;
    })
}

async fn converse(mut socket: WebSocket, room: Room) -> Option<()> {
    let mut all = room.subscribe();
    loop {
        tokio::select! {
            heard = socket.recv() => match heard?.ok()? {
                Message::Text(text) if is_for_all(&text) => {
                    room.send(text).ok()?;
                }
                Message::Text(text) => socket.send(Message::Text(text)).await.ok()?,
                _ => {}
            },
            text = all.recv() => socket.send(Message::Text(text.ok()?)).await.ok()?,
        }
    }
}

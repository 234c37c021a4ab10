//! An echo server on tokio-tungstenite alone.

use std::io;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::{WAITING, is_for_all};

type Room = broadcast::Sender<Utf8Bytes>;

/// Serves until killed.
pub(super) async fn serve(listener: TcpListener) -> io::Result<()> {
    let room = Room::new(WAITING);
    loop {
        let (stream, _) = listener.accept().await?;
        let room = room.clone();
        tokio::spawn(async move {
            // Ends with the connection, however that ends.
            let _ = converse(stream, room).await;
        });
    }
}

async fn converse(stream: TcpStream, room: Room) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut socket = tokio_tungstenite::accept_async(stream).await.ok()?;
    let mut all = room.subscribe();
    loop {
        tokio::select! {
            heard = socket.next() => match heard?.ok()? {
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

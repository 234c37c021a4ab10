//! The heartbeat of an Engine.IO session: a ping one interval after the opening and after every pong.
//!
//! Knows nothing of what carries the packets.

use std::sync::Arc;
use std::time::Duration;

use super::conn::{Conn, Ending};
use super::packet::Packet;
use crate::journal::Closer;

/// Beats until the session is over, and ends it when a ping has no answer in time.
pub(super) async fn beat(conn: Arc<Conn>, interval: Duration, timeout: Duration) {
    let beats = async {
        loop {
            tokio::time::sleep(interval).await;
            conn.until(|conn| !conn.is_mute() && !conn.bent().frozen).await;
            let pong = conn.next_pong();
            conn.send([Packet::Ping(String::new())]);
            if !answered(&conn, pong, timeout).await {
                return;
            }
        }
    };
    if conn.unless_over(beats).await.is_some() {
        conn.end(Ending { reason: Some("ping timeout".to_owned()), ..Ending::by(Closer::Server, false) });
    }
}

/// Whether the pong comes in time. A server that stands still cannot see that it is late.
async fn answered(conn: &Conn, pong: impl Future<Output = ()>, timeout: Duration) -> bool {
    tokio::pin!(pong);
    loop {
        tokio::select! {
            () = &mut pong => return true,
            () = tokio::time::sleep(timeout) => {}
        }
        if !conn.bent().frozen {
            return false;
        }
        conn.until(|conn| !conn.bent().frozen).await;
    }
}

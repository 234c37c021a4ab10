//! The heartbeat of a plain WebSocket: a ping control frame on every beat, and an end for a client that answers none.
//!
//! Beats come at whole intervals from the opening, whenever pongs do. Knows nothing of frames beyond their being sent.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::engine::conn::{Conn, Ending};
use crate::engine::packet::Packet;
use crate::journal::Closer;
use crate::server::Heartbeat;

/// Beats until the connection is over. A client that does not answer in time is told so with `code`, if there is one.
pub(super) async fn beat(conn: &Conn, heartbeat: Heartbeat, code: Option<u16>) {
    let Heartbeat { interval, timeout } = heartbeat;
    if interval.is_zero() || conn.unless_over(beats(conn, interval, timeout)).await.is_none() {
        return;
    }
    if let Some(code) = code {
        conn.set_farewell(code, TIMEOUT);
    }
    let reason = Some(TIMEOUT.to_owned());
    conn.end(Ending { code, reason, ..Ending::by(Closer::Server, code.is_some()) });
}

/// What is said of a client that does not answer.
const TIMEOUT: &str = "ping timeout";

/// Returns when a ping has not been answered.
async fn beats(conn: &Conn, interval: Duration, timeout: Duration) {
    // Counted from when things were due, so that the lateness of timers does not add up.
    let mut due = Instant::now() + interval;
    loop {
        sleep_until(due).await;
        if is_still(conn) {
            conn.until(|conn| !is_still(conn)).await;
            due = Instant::now();
        }
        let pong = conn.next_pong();
        conn.send([Packet::Ping(String::new())]);
        if !answered(conn, pong, due + timeout, timeout).await {
            return;
        }
        due = (due + interval).max(Instant::now());
    }
}

fn is_still(conn: &Conn) -> bool {
    conn.bent().is_still()
}

/// Whether the pong comes in time. A server that stands still cannot see that it is late.
async fn answered(conn: &Conn, pong: impl Future<Output = ()>, mut late: Instant, timeout: Duration) -> bool {
    tokio::pin!(pong);
    loop {
        tokio::select! {
            () = &mut pong => return true,
            () = sleep_until(late) => {}
        }
        if !conn.bent().frozen {
            return false;
        }
        conn.until(|conn| !conn.bent().frozen).await;
        late = Instant::now() + timeout;
    }
}

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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Weak};

    use rstest::rstest;
    use tokio::time::advance;

    use super::*;
    use crate::engine::conn::Heart;
    use crate::journal::{Actor, Attempt, Journal, Transport};

    const HEARTBEAT: Heartbeat = Heartbeat { interval: Duration::from_secs(30), timeout: Duration::from_secs(10) };

    fn conn() -> Arc<Conn> {
        let journal = Arc::new(Journal::default());
        Conn::new(Actor::new("a"), Attempt::default(), "sid".to_owned(), Transport::Websocket, Weak::new(), journal)
    }

    async fn begin(heartbeat: Heartbeat, code: Option<u16>) -> (Arc<Conn>, Instant) {
        let conn = conn();
        let beating = Arc::clone(&conn);
        tokio::spawn(async move { beat(&beating, heartbeat, code).await });
        // The heart has to be there before time goes on.
        tokio::task::yield_now().await;
        (conn, Instant::now())
    }

    /// When the next ping comes, in seconds from the beginning.
    async fn next_ping(conn: &Conn, begun: Instant) -> u64 {
        conn.until(Conn::is_deliverable).await;
        assert_eq!(conn.take(Transport::Websocket), [Packet::Ping(String::new())]);
        begun.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn pings_come_at_whole_intervals_whenever_pongs_do() {
        let (conn, begun) = begin(HEARTBEAT, None).await;
        for expected in [30, 60, 90] {
            assert_eq!(next_ping(&conn, begun).await, expected);
            advance(Duration::from_secs(9)).await;
            conn.receive(Packet::Pong("whatever".to_owned()), Transport::Websocket).await;
        }
        assert!(!conn.is_over());
    }

    #[rstest]
    #[case::without_a_word(None, false)]
    #[case::with_a_code(Some(4008), true)]
    #[tokio::test(start_paused = true)]
    async fn a_ping_without_pong_ends_the_connection(#[case] code: Option<u16>, #[case] clean: bool) {
        let (conn, begun) = begin(HEARTBEAT, code).await;
        conn.over().await;
        assert_eq!(begun.elapsed().as_secs(), 40);
        let ending = conn.ending().expect("it is over");
        assert_eq!((ending.by, ending.clean, ending.code), (Closer::Server, clean, code));
    }

    #[tokio::test(start_paused = true)]
    async fn a_mute_heart_neither_beats_nor_breaks() {
        let (conn, begun) = begin(HEARTBEAT, None).await;
        conn.bend(|bent| bent.heart = Heart::Mute);
        advance(Duration::from_secs(1_000)).await;
        assert!(!conn.is_over());
        conn.bend(|bent| bent.heart = Heart::Regular);
        assert_eq!(next_ping(&conn, begun).await, 1_000);
    }

    #[tokio::test(start_paused = true)]
    async fn no_interval_means_no_heart() {
        let (conn, _) = begin(Heartbeat { interval: Duration::ZERO, ..HEARTBEAT }, None).await;
        advance(Duration::from_secs(1_000)).await;
        assert!(!conn.is_over() && !conn.is_deliverable());
    }
}

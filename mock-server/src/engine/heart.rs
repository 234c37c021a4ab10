//! The heartbeat of an Engine.IO session: a ping one interval after the opening and after every pong.
//!
//! Knows nothing of what carries the packets.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::conn::{Conn, Ending, Heart};
use super::packet::Packet;
use crate::journal::Closer;

/// Beats until the session is over, and ends it when a ping has no answer in time.
pub(super) async fn beat(conn: Arc<Conn>, opened: Instant, interval: Duration, timeout: Duration) {
    let beats = async {
        // Counted from when things were due, so that the lateness of timers does not add up.
        let mut due = opened + interval;
        loop {
            due = rest(&conn, due, interval).await;
            if conn.bent().is_still() {
                conn.until(|conn| !conn.bent().is_still()).await;
                due = Instant::now();
            }
            let pong = conn.next_pong();
            conn.send([Packet::Ping(String::new())]);
            if !answered(&conn, pong, due + timeout, timeout).await {
                return;
            }
            due = Instant::now() + interval;
        }
    };
    if conn.unless_over(beats).await.is_some() {
        conn.end(Ending { reason: Some("ping timeout".to_owned()), ..Ending::by(Closer::Server, false) });
    }
}

/// Waits until the next ping is due, and returns when that was: an interval after the last pong, even if nobody asked for that pong, unless a rule
/// is in a hurry.
async fn rest(conn: &Conn, mut due: Instant, interval: Duration) -> Instant {
    loop {
        let pong = conn.next_pong();
        tokio::select! {
            biased;
            () = sleep_until(due) => return due,
            () = conn.until(|conn| conn.bent().heart == Heart::Early) => {
                conn.bend(|bent| bent.heart = Heart::Regular);
                return Instant::now();
            }
            () = pong => due = Instant::now() + interval,
        }
    }
}

/// Whether the pong comes in time. A server that stands still cannot see that it is late.
async fn answered(conn: &Conn, pong: impl Future<Output = ()>, mut late: Instant, timeout: Duration) -> bool {
    tokio::pin!(pong);
    loop {
        conn.expect_pong(Some(late));
        tokio::select! {
            () = &mut pong => {
                conn.expect_pong(None);
                return true;
            }
            () = sleep_until(late) => {}
        }
        if !conn.bent().frozen {
            return false;
        }
        conn.expect_pong(None);
        conn.until(|conn| !conn.bent().frozen).await;
        late = Instant::now() + timeout;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Weak;
    use std::time::Duration;

    use rstest::rstest;
    use tokio::time::{advance, timeout};

    use super::*;
    use crate::journal::{Actor, Attempt, Journal, Transport};

    const INTERVAL: Duration = Duration::from_secs(25);
    const TIMEOUT: Duration = Duration::from_secs(60);

    fn conn() -> Arc<Conn> {
        let journal = Arc::new(Journal::default());
        Conn::new(Actor::new("a"), Attempt::default(), "sid".to_owned(), Transport::Websocket, Weak::new(), journal)
    }

    async fn pong(conn: &Arc<Conn>) {
        conn.receive(Packet::Pong(String::new()), Transport::Websocket).await;
    }

    /// Time from now to the next ping.
    async fn next_ping(conn: &Conn) -> Duration {
        let begun = tokio::time::Instant::now();
        conn.until(Conn::is_deliverable).await;
        assert_eq!(conn.take(Transport::Websocket), [Packet::Ping(String::new())]);
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn pings_come_one_interval_after_the_opening_and_after_each_pong() {
        let conn = conn();
        tokio::spawn(beat(Arc::clone(&conn), Instant::now(), INTERVAL, TIMEOUT));
        assert_eq!(next_ping(&conn).await.as_secs(), 25);
        advance(Duration::from_secs(55)).await;
        pong(&conn).await;
        assert_eq!(next_ping(&conn).await.as_secs(), 25);
        assert!(!conn.is_over());
    }

    #[rstest]
    #[case::silent(None, 85)]
    #[case::pong_before_any_ping(Some(10), 95)]
    #[tokio::test(start_paused = true)]
    async fn a_ping_without_pong_ends_the_session(#[case] early_pong: Option<u64>, #[case] seconds: u64) {
        let conn = conn();
        let begun = tokio::time::Instant::now();
        tokio::spawn(beat(Arc::clone(&conn), Instant::now(), INTERVAL, TIMEOUT));
        tokio::task::yield_now().await;
        if let Some(early) = early_pong {
            advance(Duration::from_secs(early)).await;
            pong(&conn).await;
        }
        conn.over().await;
        assert_eq!(begun.elapsed().as_secs(), seconds);
    }

    #[tokio::test(start_paused = true)]
    async fn a_heart_in_a_hurry_beats_at_once_and_then_as_ever() {
        let conn = conn();
        tokio::spawn(beat(Arc::clone(&conn), Instant::now(), INTERVAL, TIMEOUT));
        tokio::task::yield_now().await;
        conn.bend(|bent| bent.heart = Heart::Early);
        assert_eq!(next_ping(&conn).await.as_secs(), 0);
        pong(&conn).await;
        assert_eq!(next_ping(&conn).await.as_secs(), 25);
    }

    #[tokio::test(start_paused = true)]
    async fn a_mute_heart_neither_beats_nor_breaks() {
        let conn = conn();
        tokio::spawn(beat(Arc::clone(&conn), Instant::now(), INTERVAL, TIMEOUT));
        conn.bend(|bent| bent.heart = Heart::Mute);
        assert!(timeout(Duration::from_secs(1_000), next_ping(&conn)).await.is_err());
        assert!(!conn.is_over());
        conn.bend(|bent| bent.heart = Heart::Regular);
        assert_eq!(next_ping(&conn).await.as_secs(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_stands_still_does_not_judge_its_clients() {
        let conn = conn();
        tokio::spawn(beat(Arc::clone(&conn), Instant::now(), INTERVAL, TIMEOUT));
        next_ping(&conn).await;
        conn.bend(|bent| bent.frozen = true);
        advance(Duration::from_secs(300)).await;
        tokio::task::yield_now().await;
        conn.bend(|bent| bent.frozen = false);
        advance(Duration::from_secs(30)).await;
        assert!(!conn.is_over());
        advance(Duration::from_secs(31)).await;
        conn.over().await;
    }
}

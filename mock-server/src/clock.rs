//! The server's wall clock, by which tokens and sessions age: it can be set off, jump and stand still.
//!
//! Timers of connections do not follow it. Knows nothing of who asks.

use std::time::Duration;

use tokio::sync::watch;

use crate::journal::Moment;

/// A wall clock of its own, in milliseconds.
#[derive(Debug)]
pub struct ServerClock {
    face: watch::Sender<Face>,
}

/// How the clock relates to document time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Face {
    /// It runs, ahead of document time.
    Runs {
        /// By this much; added when `ahead`, else taken away.
        offset: Duration,
        /// The sign of `offset`.
        ahead: bool,
    },
    /// It stands still at this time since the epoch.
    Stands(Duration),
}

impl Default for Face {
    fn default() -> Self {
        Self::Runs { offset: Duration::ZERO, ahead: true }
    }
}

impl Default for ServerClock {
    fn default() -> Self {
        Self { face: watch::Sender::new(Face::default()) }
    }
}

impl ServerClock {
    /// A clock that shows document time.
    pub fn new() -> Self {
        Self::default()
    }

    /// The time that it shows, since the Unix epoch, in whole milliseconds.
    pub fn now(&self) -> Duration {
        self.face.borrow().shows(Moment::now())
    }

    /// Whether it stands still.
    pub fn stands(&self) -> bool {
        matches!(*self.face.borrow(), Face::Stands(_))
    }

    /// Makes it show document time again.
    pub fn correct(&self) {
        self.face.send_replace(Face::default());
    }

    /// Makes it stand still: at this time since the epoch, or at the present one.
    pub fn freeze(&self, at: Option<Duration>) {
        self.face.send_modify(|face| *face = Face::Stands(at.map_or_else(|| face.shows(Moment::now()), whole_millis)));
    }

    /// Makes it run again, from the time that it shows.
    pub fn thaw(&self) {
        self.face.send_modify(|face| *face = Face::running_from(face.shows(Moment::now()), Moment::now()));
    }

    /// Makes it jump ahead, whether it runs or stands.
    pub fn advance(&self, by: Duration) {
        self.face.send_modify(|face| {
            let now = Moment::now();
            let later = face.shows(now).saturating_add(by);
            *face = match face {
                Face::Stands(_) => Face::Stands(whole_millis(later)),
                Face::Runs { .. } => Face::running_from(later, now),
            };
        });
    }

    /// Waits until the clock shows this time, however it gets there; returns at once if it does.
    pub async fn reached(&self, at: Duration) {
        let mut face = self.face.subscribe();
        loop {
            let left = face.borrow_and_update().time_until(at, Moment::now());
            let passed = async {
                match left {
                    Some(left) => tokio::time::sleep(left).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                // The sender is this clock itself, so the channel is open.
                _ = face.changed() => {}
                () = passed => if self.now() >= whole_millis(at) { return },
            }
        }
    }
}

impl Face {
    fn shows(self, now: Moment) -> Duration {
        let now = now.since_epoch();
        whole_millis(match self {
            Self::Runs { offset, ahead: true } => now.saturating_add(offset),
            Self::Runs { offset, ahead: false } => now.saturating_sub(offset),
            Self::Stands(at) => at,
        })
    }

    fn running_from(shown: Duration, now: Moment) -> Self {
        let now = whole_millis(now.since_epoch());
        Self::Runs { offset: shown.abs_diff(now), ahead: shown >= now }
    }

    /// Time until the clock shows `at`; none if it stands before it.
    fn time_until(self, at: Duration, now: Moment) -> Option<Duration> {
        let left = at.saturating_sub(self.shows(now));
        (left.is_zero() || matches!(self, Self::Runs { .. })).then_some(left)
    }
}

fn whole_millis(duration: Duration) -> Duration {
    Duration::new(duration.as_secs(), duration.subsec_millis() * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    const AT: Duration = Duration::from_millis(1_735_689_600_123);

    fn frozen() -> ServerClock {
        let clock = ServerClock::new();
        clock.freeze(Some(AT));
        clock
    }

    /// Whether the clock shows `at`, or what time has passed since at most.
    fn shows(clock: &ServerClock, at: Duration, started: Moment) -> bool {
        let slack = Moment::now().since(started) + Duration::from_millis(1);
        (at..=at + slack).contains(&clock.now())
    }

    #[test]
    fn it_shows_document_time_in_whole_milliseconds() {
        let (clock, before) = (ServerClock::new(), Moment::now());
        let shown = clock.now();
        assert_eq!(shown.subsec_nanos() % 1_000_000, 0);
        assert!(whole_millis(before.since_epoch()) <= shown && shown <= Moment::now().since_epoch());
    }

    #[test]
    fn a_frozen_clock_moves_by_jumps_only() {
        let clock = frozen();
        std::thread::sleep(Duration::from_millis(3));
        assert_eq!(clock.now(), AT);
        clock.advance(Duration::from_secs(3_600));
        assert_eq!(clock.now(), AT + Duration::from_secs(3_600));
    }

    #[test]
    fn a_thawed_clock_runs_from_where_it_stood() {
        let (clock, started) = (frozen(), Moment::now());
        clock.thaw();
        assert!(shows(&clock, AT, started), "{:?}", clock.now());
        clock.advance(Duration::from_secs(7));
        assert!(shows(&clock, AT + Duration::from_secs(7), started), "{:?}", clock.now());
        clock.freeze(None);
        let stands = clock.now();
        std::thread::sleep(Duration::from_millis(3));
        assert_eq!(clock.now(), stands);
    }

    #[test]
    fn it_can_be_made_to_show_document_time_again() {
        let (clock, started) = (frozen(), Moment::now());
        assert!(clock.stands());
        clock.correct();
        assert!(!clock.stands() && shows(&clock, whole_millis(started.since_epoch()), started), "{:?}", clock.now());
    }

    #[test]
    fn it_can_be_ahead_of_document_time() {
        let (clock, started) = (ServerClock::new(), Moment::now());
        clock.advance(Duration::from_secs(7_200));
        let expected = whole_millis(started.since_epoch()) + Duration::from_secs(7_200);
        assert!(shows(&clock, expected, started), "{:?}", clock.now());
    }

    #[tokio::test]
    async fn who_waits_for_a_time_wakes_when_the_clock_jumps_past_it() {
        let clock = frozen();
        let mut waits = Box::pin(clock.reached(AT + Duration::from_secs(3_600)));
        assert!((&mut waits).now_or_never().is_none());
        clock.advance(Duration::from_millis(3_599_999));
        assert!((&mut waits).now_or_never().is_none(), "a millisecond is left, and the clock stands");
        clock.advance(Duration::from_millis(1));
        waits.await;
    }

    #[tokio::test]
    async fn who_waits_for_a_time_wakes_when_the_clock_runs_there() {
        let clock = frozen();
        let at = AT + Duration::from_millis(5);
        let thaw = async { clock.thaw() };
        tokio::join!(clock.reached(at), thaw);
        assert!(clock.now() >= at);
        clock.reached(AT).await;
    }
}

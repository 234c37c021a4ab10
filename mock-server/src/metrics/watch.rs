//! What is under way on each connection, by the records of it.
//!
//! An attempt has one outcome: the first that is known. Knows nothing of how figures are written down.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use prometheus_client::metrics::counter::Counter;

use super::figures::Figures;
use super::{Limits, Milestones};
use crate::contract::Contract;
use crate::journal::{Actor, Answer, Entry, FaultPhase, Message, Moment, Record, Transport};
use crate::server::lock;

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Progress {
    /// Its first request has been read; it is not open.
    Attempted,
    /// The transport is open.
    Open,
    /// Socket.IO has acknowledged it.
    Connected,
    /// The server has refused who it says it is.
    Refused,
    /// It is fully established.
    Established,
    /// Socket.IO has disconnected it; the transport may go on.
    Disconnected,
}

/// Counts, and keeps what is under way.
#[derive(Debug)]
pub(crate) struct Watch {
    limits: Limits,
    milestones: Milestones,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    tracks: HashMap<(Actor, u32), Track>,
    /// Since when a cold start has held up TCP connections of which nothing has been read.
    held: HashMap<Actor, Moment>,
    figures: Arc<Figures>,
}

/// A connection that has not ended.
#[derive(Debug)]
struct Track {
    began: Moment,
    progress: Progress,
    since: Moment,
    /// Whether its first response has gone out.
    answered: bool,
    /// Whether its outcome is known.
    decided: bool,
}

impl Watch {
    /// Has seen nothing yet.
    pub(crate) fn new(contract: &Contract, limits: Limits) -> Self {
        Self { limits, milestones: Milestones::of(contract), inner: Mutex::default() }
    }

    /// Forgets all that was counted.
    pub(crate) fn begin_again(&self) {
        *lock(&self.inner) = Inner::default();
    }

    /// How far the actor's connection of this number has come, and since when it has been there; none if it has ended.
    pub(crate) fn progress(&self, actor: &Actor, number: u32) -> Option<(Progress, Moment)> {
        let inner = lock(&self.inner);
        inner.tracks.get(&(actor.clone(), number)).map(|track| (track.progress, track.since))
    }

    /// The figures in the text format of OpenMetrics, as of this moment.
    pub(crate) fn text(&self, now: Moment) -> String {
        let mut inner = lock(&self.inner);
        let Inner { tracks, figures, .. } = &mut *inner;
        for track in tracks.values_mut() {
            track.look_at_the_clock(now, self.limits, figures);
        }
        let (figures, connections) = (Arc::clone(figures), tracks.len());
        // Outside the lock, under which records are written.
        drop(inner);
        figures.text(connections)
    }

    /// Takes note of a record that is being written.
    pub(crate) fn see(&self, record: &Record) {
        let mut inner = lock(&self.inner);
        inner.figures.records.inc();
        match (&record.entry, record.connection) {
            (Entry::Fault(fault), connection) => {
                if fault.phase == FaultPhase::Fired {
                    inner.figures.fired(&fault.fault);
                    if connection.is_none() && fault.fault == COLD_START {
                        inner.held.entry(record.actor.clone()).or_insert(record.at);
                    }
                }
            }
            (Entry::Answer(_), None) => drop(inner.held.remove(&record.actor)),
            (Entry::Attempt(_), Some(number)) => inner.begin(record, number, self.limits),
            (_, Some(number)) => self.follow(&mut inner, record, number),
            (_, None) => {}
        }
    }

    fn follow(&self, inner: &mut Inner, record: &Record, number: u32) {
        let key = (record.actor.clone(), number);
        let Inner { tracks, figures, .. } = inner;
        let Some(track) = tracks.get_mut(&key) else { return };
        match &record.entry {
            Entry::Answer(answer) => self.answered(track, answer, record, figures),
            Entry::Sent(message) => self.sent(track, message, record.at, figures),
            Entry::Closed(_) => {
                track.look_at_the_clock(record.at, self.limits, figures);
                track.decide(figures, Some(&figures.ended));
                tracks.remove(&key);
            }
            _ => {}
        }
    }

    fn answered(&self, track: &mut Track, answer: &Answer, record: &Record, figures: &Figures) {
        if !std::mem::replace(&mut track.answered, true) && record.at.since(answer.asked) > self.limits.first_response {
            figures.cold_starts.inc();
        }
        if answer.status == SWITCHING_PROTOCOLS && track.progress == Progress::Attempted {
            track.reach(Progress::Open, record.at);
            if self.milestones.established.is_none() {
                self.establish(track, record.at, figures);
            }
        }
    }

    fn sent(&self, track: &mut Track, message: &Message, at: Moment, figures: &Figures) {
        let name = Some(message.name.as_str());
        match name {
            Some("OPEN") => track.reach(Progress::Open, at),
            Some("CONNECT") => track.reach(Progress::Connected, at),
            Some("DISCONNECT") => track.reach(Progress::Disconnected, at),
            _ => {}
        }
        if name == self.milestones.established {
            self.establish(track, at, figures);
        } else if name == self.milestones.refused {
            self.refuse(track, message, at, figures);
        }
    }

    fn establish(&self, track: &mut Track, at: Moment, figures: &Figures) {
        if track.progress == Progress::Established {
            return;
        }
        track.look_at_the_clock(at, self.limits, figures);
        track.reach(Progress::Established, at);
        track.decide(figures, None);
        figures.established(at.since(track.began));
    }

    /// A refusal that ends an established session is no failure to authenticate.
    fn refuse(&self, track: &mut Track, message: &Message, at: Moment, figures: &Figures) {
        if matches!(track.progress, Progress::Established | Progress::Refused) {
            return;
        }
        track.look_at_the_clock(at, self.limits, figures);
        track.reach(Progress::Refused, at);
        track.decide(figures, None);
        let code = message.data.as_ref().and_then(|data| data.get("code")?.as_str()).unwrap_or_default();
        figures.refused(code);
    }
}

impl Inner {
    fn begin(&mut self, record: &Record, number: u32, limits: Limits) {
        let transport = record.transport.map_or("", Transport::name);
        self.figures.attempted(transport);
        let held = self.held.remove(&record.actor).is_some_and(|since| record.at.since(since) > limits.first_response);
        if held {
            self.figures.cold_starts.inc();
        }
        let (began, progress) = (record.at, Progress::Attempted);
        let track = Track { began, progress, since: began, answered: held, decided: false };
        self.tracks.insert((record.actor.clone(), number), track);
    }
}

impl Track {
    fn reach(&mut self, progress: Progress, at: Moment) {
        if self.progress < progress {
            (self.progress, self.since) = (progress, at);
        }
    }

    /// Notes that the time for a verdict is over, if it is.
    fn look_at_the_clock(&mut self, now: Moment, limits: Limits, figures: &Figures) {
        if now.since(self.began) >= limits.verdict {
            self.decide(figures, Some(&figures.timed_out));
        }
    }

    fn decide(&mut self, figures: &Figures, outcome: Option<&Counter>) {
        if std::mem::replace(&mut self.decided, true) {
            return;
        }
        figures.decided.inc();
        if let Some(outcome) = outcome {
            outcome.inc();
        }
    }
}

/// The fault that makes first responses late before anything has been read.
const COLD_START: &str = "cold-start";

/// The status of an upgrade that succeeds.
const SWITCHING_PROTOCOLS: u16 = 101;

//! What an actor's earlier wire records say about the next one: waits, gaps, delays and open connections.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Map, Value};
use sparring_mock_server::journal::{Answer, Entry, Moment, Record};

/// The past of one actor's wire lane, as far as fields of later records follow from it.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Attempts by number.
    attempts: HashMap<u32, Past>,
    /// The number of the newest attempt.
    newest: Option<u32>,
    /// Connections that have not ended.
    open: u64,
    /// The last message of each name, by direction.
    messages: HashMap<(Direction, String), Moment>,
    /// The last ping of each connection, with its ordinal.
    pings: HashMap<Option<u32>, (u32, Moment)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Direction {
    Received,
    Sent,
}

/// An attempt and its connection.
#[derive(Debug)]
struct Past {
    began: Moment,
    wait: Option<Duration>,
    stage: Stage,
}

/// How far an attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Not answered yet.
    Asked,
    /// Answered well: there is a connection.
    Open,
    /// Refused, at this moment.
    Refused(Moment),
    /// Its connection ended, at this moment.
    Closed(Moment),
}

impl Past {
    /// When it ended; an attempt of which no answer is known ended as it began; none while the connection is open.
    fn ended(&self) -> Option<Moment> {
        match self.stage {
            Stage::Asked => Some(self.began),
            Stage::Open => None,
            Stage::Refused(at) | Stage::Closed(at) => Some(at),
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Refused(_) | Stage::Closed(_))
    }
}

impl History {
    /// Takes the next record and returns its derived fields.
    pub(super) fn derive(&mut self, record: &Record) -> Map<String, Value> {
        match &record.entry {
            Entry::Attempt(attempt) => self.attempt(attempt.number, record.at),
            Entry::Answer(answer) => {
                self.answered(record.connection, record.at, answer);
                fields([("delay", Some(record.at.since(answer.asked)))])
            }
            Entry::Received(message) => self.message(Direction::Received, &message.name, record.at),
            Entry::Sent(message) => self.message(Direction::Sent, &message.name, record.at),
            Entry::Ping(beat) => {
                let last = self.pings.insert(record.connection, (beat.ordinal, record.at));
                fields([("gap", last.map(|(_, at)| record.at.since(at)))])
            }
            Entry::Pong(beat) => {
                let ping = self.pings.get(&record.connection).filter(|(ordinal, _)| *ordinal == beat.ordinal);
                fields([("delay", ping.map(|(_, at)| record.at.since(*at)))])
            }
            Entry::Closed(_) => fields([("lasted", self.closed(record.connection, record.at))]),
            Entry::Request(_) | Entry::Fault(_) | Entry::Log(_) | Entry::Stored(_) => Map::new(),
        }
    }

    fn attempt(&mut self, number: u32, at: Moment) -> Map<String, Value> {
        let previous = self.newest.and_then(|newest| self.attempts.get(&newest));
        let wait = previous.and_then(Past::ended).map(|end| at.since(end));
        let mut derived = fields([("wait", wait), ("gap", previous.map(|past| at.since(past.began)))]);
        if let Some(growth) = growth(previous.and_then(|past| past.wait), wait) {
            derived.insert("growth".to_owned(), growth);
        }
        self.open += 1;
        derived.insert("open".to_owned(), self.open.into());
        self.attempts.insert(number, Past { began: at, wait, stage: Stage::Asked });
        self.newest = Some(number);
        derived
    }

    /// The first answer on a connection is that to its attempt; those to later requests change nothing.
    fn answered(&mut self, connection: Option<u32>, at: Moment, answer: &Answer) {
        let Some(past) = connection.and_then(|number| self.attempts.get_mut(&number)) else { return };
        let opening = matches!(answer.name.as_str(), "handshake" | "upgrade");
        if !opening || past.stage != Stage::Asked {
            return;
        }
        if matches!(answer.status, 101 | 200) {
            past.stage = Stage::Open;
        } else {
            past.stage = Stage::Refused(at);
            self.open = self.open.saturating_sub(1);
        }
    }

    fn closed(&mut self, connection: Option<u32>, at: Moment) -> Option<Duration> {
        let past = self.attempts.get_mut(&connection?)?;
        if !past.is_over() {
            self.open = self.open.saturating_sub(1);
        }
        past.stage = Stage::Closed(at);
        Some(at.since(past.began))
    }

    fn message(&mut self, direction: Direction, name: &str, at: Moment) -> Map<String, Value> {
        let last = self.messages.insert((direction, name.to_owned()), at);
        fields([("gap", last.map(|last| at.since(last)))])
    }
}

/// A wait over the wait before it.
fn growth(before: Option<Duration>, wait: Option<Duration>) -> Option<Value> {
    let before = before.filter(|before| !before.is_zero())?;
    serde_json::Number::from_f64(wait?.div_duration_f64(before)).map(Value::Number)
}

/// A duration as records hold it.
pub(super) fn micros(duration: Duration) -> Value {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).into()
}

fn fields<const N: usize>(durations: [(&str, Option<Duration>); N]) -> Map<String, Value> {
    durations.into_iter().filter_map(|(name, duration)| Some((name.to_owned(), micros(duration?)))).collect()
}

//! The two lanes of a case as stable text: what the client reported and what passed on the wire, without what differs
//! from run to run (ids, tokens, ports, times, the race between transports).
//!
//! Order is certain only inside a lane, and on the wire only inside a connection: so each connection is a line of its
//! own, in the words of the scenario language. What is not certain to be there however fast the parts were is left out.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::certain::certain;

/// See [`Seen::is_racing`].
const RACING: [&str; 8] = ["OPEN", "PROBE", "UPGRADE", "NOOP", "CLOSE", "polling", "upgrade", "handshake"];

/// See the scenario language, section 4.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    Client,
    Wire,
}

/// An observation of a trace, and its place in it.
pub(crate) struct Seen<'a> {
    pub(crate) place: usize,
    pub(crate) key: &'a str,
    /// Its value where that is text.
    pub(crate) name: &'a str,
    value: &'a Value,
    pub(crate) fields: &'a Value,
}

/// The lanes of these cases of one file. What is the same in neighbours is written once.
pub(crate) fn of<'a>(cases: impl Iterator<Item = &'a Value>) -> String {
    let shown = cases.map(|case| (case["id"].as_str().unwrap_or_default().to_owned(), of_case(case)));
    let headed = alike(shown).into_iter().map(|(ids, lanes)| format!("{}\n{lanes}", ids.join("\n")));
    headed.collect::<Vec<_>>().join("\n")
}

/// The lanes of every actor of a case.
fn of_case(case: &Value) -> String {
    let actors: BTreeSet<_> = trace(case).iter().filter_map(|record| record["actor"].as_str()).map(counted).collect();
    let lanes = |(crowd, number): (&str, u64)| {
        let actor = if number == 0 { crowd.to_owned() } else { format!("{crowd}/{number}") };
        let lanes = of_actor(case, &actor);
        (actor, lanes)
    };
    let mut text = String::new();
    for (actors, lanes) in alike(actors.into_iter().map(lanes)) {
        for (lane, rows) in lanes {
            let _ = writeln!(text, "  {}, {lane}", together(&actors));
            text.extend(rows.iter().map(|row| format!("    {row}\n")));
        }
    }
    text
}

/// `crowd/1 to crowd/5, one, two`.
fn together(actors: &[String]) -> String {
    let crowds = actors.chunk_by(|one, next| counted(one).0 == counted(next).0);
    let names = crowds.map(|crowd| match crowd {
        [first, .., last] => format!("{first} to {last}"),
        few => few.concat(),
    });
    names.collect::<Vec<_>>().join(", ")
}

/// The lanes of an actor that are not empty, with their names.
fn of_actor(case: &Value, actor: &str) -> Vec<(&'static str, Vec<String>)> {
    let seen = observations(case, actor);
    let certain = certain(case, actor, &seen);
    let of = |lane| seen.iter().filter(|one| one.lane() == lane && certain.contains(&one.place)).collect::<Vec<_>>();
    let lanes = [("client lane", client_rows(&of(Lane::Client))), ("wire lane", wire_rows(&of(Lane::Wire)))];
    lanes.into_iter().filter(|(_, rows)| !rows.is_empty()).collect()
}

/// `crowd/12` in two parts, so that it sorts behind `crowd/2`.
fn counted(actor: &str) -> (&str, u64) {
    let parts = actor.rsplit_once('/').and_then(|(crowd, number)| Some((crowd, number.parse().ok()?)));
    parts.unwrap_or((actor, 0))
}

/// Joins neighbours that are equal, and keeps the names of all.
fn alike<T: PartialEq>(all: impl Iterator<Item = (String, T)>) -> Vec<(Vec<String>, T)> {
    let mut joined: Vec<(Vec<String>, T)> = Vec::new();
    for (name, value) in all {
        match joined.last_mut().filter(|(_, last)| *last == value) {
            Some((names, _)) => names.push(name),
            None => joined.push((vec![name], value)),
        }
    }
    joined
}

fn trace(case: &Value) -> &[Value] {
    case["trace"].as_array().map_or(&[], Vec::as_slice)
}

fn observations<'a>(case: &'a Value, actor: &str) -> Vec<Seen<'a>> {
    let own = trace(case).iter().enumerate().filter(|(_, record)| record["actor"] == actor);
    let seen = own.filter_map(|(place, record)| {
        let observed = record["what"].get("observed")?;
        let key = observed["key"].as_str()?;
        let (value, fields) = (&observed["value"], &observed["fields"]);
        Some(Seen { place, key, name: value.as_str().unwrap_or_default(), value, fields })
    });
    seen.collect()
}

impl Seen<'_> {
    pub(crate) fn lane(&self) -> Lane {
        let client = ["state", "event", "token", "log", "stored", "result"];
        if client.contains(&self.key) { Lane::Client } else { Lane::Wire }
    }

    pub(crate) fn connection(&self) -> Option<u64> {
        self.fields["connection"].as_u64()
    }

    /// Its value where that is a number.
    pub(crate) fn ordinal(&self) -> u64 {
        self.value.as_u64().unwrap_or_default()
    }

    pub(crate) fn is_message(&self) -> bool {
        self.key == "sent" || self.key == "received"
    }

    /// Whether a side has left its connection.
    pub(crate) fn is_ending(&self) -> bool {
        self.key == "closed" || (self.is_message() && self.name == "DISCONNECT")
    }

    /// Whether the server has told a client that it may not stay.
    pub(crate) fn is_refusal(&self) -> bool {
        self.key == "sent" && self.name == "auth_error"
    }

    /// Whether its place depends on when the transport is upgraded, or on how often one polls.
    pub(crate) fn is_racing(&self) -> bool {
        RACING.contains(&self.name)
    }

    /// Whether it has a place in a line, rather than beside it or nowhere.
    fn is_in_line(&self) -> bool {
        match self.key {
            "ping" | "pong" | "fault" | "result" => false,
            // Its change of state only repeats the states.
            "event" => self.name != "connectionStateChange",
            // Every attempt reads it.
            "token" => self.name != "read",
            // What a client writes down is judged by the scenarios; the server's word is part of its contract.
            "log" => self.name == "Connection handling failed",
            _ => !self.is_racing(),
        }
    }

    /// Whether it acts or answers beside what passes, so that it stands at the end of a line.
    fn is_beside(&self) -> bool {
        let exchanged = matches!(self.key, "request" | "answer") && self.is_racing();
        let fired = self.key == "fault" && self.fields["phase"] == "fired";
        // When a fault of the upgrade fires is as open as the upgrade.
        exchanged || (fired && !self.name.starts_with("upgrade-"))
    }

    /// In the words of the scenario language, with the one detail that matters.
    fn words(&self) -> String {
        match self.key {
            "state" => return self.name.to_owned(),
            "attempt" => return format!("attempt {} by {}", self.value, text(self.fields, "transport")),
            // The id of a session follows its kind.
            "stored" => return format!("stored {}", self.name.split(':').next().unwrap_or_default()),
            _ => (),
        }
        let detail = match (self.key, self.name) {
            ("token", _) => text(self.fields, "kind"),
            ("received", "CONNECT") => text(self.fields, "token_kind"),
            ("sent", "auth_error") => text(&self.fields["data"], "code"),
            ("sent", "session_created") | ("event", "sessionCreated") => self.holder(),
            ("answer", _) => self.fields["status"].to_string(),
            ("result", _) => if self.fields["ok"] == true { "ok" } else { "not ok" }.to_owned(),
            _ => String::new(),
        };
        let detail = if detail.is_empty() { detail } else { format!(" ({detail})") };
        format!("{} {}{detail}", self.key, self.name)
    }

    /// Whose session it is, as far as the payload says.
    fn holder(&self) -> String {
        let guest = self.fields["data"]["isGuest"].as_bool();
        guest.map_or("", |guest| if guest { "guest" } else { "user" }).to_owned()
    }
}

/// A field that is text or absent.
fn text(fields: &Value, name: &str) -> String {
    fields[name].as_str().unwrap_or_default().to_owned()
}

/// What an adapter or the mock said of itself: one line for each run of the state machine, and at the end the answers
/// to actions, which come beside it.
fn client_rows(rows: &[&Seen]) -> Vec<String> {
    let mut lines: Vec<Vec<String>> = Vec::new();
    for row in rows.iter().filter(|row| row.is_in_line()) {
        match lines.last_mut().filter(|_| row.key != "state" || row.name != "connecting") {
            Some(line) => line.push(row.words()),
            None => lines.push(vec![row.words()]),
        }
    }
    lines.push(rows.iter().filter(|row| row.key == "result").map(|row| row.words()).collect());
    lines.into_iter().filter(|line| !line.is_empty()).map(|line| line.join(", ")).collect()
}

/// A connection, or another exchange.
#[derive(Default)]
struct Line {
    connection: Option<u64>,
    words: Vec<String>,
    beside: BTreeSet<String>,
}

/// What passed between an actor and the server: one line for each connection and for each other exchange.
fn wire_rows(rows: &[&Seen]) -> Vec<String> {
    let mut lines: Vec<Line> = Vec::new();
    for row in rows.iter().filter(|row| row.is_in_line() || row.is_beside()) {
        let connection = row.connection();
        let begins = connection.is_none() && row.key == "request";
        let place = lines.iter().rposition(|line| line.connection == connection && !begins);
        let place = place.unwrap_or_else(|| {
            lines.push(Line { connection, ..Line::default() });
            lines.len() - 1
        });
        if row.is_in_line() {
            lines[place].words.push(row.words());
        } else {
            lines[place].beside.insert(row.words());
        }
    }
    let whole = |line: Line| line.words.into_iter().chain(line.beside).collect::<Vec<_>>().join(", ");
    lines.into_iter().map(whole).collect()
}

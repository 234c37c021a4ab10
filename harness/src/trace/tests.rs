//! Records from wire entries and adapter lines: own fields and derived ones.

use std::collections::BTreeMap;
use std::time::Duration;

use rstest::rstest;
use serde_json::{Map, Value, json};
use sparring_mock_server::journal::{
    self, Actor, Answer, Attempt, Closed, Closer, Entry, FaultEntry, FaultPhase, Heartbeat, LogEntry, LogLevel,
    Message, Moment, Request, StoredEntry, Transport,
};

use super::{Ending, Merger, Observed, Record, Stamp, What};
use crate::spec::model::{Key, Subject};

fn at(millis: u64) -> Moment {
    Moment::after_epoch(Duration::from_millis(millis))
}

fn entry(millis: u64, connection: Option<u32>, entry: Entry) -> journal::Record {
    journal::Record { seq: 0, at: at(millis), actor: Actor::new("client"), connection, transport: None, entry }
}

fn attempt(number: u32) -> Entry {
    Entry::Attempt(Attempt { number, ..Attempt::default() })
}

fn answer(name: &str, status: u16, asked: u64) -> Entry {
    let (name, headers) = (name.to_owned(), BTreeMap::new());
    Entry::Answer(Answer { name, status, headers, body: Value::Null, asked: at(asked) })
}

fn closed() -> Entry {
    Entry::Closed(Closed { by: Closer::Client, code: None, reason: None, clean: true })
}

fn received(name: &str) -> Entry {
    Entry::Received(Message { name: name.to_owned(), ..Message::default() }.into())
}

fn sent(name: &str) -> Entry {
    Entry::Sent(Message { name: name.to_owned(), ..Message::default() }.into())
}

fn beat(ordinal: u32) -> Heartbeat {
    Heartbeat { ordinal, payload: String::new() }
}

fn observed(record: Record) -> Observed {
    match record.what {
        What::Observed(observed) => observed,
        other => panic!("{other:?}"),
    }
}

/// The derived fields of the last of these entries; durations in milliseconds.
fn derived(entries: &[(u64, u32, Entry)]) -> Value {
    let mut merger = Merger::new(Subject::Client);
    let records = entries.iter().map(|(millis, connection, one)| entry(*millis, Some(*connection), one.clone()));
    let last = records.map(|record| merger.journal(&record)).last().flatten().map(observed).unwrap();
    let names = ["wait", "gap", "growth", "open", "delay", "lasted"];
    let fields = last.fields.into_iter().filter(|(name, _)| names.contains(&name.as_str()));
    let millis = |(name, value): (String, Value)| {
        let is_duration = Observed::DURATIONS.contains(&name.as_str());
        let value = if is_duration { json!(value.as_u64().unwrap() / 1_000) } else { value };
        (name, value)
    };
    Value::Object(fields.map(millis).collect())
}

#[rstest]
#[case::first_attempt(vec![(0, 1, attempt(1))], json!({"open": 1}))]
#[case::since_the_end_of_the_connection(
    vec![(0, 1, attempt(1)), (5, 1, answer("handshake", 200, 0)), (700, 1, closed()), (1_000, 2, attempt(2))],
    json!({"wait": 300, "gap": 1000, "open": 1})
)]
#[case::while_it_is_open(
    vec![(0, 1, attempt(1)), (5, 1, answer("upgrade", 101, 0)), (1_000, 2, attempt(2))],
    json!({"gap": 1000, "open": 2})
)]
#[case::since_a_refusal(
    vec![(0, 1, attempt(1)), (100, 1, answer("handshake", 503, 0)), (1_000, 2, attempt(2))],
    json!({"wait": 900, "gap": 1000, "open": 1})
)]
#[case::since_the_close_behind_a_refusal(
    vec![(0, 1, attempt(1)), (100, 1, answer("upgrade", 403, 0)), (150, 1, closed()), (1_000, 2, attempt(2))],
    json!({"wait": 850, "gap": 1000, "open": 1})
)]
#[case::since_a_close_without_answer(
    vec![(0, 1, attempt(1)), (100, 1, closed()), (1_000, 2, attempt(2))],
    json!({"wait": 900, "gap": 1000, "open": 1})
)]
#[case::since_itself_if_nothing_is_known(
    vec![(0, 1, attempt(1)), (1_000, 2, attempt(2))],
    json!({"wait": 1000, "gap": 1000, "open": 2})
)]
#[case::growth(
    vec![
        (0, 1, attempt(1)), (0, 1, closed()), (1_000, 2, attempt(2)), (1_500, 2, closed()), (4_000, 3, attempt(3)),
    ],
    json!({"wait": 2500, "gap": 3000, "growth": 2.5, "open": 1})
)]
#[case::a_later_refused_upgrade_ends_nothing(
    vec![
        (0, 1, attempt(1)), (5, 1, answer("handshake", 200, 0)), (50, 1, answer("upgrade", 403, 40)),
        (1_000, 2, attempt(2)),
    ],
    json!({"gap": 1000, "open": 2})
)]
#[case::received_gap(vec![(0, 1, received("a")), (10, 1, sent("a")), (30, 1, received("a"))], json!({"gap": 30}))]
#[case::sent_gap(vec![(0, 1, sent("a")), (10, 1, received("a")), (30, 2, sent("a"))], json!({"gap": 30}))]
#[case::gap_of_another_name(vec![(0, 1, received("a")), (30, 1, received("b"))], json!({}))]
#[case::answer_delay(vec![(40, 1, answer("refresh", 200, 15))], json!({"delay": 25}))]
#[case::first_ping(vec![(0, 1, Entry::Ping(beat(1)))], json!({}))]
#[case::ping_gap(vec![(0, 1, Entry::Ping(beat(1))), (25, 1, Entry::Ping(beat(2)))], json!({"gap": 25}))]
#[case::ping_gap_on_its_connection(vec![(0, 1, Entry::Ping(beat(1))), (25, 2, Entry::Ping(beat(1)))], json!({}))]
#[case::pong_delay(vec![(10, 1, Entry::Ping(beat(1))), (19, 1, Entry::Pong(beat(1)))], json!({"delay": 9}))]
#[case::pong_of_another_ping(vec![(10, 1, Entry::Ping(beat(1))), (19, 1, Entry::Pong(beat(2)))], json!({}))]
#[case::lasted(vec![(10, 1, attempt(1)), (500, 1, closed())], json!({"lasted": 490}))]
#[case::lasted_without_attempt(vec![(500, 1, closed())], json!({}))]
fn derived_fields(#[case] entries: Vec<(u64, u32, Entry)>, #[case] expected: Value) {
    assert_eq!(derived(&entries), expected);
}

#[test]
fn actors_have_histories_of_their_own() {
    let mut merger = Merger::new(Subject::Client);
    merger.journal(&entry(0, Some(1), attempt(1)));
    let other = journal::Record { actor: Actor::new("bob"), ..entry(10, Some(1), attempt(1)) };
    let fields = observed(merger.journal(&other).unwrap()).fields;
    assert_eq!((fields.get("open"), fields.get("gap")), (Some(&json!(1)), None));
}

/// Key, value and fields of an entry.
fn told(one: Entry) -> (Key, Value, Value) {
    let record = journal::Record { transport: Some(Transport::Polling), ..entry(0, Some(7), one) };
    let observed = observed(Merger::new(Subject::Client).journal(&record).unwrap());
    assert_eq!((observed.fields["connection"].clone(), observed.connection()), (json!(7), Some(7)));
    assert_eq!(observed.fields["transport"], json!("polling"));
    let mut fields = observed.fields;
    fields.retain(|name, _| !["connection", "transport"].contains(&name.as_str()));
    (observed.key, observed.value, Value::Object(fields))
}

#[rstest]
#[case::attempt(
    Entry::Attempt(Attempt {
        number: 3, path: "/socket.io/".to_owned(), token: Some("t".to_owned()), token_kind: Some("jwt".to_owned()),
        ..Attempt::default()
    }),
    (Key::Attempt, json!(3), json!({
        "path": "/socket.io/", "query": {}, "headers": {}, "token": "t", "token_kind": "jwt", "open": 1
    }))
)]
#[case::request(
    Entry::Request(Request { name: "refresh".to_owned(), method: "POST".to_owned(), ..Request::default() }),
    (Key::Request, json!("refresh"), json!({"method": "POST", "path": "", "query": {}, "headers": {}}))
)]
#[case::answer(
    answer("refresh", 200, 0),
    (Key::Answer, json!("refresh"), json!({"status": 200, "headers": {}, "delay": 0}))
)]
#[case::received(
    Entry::Received(Message {
        name: "CONNECT".to_owned(), data: Some(json!({"a": 1})), raw: "40".to_owned(), token: Some("t".to_owned()),
        token_kind: Some("guest".to_owned()), id: Some(4), ack: true, ..Message::default()
    }.into()),
    (Key::Received, json!("CONNECT"), json!({
        "data": {"a": 1}, "args": [], "raw": "40", "binary": false, "ack": true, "id": 4, "token": "t",
        "token_kind": "guest"
    }))
)]
#[case::sent_has_no_token(
    Entry::Sent(Message {
        name: "CLOSE".to_owned(), token: Some("t".to_owned()), code: Some(4401), reason: Some("bye".to_owned()),
        ..Message::default()
    }.into()),
    (Key::Sent, json!("CLOSE"), json!({
        "args": [], "raw": "", "binary": false, "ack": false, "code": 4401, "reason": "bye"
    }))
)]
#[case::ping(Entry::Ping(beat(2)), (Key::Ping, json!(2), json!({"payload": ""})))]
#[case::pong(Entry::Pong(beat(2)), (Key::Pong, json!(2), json!({"payload": ""})))]
#[case::closed(closed(), (Key::Closed, json!("client"), json!({"clean": true})))]
#[case::fault(
    Entry::Fault(FaultEntry { fault: "silent-auth".to_owned(), rule: 1, phase: FaultPhase::Fired }),
    (Key::Fault, json!("silent-auth"), json!({"rule": 1, "phase": "fired"}))
)]
fn own_fields(#[case] one: Entry, #[case] expected: (Key, Value, Value)) {
    assert_eq!(told(one), expected);
}

fn log() -> Entry {
    Entry::Log(LogEntry { level: LogLevel::Warn, message: "slow".to_owned(), fields: Map::new() })
}

fn stored() -> Entry {
    Entry::Stored(StoredEntry { key: "session:1".to_owned(), value: json!(1), ttl_s: Some(3_600) })
}

// In a client scenario the mock's own log is nobody's lane; in a probe scenario it is the client lane, and the wire lane
// is the probe's, but for the faults, of which only the mock knows.
#[rstest]
#[case(Subject::Client, log(), None)]
#[case(Subject::Client, stored(), None)]
#[case(Subject::Client, attempt(1), Some(Key::Attempt))]
#[case(Subject::Server, log(), Some(Key::Log))]
#[case(Subject::Server, stored(), Some(Key::Stored))]
#[case(Subject::Server, attempt(1), None)]
#[case(
    Subject::Server,
    Entry::Fault(FaultEntry { fault: "x".to_owned(), rule: 0, phase: FaultPhase::Undone }),
    Some(Key::Fault)
)]
fn who_writes_which_lane(#[case] subject: Subject, #[case] one: Entry, #[case] expected: Option<Key>) {
    let record = Merger::new(subject).journal(&entry(0, None, one));
    assert_eq!(record.map(|record| observed(record).key), expected);
}

#[test]
fn a_probe_writes_its_own_wire_lane() {
    let record = Merger::new(Subject::Server).probe(&entry(5, Some(1), attempt(1))).unwrap();
    assert_eq!((record.at, observed(record).key), (at(5), Key::Attempt));
}

#[test]
fn the_mocks_log_and_store() {
    let mut merger = Merger::new(Subject::Server);
    let line = observed(merger.journal(&entry(0, None, log())).unwrap());
    assert_eq!((line.value, line.fields["level"].clone()), (json!("slow"), json!("warn")));
    let key = observed(merger.journal(&entry(0, None, stored())).unwrap());
    let expected = json!({"value": 1, "ttl": 3_600_000_000_u64});
    assert_eq!((key.value, Value::Object(key.fields)), (json!("session:1"), expected));
}

#[test]
fn adapter_lines() {
    let (mut merger, actor) = (Merger::new(Subject::Client), Actor::new("client"));
    let stamp = || Stamp::from(at(1));
    let records = [
        merger.state(&actor, stamp(), Some("a"), "b"),
        merger.event(&actor, stamp(), "sessionCreated", Some(json!(1))),
        merger.token(&actor, stamp(), "stored", Some("guest"), Some("guest_550e")),
        merger.log(&actor, stamp(), "warn", "text", Map::new()),
        merger.result(&actor, stamp(), "asked", Ending::Done(Some(json!(2)))),
        merger.result(&actor, stamp(), "asked", Ending::Error("timeout".to_owned())),
    ];
    let told = records.map(observed).map(|one| (one.key, one.value, Value::Object(one.fields)));
    let expected = [
        (Key::State, json!("b"), json!({"from": "a"})),
        (Key::Event, json!("sessionCreated"), json!({"data": 1})),
        (Key::Token, json!("stored"), json!({"kind": "guest", "prefix": "guest_550e"})),
        (Key::Log, json!("text"), json!({"level": "warn", "message": "text", "fields": {}})),
        (Key::Result, json!("asked"), json!({"ok": true, "value": 2})),
        (Key::Result, json!("asked"), json!({"ok": false, "error": "timeout"})),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_line_without_stamp_has_slack() {
    let stamp = Stamp { at: at(10), slack: Duration::from_millis(3) };
    let record = Merger::new(Subject::Client).state(&Actor::new("client"), stamp, None, "b");
    assert_eq!((record.at, observed(record).slack_us), (at(10), 3_000));
}

#[test]
fn a_lane_never_runs_backwards_and_keeps_its_order_in_the_trace() {
    let (mut merger, actor) = (Merger::new(Subject::Client), Actor::new("client"));
    let first = merger.state(&actor, at(10).into(), None, "first");
    let second = merger.state(&actor, at(7).into(), None, "second");
    let wire = merger.journal(&entry(8, Some(1), attempt(1))).unwrap();
    assert_eq!(second.at, at(10));
    let trace = Merger::trace(vec![first.clone(), second.clone(), wire.clone()]);
    assert_eq!(trace, [wire, first, second]);
}

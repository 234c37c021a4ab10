//! Figures of made-up journals.

use std::time::Duration;

use rstest::rstest;
use serde_json::{Map, json};

use super::{Limits, Progress, Watch};
use crate::contract::SystemId;
use crate::journal::{
    Actor, Answer, Attempt, Closed, Closer, Entry, FaultEntry, FaultPhase, Message, Moment, Record, Transport,
};

/// A watch and the journal that it sees.
struct World {
    watch: Watch,
    seq: u64,
}

fn at(millis: u64) -> Moment {
    Moment::after_epoch(Duration::from_millis(1_735_689_600_000 + millis))
}

fn actor() -> Actor {
    Actor::new("client")
}

impl World {
    fn new() -> Self {
        let contract = SystemId::Digitwin.contract();
        Self { watch: Watch::new(contract, Limits::of(contract)), seq: 0 }
    }

    fn see(&mut self, millis: u64, connection: Option<u32>, entry: Entry) {
        let transport = connection.map(|_| Transport::Polling);
        let record = Record { seq: self.seq, at: at(millis), actor: actor(), connection, transport, entry };
        self.seq += 1;
        self.watch.see(&record);
    }

    fn attempt(&mut self, millis: u64, number: u32) {
        self.see(millis, Some(number), Entry::Attempt(Attempt { number, ..Attempt::default() }));
    }

    fn answer(&mut self, asked: u64, millis: u64, connection: Option<u32>) {
        let headers = std::collections::BTreeMap::new();
        let answer = Answer { name: "handshake".to_owned(), status: 200, headers, body: json!(null), asked: at(asked) };
        self.see(millis, connection, Entry::Answer(answer));
    }

    fn sent(&mut self, millis: u64, number: u32, name: &str) {
        let data = Some(json!({"code": "AUTH_INVALID"}));
        let message = Message { name: name.to_owned(), data, ..Message::default() };
        self.see(millis, Some(number), Entry::Sent(message.into()));
    }

    fn closed(&mut self, millis: u64, number: u32) {
        let closed = Closed { by: Closer::Client, code: None, reason: None, clean: false };
        self.see(millis, Some(number), Entry::Closed(closed));
    }

    fn fault(&mut self, millis: u64, connection: Option<u32>, fault: &str) {
        let fault = FaultEntry { fault: fault.to_owned(), rule: 0, phase: FaultPhase::Fired };
        self.see(millis, connection, Entry::Fault(fault));
    }

    /// A whole life in the documented order, from its attempt to its verdict.
    fn healthy(&mut self, millis: u64, number: u32) {
        self.attempt(millis, number);
        self.answer(millis, millis + 1, Some(number));
        self.sent(millis + 1, number, "OPEN");
        self.sent(millis + 2, number, "CONNECT");
        self.sent(millis + 250, number, "session_created");
    }

    fn figures(&self, millis: u64) -> Map<String, serde_json::Value> {
        let text = self.watch.text(at(millis));
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines
            .filter_map(|line| {
                let (name, value) = line.rsplit_once(' ')?;
                Some((name.trim_start_matches("sparring_").to_owned(), json!(value.parse::<f64>().ok()?)))
            })
            .collect()
    }

    #[track_caller]
    fn check(&self, millis: u64, expected: &[(&str, f64)]) {
        let figures = self.figures(millis);
        for (name, value) in expected {
            assert_eq!(figures.get(*name), Some(&json!(value)), "{name} in {figures:#?}");
        }
    }
}

/// The document's own case: 100 connections with 10 silent ones, 5 refusals and 3 cold starts.
#[test]
fn the_figures_match_the_injected_faults() {
    let mut world = World::new();
    for number in 1..=100 {
        let began = u64::from(number) * 20_000;
        match number {
            1..=10 => {
                world.attempt(began, number);
                world.sent(began + 2, number, "CONNECT");
                world.fault(began + 2, Some(number), "silent-auth");
                world.closed(began + 10_003, number);
            }
            11..=15 => {
                world.attempt(began, number);
                world.sent(began + 2, number, "CONNECT");
                world.sent(began + 4, number, "auth_error");
                world.closed(began + 5, number);
            }
            16..=18 => {
                world.attempt(began, number);
                world.answer(began, began + 4_000, Some(number));
                world.sent(began + 4_250, number, "session_created");
            }
            _ => world.healthy(began, number),
        }
    }
    let average = (3.0 * 4.25 + 82.0 * 0.25) / 85.0;
    world.check(
        2_100_000,
        &[
            ("connection_success_ratio", 0.85),
            ("authentication_failure_ratio", 0.05),
            ("timeout_ratio", 0.1),
            ("cold_start_ratio", 0.03),
            ("attempts_total{transport=\"polling\"}", 100.0),
            ("connections_established_total", 85.0),
            ("authentication_failures_total{code=\"AUTH_INVALID\"}", 5.0),
            ("timeouts_total", 10.0),
            ("cold_starts_total", 3.0),
            ("attempts_ended_total", 0.0),
            ("faults_fired_total{fault=\"silent-auth\"}", 10.0),
            ("connections", 85.0),
            ("connection_seconds_count", 85.0),
        ],
    );
    let told = world.figures(2_100_000)["connection_seconds_average"].as_f64().expect("a number");
    assert!((told - average).abs() < 1e-9, "{told} {average}");
}

#[test]
fn nothing_is_known_of_an_attempt_under_way_until_its_time_is_over() {
    let mut world = World::new();
    world.attempt(0, 1);
    let rates = |world: &World, millis| world.figures(millis)["timeout_ratio"].clone();
    assert_eq!(rates(&world, 9_999), json!(null), "not a number");
    world.check(10_000, &[("timeout_ratio", 1.0), ("connections", 1.0)]);
    world.check(20_000, &[("timeouts_total", 1.0), ("attempts_decided_total", 1.0)]);
    world.sent(21_000, 1, "session_created");
    world.closed(22_000, 1);
    world.check(
        23_000,
        &[("timeouts_total", 1.0), ("connections_established_total", 1.0), ("attempts_decided_total", 1.0)],
    );
}

#[rstest]
#[case::in_the_middle(500, 1.0, 0.0)]
#[case::at_the_limit(10_000, 0.0, 1.0)]
fn an_attempt_that_ends_without_a_verdict(#[case] millis: u64, #[case] ended: f64, #[case] timed_out: f64) {
    let mut world = World::new();
    world.attempt(0, 1);
    world.closed(millis, 1);
    world.check(millis, &[("attempts_ended_total", ended), ("timeouts_total", timed_out), ("connections", 0.0)]);
}

#[test]
fn an_error_in_an_established_session_is_no_failure_to_authenticate() {
    let mut world = World::new();
    world.healthy(0, 1);
    world.sent(9_000, 1, "auth_error");
    world.closed(9_001, 1);
    world.check(9_001, &[("authentication_failure_ratio", 0.0), ("connection_success_ratio", 1.0)]);
}

#[rstest]
#[case::slow_answer(3_001, 1.0)]
#[case::quick_enough(3_000, 0.0)]
fn first_responses_tell_cold_starts(#[case] answered: u64, #[case] cold: f64) {
    let mut world = World::new();
    world.attempt(0, 1);
    world.answer(0, answered, Some(1));
    world.answer(answered, answered + 9_000, Some(1));
    world.check(20_000, &[("cold_starts_total", cold)]);
}

#[test]
fn a_cold_start_before_the_first_byte_counts_once() {
    let mut world = World::new();
    world.fault(0, None, "cold-start");
    world.attempt(4_000, 1);
    world.answer(4_000, 8_000, Some(1));
    world.fault(9_000, None, "cold-start");
    world.answer(9_000, 19_000, None);
    world.attempt(20_000, 2);
    world.check(20_000, &[("cold_starts_total", 1.0), ("faults_fired_total{fault=\"cold-start\"}", 2.0)]);
}

#[test]
fn a_connection_is_followed_until_it_ends() {
    let mut world = World::new();
    let mut seen = Vec::new();
    let mut look = |world: &World| seen.push(world.watch.progress(&actor(), 1));
    look(&world);
    world.attempt(0, 1);
    look(&world);
    for (millis, name) in [(1, "OPEN"), (2, "CONNECT"), (3, "session_created"), (4, "hello"), (5, "DISCONNECT")] {
        world.sent(millis, 1, name);
        look(&world);
    }
    world.closed(6, 1);
    look(&world);
    let expected = [
        None,
        Some((Progress::Attempted, at(0))),
        Some((Progress::Open, at(1))),
        Some((Progress::Connected, at(2))),
        Some((Progress::Established, at(3))),
        Some((Progress::Established, at(3))),
        Some((Progress::Disconnected, at(5))),
        None,
    ];
    assert_eq!(seen, expected);
}

#[test]
fn labels_that_nobody_reads_are_counted_together() {
    let mut world = World::new();
    (0..100).for_each(|number| world.fault(0, None, &format!("fault-{number}")));
    world.check(0, &[("faults_fired_total{fault=\"other\"}", 36.0), ("faults_fired_total{fault=\"fault-3\"}", 1.0)]);
}

#[test]
fn all_is_forgotten_when_it_begins_again() {
    let mut world = World::new();
    world.healthy(0, 1);
    world.watch.begin_again();
    world.check(0, &[("connections", 0.0), ("connections_established_total", 0.0), ("journal_records_total", 0.0)]);
}

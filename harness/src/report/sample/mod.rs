//! A run as it could have been, for the tests of all reports: each kind of outcome once, with traces like real ones.

mod shelf;

use std::time::Duration;

use serde_json::{Value, json};
use sparring_mock_server::journal::{Actor, Moment};

use super::events::{CaseName, RunEvent};
use super::results::{Attach, CaseResult, ClientInfo, LeftOutResult, Results, VERSION};
use crate::judge::{CaseOutcome, CheckVerdict, Mismatch, Outcome};
use crate::spec::model::{Key, Level};
use crate::trace::{Observed, Record, What};

pub(super) use shelf::{Shared, Shelf};

/// A whole token, which no report may show.
pub(super) const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VySWQiOiJ1c2VyLTEifQ.c2lnbmF0dXJl";

/// When every case began.
fn began() -> Moment {
    Moment::after_epoch(Duration::from_secs(1_800_000_000))
}

/// So many milliseconds into a case.
pub(super) fn at(millis: u64) -> Moment {
    began() + Duration::from_millis(millis)
}

/// A trace in the making.
#[derive(Default)]
pub(super) struct Tape(pub(super) Vec<Record>);

impl Tape {
    fn push(mut self, millis: u64, actor: &str, what: What) -> Self {
        self.0.push(Record { at: at(millis), actor: Actor::new(actor), what });
        self
    }

    pub(super) fn acted(self, millis: u64, step: usize) -> Self {
        self.push(millis, "client", What::Acted { step })
    }

    pub(super) fn saw(self, millis: u64, key: Key, value: impl Into<Value>, fields: Value) -> Self {
        self.saw_of("client", millis, key, value, fields)
    }

    pub(super) fn saw_of(self, actor: &str, millis: u64, key: Key, value: impl Into<Value>, fields: Value) -> Self {
        let Value::Object(fields) = fields else { panic!("fields are a map") };
        self.push(millis, actor, What::Observed(Observed { key, value: value.into(), fields, slack_us: 0 }))
    }

    fn state(self, millis: u64, from: &str, to: &str) -> Self {
        self.saw(millis, Key::State, to, json!({"from": from}))
    }
}

/// A check that went as given.
pub(super) fn check(step: usize, line: usize, requirements: &[&str], outcome: Outcome) -> CheckVerdict {
    CheckVerdict {
        step: Some(step),
        line,
        actor: "client".to_owned(),
        requirements: requirements.iter().map(|id| (*id).to_owned()).collect(),
        level: Level::Must,
        outcome,
        deviation: None,
        expected: "what the document says".to_owned(),
        observed: "just that".to_owned(),
        mismatch: None,
        record: None,
        at: None,
    }
}

/// A case that passed.
pub(super) fn case(id: &str, client: &str, title: &str) -> CaseResult {
    CaseResult {
        id: id.to_owned(),
        title: title.to_owned(),
        file: format!("specs/{}.yaml", id.split('[').next().unwrap_or_default()),
        system: "digitwin".to_owned(),
        client: client.to_owned(),
        attach: if client == "mock" { Attach::Probe } else { Attach::Adapter },
        run: 1,
        outcome: CaseOutcome::Pass,
        expected: true,
        known_failing: None,
        trouble: Vec::new(),
        checks: vec![check(1, 9, &["DT-CONN-01"], Outcome::Pass)],
        began: began(),
        documented_seconds: 12.5,
        lateness_ms: 0.0,
        alone: false,
        trace: Vec::new(),
    }
}

/// A client that counts its ten seconds from `connect()` instead of the connect event.
pub(super) fn early() -> CaseResult {
    let early = |by: f64| Some(Mismatch::Early { by: Duration::from_secs_f64(by) });
    let checks = vec![
        check(0, 8, &["DT-ERR-11"], Outcome::Pass),
        check(3, 14, &[], Outcome::Pass),
        check(4, 16, &[], Outcome::Pass),
        CheckVerdict {
            expected: "state error 10s after state authenticating (9.4s to 10.6s)".to_owned(),
            observed: "state error after 1.992s: 7.408s too early".to_owned(),
            mismatch: early(7.408),
            record: Some(11),
            at: Some(at(10_004)),
            ..check(5, 17, &["DT-STATE-05", "DT-TMO-01", "DT-TMO-04"], Outcome::Fail)
        },
        check(6, 21, &["DT-TMO-05"], Outcome::Pass),
        CheckVerdict {
            expected: "state reconnecting 18s after dial (17s to 19s)".to_owned(),
            observed: "state reconnecting after 10.009s: 6.991s too early".to_owned(),
            mismatch: early(6.991),
            record: Some(14),
            at: Some(at(10_009)),
            ..check(7, 24, &["DT-STATE-05", "DT-TMO-01"], Outcome::Fail)
        },
        check(8, 28, &["DT-STATE-05"], Outcome::Pass),
    ];
    CaseResult {
        outcome: CaseOutcome::Fail,
        expected: false,
        checks,
        trace: early_tape().0,
        documented_seconds: 31.2,
        ..case("digitwin/timeouts/no-verdict", "node", "A server that never answers authentication")
    }
}

fn early_tape() -> Tape {
    Tape::default()
        .acted(0, 2)
        .state(1, "disconnected", "connecting")
        .saw(4, Key::Attempt, 1, json!({"connection": 1, "transport": "polling", "headers": {}, "path": "/socket.io/"}))
        .saw(4, Key::Fault, "response-delay", json!({"rule": 0, "phase": "fired", "connection": 1}))
        .saw(8_006, Key::Answer, "handshake", json!({"connection": 1, "status": 200, "transport": "polling"}))
        .saw(8_010, Key::Received, "CONNECT", json!({"connection": 1, "token_kind": "jwt", "token": TOKEN, "raw": format!("40{{\"token\":\"{TOKEN}\"}}")}))
        .saw(8_011, Key::Sent, "CONNECT", json!({"connection": 1, "data": {"sid": "Vh3kq0"}}))
        .saw(8_011, Key::Fault, "silent-auth", json!({"rule": 1, "phase": "fired", "connection": 1}))
        .state(8_012, "connecting", "authenticating")
        .saw(8_019, Key::Request, "upgrade", json!({"connection": 1, "method": "GET", "transport": "websocket"}))
        .saw(8_020, Key::Answer, "upgrade", json!({"connection": 1, "status": 101, "transport": "websocket"}))
        .state(10_004, "authenticating", "error")
        .saw(10_004, Key::Log, "Timeout waiting for session_created", json!({"level": "error"}))
        .saw(10_006, Key::Closed, "client", json!({"connection": 1, "code": 1005, "clean": true}))
        .state(10_009, "error", "reconnecting")
        .state(11_014, "reconnecting", "connecting")
        .saw(11_017, Key::Attempt, 2, json!({"connection": 2, "transport": "polling", "wait": 1_011_000}))
        .saw(11_018, Key::Answer, "handshake", json!({"connection": 2, "status": 200}))
        .saw(11_020, Key::Received, "CONNECT", json!({"connection": 2, "token_kind": "jwt", "token": TOKEN}))
        .saw(11_021, Key::Sent, "CONNECT", json!({"connection": 2, "data": {"sid": "p7Zx9w"}}))
        .state(11_022, "connecting", "authenticating")
}

/// A client that never drops a token that was refused.
pub(super) fn missing() -> CaseResult {
    let check = CheckVerdict {
        expected: "token cleared within 1s of verdict (at most 1.1s)".to_owned(),
        observed: format!("nothing came until 1.1s; the last thing seen in that lane was token {TOKEN}"),
        mismatch: Some(Mismatch::Missing),
        // The last record of the lane, which decided nothing.
        record: Some(7),
        at: Some(at(1_132)),
        ..check(3, 12, &["DT-ERR-02"], Outcome::Fail)
    };
    let data = json!({"code": "AUTH_INVALID", "message": "Invalid authentication token"});
    let tape = Tape::default()
        .acted(0, 0)
        .state(1, "disconnected", "connecting")
        .saw(12, Key::Received, "CONNECT", json!({"connection": 1, "token_kind": "jwt", "token": TOKEN}))
        .saw(14, Key::Sent, "CONNECT", json!({"connection": 1}))
        .state(15, "connecting", "authenticating")
        .saw(32, Key::Sent, "auth_error", json!({"connection": 1, "data": data}))
        .saw(33, Key::Event, "authError", json!({"data": data}))
        .state(33, "authenticating", "error");
    let below = CheckVerdict { step: Some(4), line: 15, outcome: Outcome::NotReached, ..check.clone() };
    CaseResult {
        outcome: CaseOutcome::Fail,
        expected: false,
        checks: vec![check, below],
        trace: tape.0,
        ..case(
            "digitwin/authenticate/invalid-token[forged]",
            "built-in",
            "A token that the server refuses is dropped and never sent again",
        )
    }
}

/// Differs from a reading.
pub(super) fn deviation() -> CaseResult {
    let check = CheckVerdict {
        deviation: Some("DT-X-21".to_owned()),
        level: Level::Should,
        expected: "no attempt for 5s after connect".to_owned(),
        observed: "attempt 2 after 6ms".to_owned(),
        mismatch: Some(Mismatch::Forbidden),
        record: Some(3),
        at: Some(at(96)),
        ..check(2, 10, &["DT-CONN-16"], Outcome::Deviation)
    };
    let tape = Tape::default()
        .acted(0, 0)
        .saw(3, Key::Attempt, 1, json!({"connection": 1, "transport": "polling"}))
        .acted(90, 1)
        .saw(96, Key::Attempt, 2, json!({"connection": 2, "transport": "polling", "open": 2}));
    CaseResult {
        outcome: CaseOutcome::Deviation,
        expected: false,
        checks: vec![check],
        trace: tape.0,
        ..case("digitwin/connect/connect-called-again", "node", "A second connect opens no second connection")
    }
}

/// The same wrong for many actors.
pub(super) fn crowd() -> CaseResult {
    let of = |number: usize| CheckVerdict {
        actor: format!("crowd/{number}"),
        expected: "event sessionCreated within 2s of connect (at most 2.1s)".to_owned(),
        observed: "nothing came until 2.1s; the last thing seen in that lane was state authenticating".to_owned(),
        mismatch: Some(Mismatch::Missing),
        at: Some(at(2_000)),
        ..check(3, 9, &["DT-UX-03"], Outcome::Fail)
    };
    let tape = (1..=9_u64).fold(Tape::default(), |tape, number| {
        tape.saw_of(&format!("crowd/{number}"), number * 10, Key::Attempt, 1, json!({"connection": 1}))
    });
    CaseResult {
        outcome: CaseOutcome::Fail,
        expected: false,
        checks: (1..=9).map(of).collect(),
        trace: tape.0,
        ..case("digitwin/experience/hundred-connections", "node", "A hundred clients at once")
    }
}

/// A probe case with two actors, more findings than fit, a long step and a long trace.
pub(super) fn busy() -> CaseResult {
    let counted = CheckVerdict {
        step: Some(0),
        actor: "alice".to_owned(),
        expected: "sent typing 1-2 times for 3s after joined".to_owned(),
        observed: "3 records in the window, expected 1-2".to_owned(),
        mismatch: Some(Mismatch::Count { found: 3 }),
        at: Some(at(3_050)),
        ..check(0, 20, &[], Outcome::Fail)
    };
    let transition = CheckVerdict {
        step: None,
        line: 0,
        actor: "bob".to_owned(),
        expected: "no transition connected → authenticating".to_owned(),
        observed: "connected → authenticating".to_owned(),
        record: Some(30),
        at: Some(at(3_000)),
        ..check(0, 0, &["DT-STATE-02"], Outcome::Fail)
    };
    let more = (1..=6).map(|step| check(step, 30 + step, &["DT-X-99"], Outcome::Fail));
    let tape = (0..36_u64).fold(Tape::default(), |tape, number| {
        let actor = if number % 2 == 0 { "alice" } else { "bob" };
        tape.saw_of(actor, number * 100, Key::Ping, number / 2, json!({"connection": 1, "gap": 200_000}))
    });
    let mut trace = tape.0;
    trace.insert(31, Record { at: at(3_020), actor: Actor::new("bob"), what: What::Unsupported { step: 4 } });
    CaseResult {
        outcome: CaseOutcome::Fail,
        expected: false,
        run: 3,
        checks: [counted, transition].into_iter().chain(more).collect(),
        trace,
        ..case("digitwin/server/busy", "mock", "Two probes at once")
    }
}

fn troubled(id: &str, client: &str, outcome: CaseOutcome, trouble: &str) -> CaseResult {
    CaseResult {
        outcome,
        expected: false,
        trouble: vec![trouble.to_owned()],
        checks: vec![check(1, 9, &["DT-CONN-01"], Outcome::NotReached)],
        trace: early_tape().0[..7].to_vec(),
        ..case(id, client, "Waits grow from one attempt to the next")
    }
}

/// The process ended.
pub(super) fn crash() -> CaseResult {
    let trouble = "`node adapter.js` ended with exit code 1; its last line: TypeError: session is undefined";
    troubled("digitwin/reconnect/growing-waits", "node", CaseOutcome::Crash, trouble)
}

/// The mock was at fault.
pub(super) fn harness_error() -> CaseResult {
    let trouble = "the mock sent session_created without isGuest, outside any fault";
    troubled("digitwin/states/lost-session[cut]", "built-in", CaseOutcome::HarnessError, trouble)
}

/// The adapter was.
pub(super) fn adapter_error() -> CaseResult {
    let trouble = "the adapter answered request 7, which nobody asked";
    troubled("digitwin/states/server-disconnect", "node", CaseOutcome::AdapterError, trouble)
}

/// The machine was too slow.
pub(super) fn inconclusive() -> CaseResult {
    CaseResult {
        outcome: CaseOutcome::Inconclusive,
        lateness_ms: 412.4,
        alone: true,
        ..CaseResult { id: "digitwin/timeouts/slow-verification".to_owned(), known_failing: None, ..early() }
    }
}

/// Fails no more.
pub(super) fn unexpected_pass() -> CaseResult {
    CaseResult {
        expected: false,
        known_failing: Some("rust_socketio has no limit for CONNECT".to_owned()),
        ..case("digitwin/connect/ack-withheld", "built-in", "A CONNECT that is never acknowledged")
    }
}

/// What needs no report.
fn expected_ones() -> Vec<CaseResult> {
    let quiet = |id: &str, client: &str, outcome: CaseOutcome, check_outcome: Outcome, observed: &str| {
        let checks = vec![CheckVerdict { observed: observed.to_owned(), ..check(1, 9, &["DT-LOG-01"], check_outcome) }];
        CaseResult { outcome, checks, ..case(id, client, "Connections are logged") }
    };
    let excused = CaseResult {
        known_failing: Some("it counts its waits from the start of an attempt".to_owned()),
        ..quiet("digitwin/reconnect/guard-trips", "built-in", CaseOutcome::Fail, Outcome::Fail, "attempt 4 after 2 s")
    };
    let id = "digitwin/logging/connection";
    let mut cases = vec![
        excused,
        quiet(id, "built-in", CaseOutcome::NotObservable, Outcome::NotObservable, "the adapter shows no logs"),
        quiet(id, "node", CaseOutcome::Unsupported, Outcome::Unsupported, "the client does not do `refresh_token`"),
    ];
    cases.extend(["a", "b", "c"].map(|name| case(&format!("digitwin/connect/{name}"), "built-in", "It connects")));
    cases.extend(["a", "b"].map(|name| case(&format!("digitwin/connect/{name}"), "node", "It connects")));
    cases.extend((1..=4).map(|number| case(&format!("digitwin/server/probe-{number}"), "mock", "The mock is honest")));
    cases
}

/// A run in which everything happened.
pub(super) fn results() -> Results {
    let unexpected = [
        early(),
        missing(),
        deviation(),
        crowd(),
        crash(),
        harness_error(),
        adapter_error(),
        inconclusive(),
        unexpected_pass(),
    ];
    let left_out = |id: &str, client: &str, reason: &str| LeftOutResult {
        id: id.to_owned(),
        client: client.to_owned(),
        reason: reason.to_owned(),
    };
    Results {
        left_out: vec![
            left_out("payments/connect/plain", "node", "the client has no payments"),
            left_out("payments/session/refresh", "node", "the client has no payments"),
            left_out("digitwin/states/before-connect", "python", "Python is not installed"),
        ],
        ..run(unexpected.into_iter().chain(expected_ones()).collect())
    }
}

/// A run in which all went well.
pub(super) fn good() -> Results {
    run(expected_ones())
}

/// A run of these cases.
pub(super) fn run(cases: Vec<CaseResult>) -> Results {
    Results {
        version: VERSION,
        program: "0.1.0".to_owned(),
        seed: 7,
        speed: 20,
        documented_seconds: 4_335.0,
        wall_seconds: 41.3,
        interrupted: false,
        options: Vec::new(),
        clients: vec![client("built-in", "rust_socketio 0.6.0"), client("node", "socket.io-client 4.8.4")],
        cases,
        left_out: Vec::new(),
    }
}

fn client(name: &str, library: &str) -> ClientInfo {
    ClientInfo {
        name: name.to_owned(),
        version: "0.1.0".to_owned(),
        library: library.to_owned(),
        exposes: ["states", "events", "tokens", "logs"].map(str::to_owned).to_vec(),
        options: vec!["--client".to_owned(), name.to_owned()],
    }
}

/// The run as it was told.
pub(super) fn events() -> Vec<RunEvent> {
    let results = results();
    let name = |case: &CaseResult| CaseName { id: case.id.clone(), client: case.client.clone(), run: case.run };
    let mut events =
        vec![RunEvent::RunStarted { cases: results.cases.len(), seed: results.seed, speed: results.speed }];
    events.extend(results.clients.iter().cloned().map(RunEvent::ClientReady));
    // Six cases overlap.
    events.extend(results.cases.iter().take(6).map(|case| RunEvent::CaseStarted(name(case))));
    for (index, case) in results.cases.iter().enumerate() {
        if case.alone {
            let reason = "the harness was late by 388 ms".to_owned();
            events.push(RunEvent::CasePostponed { case: name(case), reason });
            events.push(RunEvent::CaseStarted(name(case)));
        }
        events.push(RunEvent::CaseFinished(Box::new(case.clone())));
        events.extend(results.cases.get(index + 6).map(|next| RunEvent::CaseStarted(name(next))));
    }
    events.push(RunEvent::RunFinished { interrupted: false });
    events
}

//! Whole scenarios: those of the suite that is built in, and the documented client's way through some hard ones.

use rstest::rstest;

use super::*;
use crate::judge::{Due, Matcher};
use crate::spec::model::Verb;
use crate::spec::{Sources, load};

fn checks_of(scenario: &Scenario) -> usize {
    let is_check = |verb: &Verb| matches!(verb, Verb::Expect(_) | Verb::Never(_));
    scenario.steps.iter().filter(|step| is_check(&step.verb)).map(|step| step.who.len()).sum()
}

// Whatever happens, each check has one verdict for each of its actors, with words.
#[test]
fn every_check_of_the_suite_has_one_verdict() {
    let suite = load(&Sources::built_in()).unwrap();
    for scenario in &suite.scenarios {
        let setting = Setting { contract: scenario.system.contract(), ..setting() };
        for end in [Duration::ZERO, Duration::from_secs(10_000)] {
            let judged = judge(scenario, &setting, &silent_trace(scenario), start() + end, Duration::ZERO);
            assert_eq!(judged.checks.len(), checks_of(scenario), "{}", scenario.id);
            let wordless = judged.checks.iter().find(|check| check.expected.is_empty() || check.observed.is_empty());
            assert_eq!(wordless, None, "{}", scenario.id);
            assert!(judged.outcome > CaseOutcome::Pass || scenario.steps.iter().all(|step| !waits(&step.verb)));
        }
    }
}

fn waits(verb: &Verb) -> bool {
    matches!(verb, Verb::Expect(expect) if !expect.optional)
}

/// All actions are taken, and nothing ever comes of them.
fn silent_trace(scenario: &Scenario) -> Vec<Record> {
    let acts = |verb: &Verb| matches!(verb, Verb::Client(_) | Verb::Probe(_) | Verb::Server(_));
    let steps = scenario.steps.iter().filter(|step| acts(&step.verb));
    steps.flat_map(|step| step.who.iter().map(|actor| Merger::acted(actor, start(), step.index))).collect()
}

// Each scenario of the suite can begin: the first thing that is due is an action, or something to wait for.
#[test]
fn every_case_of_the_suite_begins() {
    let suite = load(&Sources::built_in()).unwrap();
    for scenario in &suite.scenarios {
        let setting = setting();
        let due = Matcher::new(scenario, &setting).due(start());
        assert!(matches!(due, Due::Act(_) | Due::Wake(_)), "{}: {due:?}", scenario.id);
    }
}

/// A client whose session is created too slowly: the server's limit ends the wait, the client falls back to a guest.
const SLOW_SESSION: &str = r#"
  - never: {log: "Timeout waiting for session_created"}
  - client: connect
  - expect: {state: [connecting, authenticating]}
  - expect: {received: CONNECT, connection: 1, token_kind: jwt}
    as: first
  - expect: {sent: CONNECT, connection: 1}
    as: ack
  - expect:
      sent: auth_error
      connection: 1
      data: {code: AUTH_INVALID, message: Failed to establish connection}
    after: 5s
    since: ack
    as: verdict
  - expect: {state: error}
    within: 500ms
    since: verdict
  - expect: {state: [reconnecting, connecting]}
  - expect: {attempt: 2}
    after: 1s
    since: verdict
  - expect:
      any_of:
        - {received: CONNECT, connection: 2, token_kind: guest}
        - {received: CONNECT, connection: 2, token: "${first.token}", deviation: DT-X-02}
  - expect: {state: [authenticating, connected]}
  - expect: {event: sessionCreated, data: {isGuest: true}}
  - never: {attempt: any}
    for: 15s"#;

const SLOW_SESSION_TRACE: &str = r#"
0 do 1
0.001 state connecting
0.01 attempt 1 connection=1
0.02 received CONNECT connection=1 token_kind=jwt token="a"
0.03 sent CONNECT connection=1
0.031 state authenticating
5.03 sent auth_error connection=1 data={"code":"AUTH_INVALID","message":"Failed_to_establish_connection"}
5.031 sent DISCONNECT connection=1
5.04 state error
5.05 state reconnecting
6.04 state connecting
6.05 attempt 2 connection=2
6.06 received CONNECT connection=2 token_kind=guest token="g"
6.07 sent CONNECT connection=2
6.08 state authenticating
6.1 sent session_created connection=2
6.11 state connected
6.11 event sessionCreated data={"isGuest":true}"#;

#[rstest]
#[case::documented("", "", "pass; pass; pass; pass; pass; pass; pass; pass; pass; pass; pass; pass = pass")]
#[case::keeps_its_token(
    r#"received CONNECT connection=2 token_kind=guest token="g""#,
    r#"received CONNECT connection=2 token_kind=jwt token="a""#,
    "pass; pass; pass; pass; pass; pass; pass; pass; deviation DT-X-02; pass; pass; pass = deviation"
)]
#[case::some_other_token(
    r#"received CONNECT connection=2 token_kind=guest token="g""#,
    r#"received CONNECT connection=2 token_kind=jwt token="b""#,
    "pass; pass; pass; pass; pass; pass; pass; pass; fail field token_kind; pass; pass; pass = fail"
)]
#[case::too_eager(
    "6.05 attempt 2",
    "5.5 attempt 2",
    "pass; pass; pass; pass; pass; pass; pass; fail early 475ms; pass; pass; pass; pass = fail"
)]
#[case::goes_on_trying(
    "6.11 event",
    "8 attempt 3 connection=3\n6.11 event",
    "pass; pass; pass; pass; pass; pass; pass; pass; pass; pass; pass; fail forbidden = fail"
)]
#[case::silent_about_states(
    "5.04 state error\n",
    "",
    "pass; pass; pass; pass; pass; fail state error/reconnecting; fail state reconnecting/connecting; pass; pass; pass; pass; pass = fail"
)]
fn slow_session(#[case] from: &str, #[case] to: &str, #[case] expected: &str) {
    let steps = SLOW_SESSION.replace("Failed to establish connection", "Failed_to_establish_connection");
    let trace = if from.is_empty() { SLOW_SESSION_TRACE.to_owned() } else { SLOW_SESSION_TRACE.replace(from, to) };
    check(steps.trim_start_matches('\n'), &trace, expected);
}

/// A verdict after the timeout must not count.
const LATE_VERDICT: &str = r"
  - client: connect
  - expect: {state: [connecting, authenticating, error]}
  - expect: {state: [reconnecting, connecting]}
  - never: {event: sessionCreated}
    until: ready
  - expect: {attempt: 2}
    as: second
  - expect: {closed: any, connection: 1}
    unordered: true
    within: 1s
    since: second
  - expect: {state: [authenticating, connected]}
    as: ready
  - expect: {event: sessionCreated}";

#[rstest]
#[case::ignores_it(
    "10.1 state reconnecting\n10.2 closed client connection=1\n11 state connecting\n11.1 attempt 2\n11.2 state authenticating\n11.4 state connected\n11.4 event sessionCreated",
    "pass; pass; pass; pass; pass; pass; pass = pass"
)]
#[case::closes_after_the_next_attempt(
    "10.1 state reconnecting\n11 state connecting\n11.1 attempt 2\n11.2 state authenticating\n11.4 state connected\n11.4 event sessionCreated\n12 closed client connection=1",
    "pass; pass; pass; pass; pass; pass; pass = pass"
)]
#[case::takes_it_for_success(
    "10.5 state connected\n10.5 event sessionCreated",
    "pass; fail state reconnecting/connected; fail forbidden; fail missing; not-reached; not-reached; not-reached; *fail transition error>connected = timeout"
)]
#[case::tells_its_application(
    "10.1 state reconnecting\n11 state connecting\n11.05 event sessionCreated\n11.1 attempt 2\n11.15 closed client connection=1\n11.2 state authenticating\n11.4 state connected\n11.4 event sessionCreated",
    "pass; pass; fail forbidden; pass; pass; pass; pass = fail"
)]
fn late_verdict(#[case] trace: &str, #[case] expected: &str) {
    let start = "0 do 0\n0 attempt 1\n0.01 state connecting\n0.05 state authenticating\n10.05 state error";
    check(LATE_VERDICT.trim_start_matches('\n'), &format!("{start}\n{trace}"), expected);
}

/// Acknowledgement and verdict in one piece: no handler may come too late, whatever the order of the lanes.
#[rstest]
#[case(
    "0.1 sent CONNECT\n0.1 sent session_created data={\"a\":1}\n0.09 state authenticating\n0.1 state connected\n0.1 event sessionCreated data={\"a\":1}",
    "pass; pass; pass; pass = pass"
)]
#[case(
    "0.1 sent CONNECT\n0.1 sent session_created data={\"a\":1}\n0.11 state authenticating\n0.12 state connected\n0.13 event sessionCreated data={\"a\":2}",
    "pass; pass; fail field data.a; pass = fail"
)]
#[case(
    "0.1 sent CONNECT\n0.1 sent session_created data={\"a\":1}\n0.11 state authenticating\n0.12 state connected\n0.13 event sessionCreated data={\"a\":1}\n0.13 event sessionCreated data={\"a\":1}",
    "pass; pass; pass; fail forbidden = fail"
)]
fn coalesced(#[case] trace: &str, #[case] expected: &str) {
    let steps = "  - client: connect\n  - expect: {sent: session_created}\n    as: created\n  - expect: {state: [connecting, authenticating, connected]}\n  - expect: {event: sessionCreated, data: \"${created.data}\"}\n  - never: {event: sessionCreated}\n    for: 2s";
    check(steps, &format!("0 do 0\n0.01 state connecting\n{trace}"), expected);
}

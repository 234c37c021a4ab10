//! Outcomes of checks and cases (section 7).

use rstest::rstest;

use super::*;

const LATE: &str = "0 do 0\n3 attempt 1";

fn expecting(modifiers: &str) -> String {
    format!("  - client: connect\n  - expect: {{attempt: 1}}\n    within: 1s\n{modifiers}")
}

// A failure is a deviation if what it is for rests on a reading, or if the step says so.
#[rstest]
#[case::stated("    req: [DT-STATED-01]", "fail late 1.745s = fail")]
#[case::no_requirement("", "fail late 1.745s = fail")]
#[case::reading("    req: [DT-READ-01]", "deviation DT-X-01 late 1.745s = deviation")]
#[case::step("    req: [DT-STATED-01]\n    deviation: DT-X-02", "deviation DT-X-02 late 1.745s = deviation")]
#[case::only_some_of_it("    req: [DT-STATED-01, DT-READ-01]", "fail late 1.745s = fail")]
fn deviations(#[case] modifiers: &str, #[case] expected: &str) {
    check(&expecting(modifiers), LATE, expected);
}

#[rstest]
#[case("    req: [DT-STATED-01]", Level::Must)]
#[case("    req: [DT-SHOULD-01]", Level::Should)]
#[case("    req: [DT-SHOULD-01, DT-OTHER-01]", Level::Must)]
#[case("    level: should", Level::Should)]
#[case("", Level::Must)]
fn levels(#[case] modifiers: &str, #[case] expected: Level) {
    let judged = Fixture::new("{token: jwt}", &expecting(modifiers), LATE).judge();
    assert_eq!(judged.checks[0].level, expected);
}

// What the attachment does not show is not observable; the step is passed over, and what counts from it shares its fate.
#[rstest]
#[case::state(
    "  - expect: {state: connecting}\n  - expect: {attempt: 1}\n    after: 3s",
    "not-observable; pass = not-observable"
)]
#[case::never(
    "  - never: {event: sessionCreated}\n  - expect: {attempt: 1}\n    after: 3s",
    "not-observable; pass = not-observable"
)]
#[case::bound(
    "  - expect: {state: connecting}\n    as: up\n  - expect: {attempt: 1}\n    within: 1s\n    since: up",
    "not-observable; not-observable = not-observable"
)]
#[case::no_bound(
    "  - expect: {state: connecting}\n    as: up\n  - expect: {attempt: 1}\n    since: up",
    "not-observable; pass = not-observable"
)]
#[case::window(
    "  - never: {closed: any}\n    until: up\n  - expect: {state: connecting}\n    as: up\n  - expect: {attempt: 1}",
    "not-observable; not-observable; pass = not-observable"
)]
#[case::reference(
    "  - expect: {event: sessionCreated}\n    as: up\n  - expect: {attempt: 1, token: \"${up.data}\"}",
    "not-observable; not-observable = not-observable"
)]
#[case::one_alternative("  - expect: {any_of: [{attempt: 1}, {state: error}]}", "not-observable = not-observable")]
#[case::wire_is_always_seen("  - expect: {attempt: 1}", "pass = pass")]
fn not_observable(#[case] steps: &str, #[case] expected: &str) {
    let mut fixture = Fixture::new("{token: jwt}", &format!("  - client: connect\n{steps}"), LATE);
    fixture.setting.exposes = Exposed::default();
    assert_eq!(fixture.told(), expected);
}

#[rstest]
#[case(Exposes { states: true, ..Exposes::default() }, "pass; not-observable = not-observable")]
#[case(Exposes { events: true, ..Exposes::default() }, "not-observable; pass = not-observable")]
fn each_kind_is_exposed_for_itself(#[case] client: Exposes, #[case] expected: &str) {
    let steps = "  - client: connect\n  - expect: {state: connecting}\n  - expect: {event: sessionCreated}";
    let trace = "0 do 0\n1 state connecting\n2 event sessionCreated";
    let mut fixture = Fixture::new("{token: jwt}", steps, trace);
    fixture.setting.exposes = Exposed { client, probe: Exposes::ALL };
    assert_eq!(fixture.told(), expected);
}

// A refused action: nothing behind it has ground, whatever was seen; what was before it stands.
#[rstest]
#[case::all_behind(
    "1 attempt 1\n2 do 3\n3 refuse 3\n4 attempt 2",
    "unsupported; pass; unsupported; unsupported = unsupported"
)]
#[case::seen_before_the_refusal(
    "1 attempt 1\n2 do 3\n3 attempt 2\n4 refuse 3",
    "unsupported; pass; unsupported; unsupported = unsupported"
)]
#[case::open_window_found_something(
    "1 attempt 1\n1.5 closed client\n2 do 3\n3 refuse 3",
    "fail forbidden; pass; unsupported; unsupported = fail"
)]
#[case::failed_before(
    "9 attempt 1\n10 do 3\n11 refuse 3",
    "not-reached; fail missing; not-reached; not-reached = fail"
)]
fn unsupported(#[case] trace: &str, #[case] expected: &str) {
    let steps = "  - never: {closed: any}\n  - client: connect\n  - expect: {attempt: 1}\n    within: 5s\n  - client: press_control\n  - expect: {attempt: 2}\n  - never: {request: refresh}\n    for: 2s";
    check(steps, &format!("0 do 1\n{trace}"), expected);
}

// A refusal counts if it comes before the case has ended, however late it becomes known.
#[rstest]
#[case::before_the_end("2.05 attempt 2\n2.04 refuse 1", "unsupported = unsupported")]
#[case::after_the_end("2.05 attempt 2\n2.06 refuse 1", "pass = pass")]
#[case::instead_of_the_action("1 refuse 1", "unsupported = unsupported")]
fn refusals_at_the_end(#[case] trace: &str, #[case] expected: &str) {
    let steps = "  - client: connect\n  - client: press_control\n  - expect: {attempt: 2}";
    let acted = if trace.starts_with('1') { "" } else { "\n1 do 1" };
    check(steps, &format!("0 do 0{acted}\n{trace}"), expected);
}

// A window that would end behind a refused action has no end.
#[rstest]
#[case("2 attempt 2\n2.1 refuse 2", "unsupported; unsupported; unsupported = unsupported")]
#[case("0.5 closed client\n2 attempt 2\n2.1 refuse 2", "fail forbidden; unsupported; unsupported = fail")]
fn windows_until_behind_a_refusal(#[case] trace: &str, #[case] expected: &str) {
    let steps = "  - never: {closed: any}\n    until: later\n  - client: connect\n  - client: press_control\n  - expect: {attempt: 2}\n    as: later\n  - never: {request: refresh}\n    for: 2s";
    check(steps, &format!("0 do 1\n1 do 2\n{trace}"), expected);
}

// Nothing more is done once a refusal is known.
#[test]
fn no_action_is_given_out_behind_a_refusal() {
    let steps = "  - client: connect\n  - client: press_control\n  - expect: {attempt: 1}";
    let fixture = Fixture::new("{token: jwt}", steps, "0 do 0\n0 refuse 0");
    let mut matcher = crate::judge::Matcher::new(&fixture.scenario, &fixture.setting);
    fixture.trace.iter().for_each(|record| matcher.feed(record.clone()));
    assert!(matches!(matcher.due(start()), crate::judge::Due::Wake(_)));
}

// An optional last step ends the case when it is skipped.
#[rstest]
#[case("1.25 closed client", "fail forbidden; pass = fail")]
#[case("1.26 closed client", "pass; pass = pass")]
fn the_end_of_a_case_that_skips_its_last_step(#[case] closed: &str, #[case] expected: &str) {
    let steps = "  - never: {closed: any}\n  - client: connect\n  - expect: {token: stored}\n    optional: true\n    within: 1s";
    check(steps, &format!("0 do 1\n{closed}"), expected);
}

// Only a check without a record ends the case; one that was judged wrong does not.
#[rstest]
#[case::wrong("1 attempt 1 open=2\n2 attempt 2", "fail field open; pass = fail")]
#[case::missing("9 attempt 2", "fail missing; not-reached = fail")]
fn only_a_missing_record_ends_the_case(#[case] trace: &str, #[case] expected: &str) {
    let steps = "  - client: connect\n  - expect: {attempt: 1, open: 1}\n    within: 5s\n  - expect: {attempt: 2}";
    check(steps, &format!("0 do 0\n{trace}"), expected);
}

// A case that still waits at its limit has ended; the default is five minutes and all that the steps take.
#[rstest]
#[case::in_time("299 attempt 1", "pass = pass")]
#[case::at_the_limit("300 attempt 1", "pass = pass")]
#[case::later("300.001 attempt 1", "fail missing = timeout")]
fn limit(#[case] trace: &str, #[case] expected: &str) {
    check("  - client: connect\n  - expect: {attempt: 1}", &format!("0 do 0\n{trace}"), expected);
}

// A subject that ends decides what waits for it.
#[rstest]
#[case::check("  - expect: {attempt: 2}\n  - expect: {attempt: 3}", "pass; fail missing; not-reached = fail")]
#[case::wait("  - wait: 1m\n  - expect: {attempt: 3}", "pass; not-reached = not-reached")]
#[case::window("  - never: {attempt: any}\n    for: 1m", "pass; not-reached = not-reached")]
#[case::window_that_found("  - never: {closed: any}\n    for: 1m", "pass; fail forbidden = fail")]
#[case::optional("  - expect: {request: refresh}\n    optional: true\n    within: 1m", "pass; pass = pass")]
fn exit(#[case] steps: &str, #[case] expected: &str) {
    let steps = format!("  - client: connect\n  - expect: {{attempt: 1}}\n{steps}");
    let closed = if expected.contains("forbidden") { "\n2 closed client" } else { "" };
    check(&steps, &format!("0 do 0\n1 attempt 1{closed}\n9 end"), expected);
}

// An action that the runner never took.
#[test]
fn an_action_that_was_never_taken() {
    let steps = "  - never: {closed: any}\n  - client: connect\n  - expect: {attempt: 1}";
    check(steps, "1 attempt 1\n9 end", "not-reached; not-reached = not-reached");
}

// If the harness was later than it allows, a failure makes the case inconclusive; a transition that is forbidden at all
// times does not.
#[rstest]
#[case::late("3 attempt 1 open=1", 6, "fail late 1.745s; pass = inconclusive")]
#[case::missing("1 attempt 3", 6, "fail missing; not-reached = inconclusive")]
#[case::wrong_value("1 attempt 1 open=2", 6, "fail field open; pass = inconclusive")]
#[case::forbidden(
    "1 attempt 1 open=1\n1 state connected",
    6,
    "pass; pass; *fail transition disconnected>connected = fail"
)]
#[case::as_late_as_allowed("3 attempt 1 open=1", 5, "fail late 1.745s; pass = fail")]
#[case::nothing_failed("1 attempt 1 open=1", 6, "pass; pass = pass")]
fn lateness(#[case] trace: &str, #[case] millis: u64, #[case] expected: &str) {
    let steps =
        "  - client: connect\n  - expect: {attempt: 1, open: 1}\n    within: 1s\n  - never: {closed: any}\n    for: 1s";
    let fixture = Fixture::new("{token: jwt}", steps, &format!("0 do 0\n{trace}"));
    let lateness = Duration::from_millis(millis);
    let judged = judge(&fixture.scenario, &fixture.setting, &fixture.trace, fixture.end, lateness);
    assert_eq!(told(&judged), expected);
}

#[test]
fn a_case_at_its_limit_may_be_inconclusive_too() {
    let fixture = Fixture::new("{token: jwt}", "  - client: connect\n  - expect: {attempt: 1}", "0 do 0");
    let judged = judge(&fixture.scenario, &fixture.setting, &fixture.trace, fixture.end, Duration::from_secs(1));
    assert_eq!(told(&judged), "fail missing = inconclusive");
}

// Where only musts count, a failed should decides nothing; doubt about a must stays doubt.
#[rstest]
#[case("    req: [DT-STATED-01]", 0, CaseOutcome::Fail)]
#[case("    req: [DT-SHOULD-01]", 0, CaseOutcome::Pass)]
#[case("    req: [DT-STATED-01]", 6, CaseOutcome::Inconclusive)]
#[case("    req: [DT-SHOULD-01]", 6, CaseOutcome::Pass)]
fn musts(#[case] modifiers: &str, #[case] millis: u64, #[case] expected: CaseOutcome) {
    let fixture = Fixture::new("{token: jwt}", &expecting(modifiers), LATE);
    let lateness = Duration::from_millis(millis);
    let judged = judge(&fixture.scenario, &fixture.setting, &fixture.trace, fixture.end, lateness);
    assert_eq!(judged.of_musts().outcome, expected);
}

// Outcomes compare: the worst check is the case's outcome.
#[test]
fn the_order_of_outcomes() {
    let order = [
        Outcome::Pass,
        Outcome::NotObservable,
        Outcome::Unsupported,
        Outcome::NotReached,
        Outcome::Deviation,
        Outcome::Fail,
    ];
    assert!(order.is_sorted());
}

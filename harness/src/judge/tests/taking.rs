//! Which record a step takes (section 6): selecting and judging, cursors, `unordered`, `times`, `optional`, actors and
//! references.

use rstest::rstest;

use super::*;

const TWO: &str = "{clients: {alice: {token: jwt}, bob: {token: jwt}}}";

fn check_two(steps: &str, trace: &str, expected: &str) {
    assert_eq!(Fixture::new(TWO, steps, trace).told(), expected);
}

// The first record that fits is judged; a wrong field is no reason to wait for the next.
#[rstest]
#[case::judged(
    "{received: CONNECT, token_kind: guest}",
    "1 received CONNECT token_kind=jwt\n2 received CONNECT token_kind=guest",
    "fail field token_kind = fail"
)]
#[case::selected_by_value(
    "{received: CONNECT, token_kind: guest}",
    "1 received get_history token_kind=jwt\n2 received CONNECT token_kind=guest",
    "pass = pass"
)]
#[case::selected_by_connection(
    "{received: CONNECT, connection: 2, token_kind: guest}",
    "1 received CONNECT connection=1 token_kind=jwt\n2 received CONNECT connection=2 token_kind=guest",
    "pass = pass"
)]
#[case::missing_field_is_wrong(
    "{received: CONNECT, token_kind: guest}",
    "1 received CONNECT",
    "fail field token_kind = fail"
)]
fn select_then_judge(#[case] expect: &str, #[case] trace: &str, #[case] expected: &str) {
    check(&format!("  - client: connect\n  - expect: {expect}"), &format!("0 do 0\n{trace}"), expected);
}

#[test]
fn where_selects() {
    let steps = "  - client: connect\n  - expect: {attempt: any}\n    where: {transport: polling}\n    as: fallback\n  - expect: {sent: CONNECT, connection: \"${fallback.attempt}\"}";
    let trace = "0 do 0\n1 attempt 1 transport=websocket\n2 attempt 2 transport=polling\n3 sent CONNECT connection=1\n4 sent CONNECT connection=2";
    check(steps, trace, "pass; pass = pass");
}

// The search begins behind the last record taken, in that lane only; passed-over records are gone.
#[rstest]
#[case::passed_over_is_gone(
    "  - expect: {attempt: 2}\n  - expect: {attempt: 1}",
    "1 attempt 1\n2 attempt 2",
    "pass; fail missing = timeout"
)]
#[case::lanes_do_not_bind_each_other(
    "  - expect: {attempt: 1}\n  - expect: {event: sessionCreated}",
    "1 event sessionCreated\n2 attempt 1",
    "pass; pass = pass"
)]
#[case::one_lane_is_ordered(
    "  - expect: {event: sessionCreated}\n  - expect: {token: stored}",
    "1 token stored\n2 event sessionCreated",
    "pass; fail missing = timeout"
)]
fn cursors(#[case] steps: &str, #[case] trace: &str, #[case] expected: &str) {
    check(&format!("  - client: connect\n{steps}"), &format!("0 do 0\n{trace}"), expected);
}

// An action moves the cursors of its actors up to its own moment, in both lanes; coarse stamps are forgiven.
#[rstest]
#[case::before_is_gone("1 attempt 1\n2 do 2\n3 closed client", "{attempt: 1}", "pass; fail missing = timeout")]
#[case::at_its_moment("2 do 2\n2 attempt 1", "{attempt: 1}", "pass; pass = pass")]
#[case::client_lane_before_is_gone(
    "1 event sessionCreated\n2 do 2",
    "{event: sessionCreated}",
    "pass; fail missing = timeout"
)]
#[case::whole_milliseconds("2.0004 do 2\n2 event sessionCreated", "{event: sessionCreated}", "pass; pass = pass")]
fn actions_move_cursors(#[case] trace: &str, #[case] expect: &str, #[case] expected: &str) {
    let steps =
        format!("  - client: connect\n  - expect: {{request: refresh}}\n  - client: connect\n  - expect: {expect}");
    check(&steps, &format!("0 do 0\n0.5 request refresh\n{trace}"), expected);
}

#[test]
fn an_action_leaves_the_cursors_of_others_alone() {
    let steps = "  - {client: connect, who: [alice, bob]}\n  - {expect: {request: refresh}, who: alice}\n  - {client: connect, who: alice}\n  - {expect: {attempt: 1}, who: bob}";
    let trace = "alice 0 do 0\nbob 0 do 0\nalice 1 request refresh\nbob 1 attempt 1\nalice 2 do 2";
    check_two(steps, trace, "pass; pass = pass");
}

// `unordered` begins at the actor's last action, takes only what was not taken, and leaves the cursor alone.
#[rstest]
#[case::reaches_back("1 closed client\n2 attempt 2", "within: 1s", "pass; pass; fail missing = timeout")]
#[case::holds_before_the_reference(
    "1 closed client\n2 attempt 2\n3 request refresh",
    "within: 10ms",
    "pass; pass; pass = pass"
)]
#[case::too_late("2 attempt 2\n4 closed client\n5 request refresh", "within: 1s", "pass; fail late 745ms; pass = fail")]
#[case::leaves_the_cursor("2 attempt 2\n3 request refresh\n4 closed client", "within: 5s", "pass; pass; pass = pass")]
fn unordered(#[case] trace: &str, #[case] bound: &str, #[case] expected: &str) {
    let steps = format!(
        "  - client: connect\n  - expect: {{attempt: 2}}\n  - expect: {{closed: any}}\n    unordered: true\n    {bound}\n  - expect: {{request: refresh}}"
    );
    check(&steps, &format!("0 do 0\n{trace}"), expected);
}

#[test]
fn unordered_takes_nothing_twice_and_nothing_before_the_action() {
    let twice = "  - client: connect\n  - expect: {closed: any}\n  - expect: {closed: any}\n    unordered: true";
    check(twice, "0 do 0\n1 closed client", "pass; fail missing = timeout");
    check(twice, "0 do 0\n1 closed client\n2 closed server", "pass; pass = pass");
    let before = "  - client: connect\n  - expect: {request: refresh}\n  - client: connect\n  - expect: {closed: any}\n    unordered: true";
    check(before, "0 do 0\n1 closed client\n2 request refresh\n3 do 2", "pass; fail missing = timeout");
}

// `times: n` takes n records one after another and judges each.
#[rstest]
#[case("1 ping 1 gap=1s\n2 ping 2 gap=1s\n3 ping 3 gap=1s", "pass = pass")]
#[case("1 ping 1 gap=1s\n2 ping 2 gap=9s\n3 ping 3 gap=1s", "fail field gap = fail")]
#[case("1 ping 1 gap=1s\n2 ping 2 gap=1s", "fail count 2 = timeout")]
fn times(#[case] trace: &str, #[case] expected: &str) {
    check("  - client: connect\n  - expect: {ping: any, gap: 1s}\n    times: 3", &format!("0 do 0\n{trace}"), expected);
}

// If the next record of the lane does not fit an optional step, it is skipped, and passed over as a reference: the
// attempt then counts from the action.
#[rstest]
#[case::there("1 request refresh\n3 attempt 1", "pass; pass = pass")]
#[case::there_and_wrong("1 request refresh method=GET\n3 attempt 1", "fail field method; pass = fail")]
#[case::not_next("1 closed client\n2 attempt 1", "pass; pass = pass")]
#[case::not_next_is_left_for_others("2 attempt 1\n2.5 request refresh", "pass; pass = pass")]
#[case::not_in_time("1.3 request refresh\n2 attempt 1", "pass; pass = pass")]
#[case::not_at_all("3.6 attempt 1", "pass; fail late 1.345s = fail")]
fn optional(#[case] trace: &str, #[case] expected: &str) {
    let steps = "  - client: connect\n  - expect: {request: refresh, method: {$not: GET}}\n    optional: true\n    within: 1s\n  - expect: {attempt: 1}\n    after: 2s";
    check(steps, &format!("0 do 0\n{trace}"), expected);
}

// Alternatives: the first record that any of them selects, whichever lane it is in; where several select it, one that
// judges it right.
#[rstest]
#[case::first_in_time("1 attempt 1\n2 event sessionCreated data=1", "pass; fail missing = timeout")]
#[case::other_lane_first("0.9 event sessionCreated data=1\n1 attempt 1", "pass; pass = pass")]
#[case::other_lane_first_but_wrong("0.9 event sessionCreated data=2\n1 attempt 1", "fail field data; pass = fail")]
fn any_of(#[case] trace: &str, #[case] expected: &str) {
    let steps = "  - client: connect\n  - expect: {any_of: [{attempt: 1}, {event: sessionCreated, data: 1}]}\n  - expect: {attempt: 1}";
    check(steps, &format!("0 do 0\n{trace}"), expected);
}

#[rstest]
#[case("guest", "pass = pass")]
#[case("jwt", "deviation DT-X-02 = deviation")]
#[case("none", "fail field token_kind = fail")]
fn the_branch_that_fits_is_taken(#[case] kind: &str, #[case] expected: &str) {
    let steps = "  - client: connect\n  - expect: {any_of: [{received: CONNECT, token_kind: guest}, {received: CONNECT, token_kind: jwt, deviation: DT-X-02}]}";
    check(steps, &format!("0 do 0\n1 received CONNECT token_kind={kind}"), expected);
}

// The end of the connection that a step names decides it.
#[rstest]
#[case::ended("1 closed client connection=1\n200 attempt 2", "fail missing = fail")]
#[case::other_connection("1 closed client connection=2\n2 sent auth_error connection=1", "pass = pass")]
#[case::itself_is_found("1 sent auth_error connection=1\n1 closed client connection=1", "pass = pass")]
fn the_end_of_a_connection(#[case] trace: &str, #[case] expected: &str) {
    check("  - client: connect\n  - expect: {sent: auth_error, connection: 1}", &format!("0 do 0\n{trace}"), expected);
}

#[test]
fn a_connection_that_had_ended_before_is_not_waited_for() {
    let steps =
        "  - client: connect\n  - expect: {closed: any, connection: 1}\n  - expect: {sent: auth_error, connection: 1}";
    check(steps, "0 do 0\n1 closed client connection=1", "pass; fail missing = fail");
}

#[test]
fn a_connection_that_had_ended_before_the_action_neither() {
    let steps = "  - client: connect\n  - expect: {request: refresh}\n  - client: connect\n  - expect: {sent: auth_error, connection: 1}";
    check(steps, "0 do 0\n1 request refresh\n2 closed client connection=1\n3 do 2", "pass; fail missing = fail");
}

// Order inside a lane is certain, its moments are not: they never run backwards.
#[test]
fn a_lane_whose_moments_run_backwards() {
    let steps = "  - client: connect\n  - expect: {closed: any}\n  - expect: {attempt: 1}\n    within: 1s";
    let mut fixture = Fixture::new("{token: jwt}", steps, "0 do 0\n2 attempt 1\n3 closed client");
    fixture.trace.swap(1, 2);
    assert_eq!(told(&fixture.judge()), "pass; pass = pass");
}

// A step for several actors must hold for each, and counts from each actor's own record.
#[rstest]
#[case("alice 1 attempt 1\nbob 2 attempt 1\nalice 2 sent CONNECT\nbob 3 sent CONNECT", "pass; pass; pass; pass = pass")]
#[case(
    "alice 1 attempt 1\nbob 2 attempt 1\nalice 4 sent CONNECT\nbob 3 sent CONNECT",
    "pass; pass; fail late 1.745s; pass = fail"
)]
#[case("alice 1 attempt 1", "pass; fail missing; not-reached; not-reached = timeout")]
fn several_actors(#[case] trace: &str, #[case] expected: &str) {
    let steps = "  - {client: connect, who: [alice, bob]}\n  - {expect: {attempt: 1}, who: [alice, bob]}\n  - {expect: {sent: CONNECT}, within: 1s, who: [alice, bob]}";
    check_two(steps, &format!("alice 0 do 0\nbob 0 do 0\n{trace}"), expected);
}

// A record of another actor: the latest of that name.
#[rstest]
#[case("carol 4 attempt 1", "pass; pass; pass = pass")]
#[case("carol 3.2 attempt 1", "pass; pass; fail early 745ms = fail")]
fn the_latest_of_a_name(#[case] record: &str, #[case] expected: &str) {
    let steps = "  - {client: connect, who: [alice, bob, carol]}\n  - {expect: {attempt: 1}, who: [alice, bob], as: up}\n  - {expect: {attempt: 1}, who: carol, since: up, after: 1s}";
    let given = "{clients: {alice: {token: jwt}, bob: {token: jwt}, carol: {token: jwt}}}";
    let trace = format!("alice 0 do 0\nbob 0 do 0\ncarol 0 do 0\nalice 1 attempt 1\nbob 3 attempt 1\n{record}");
    assert_eq!(Fixture::new(given, steps, &trace).told(), expected);
}

// The reference is the step before, unless `since` names another; a `never` without `for` is passed over.
#[rstest]
#[case::step_before("  - expect: {request: refresh}\n  - expect: {attempt: 2}\n    after: 1s", "pass; pass = pass")]
#[case::since(
    "  - expect: {request: refresh}\n  - expect: {attempt: 2}\n    after: 3s\n    since: dial",
    "pass; pass = pass"
)]
#[case::never_is_passed_over(
    "  - expect: {request: refresh}\n  - never: {log: x}\n  - expect: {attempt: 2}\n    after: 1s",
    "pass; pass; pass = pass"
)]
#[case::window_is_not("  - never: {log: x}\n    for: 1s\n  - expect: {attempt: 2}\n    after: 2s", "pass; pass = pass")]
#[case::wait_is_not("  - wait: 1s\n  - expect: {attempt: 2}\n    after: 2s", "pass = pass")]
fn references(#[case] steps: &str, #[case] expected: &str) {
    let steps = format!("  - client: connect\n    as: dial\n{steps}");
    check(&steps, "0 do 0\n2 request refresh\n3 attempt 2", expected);
}

#[test]
fn a_crowd_is_judged_in_linear_time() {
    let steps = "  - {client: connect, who: crowd, as: burst}\n  - {expect: {attempt: 1}, who: crowd, within: 1s, since: burst}\n  - {expect: {sent: CONNECT}, who: crowd}\n  - {never: {closed: any}, who: crowd}";
    let crowd = |what: &str| (1..=200).map(|member| format!("crowd/{member} {what}\n")).collect::<Vec<_>>().concat();
    let trace = ["0 do 0", "0.5 attempt 1", "0.8 sent CONNECT"].map(crowd).concat();
    let fixture = Fixture::new("{clients: {crowd: {count: 200, token: jwt}}}", steps, &trace);
    let judged = fixture.judge();
    assert_eq!((judged.checks.len(), judged.outcome), (600, CaseOutcome::Pass));
    assert_eq!(without_places(&judged), without_places(&online::watch(&fixture, 1)));
}

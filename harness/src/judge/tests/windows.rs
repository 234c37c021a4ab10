//! Windows (section 6): `never`, counted records, `for` and `until`, and what becomes of open ones.

use rstest::rstest;

use super::*;

fn check_window(steps: &str, trace: &str, expected: &str) {
    check(&format!("  - client: connect\n    as: dial\n{steps}"), &format!("0 do 0\n{trace}"), expected);
}

// With `for`, a never holds in its window and takes that long.
#[rstest]
#[case::nothing("10 attempt 2", "pass; pass = pass")]
#[case::inside("1 attempt 1 open=2\n10 attempt 2", "fail forbidden; pass = fail")]
#[case::fields_select("1 attempt 1 open=1\n10 attempt 2", "pass; pass = pass")]
fn never_for(#[case] trace: &str, #[case] expected: &str) {
    let steps = "  - never: {attempt: any, open: 2+}\n    for: 2s\n  - expect: {attempt: 2}\n    after: 8s";
    check_window(steps, trace, expected);
}

// It begins behind the record that it counts from, and sees what others took.
#[rstest]
#[case::not_its_own_reference("1 attempt 1", "pass; pass = pass")]
#[case::the_next("1 attempt 1\n1 attempt 2", "pass; fail forbidden = fail")]
fn never_begins_behind_its_reference(#[case] trace: &str, #[case] expected: &str) {
    check_window("  - expect: {attempt: 1}\n  - never: {attempt: any}\n    for: 2s", trace, expected);
}

// Without `for` and `until` it holds to the end of the case; with a name, to that record, which is outside.
#[rstest]
#[case::to_the_end("", "1 attempt 1\n2 closed client\n3 request refresh", "pass; pass; pass = pass")]
#[case::seen_though_taken("", "1 attempt 1\n2 closed server\n3 request refresh", "fail forbidden; pass; pass = fail")]
#[case::after_the_end_is_not_judged(
    "",
    "1 attempt 1\n2 closed client\n3 request refresh\n4 closed server",
    "pass; pass; pass = pass"
)]
#[case::before_the_name(
    "\n    until: up",
    "1 closed server\n2 attempt 1\n3 request refresh",
    "fail forbidden; pass; pass = fail"
)]
#[case::the_named_is_outside(
    "\n    until: gone",
    "1 attempt 1\n2 closed server\n3 request refresh",
    "pass; pass; pass = pass"
)]
fn never_to_the_end_or_until(#[case] until: &str, #[case] trace: &str, #[case] expected: &str) {
    let (kind, name) = if until.ends_with("up") { ("attempt", "up") } else { ("closed", "gone") };
    let steps = format!(
        "  - never: {{closed: server}}{until}\n  - expect: {{{kind}: any}}\n    as: {name}\n  - expect: {{request: refresh}}"
    );
    check_window(&steps, trace, expected);
}

// Across lanes the named record's moment ends the window.
#[rstest]
#[case("1.999999 event sessionCreated", "fail forbidden; pass = fail")]
#[case("2 event sessionCreated", "pass; pass = pass")]
fn until_across_lanes(#[case] event: &str, #[case] expected: &str) {
    let steps = "  - never: {event: sessionCreated}\n    until: up\n  - expect: {attempt: 1}\n    as: up";
    check_window(steps, &format!("{event}\n2 attempt 1"), expected);
}

// Counted records: the number and each record are judged; the step waits for the end of the window.
#[rstest]
#[case::right("0.5 received get_history data=1\n1 received get_history data=1", "pass; pass = pass")]
#[case::too_many(
    "0.5 received get_history data=1\n1 received get_history data=1\n1.5 received get_history data=1",
    "fail count 3; pass = fail"
)]
#[case::too_few("0.5 received get_history data=1", "fail count 1; pass = fail")]
#[case::none("0.5 attempt 7", "fail count 0; not-reached = fail")]
#[case::outside(
    "0.5 received get_history data=1\n1 received get_history data=1\n2.1 received get_history data=1",
    "pass; pass = pass"
)]
#[case::wrong("0.5 received get_history data=1\n1 received get_history data=2", "fail field data; pass = fail")]
fn counted(#[case] trace: &str, #[case] expected: &str) {
    let steps = "  - expect: {received: get_history, data: 1}\n    times: 2\n    for: 2s\n  - expect: {attempt: 2}\n    after: 8s";
    check_window(steps, &format!("{trace}\n10 attempt 2"), expected);
}

#[rstest]
#[case("0-1", "pass; pass = pass")]
#[case("1+", "fail count 0; not-reached = fail")]
fn counting_none(#[case] times: &str, #[case] expected: &str) {
    let steps =
        format!("  - expect: {{received: get_history}}\n    times: {times}\n    for: 2s\n  - expect: {{attempt: 2}}");
    check_window(&steps, "10 attempt 2", expected);
}

// What follows a counting window counts from its end, and not from the last record counted; its name stands for that.
#[rstest]
#[case::inside_the_window("0.5 attempt 1\n1 closed client", "pass; pass = pass")]
#[case::behind_it("0.5 attempt 1\n2.5 closed client", "pass; fail forbidden = fail")]
fn behind_a_counting_window(#[case] trace: &str, #[case] expected: &str) {
    let steps = "  - expect: {attempt: any}\n    times: 1\n    for: 2s\n  - never: {closed: any}\n    for: 2s";
    check_window(steps, trace, expected);
}

#[test]
fn the_name_of_a_counting_window() {
    let steps = "  - expect: {attempt: any}\n    times: 2\n    for: 2s\n    as: last\n  - expect: {sent: CONNECT, connection: \"${last.attempt}\"}";
    check_window(
        steps,
        "0.5 attempt 1\n1 attempt 2\n3 sent CONNECT connection=1\n4 sent CONNECT connection=2",
        "pass; pass = pass",
    );
}

// Counted until a later step: judged when its record is there, and the case goes on meanwhile.
#[rstest]
#[case("1 received get_history\n2 attempt 2", "pass; pass = pass")]
#[case(
    "1 received get_history\n1.5 received get_history\n2 attempt 2\n3 received get_history",
    "fail count 2; pass = fail"
)]
#[case("2 attempt 2\n3 received get_history", "fail count 0; pass = fail")]
fn counted_until(#[case] trace: &str, #[case] expected: &str) {
    let steps =
        "  - expect: {received: get_history}\n    times: 1\n    until: again\n  - expect: {attempt: 2}\n    as: again";
    check_window(steps, trace, expected);
}

// What is counted is taken, what only is forbidden is not.
#[rstest]
#[case("expect: {attempt: any}\n    times: 1-2", "pass; fail missing = timeout")]
#[case("never: {request: refresh}", "pass; pass = pass")]
fn counting_takes(#[case] check_: &str, #[case] expected: &str) {
    check_window(&format!("  - {check_}\n    for: 2s\n  - expect: {{attempt: 1}}"), "1 attempt 1", expected);
}

// A check without a record ends the case: open windows are judged then, and those that found nothing are not reached.
#[rstest]
#[case::nothing("  - never: {request: refresh}", "1 attempt 1", "not-reached; fail missing; not-reached = fail")]
#[case::found("  - never: {attempt: any}", "1 attempt 1", "fail forbidden; fail missing; not-reached = fail")]
#[case::until(
    "  - never: {request: refresh}\n    until: end",
    "1 attempt 1",
    "not-reached; fail missing; not-reached = fail"
)]
#[case::already_over(
    "  - never: {request: refresh}\n    for: 1s",
    "1 attempt 1",
    "pass; fail missing; not-reached = fail"
)]
#[case::too_few_yet(
    "  - expect: {attempt: any}\n    times: 2\n    until: end",
    "1 attempt 1",
    "not-reached; fail missing; not-reached = fail"
)]
#[case::too_many_already(
    "  - expect: {attempt: any}\n    times: 2\n    until: end",
    "1 attempt 1\n2 attempt 2\n3 attempt 3",
    "fail count 3; fail missing; not-reached = fail"
)]
fn open_at_an_early_end(#[case] window: &str, #[case] trace: &str, #[case] expected: &str) {
    let steps =
        format!("{window}\n  - expect: {{closed: any}}\n    within: 5s\n  - expect: {{attempt: 9}}\n    as: end");
    check_window(&steps, trace, expected);
}

// A window that counts from another lane's record begins at its moment.
#[rstest]
#[case("0.999999 attempt 1", "pass; pass = pass")]
#[case("1 attempt 1", "pass; fail forbidden = fail")]
fn a_window_across_lanes(#[case] attempt: &str, #[case] expected: &str) {
    let steps = "  - expect: {event: sessionCreated}\n  - never: {attempt: any}\n    for: 2s";
    check_window(steps, &format!("{attempt}\n1 event sessionCreated"), expected);
}

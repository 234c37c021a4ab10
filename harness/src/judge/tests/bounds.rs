//! Bounds in time (section 6, "Bounds" and "How long"): the last moment inside and the first outside of each.

use rstest::rstest;

use super::*;

// A client's single duration: -50 ms to the greater of 250 ms and 5 %; 5 ms more on each side at speed 1.
#[rstest]
#[case::after_earliest("after: 10s", 9.945, "pass")]
#[case::after_early("after: 10s", 9.944, "fail early 1ms")]
#[case::after_latest("after: 10s", 10.505, "pass")]
#[case::after_late("after: 10s", 10.506, "fail late 1ms")]
#[case::after_absolute_part("after: 1s", 1.255, "pass")]
#[case::after_absolute_part_late("after: 1s", 1.256, "fail late 1ms")]
#[case::range_is_widened_only_by_the_allowance("after: 9s-11s", 8.995, "pass")]
#[case::range_early("after: 9s-11s", 8.994, "fail early 1ms")]
#[case::range_latest("after: 9s-11s", 11.005, "pass")]
#[case::range_late("after: 9s-11s", 11.006, "fail late 1ms")]
#[case::at_least("after: 9s+", 8.995, "pass")]
#[case::at_least_early("after: 9s+", 8.994, "fail early 1ms")]
#[case::at_least_has_no_end("after: 9s+", 200.0, "pass")]
#[case::within_latest("within: 10s", 10.505, "pass")]
#[case::within_late("within: 10s", 10.506, "fail late 1ms")]
#[case::without_bound_slow_is_not_wrong("as: any_time", 200.0, "pass")]
fn of_a_client(#[case] bound: &str, #[case] at: f64, #[case] expected: &str) {
    let steps = format!("  - client: connect\n  - expect: {{attempt: 1}}\n    {bound}");
    let outcome = expected.split(' ').next().unwrap();
    check(&steps, &format!("0 do 0\n{at} attempt 1"), &format!("{expected} = {outcome}"));
}

// The server's own doing has the server's tolerance, in a client scenario too: the greater of 250 ms and 5 %, both ways.
#[rstest]
#[case::sent("sent: auth_error", "sent auth_error", 9.495, "pass")]
#[case::sent_early("sent: auth_error", "sent auth_error", 9.494, "fail early 1ms")]
#[case::answer("answer: refresh", "answer refresh", 9.495, "pass")]
#[case::ping("ping: 1", "ping 1", 9.495, "pass")]
#[case::pong_is_the_clients("pong: 1", "pong 1", 9.495, "fail early 450ms")]
#[case::closed_is_the_clients("closed: client", "closed client", 9.495, "fail early 450ms")]
fn of_the_servers_own_doing(#[case] what: &str, #[case] record: &str, #[case] at: f64, #[case] expected: &str) {
    let steps = format!("  - client: connect\n  - expect: {{{what}}}\n    after: 10s");
    let outcome = expected.split(' ').next().unwrap();
    check(&steps, &format!("0 do 0\n{at} {record}"), &format!("{expected} = {outcome}"));
}

#[rstest]
#[case(9.495, "pass = pass")]
#[case(9.494, "fail early 1ms = fail")]
fn of_a_server_that_is_the_subject(#[case] at: f64, #[case] expected: &str) {
    let steps = "  - probe: connect\n  - expect: {closed: server}\n    after: 10s";
    let trace = format!("probe 0 do 0\nprobe {at} closed server");
    assert_eq!(Fixture::new("{probes: {probe: {token: jwt}}}", steps, &trace).told(), expected);
}

// Under warp the allowance grows with the speed: 100 ms at 20.
#[rstest]
#[case(9.85, "pass = pass")]
#[case(9.849, "fail early 1ms = fail")]
#[case(10.6, "pass = pass")]
#[case(10.601, "fail late 1ms = fail")]
fn under_warp(#[case] at: f64, #[case] expected: &str) {
    let steps = "  - client: connect\n  - expect: {attempt: 1}\n    after: 10s";
    let mut fixture = Fixture::new("{token: jwt}", steps, &format!("0 do 0\n{at} attempt 1"));
    fixture.setting.speed = 20;
    assert_eq!(fixture.told(), expected);
}

// A record whose moment is only that of its reading may have come earlier by its slack; so may its reference.
#[rstest]
#[case::late_by_slack_alone("0 do 0\n10.9 state connecting slack=400000", "after: 10s", "pass")]
#[case::late_beyond_slack("0 do 0\n10.906 state connecting slack=400000", "after: 10s", "fail late 1ms")]
#[case::too_early_is_not_excused("0 do 0\n9.5 state connecting slack=400000", "after: 10s", "fail early 445ms")]
fn slack_widens(#[case] trace: &str, #[case] bound: &str, #[case] expected: &str) {
    let outcome = expected.split(' ').next().unwrap();
    let steps = format!("  - client: connect\n  - expect: {{state: connecting}}\n    {bound}");
    check(&steps, trace, &format!("{expected} = {outcome}"));
}

#[rstest]
#[case("3.6 attempt 1", "pass; pass = pass")]
#[case("3.5 attempt 1", "pass; fail early 45ms = fail")]
fn slack_of_the_reference_widens_too(#[case] record: &str, #[case] expected: &str) {
    let steps = "  - client: connect\n  - expect: {state: connecting}\n  - expect: {attempt: 1}\n    after: 3s";
    check(steps, &format!("0 do 0\n1 state connecting slack=400000\n{record}"), expected);
}

// Durations in fields: single ones have the tolerance, written ranges the allowance.
#[rstest]
#[case("wait: 1s", "945ms", "pass")]
#[case("wait: 1s", "944ms", "fail field wait")]
#[case("wait: 1s", "1255ms", "pass")]
#[case("wait: 1s", "1256ms", "fail field wait")]
#[case("wait: 900ms-1200ms", "895ms", "pass")]
#[case("wait: 900ms-1200ms", "894ms", "fail field wait")]
#[case("wait: 900ms-1200ms", "1205ms", "pass")]
#[case("wait: 900ms-1200ms", "1206ms", "fail field wait")]
#[case("wait: 900ms+", "895ms", "pass")]
#[case("wait: 900ms+", "1h", "pass")]
fn in_fields(#[case] asked: &str, #[case] wait: &str, #[case] expected: &str) {
    let outcome = expected.split(' ').next().unwrap();
    let steps = format!("  - client: connect\n  - expect: {{attempt: 1, {asked}}}");
    check(&steps, &format!("0 do 0\n1 attempt 1 wait={wait}"), &format!("{expected} = {outcome}"));
}

// What is forbidden is narrowed: doubt is never held against the subject.
#[rstest]
#[case("36004ms", "pass = pass")]
#[case("36005ms", "fail forbidden = fail")]
fn in_forbidden_fields(#[case] wait: &str, #[case] expected: &str) {
    let steps = "  - client: connect\n  - never: {attempt: any, wait: 36s+}\n    for: 2s";
    check(steps, &format!("0 do 0\n1 attempt 1 wait={wait}"), expected);
}

// A window is not widened: its last moment is inside, the next is not.
#[rstest]
#[case("2 attempt 1", "fail forbidden = fail")]
#[case("2.000001 attempt 1", "pass = pass")]
fn a_window_is_exact(#[case] record: &str, #[case] expected: &str) {
    check("  - client: connect\n  - never: {attempt: any}\n    for: 2s", &format!("0 do 0\n{record}"), expected);
}

// In order, a record before the reference is too early; clocks of two lanes may differ by the allowance.
#[rstest]
#[case("0.995 attempt 1", "pass; pass = pass")]
#[case("0.994 attempt 1", "pass; fail early 1ms = fail")]
fn within_does_not_reach_back(#[case] record: &str, #[case] expected: &str) {
    let steps = "  - client: connect\n  - expect: {state: connecting}\n  - expect: {attempt: 1}\n    within: 1s";
    check(steps, &format!("0 do 0\n{record}\n1 state connecting"), expected);
}

// Both bounds hold where both are written.
#[rstest]
#[case(1.0, "fail early 995ms = fail")]
#[case(3.0, "pass = pass")]
#[case(4.0, "fail late 745ms = fail")]
fn within_and_after(#[case] at: f64, #[case] expected: &str) {
    let steps = "  - client: connect\n  - expect: {attempt: 1}\n    within: 3s\n    after: 2s-10s";
    check(steps, &format!("0 do 0\n{at} attempt 1"), expected);
}

// A record out of time is found and told, and the case goes on from it; but nobody waits for ever.
#[rstest]
#[case::found("12.9 attempt 1\n13 attempt 2", "fail late 2.395s; pass = fail")]
#[case::given_up("14 attempt 1\n15 attempt 2", "fail missing; not-reached = fail")]
fn late_or_missing(#[case] records: &str, #[case] expected: &str) {
    let steps = "  - client: connect\n  - expect: {attempt: 1}\n    within: 10s\n  - expect: {attempt: 2}";
    check(steps, &format!("0 do 0\n{records}"), expected);
}

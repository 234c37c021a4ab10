//! The strict state lane (section 6) and what is always checked of it.

use rstest::rstest;

use super::*;

/// A client that connects.
const UP: &str = "0 do 0\n1 state connecting\n2 state authenticating\n3 state connected";

fn check_states(steps: &str, trace: &str, expected: &str) {
    check(&format!("  - client: connect\n{steps}"), trace, expected);
}

// The next state not yet taken must be the one expected; a list takes that run.
#[rstest]
#[case::run("  - expect: {state: [connecting, authenticating, connected]}", "pass = pass")]
#[case::one_by_one(
    "  - expect: {state: connecting}\n  - expect: {state: [authenticating, connected]}",
    "pass; pass = pass"
)]
#[case::never_passed_over("  - expect: {state: connected}", "fail state connected/connecting = fail")]
#[case::contradicted_in_the_run(
    "  - expect: {state: [connecting, connected]}\n  - expect: {state: connected}",
    "fail state connected/authenticating; pass = fail"
)]
#[case::run_too_long("  - expect: {state: [connecting, authenticating, connected, error]}", "fail missing = timeout")]
#[case::judged_field(
    "  - expect: {state: connecting, from: error}\n  - expect: {state: [authenticating, connected]}",
    "fail field from; pass = fail"
)]
fn strict(#[case] steps: &str, #[case] expected: &str) {
    check_states(steps, &UP.replace("connecting\n", "connecting from=disconnected\n"), expected);
}

// Timing concerns the last of a run.
#[rstest]
#[case("3s", "pass = pass")]
#[case("1s", "fail late 1.745s = fail")]
fn the_last_of_a_run_is_timed(#[case] within: &str, #[case] expected: &str) {
    check_states(
        &format!("  - expect: {{state: [connecting, authenticating, connected]}}\n    within: {within}"),
        UP,
        expected,
    );
}

// Not by an action either: a state reported before it is still the next.
#[test]
fn actions_pass_over_no_state() {
    let steps =
        "  - expect: {state: connecting}\n  - client: connect\n  - expect: {state: [authenticating, connected]}";
    check_states(steps, &format!("{UP}\n5 do 2"), "pass; pass = pass");
}

// Records of other kinds in the client lane do not bind the states, nor are states passed over by taking them.
#[test]
fn states_behind_another_record_are_still_there() {
    let steps = "  - expect: {event: sessionCreated}\n  - expect: {state: [connecting, authenticating, connected]}";
    check_states(steps, &format!("{UP}\n4 event sessionCreated"), "pass; pass = pass");
}

// `eventually` passes over transitions up to the first fitting one at or after the reference.
#[rstest]
#[case::passes_over("  - expect: {state: connected}\n    eventually: true", "pass = pass")]
#[case::never_comes("  - expect: {state: reconnecting}\n    eventually: true", "fail missing = timeout")]
#[case::what_is_behind_is_strict(
    "  - expect: {state: authenticating}\n    eventually: true\n  - expect: {state: error}",
    "pass; fail state error/connected = fail"
)]
fn eventually(#[case] steps: &str, #[case] expected: &str) {
    check_states(steps, UP, expected);
}

#[rstest]
#[case::the_one_after("6", "pass; pass; pass = pass")]
#[case::at_the_reference_by_the_allowance("3.005", "pass; pass; pass; *fail leftover = fail")]
#[case::before_it("3.006", "pass; pass; pass = pass")]
fn eventually_begins_at_the_reference(#[case] attempt: &str, #[case] expected: &str) {
    let steps = "  - expect: {attempt: 2}\n  - expect: {state: connected}\n    eventually: true\n  - never: {closed: any}\n    for: 10s";
    let again = "7 state error\n8 state reconnecting\n9 state connecting\n10 state authenticating\n11 state connected";
    check_states(steps, &format!("{UP}\n{attempt} attempt 2\n{again}"), expected);
}

// At the end of the case no state may be left; what comes later is not judged. Doubt at the very end is not held
// against the client.
#[rstest]
#[case::left("4 attempt 2", "pass; pass; *fail leftover = fail")]
#[case::later("1.5 attempt 2", "pass; pass = pass")]
#[case::at_the_very_end("2.005 attempt 2", "pass; pass = pass")]
#[case::just_before("2.006 attempt 2", "pass; pass; *fail leftover = fail")]
fn leftover(#[case] attempt: &str, #[case] expected: &str) {
    let trace = format!("{UP}\n{attempt}");
    check_states("  - expect: {state: connecting}\n  - expect: {attempt: 2}", &trace, expected);
}

// A client of which no state is expected may report what it likes, but for what is forbidden.
#[test]
fn a_client_of_which_no_state_is_expected() {
    check_states("  - expect: {attempt: 2}", &format!("{UP}\n4 attempt 2"), "pass = pass");
}

#[test]
fn a_case_that_ended_early_has_no_leftover() {
    check_states(
        "  - expect: {state: connecting}\n  - expect: {attempt: 2}\n    within: 5s",
        UP,
        "pass; fail missing = fail",
    );
}

// Always checked, also of what `eventually` passes over: forbidden transitions, unknown and repeated states.
#[rstest]
#[case::forbidden("1 state connecting\n2 state connected", "pass; *fail transition connecting>connected = fail")]
#[case::from_the_initial_state("1 state connected", "pass; *fail transition disconnected>connected = fail")]
#[case::unknown("1 state connecting\n2 state dreaming", "pass; *fail transition connecting>dreaming = fail")]
#[case::repeated("1 state connecting\n2 state connecting", "pass; *fail transition connecting>connecting = fail")]
#[case::each_once(
    "1 state connecting\n2 state connected\n3 state error\n4 state reconnecting\n5 state connecting\n6 state connected",
    "pass; *fail transition connecting>connected = fail"
)]
#[case::after_the_end("1 state connecting\n10 state connected", "pass = pass")]
#[case::legal("1 state connecting\n2 state authenticating\n3 state connected", "pass = pass")]
fn always(#[case] states: &str, #[case] expected: &str) {
    check_states("  - expect: {attempt: 2}", &format!("0 do 0\n{states}\n9 attempt 2"), expected);
}

#[rstest]
#[case("2 state connected", "DT-STATE-07")]
#[case("2 state dreaming", "DT-STATE-08")]
#[case("2 state connecting", "DT-STATE-09")]
fn the_requirement_is_the_contracts(#[case] state: &str, #[case] requirement: &str) {
    let steps = "  - client: connect\n  - expect: {attempt: 2}";
    let trace = format!("0 do 0\n1 state connecting\n{state}\n9 attempt 2");
    let judged = Fixture::new("{token: jwt}", steps, &trace).judge();
    assert_eq!(judged.checks[1].requirements, [requirement]);
}

// Alternatives of states, and an optional state.
#[rstest]
#[case("  - expect: {any_of: [{state: error}, {state: [connecting, authenticating, connected]}]}", "pass = pass")]
#[case("  - expect: {any_of: [{state: error}, {state: reconnecting}]}", "fail state error/connecting = fail")]
#[case("  - expect: {state: error}\n    optional: true\n  - expect: {state: connecting}", "pass; pass = pass")]
#[case("  - expect: {state: connecting}\n    optional: true\n  - expect: {state: authenticating}", "pass; pass = pass")]
fn alternatives(#[case] steps: &str, #[case] expected: &str) {
    check_states(steps, UP, expected);
}

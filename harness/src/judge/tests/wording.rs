//! The words of verdicts: they name what is wrong.

use rstest::rstest;

use super::*;

/// Expected and observed of the last check.
fn words(steps: &str, trace: &str) -> (String, String) {
    let mut fixture =
        Fixture::new("{token: jwt}", &format!("  - client: connect\n{steps}"), &format!("0 do 0\n{trace}"));
    fixture.setting.speed = 20;
    let judged = fixture.judge();
    let check = judged.checks.iter().rfind(|check| check.outcome != Outcome::NotReached).unwrap();
    (check.expected.clone(), check.observed.clone())
}

#[rstest]
#[case::late(
    "  - expect: {state: [connecting, authenticating]}\n  - expect: {sent: CONNECT}\n  - expect: {state: error}\n    after: 10s",
    "0.1 state connecting\n0.2 state authenticating\n1 sent CONNECT\n13.31 state error",
    "state error 10s after the connect acknowledgement (9.85s to 10.6s)",
    "state error after 12.31s: 1.71s too late"
)]
#[case::early(
    "  - expect: {attempt: 1}\n    within: 1s\n  - expect: {sent: CONNECT}\n  - expect: {attempt: 2}\n    after: 1s",
    "0.5 attempt 1\n1 sent CONNECT\n1.5 attempt 2",
    "attempt 2 1s after the connect acknowledgement (850ms to 1.35s)",
    "attempt 2 after 500ms: 350ms too early"
)]
#[case::before_the_reference(
    "  - expect: {state: connecting}\n  - expect: {attempt: 1}\n    within: 1s",
    "1 attempt 1\n1.5 state connecting",
    "attempt 1 within 1s of state connecting (at most 1.35s)",
    "attempt 1 500ms before state connecting: 400ms too early"
)]
#[case::field(
    "  - expect: {received: CONNECT, connection: 2, token_kind: guest}",
    "1 received CONNECT connection=2 token_kind=jwt",
    r#"received CONNECT on connection 2 with token_kind "guest""#,
    r#"token_kind: expected "guest", found "jwt""#
)]
#[case::field_inside(
    "  - expect: {sent: auth_error, data: {code: AUTH_EXPIRED}}",
    r#"1 sent auth_error data={"code":"AUTH_INVALID"}"#,
    r#"sent auth_error with data {code: "AUTH_EXPIRED"}"#,
    r#"data.code: expected "AUTH_EXPIRED", found "AUTH_INVALID""#
)]
#[case::field_missing(
    "  - expect: {received: CONNECT, token: {$type: string}}",
    "1 received CONNECT",
    "received CONNECT with token a string",
    "token: expected a string, found nothing"
)]
#[case::duration_field(
    "  - expect: {attempt: 2, wait: 1s}",
    "1 attempt 2 wait=3s",
    "attempt 2 with wait 1s (850ms to 1.35s)",
    "wait: expected 1s (850ms to 1.35s), found 3s"
)]
#[case::missing(
    "  - expect: {state: [connecting, authenticating]}\n  - expect: {state: error}\n    after: 10s",
    "1 state connecting\n2 state authenticating",
    "state error 10s after state authenticating (9.85s to 10.6s)",
    "nothing came until 10.6s; the last thing seen in that lane was state authenticating"
)]
#[case::missing_until_the_limit(
    "  - expect: {attempt: 1}",
    "1 state connecting",
    "attempt 1",
    "nothing came until the limit of 5m; nothing at all was seen in that lane"
)]
#[case::missing_on_a_connection(
    "  - expect: {sent: session_created, connection: 1}",
    "1 closed client connection=1",
    "sent session_created on connection 1",
    "nothing came before connection 1 ended; the last thing seen in that lane was closed client"
)]
#[case::too_few(
    "  - expect: {ping: any}\n    times: 3",
    "1 ping 1\n2 ping 2",
    "a ping 3 times",
    "only 2 records, then nothing came until the limit of 5m; the last thing seen in that lane was ping 2"
)]
#[case::state(
    "  - expect: {state: [connecting, authenticating]}",
    "1 state connecting\n2 state error",
    "state connecting, authenticating",
    "state error instead of authenticating"
)]
#[case::forbidden(
    "  - never: {attempt: any}\n    for: 15s",
    "3.5 attempt 2",
    "no attempt for 15s after the connect action",
    "attempt 2 3.5s after the connect action"
)]
#[case::forbidden_to_the_end(
    "  - never: {log: \"Timeout\"}\n  - expect: {attempt: 1}\n  - never: {request: refresh}",
    "1 attempt 1",
    "no request refresh until the end of the case",
    "nothing of the kind"
)]
#[case::counted(
    "  - expect: {received: get_history}\n    times: 1-2\n    for: 2s",
    "1 attempt 1",
    "received get_history 1-2 times for 2s after the connect action",
    "no record in the window, expected 1-2"
)]
#[case::transition(
    "  - expect: {attempt: 2}",
    "0.1 state connecting\n0.2 state error\n0.3 state connected\n1 attempt 2",
    "only the document's states and transitions",
    "unexpected transition error → connected"
)]
#[case::leftover(
    "  - expect: {state: connecting}\n  - wait: 5s",
    "1 state connecting\n2 state error\n3 state reconnecting",
    "no state left at the end of the case",
    "2 states left: error, reconnecting"
)]
#[case::alternatives(
    "  - expect: {any_of: [{attempt: 1}, {state: error}]}",
    "1 attempt 1",
    "attempt 1 or state error",
    "attempt 1 after 1s"
)]
fn texts(#[case] steps: &str, #[case] trace: &str, #[case] expected: &str, #[case] observed: &str) {
    assert_eq!(words(steps, trace), (expected.to_owned(), observed.to_owned()));
}

#[test]
fn a_reference_that_leads_nowhere_is_named() {
    let steps = "  - expect: {received: CONNECT}\n    as: first\n  - expect: {attempt: any, token: \"${first.token}\"}";
    let (_, observed) = words(steps, "1 received CONNECT");
    assert_eq!(observed, "${first.token} leads nowhere");
}

// Tokens are shortened to ten characters wherever they stand.
#[rstest]
#[case("eyJhbGciOiJIUzI1NiJ9.eyJ1c2VySWQiOiIxIn0.c2lnbmF0dXJl", "eyJhbGciOi")]
#[case("guest_550e8400-e29b-41d4-a716-446655440000_1735689600000", "guest_550e")]
#[case("opaque-token-of-some-kind", "opaque-tok")]
fn tokens_are_shortened(#[case] token: &str, #[case] prefix: &str) {
    let steps = "  - expect: {received: CONNECT}\n    as: first\n  - expect: {attempt: 2, token: \"${first.token}\"}";
    let (expected, observed) =
        words(steps, &format!("1 received CONNECT token=\"{token}\"\n2 attempt 2 token=\"{token}x-other\""));
    assert!(!format!("{expected}{observed}").contains(token), "{expected} / {observed}");
    assert!(expected.contains(&format!("\"{prefix}…\"")), "{expected}");
}

#[test]
fn tokens_inside_other_values_are_shortened() {
    let steps = "  - expect: {attempt: 1, query: {t: x}}";
    let (_, observed) = words(steps, r#"1 attempt 1 query={"t":"a=eyJhbGciOiJIUzI1NiJ9.eyJ1c2VySWQi.c2ln&b=1"}"#);
    assert_eq!(observed, r#"query.t: expected "x", found "a=eyJhbGciOi…&b=1""#);
}

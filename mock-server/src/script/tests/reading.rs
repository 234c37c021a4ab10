//! Reading rules from maps, lists and lines, and what is said about wrong ones.

use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};

use crate::contract::SystemId;
use crate::script::fault::{Fault, ForcedAuthError, Payload, Phase};
use crate::script::{LineError, Rule, read_rules};
use crate::values::NumberRange;

fn read(value: &Value) -> Result<Rule, Vec<String>> {
    let map = value.as_object().expect("a map");
    Rule::read(map).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

#[test]
fn all_common_keys_are_read() {
    let rule = read(&json!({
        "fault": "connection-reset", "phase": "authenticating", "attempts": "1-2", "who": "crowd",
        "when": {"token": "guest", "transport": "polling", "user": "alice", "path": "/x", "header": {"X-Why": "so"}},
        "on": "auth_error", "after": "2s", "for": "10s", "times": 1, "probability": 0.3,
    }))
    .expect("a good rule");
    assert!(matches!(&rule.fault, Fault::ConnectionReset(fault) if fault.phase == Phase::Authenticating));
    assert_eq!(rule.attempts, Some(NumberRange { min: 1, max: Some(2) }));
    assert_eq!(rule.who.as_deref(), Some("crowd"));
    assert_eq!(rule.when.token.as_deref(), Some("guest"));
    assert_eq!(rule.when.header.get("x-why").map(String::as_str), Some("so"));
    assert_eq!(rule.on.as_deref(), Some("auth_error"));
    assert_eq!((rule.after, rule.lasts), (Duration::from_secs(2), Some(Duration::from_secs(10))));
    assert_eq!((rule.times, rule.probability), (Some(1), Some(0.3)));
}

#[rstest]
#[case(json!(3), NumberRange::exactly(3))]
#[case(json!("3"), NumberRange::exactly(3))]
#[case(json!("4+"), NumberRange { min: 4, max: None })]
fn attempts(#[case] value: Value, #[case] expected: NumberRange) {
    let rule = read(&json!({"fault": "silent-auth", "attempts": value}));
    assert_eq!(rule.map(|rule| rule.attempts), Ok(Some(expected)));
}

#[rstest]
#[case(json!({}), &["fault: found nothing, expected the id of a fault"])]
#[case(json!({"fault": 7}), &["fault: found `7`, expected the id of a fault"])]
#[case(json!({"fault": "silent-auth", "attempts": 0}),
    &["attempts: found `0`, expected a number range, such as 3, 1-2 or 4+; attempts are counted from 1"])]
#[case(json!({"fault": "silent-auth", "attemps": 1}), &[
    "attemps: found `attemps`, expected a key of silent-auth: fault, attempts, who, when, on, after, for, times, \
     probability; did you mean `attempts`?",
])]
#[case(json!({"fault": "response-delay", "dealy": "2s"}), &[
    "dealy: found `dealy`, expected a key of response-delay: fault, attempts, who, when, on, after, for, times, \
     probability, delay; did you mean `delay`?",
    "delay: found nothing, expected a duration with a unit, such as 250ms, 1.5s, 2m or 1h",
])]
#[case(json!({"fault": "response-delay", "delay": 2}),
    &["delay: found `2`, expected a duration with a unit, such as 250ms, 1.5s, 2m or 1h"])]
#[case(json!({"fault": "response-delay", "delay": "9999999h", "after": "6000000h"}), &[
    "delay: found `\"9999999h\"`, expected a duration of at most 5124095h, which is 584 years",
    "after: found `\"6000000h\"`, expected a duration of at most 5124095h, which is 584 years",
])]
#[case(json!({"fault": "connection-reset", "phase": "establised"}), &[
    "phase: found `establised`, expected one of: accept, handshake, post-open, post-connect, authenticating, established; \
     did you mean `established`?",
])]
#[case(json!({"fault": "http-error", "status": 99, "times": 0, "probability": 1.5, "after": "soon"}), &[
    "status: found `99`, expected an HTTP status from 200 to 599",
    "after: found `\"soon\"`, expected a duration with a unit, such as 250ms, 1.5s, 2m or 1h",
    "times: found `0`, expected a whole number from 1",
    "probability: found `1.5`, expected a number from 0 to 1",
])]
#[case(json!({"fault": "silent-auth", "when": {"tokn": "guest", "transport": "pigeon", "path": "x"}}), &[
    "when.tokn: found `tokn`, expected one of: token, transport, user, path, header; did you mean `token`?",
    "when.transport: found `\"pigeon\"`, expected polling or websocket",
    "when.path: found `\"x\"`, expected a path that begins with a slash",
])]
#[case(json!({"fault": "silent-auth", "when": "guest"}),
    &["when: found `\"guest\"`, expected a map of token, transport, user, path and header"])]
#[case(json!({"fault": "accept-blackhole", "attempts": 1, "when": {"token": "jwt"}, "on": "auth_error"}), &[
    "attempts: found `1`, expected no `attempts`: accept-blackhole works before a request has been read",
    "when: found `{\"token\":\"jwt\"}`, expected no `when`: accept-blackhole works before a request has been read",
    "on: found `\"auth_error\"`, expected no `on`: no message starts accept-blackhole",
])]
#[case(json!({"fault": "cold-start", "delay": "1s", "phase": "tcp", "attempts": 1}),
    &["attempts: found `1`, expected no `attempts`: cold-start works before a request has been read"])]
#[case(json!({"fault": "rest-error", "attempts": 1}),
    &["attempts: found `1`, expected no `attempts`: rest-error concerns requests that belong to no attempt"])]
#[case(json!({"fault": "clock-advance", "by": "1h", "who": "alice", "for": "1s"}), &[
    "who: found `\"alice\"`, expected no `who`: clock-advance concerns the whole server",
    "for: found `\"1s\"`, expected no `for`: clock-advance cannot be undone",
])]
#[case(json!({"fault": "event-drop"}), &["on: found nothing, expected the event to which event-drop applies"])]
fn wrong_rules(#[case] value: Value, #[case] expected: &[&str]) {
    assert_eq!(read(&value), Err(expected.iter().map(|&text| text.to_owned()).collect()));
}

#[test]
fn an_unknown_fault_is_named_with_the_closest() {
    let errors = read(&json!({"fault": "silent-aut"})).expect_err("no such fault");
    assert!(errors[0].starts_with("fault: found `silent-aut`, expected one of: connection-refused, "), "{errors:?}");
    assert!(errors[0].ends_with("; did you mean `silent-auth`?"), "{errors:?}");
}

#[rstest]
#[case(json!({"fault": "forced-auth-error"}), None)]
#[case(json!({"fault": "forced-auth-error", "payload": null}), Some(Payload::Nothing))]
#[case(json!({"fault": "forced-auth-error", "payload": {}}), Some(Payload::Json(json!({}))))]
fn absent_null_and_empty_payloads_differ(#[case] value: Value, #[case] expected: Option<Payload>) {
    let Ok(Fault::ForcedAuthError(ForcedAuthError { payload, .. })) = read(&value).map(|rule| rule.fault) else {
        panic!("{value} is a good rule");
    };
    assert_eq!(payload, expected);
}

#[test]
fn a_script_reports_every_rule_that_is_wrong() {
    let script = json!([{"fault": "silent-auth"}, {"fault": "latency"}, 7, {"fault": "event-drop", "on": ""}]);
    let errors = read_rules(&script).expect_err("three rules are wrong");
    let paths: Vec<&str> = errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(paths, ["[1].delay", "[2]", "[3].on"]);
    assert_eq!(read_rules(&json!({})).expect_err("no list")[0].to_string(), ": found `{}`, expected a list of rules");
    assert_eq!(read_rules(&json!([{"fault": "silent-auth"}])).map(|rules| rules.len()), Ok(1));
}

#[rstest]
#[case("silent-auth attempts=1-2", json!({"fault": "silent-auth", "attempts": "1-2"}))]
#[case("  http-error   status=404 ", json!({"fault": "http-error", "status": 404}))]
#[case("silent-auth when={token: guest, transport: polling} times=2",
    json!({"fault": "silent-auth", "when": {"token": "guest", "transport": "polling"}, "times": 2}))]
#[case("forced-auth-error message=\"a b = \\\"c\\\" ]\"", json!({"fault": "forced-auth-error", "message": "a b = \"c\" ]"}))]
#[case("forced-auth-error message='it''s' payload=null",
    json!({"fault": "forced-auth-error", "message": "it's", "payload": null}))]
#[case("packet-coalesce packets=[CONNECT, session_created]",
    json!({"fault": "packet-coalesce", "packets": ["CONNECT", "session_created"]}))]
#[case("rest-malformed body=don't", json!({"fault": "rest-malformed", "body": "don't"}))]
fn lines(#[case] line: &str, #[case] expected: Value) {
    assert_eq!(Rule::parse_line(line).map_err(|error| vec![error.to_string()]), read(&expected));
}

#[rstest]
#[case("", "fault: found ``, expected one of: connection-refused, ")]
#[case("silent-auth attempts", "`attempts`: expected a word such as attempts=1-2")]
#[case("silent-auth when={token: guest", "`when={token: guest`: expected an end to its quotes and brackets")]
#[case("silent-auth who=\"a", "`who=\"a`: expected an end to its quotes and brackets")]
#[case("silent-auth who=[a}]", "`who=[a}]`: expected a YAML value behind the equals sign")]
#[case("silent-auth times=1 times=2", "`times` is given twice")]
#[case(
    "silent-auth attempts=x times=0",
    "attempts: found `\"x\"`, expected a number range, such as 3, 1-2 or 4+; \
    attempts are counted from 1\ntimes: found `0`, expected a whole number from 1"
)]
fn wrong_lines(#[case] line: &str, #[case] expected: &str) {
    let error: LineError = Rule::parse_line(line).expect_err(line);
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[rstest]
#[case("silent-auth attempts=1-2 after=2s", "silent-auth attempts=1-2 after=2s")]
#[case("connection-reset phase=established", "connection-reset")]
#[case("latency delay=1.5ms jitter=0.25ms after=90s", "latency after=90s delay=1.5ms jitter=0.25ms")]
#[case("forced-auth-error code=AUTH_EXPIRED message=''", "forced-auth-error code=AUTH_EXPIRED message=\"\"")]
#[case("rest-malformed body=\"12\"", "rest-malformed body=\"12\"")]
#[case("silent-auth when={token: guest}", "silent-auth when={\"token\":\"guest\"}")]
#[case("forced-auth-error message=\"\\x81 \\u2028\"", "forced-auth-error message=\"\\u0081 \\u2028\"")]
fn rules_are_written_in_the_flat_form(#[case] line: &str, #[case] expected: &str) {
    assert_eq!(Rule::parse_line(line).map(|rule| rule.to_string()), Ok(expected.to_owned()));
}

#[rstest]
#[case("silent-auth when={token: guest}", &[])]
#[case("event-drop on=session_created", &[])]
#[case("connection-reset on=CONNECT", &[])]
#[case("rest-error endpoint=refresh", &[])]
#[case("unknown-event on=session_created event=wombat", &[])]
#[case("event-drop on=session_craeted", &["on"])]
#[case("packet-coalesce packets=[CONECT, session_created]", &["packets[0]"])]
#[case("event-reorder order=[session_created, wombat]", &["order[1]"])]
#[case("rest-delay endpoint=refesh", &["endpoint"])]
#[case("silent-auth when={token: gust}", &["when.token"])]
#[case("response-delay delay=1s when={token: jwt, user: alice}", &["when.token", "when.user"])]
#[case("connection-reset phase=handshake when={token: jwt} on=auth_error", &[])]
fn names_are_those_of_the_system(#[case] line: &str, #[case] expected: &[&str]) {
    let errors = Rule::parse_line(line).expect("a good rule").check(SystemId::Digitwin);
    assert_eq!(errors.iter().map(|error| error.path.as_str()).collect::<Vec<_>>(), expected, "{errors:?}");
}

//! What patterns match (section 3), and references to records.

use rstest::rstest;

use super::*;

/// Judges the data of one message against a pattern.
fn fits(pattern: &str, data: &str) -> bool {
    let steps = format!("  - client: connect\n  - expect:\n      received: save_preferences\n      data: {pattern}");
    let data = if data.is_empty() { String::new() } else { format!(" data={data}") };
    let told = Fixture::new("{token: jwt}", &steps, &format!("0 do 0\n1 received save_preferences{data}")).told();
    assert!(told == "pass = pass" || told.starts_with("fail field data"), "{told}");
    told.starts_with("pass")
}

#[rstest]
#[case::equal("a", r#""a""#, true)]
#[case::equal_type_matters("1", r#""1""#, false)]
#[case::number_however_written("1", "1.0", true)]
#[case::null("null", "null", true)]
#[case::map_at_least("{a: 1}", r#"{"a":1,"b":2}"#, true)]
#[case::map_lacks_key("{a: 1}", r#"{"b":2}"#, false)]
#[case::map_is_no_list("{a: 1}", "[1]", false)]
#[case::nested("{a: {b: 1}}", r#"{"a":{"b":1,"c":2}}"#, true)]
#[case::list_same_length("[1, 2]", "[1,2]", true)]
#[case::list_longer("[1, 2]", "[1,2,3]", false)]
#[case::list_order("[1, 2]", "[2,1]", false)]
#[case::type_string("{$type: string}", r#""a""#, true)]
#[case::type_string_wrong("{$type: string}", "1", false)]
#[case::type_integer("{$type: integer}", "1", true)]
#[case::type_integer_is_no_fraction("{$type: integer}", "1.5", false)]
#[case::type_number("{$type: number}", "1.5", true)]
#[case::type_boolean("{$type: boolean}", "true", true)]
#[case::type_object("{$type: object}", "{}", true)]
#[case::type_array("{$type: array}", "[]", true)]
#[case::type_null("{$type: \"null\"}", "null", true)]
#[case::match_is_found_anywhere("{$match: b}", r#""abc""#, true)]
#[case::match_anchored("{$match: ^b}", r#""abc""#, false)]
#[case::match_needs_text("{$match: \"1\"}", "1", false)]
#[case::range_inside("{$range: 1-3}", "3", true)]
#[case::range_outside("{$range: 1-3}", "4", false)]
#[case::range_open("{$range: 3+}", "1000", true)]
#[case::not_fits("{$not: a}", r#""b""#, true)]
#[case::not_fits_not("{$not: a}", r#""a""#, false)]
#[case::not_fits_what_is_absent("{$not: a}", "", true)]
#[case::any_of("{$any_of: [a, b]}", r#""b""#, true)]
#[case::any_of_none("{$any_of: [a, b]}", r#""c""#, false)]
#[case::exact("{$exact: {a: 1}}", r#"{"a":1}"#, true)]
#[case::exact_has_more("{$exact: {a: 1}}", r#"{"a":1,"b":2}"#, false)]
#[case::exact_has_less("{$exact: {a: 1}}", "{}", false)]
#[case::absent("{$absent: true}", "", true)]
#[case::absent_but_there("{$absent: true}", "null", false)]
#[case::absent_inside("{a: {$absent: true}}", r#"{"b":1}"#, true)]
fn patterns(#[case] pattern: &str, #[case] data: &str, #[case] expected: bool) {
    assert_eq!(fits(pattern, data), expected);
}

// Ordinals take number ranges; `any` as the observation's own value matches all; a log line is found by a part of it.
#[rstest]
#[case("attempt: 7-11", "attempt 7", true)]
#[case("attempt: 7-11", "attempt 12", false)]
#[case("attempt: 12+", "attempt 13", true)]
#[case("attempt: any", "attempt 1", true)]
#[case("received: {$match: ^get_}", "received get_history", true)]
#[case("received: {$match: ^get_}", "received save_preferences", false)]
#[case("log: waiting", "log is-waiting-for level=\"info\"", true)]
#[case("log: waited", "log is-waiting-for level=\"info\"", false)]
fn values(#[case] observation: &str, #[case] record: &str, #[case] found: bool) {
    let steps = format!("  - client: connect\n  - expect: {{{observation}}}\n    within: 5s");
    let expected = if found { "pass = pass" } else { "fail missing = fail" };
    check(&steps, &format!("0 do 0\n1 {record}"), expected);
}

// References keep the type of what they lead to; a map stands for at least its keys; inside text they are put in.
#[rstest]
#[case::whole(r#""${first.token}""#, r#""abc""#, "pass; pass = pass")]
#[case::whole_other(r#""${first.token}""#, r#""xyz""#, "pass; fail field data = fail")]
#[case::keeps_its_type(r#""${first.connection}""#, "1", "pass; pass = pass")]
#[case::type_matters(r#""${first.connection}""#, r#""1""#, "pass; fail field data = fail")]
#[case::a_map_is_a_map(r#""${first.data}""#, r#"{"list":[1,2],"more":3}"#, "pass; pass = pass")]
#[case::path_and_index(r#""${first.data.list.1}""#, "2", "pass; pass = pass")]
#[case::spliced(r#"[0, "${first.data.list}", 3]"#, "[0,1,2,3]", "pass; pass = pass")]
#[case::in_text(r#""c${first.connection}-${first.token}""#, r#""c1-abc""#, "pass; pass = pass")]
#[case::own_key(r#""${first.received}""#, r#""CONNECT""#, "pass; pass = pass")]
#[case::inside_not(r#"{$not: "${first.token}"}"#, r#""xyz""#, "pass; pass = pass")]
#[case::nowhere(r#""${first.data.list.7}""#, "1", "pass; fail reference = fail")]
fn references(#[case] pattern: &str, #[case] data: &str, #[case] expected: &str) {
    let steps = format!(
        "  - client: connect\n  - expect: {{received: CONNECT}}\n    as: first\n  - expect:\n      received: save_preferences\n      data: {pattern}"
    );
    let first = r#"1 received CONNECT connection=1 token="abc" data={"list":[1,2]}"#;
    check(&steps, &format!("0 do 0\n{first}\n2 received save_preferences data={data}"), expected);
}

// A name that was never taken leads nowhere: the check fails, has no record and ends the case.
#[test]
fn a_name_that_an_optional_step_did_not_give() {
    let steps = "  - client: connect\n  - expect: {request: refresh}\n    optional: true\n    as: maybe\n  - expect: {attempt: 2}\n    since: maybe\n    within: 1s\n  - expect: {attempt: 3}";
    check(steps, "0 do 0\n1 attempt 2\n2 attempt 3", "pass; fail reference; not-reached = fail");
}

// Each actor has its own record of a name.
#[test]
fn references_are_resolved_for_each_actor() {
    let given = "{clients: {alice: {token: jwt}, bob: {token: jwt}}}";
    let steps = "  - {client: connect, who: [alice, bob]}\n  - {expect: {received: CONNECT}, who: [alice, bob], as: mine}\n  - {expect: {attempt: any, token: \"${mine.token}\"}, who: [alice, bob]}";
    let trace = "alice 0 do 0\nbob 0 do 0\nalice 1 received CONNECT token=\"a\"\nbob 1 received CONNECT token=\"b\"\nalice 2 attempt 2 token=\"a\"\nbob 2 attempt 2 token=\"a\"";
    assert_eq!(Fixture::new(given, steps, trace).told(), "pass; pass; pass; fail field token = fail");
}

// The arguments of an action may lead to records, too.
#[test]
fn arguments_of_actions() {
    let steps = "  - client: connect\n  - expect: {received: CONNECT}\n    as: first\n  - client: connect\n  - expect: {attempt: 9}";
    let fixture = Fixture::new("{token: jwt}", steps, "0 do 0\n1 received CONNECT connection=1 data=[1,2]");
    let mut matcher = crate::judge::Matcher::new(&fixture.scenario, &fixture.setting);
    fixture.trace.iter().for_each(|record| matcher.feed(record.clone()));
    matcher.due(start() + Duration::from_secs(2));
    let resolve = |args: Value| {
        let args = args.as_object().cloned().unwrap();
        matcher.resolve(&Actor::new("client"), &args).map(Value::Object)
    };
    let args =
        json!({"a": "${first.connection}", "b": {"c": "no ${first.connection}"}, "d": ["${first.data}", 3], "e": 4});
    assert_eq!(resolve(args), Ok(json!({"a": 1, "b": {"c": "no 1"}, "d": [1, 2, 3], "e": 4})));
    assert_eq!(resolve(json!({"a": "${first.nothing}"})), Err("${first.nothing}".to_owned()));
}

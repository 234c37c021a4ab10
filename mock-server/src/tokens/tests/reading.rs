//! Reading descriptions of tokens, and what is said about wrong ones.

use std::time::Duration;

use rstest::rstest;
use serde_json::{Map, Value, json};

use crate::contract::SystemId;
use crate::tokens::{MintSpec, TokenSpec, kind_of, user_of};

fn read(value: &Value) -> Result<Option<TokenSpec>, Vec<String>> {
    TokenSpec::read(value, SystemId::Digitwin.contract())
        .map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

#[rstest]
#[case(json!("none"), None)]
#[case(json!("jwt"), Some(TokenSpec::of_kind("jwt")))]
#[case(json!({"kind": "guest"}), Some(TokenSpec::of_kind("guest")))]
#[case(json!({"literal": ""}), Some(TokenSpec::Literal(String::new())))]
#[case(json!({"literal": "a\n"}), Some(TokenSpec::Literal("a\n".to_owned())))]
#[case(
    json!({
        "kind": "jwt", "age": "10m", "expires_in": "1s", "claims": {"userId": null}, "header": {"kid": "1"},
        "malformed": "wrong-secret", "suffix": "\n",
    }),
    Some(TokenSpec::Minted(MintSpec {
        kind: "jwt".to_owned(),
        age: Some(Duration::from_secs(600)),
        expires_in: Some(Duration::from_secs(1)),
        claims: Map::from_iter([("userId".to_owned(), Value::Null)]),
        header: Map::from_iter([("kid".to_owned(), json!("1"))]),
        malformed: Some("wrong-secret".to_owned()),
        suffix: "\n".to_owned(),
    }))
)]
fn good_descriptions(#[case] value: Value, #[case] expected: Option<TokenSpec>) {
    assert_eq!(read(&value), Ok(expected));
}

#[rstest]
#[case(json!("gest"), &[": found `gest`, expected a kind of token, or a map: guest, jwt, none; did you mean `guest`?"])]
#[case(json!(1), &[": found `1`, expected a kind of token, or a map"])]
#[case(json!({}), &["kind: found nothing, expected a kind of token, or `literal`"])]
#[case(json!({"kind": "jot", "age": 3, "claims": []}), &[
    "kind: found `jot`, expected a kind of token: guest, jwt; did you mean `jwt`?",
    "age: found `3`, expected a duration with a unit, such as 250ms, 1.5s, 2m or 1h",
    "claims: found `[]`, expected a map",
])]
#[case(json!({"kind": "jwt", "malformd": "x"}), &[
    "malformd: found `malformd`, expected a key of a token: kind, age, expires_in, claims, header, malformed, suffix, \
     literal; did you mean `malformed`?",
])]
#[case(json!({"kind": "guest", "claims": {}, "header": {}, "age": "1s", "expires_in": "1s"}), &[
    "claims: found `{}`, expected no `claims`: a guest token has none",
    "header: found `{}`, expected no `header`: a guest token has none",
    "expires_in: found `\"1s\"`, expected either `age` or `expires_in`: a guest token has one timestamp",
])]
#[case(json!({"literal": 7, "kind": "jwt"}), &[
    "kind: found `\"jwt\"`, expected no `kind` beside `literal`",
    "literal: found `7`, expected a text",
])]
fn wrong_descriptions(#[case] value: Value, #[case] expected: &[&str]) {
    assert_eq!(read(&value), Err(expected.iter().map(|&text| text.to_owned()).collect()));
}

#[test]
fn a_wrong_form_belongs_to_its_kind() {
    let errors = read(&json!({"kind": "guest", "malformed": "wrong-secret"})).expect_err("a form of JWTs");
    assert!(errors[0].starts_with("malformed: found `wrong-secret`, expected a wrong form of guest: upper-case-hex, "));
    let errors = read(&json!({"kind": "jwt", "malformed": "wrong-secrt"})).expect_err("no form");
    assert!(errors[0].ends_with("; did you mean `wrong-secret`?"), "{errors:?}");
}

#[rstest]
#[case("", "none", None)]
#[case("guest_x", "guest", Some("guest_x"))]
#[case("GUEST_x", "jwt", None)]
#[case("abc", "jwt", None)]
// The documented sample, whose signature is a placeholder.
#[case(SAMPLE, "jwt", Some("123"))]
fn looks(#[case] token: &str, #[case] kind: &str, #[case] user: Option<&str>) {
    assert_eq!((kind_of(token), user_of(token).as_deref()), (kind, user));
}

pub(super) const SAMPLE: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.\
                                 eyJ1c2VySWQiOiIxMjMiLCJpYXQiOjE3MzM1NDc2MDAsImV4cCI6MTczMzU1MTIwMH0.signature";

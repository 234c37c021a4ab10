//! Minting and judging, against each other and against the document's examples. The clock stands still.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rstest::rstest;
use serde_json::{Value, json};

use super::reading::SAMPLE;
use crate::clock::ServerClock;
use crate::contract::{Contract, SystemId};
use crate::tokens::{ExpiredJwt, FutureGuests, Judge, Readings, Refusal, TokenSpec, mint};

const SECRET: &str = "a secret";
/// 2025-01-01T00:00:00Z.
const NOW: Duration = Duration::from_secs(1_735_689_600);

fn contract() -> &'static Contract {
    SystemId::Digitwin.contract()
}

fn minted_at(spec: &Value, now: Duration) -> String {
    let clock = ServerClock::new();
    clock.freeze(Some(now));
    let spec = TokenSpec::read(spec, contract()).expect("a good description").expect("a token");
    let minted = mint(&spec, Some("alice"), &clock, contract(), SECRET);
    assert_eq!(minted.kind, crate::tokens::kind_of(&minted.value));
    minted.value
}

/// The user and whether it is a guest, or the name of the error.
type Outcome = Result<(String, bool), &'static str>;

fn judged_with(token: Option<&Value>, readings: Readings) -> Outcome {
    let judge = Judge::new(contract(), SECRET, readings);
    judge.judge(token, NOW).map(|identity| (identity.user_id, identity.guest)).map_err(Refusal::error)
}

fn judged(token: &str) -> Outcome {
    judged_with(Some(&json!(token)), Readings::default())
}

fn alice() -> (String, bool) {
    ("alice".to_owned(), false)
}

fn decoded(token: &str, segment: usize) -> Value {
    let text = token.split('.').nth(segment).expect("a segment");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).expect("base64url")).expect("JSON")
}

#[test]
fn a_jwt_has_the_documented_form() {
    let token = minted_at(&json!("jwt"), NOW + Duration::from_millis(999));
    assert_eq!(token.split('.').count(), 3);
    assert_eq!(decoded(&token, 0), json!({"alg": "HS256", "typ": "JWT"}));
    assert_eq!(decoded(&token, 1), json!({"userId": "alice", "iat": 1_735_689_600, "exp": 1_735_693_200}));
}

#[test]
fn claims_and_header_can_be_overridden_and_removed() {
    let spec = json!({"kind": "jwt", "claims": {"iat": null, "role": "x"}, "header": {"typ": null, "kid": "1"}});
    let token = minted_at(&spec, NOW);
    assert_eq!(decoded(&token, 0), json!({"alg": "HS256", "kid": "1"}));
    assert_eq!(decoded(&token, 1), json!({"userId": "alice", "exp": 1_735_693_200, "role": "x"}));
    assert_eq!(judged(&token), Ok(alice()));
}

#[test]
fn without_a_user_a_jwt_names_the_client() {
    let clock = ServerClock::new();
    let minted = mint(&TokenSpec::of_kind("jwt"), None, &clock, contract(), SECRET);
    assert_eq!(decoded(&minted.value, 1)["userId"], "user_client");
}

#[test]
fn a_guest_token_has_the_documented_form() {
    let (one, two) = (minted_at(&json!("guest"), NOW), minted_at(&json!("guest"), NOW));
    assert_ne!(one, two);
    let parts: Vec<&str> = one.split('_').collect();
    assert_eq!((parts.len(), parts[0], parts[2]), (3, "guest", "1735689600000"));
    assert_eq!(uuid::Uuid::parse_str(parts[1]).expect("a uuid").get_version_num(), 4);
    assert_eq!(judged(&one), Ok((one, true)));
}

#[rstest]
// DT-JWT-03: one second before its end a JWT is good, at its end it is not.
#[case(json!({"kind": "jwt", "expires_in": "1s"}), Ok(alice()))]
#[case(json!({"kind": "jwt", "expires_in": "0s"}), Err("jwt_expired"))]
#[case(json!({"kind": "jwt", "age": "59m"}), Ok(alice()))]
#[case(json!({"kind": "jwt", "age": "1h"}), Err("jwt_expired"))]
#[case(json!({"kind": "jwt", "age": "2h", "expires_in": "1s"}), Ok(alice()))]
#[case(json!({"kind": "jwt", "claims": {"exp": 1_735_689_600.5}}), Ok(alice()))]
#[case(json!({"kind": "jwt", "claims": {"exp": "soon"}}), Err("invalid"))]
#[case(json!({"kind": "jwt", "claims": {"exp": null}}), Err("invalid"))]
#[case(json!({"kind": "jwt", "claims": {"exp": -1}}), Err("jwt_expired"))]
#[case(json!({"kind": "jwt", "claims": {"exp": 1e300}}), Ok(alice()))]
#[case(json!({"kind": "jwt", "claims": {"userId": ["alice"]}}), Err("invalid"))]
#[case(json!({"kind": "jwt", "claims": {"nbf": 99_999_999_999_u64, "aud": "somebody", "iss": "somebody"}}), Ok(alice()))]
#[case(json!({"kind": "jwt", "header": {"alg": "HS512"}}), Err("invalid"))]
#[case(json!({"kind": "jwt", "header": {"alg": "none"}}), Err("invalid"))]
#[case(json!({"kind": "jwt", "header": {"alg": null}}), Err("invalid"))]
#[case(json!({"kind": "jwt", "suffix": "\n"}), Err("invalid"))]
#[case(json!({"kind": "jwt", "suffix": " "}), Err("invalid"))]
// An expired token that is not genuine is not even expired.
#[case(json!({"kind": "jwt", "age": "2h", "malformed": "wrong-secret"}), Err("invalid"))]
fn jwts(#[case] spec: Value, #[case] expected: Outcome) {
    assert_eq!(judged(&minted_at(&spec, NOW)), expected);
}

#[rstest]
// DT-AUTH-12: the age limit is strict.
#[case("0ms", true)]
#[case("3599999ms", true)]
#[case("3600000ms", false)]
#[case("2h", false)]
fn guest_tokens_age(#[case] age: &str, #[case] good: bool) {
    let token = minted_at(&json!({"kind": "guest", "age": age}), NOW);
    assert_eq!(judged(&token), if good { Ok((token, true)) } else { Err("guest_expired") });
}

#[rstest]
#[case("1ms", true)]
#[case("0ms", false)]
fn guest_tokens_end(#[case] expires_in: &str, #[case] good: bool) {
    let token = minted_at(&json!({"kind": "guest", "expires_in": expires_in}), NOW);
    assert_eq!(judged(&token).is_ok(), good);
}

#[test]
fn every_wrong_form_is_refused_as_invalid() {
    for (kind, token) in &contract().tokens {
        let good = minted_at(&json!(kind), NOW);
        assert!(judged(&good).is_ok(), "{good}");
        for case in &token.malformed {
            let token = minted_at(&json!({"kind": kind, "malformed": case}), NOW);
            assert_eq!(judged(&token), Err("invalid"), "{kind} {case}: {token:?}");
        }
    }
}

#[test]
fn every_wrong_form_is_a_form_of_its_own() {
    let shape = |token: &str| token.replace(|c: char| c.is_ascii_hexdigit() && !c.is_ascii_uppercase(), "x");
    for case in &contract().tokens["guest"].malformed {
        let token = minted_at(&json!({"kind": "guest", "malformed": case}), NOW);
        assert_ne!(shape(&token), shape(&minted_at(&json!("guest"), NOW)), "{case}");
    }
    for case in &contract().tokens["jwt"].malformed {
        let token = minted_at(&json!({"kind": "jwt", "malformed": case}), NOW);
        assert_ne!(token, minted_at(&json!("jwt"), NOW), "{case}");
    }
}

#[rstest]
#[case("abc")]
#[case("aaa.bbb")]
#[case("aaa.bbb.ccc")]
#[case("aaa.bbb.ccc.ddd")]
#[case("..")]
#[case(SAMPLE)]
#[case("guest_")]
#[case("guest_550e8400-e29b-41d4-a716-446655440000")]
#[case("guest_550e8400-e29b-41d4-a716-446655440000_")]
#[case("guest_550e8400-e29b-41d4-a716-446655440000_-1")]
#[case("guest_550e8400-e29b-41d4-a716-446655440000_+1")]
#[case("guest_550e8400-e29b-41d4-a716-446655440000_1.5")]
#[case("guest_550e8400-e29b-41d4-a716-446655440000_1e12")]
#[case(" guest_550e8400-e29b-41d4-a716-446655440000_1735689600000")]
#[case("guest_550e8400-e29b-41d4-a716-446655440000_1735689600000 ")]
#[case("guest_550e8400-e29b-41d4-a716-446655440000_1735689600000\n")]
#[case("guest_550e8400-e29b-41d4-a716-446655440000_\u{661}")]
#[case("guest_\u{ff11}50e8400-e29b-41d4-a716-446655440000_1735689600000")]
#[case("x\nguest_550e8400-e29b-41d4-a716-446655440000_1735689600000")]
fn what_is_no_token_is_invalid(#[case] token: &str) {
    assert_eq!(judged(token), Err("invalid"));
}

#[rstest]
#[case(None, Refusal::Required)]
#[case(Some(json!(null)), Refusal::Required)]
#[case(Some(json!("")), Refusal::Required)]
#[case(Some(json!(123)), Refusal::Invalid)]
#[case(Some(json!(0)), Refusal::Invalid)]
#[case(Some(json!({})), Refusal::Invalid)]
#[case(Some(json!([])), Refusal::Invalid)]
#[case(Some(json!(true)), Refusal::Invalid)]
#[case(Some(json!(false)), Refusal::Invalid)]
fn what_is_no_text_is_refused(#[case] token: Option<Value>, #[case] expected: Refusal) {
    assert_eq!(judged_with(token.as_ref(), Readings::default()), Err(expected.error()));
}

#[test]
fn a_uuid_of_zeros_is_a_guest() {
    let token = "guest_00000000-0000-0000-0000-000000000000_1735689600000";
    assert_eq!(judged(token), Ok((token.to_owned(), true)));
}

#[rstest]
#[case("1735690200000".to_owned())]
#[case("9".repeat(400))]
fn guests_from_the_future_follow_the_switch(#[case] stamp: String) {
    let token = format!("guest_00000000-0000-0000-0000-000000000000_{stamp}");
    let strict = Readings { future_guests: FutureGuests::Reject, ..Readings::default() };
    assert_eq!(judged(&token), Ok((token.clone(), true)));
    assert_eq!(judged_with(Some(&json!(token)), strict), Err("invalid"));
}

#[test]
fn leading_zeros_do_not_make_a_timestamp_young() {
    let token = format!("guest_00000000-0000-0000-0000-000000000000_{}1", "0".repeat(400));
    assert_eq!(judged(&token), Err("guest_expired"));
}

#[test]
fn expired_jwts_follow_the_switch() {
    let literal = Readings { expired_jwt: ExpiredJwt::Invalid, ..Readings::default() };
    let token = json!(minted_at(&json!({"kind": "jwt", "age": "2h"}), NOW));
    assert_eq!(judged_with(Some(&token), literal), Err("invalid"));
}

#[test]
fn readings_come_from_the_switches_of_the_contract() {
    let chosen = |values: [&'static str; 2]| {
        Readings::from_switches(move |name| match name {
            "jwt_expired_code" => Some(values[0]),
            "future_guest_tokens" => Some(values[1]),
            _ => None,
        })
    };
    let values = |name: &str| contract().switches[name].values.clone();
    assert_eq!(values("jwt_expired_code"), ["AUTH_EXPIRED", "AUTH_INVALID"]);
    assert_eq!(values("future_guest_tokens"), ["accept", "reject"]);
    assert_eq!(chosen(["AUTH_EXPIRED", "accept"]), Readings::default());
    let other = Readings { expired_jwt: ExpiredJwt::Invalid, future_guests: FutureGuests::Reject };
    assert_eq!(chosen(["AUTH_INVALID", "reject"]), other);
    assert_eq!(Readings::from_switches(|_| None), Readings::default());
}

#[test]
fn a_good_token_can_be_judged_as_if_it_were_old() {
    let judge = Judge::new(contract(), SECRET, Readings::default());
    let judged = |token: Value| judge.judge_expired(Some(&token)).map_err(Refusal::error);
    assert_eq!(judged(json!(minted_at(&json!("jwt"), NOW))), Err("jwt_expired"));
    assert_eq!(judged(json!(minted_at(&json!("guest"), NOW))), Err("guest_expired"));
    assert_eq!(judged(json!("abc")), Err("invalid"));
    assert_eq!(judge.judge_expired(None), Err(Refusal::Required));
}

#[test]
fn genuine_claims_do_not_ask_for_expiry() {
    let judge = Judge::new(contract(), SECRET, Readings::default());
    let old = minted_at(&json!({"kind": "jwt", "age": "9h"}), NOW);
    assert_eq!(judge.genuine_claims(&old).expect("genuine")["userId"], "alice");
    assert_eq!(judge.genuine_claims(&minted_at(&json!({"kind": "jwt", "malformed": "altered-payload"}), NOW)), None);
    assert!(judge.is_guest_token(&minted_at(&json!("guest"), NOW)) && !judge.is_guest_token("guest_x"));
}

#[test]
fn every_refusal_is_an_error_of_the_contract() {
    for refusal in [Refusal::Required, Refusal::Invalid, Refusal::JwtExpired, Refusal::GuestExpired] {
        assert!(contract().errors.contains_key(refusal.error()), "{refusal:?}");
    }
}

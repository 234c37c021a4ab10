//! Makes tokens: good ones, old ones, and each named wrong form.
//!
//! Knows nothing of who judges them.

use std::time::Duration;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{GUEST_PREFIX, MintSpec, TokenSpec, jwt, kind_of};
use crate::clock::ServerClock;
use crate::contract::{Contract, TokenContract};

/// A token that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minted {
    /// The token.
    pub value: String,
    /// Its kind by its look.
    pub kind: &'static str,
}

/// Makes the token by the server's clock. A JWT is signed with `secret` and names `user`, or `user_client`.
pub fn mint(spec: &TokenSpec, user: Option<&str>, clock: &ServerClock, contract: &Contract, secret: &str) -> Minted {
    let value = match spec {
        TokenSpec::Literal(text) => text.clone(),
        TokenSpec::Minted(spec) => {
            let known = contract.tokens.get(&spec.kind).expect("a specification is read against its contract");
            let token = match known.algorithm {
                None => guest(spec, clock.now(), known.lifetime),
                Some(_) => json_web_token(spec, known, user.unwrap_or("user_client"), clock.now(), secret),
            };
            token + &spec.suffix
        }
    };
    Minted { kind: kind_of(&value), value }
}

fn json_web_token(spec: &MintSpec, known: &TokenContract, user: &str, now: Duration, secret: &str) -> String {
    let made = now.saturating_sub(spec.age.unwrap_or_default());
    let expires = spec.expires_in.map_or(made + known.lifetime, |left| now + left);
    let mut usual = json!({});
    for (name, value) in &known.claims {
        usual[name] = value.as_str().map_or_else(|| value.clone(), |text| text.replace("{user}", user).into());
    }
    usual["iat"] = made.as_secs().into();
    usual["exp"] = expires.as_secs().into();
    let header = overridden(json!({"alg": "HS256", "typ": "JWT"}), &spec.header);
    let claims = overridden(usual, &spec.claims);
    match &spec.malformed {
        None => jwt::signed(&header, &claims.to_string(), secret),
        Some(case) => malformed_jwt(case, header, claims, known.user_claim().unwrap_or("sub"), secret),
    }
}

/// The wrong forms of a JWT that the contract names.
fn malformed_jwt(case: &str, header: Value, claims: Value, user_claim: &str, secret: &str) -> String {
    let payload = claims.to_string();
    let good = jwt::signed(&header, &payload, secret);
    match case {
        "wrong-secret" => jwt::signed(&header, &payload, &format!("not {secret}")),
        "truncated-signature" => good[..good.len() - 4].to_owned(),
        "altered-payload" => altered(&good, &header, &with(claims, user_claim, "somebody_else")),
        "alg-none" => jwt::unsigned(&with(header, "alg", "none"), &payload) + ".",
        "alg-rs256" => jwt::signed(&with(header, "alg", "RS256"), &payload, secret),
        "payload-not-json" => jwt::signed(&header, "userId=alice", secret),
        "two-segments" => jwt::unsigned(&header, &payload),
        "four-segments" => good + ".x",
        "no-user-id" => jwt::signed(&header, &with(claims, user_claim, Value::Null).to_string(), secret),
        "user-id-number" => jwt::signed(&header, &with(claims, user_claim, 42).to_string(), secret),
        "user-id-empty" => jwt::signed(&header, &with(claims, user_claim, "").to_string(), secret),
        "bearer-prefix" => format!("Bearer {good}"),
        // The tests mint every form that a contract names.
        _ => good,
    }
}

/// The signature of `good` behind a payload that names somebody else.
fn altered(good: &str, header: &Value, claims: &Value) -> String {
    let signature = good.rsplit('.').next().unwrap_or_default();
    format!("{}.{signature}", jwt::unsigned(header, &claims.to_string()))
}

fn guest(spec: &MintSpec, now: Duration, lifetime: Duration) -> String {
    let made = match spec.expires_in {
        Some(left) => (now + left).saturating_sub(lifetime),
        None => now.saturating_sub(spec.age.unwrap_or_default()),
    };
    let (uuid, stamp) = (Uuid::new_v4().to_string(), made.as_millis().to_string());
    match &spec.malformed {
        None => format!("{GUEST_PREFIX}{uuid}_{stamp}"),
        Some(case) => malformed_guest(case, &uuid, &stamp),
    }
}

/// The wrong forms of a guest token that the contract names.
fn malformed_guest(case: &str, uuid: &str, stamp: &str) -> String {
    let token = |uuid: &str, stamp: &str| format!("{GUEST_PREFIX}{uuid}_{stamp}");
    match case {
        // A digit is replaced too, since a random uuid need not have any letter.
        "upper-case-hex" => token(&format!("A{}", uuid[1..].to_uppercase()), stamp),
        "upper-case-prefix" => token(uuid, stamp).replacen("guest", "GUEST", 1),
        "no-hyphens" => token(&uuid.replace('-', ""), stamp),
        "wrong-group-length" => token(&uuid[1..], stamp),
        "not-hex" => token(&format!("g{}", &uuid[1..]), stamp),
        "no-timestamp" => format!("{GUEST_PREFIX}{uuid}"),
        "negative-timestamp" => token(uuid, &format!("-{stamp}")),
        "fraction" => token(uuid, &format!("{stamp}.5")),
        "exponent" => token(uuid, "1e12"),
        "arabic-indic-digits" => token(uuid, &in_digits_from('\u{0660}', stamp)),
        "full-width-digits" => token(uuid, &in_digits_from('\u{ff10}', stamp)),
        "extra-part" => token(uuid, stamp) + "_x",
        "trailing-newline" => token(uuid, stamp) + "\n",
        // The tests mint every form that a contract names.
        _ => token(uuid, stamp),
    }
}

/// The same number in the digits of another script, of which this is the zero.
fn in_digits_from(zero: char, stamp: &str) -> String {
    let digit = |c: char| char::from_u32(u32::from(zero) + c.to_digit(10)?);
    stamp.chars().filter_map(digit).collect()
}

fn with(mut map: Value, key: &str, value: impl Into<Value>) -> Value {
    map = overridden(map, &Map::from_iter([(key.to_owned(), value.into())]));
    map
}

/// The map with these members instead; null removes one.
fn overridden(mut map: Value, members: &Map<String, Value>) -> Value {
    let Some(inner) = map.as_object_mut() else { return map };
    for (key, value) in members {
        if value.is_null() {
            inner.shift_remove(key);
        } else {
            inner.insert(key.clone(), value.clone());
        }
    }
    map
}

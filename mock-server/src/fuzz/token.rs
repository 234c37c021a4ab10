//! Tokens: those that a client presents, and those that a scenario describes.

use std::time::Duration;

use bolero::check;
use serde_json::{Value, json};
use sparring_fuzz::{Json, Memory, Words, corpus};

use crate::clock::ServerClock;
use crate::contract::SystemId;
use crate::tokens::{Judge, Readings, TokenSpec, kind_by_look, mint, user_of};

const JUDGED: Memory = Memory { base: 2 * 1024 * 1024, per_byte: 512 };

/// Pieces of both kinds of token. The JWT is signed with `secret`, and names alice.
const WORDS: &[&str] = &[
    "guest_",
    "_",
    "-",
    ".",
    "4bf5122f-3445-4c85-a1cf-2ffb31d6a2a6",
    "1733547600000",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
    "eyJ1c2VySWQiOiJhbGljZSIsImV4cCI6MX0",
    "bm90IEpTT04",
    "Bearer ",
    "A",
    "=",
    "_w",
];

#[test]
fn bytes() {
    check!(name = corpus("tokens")).for_each(|bytes: &[u8]| judge(&String::from_utf8_lossy(bytes)));
}

#[test]
fn words() {
    check!().with_generator(Words(WORDS)).for_each(|text| judge(text));
}

/// A description that is accepted can be minted, whatever its claims and times.
#[test]
fn descriptions() {
    let contract = SystemId::Digitwin.contract();
    let clock = ServerClock::default();
    let judge = Judge::new(contract, "secret", Readings::default());
    let spans = ["1s", "5124095h", "0.5ms", "2h"];
    let forms: Vec<String> = contract.tokens.values().flat_map(|token| token.malformed.clone()).collect();
    let generator = (Json(&["userId", "exp", "alg"]), 0..4_usize, 0..=forms.len(), 0..8_u8);
    check!().with_generator(generator).for_each(|(members, span, form, shape)| {
        let mut described = json!({"kind": if shape & 1 == 0 { "jwt" } else { "guest" }});
        described[if shape & 2 == 0 { "age" } else { "expires_in" }] = json!(spans[*span]);
        if members.is_object() && shape & 1 == 0 {
            described[if shape & 4 == 0 { "claims" } else { "header" }] = members.clone();
        }
        if let Some(form) = forms.get(*form) {
            described["malformed"] = json!(form);
        }
        if let Ok(Some(spec)) = TokenSpec::read(&described, contract) {
            let minted = mint(&spec, Some("alice"), &clock, contract, "secret");
            let _ = judge.judge(Some(&json!(minted.value)), clock.now());
        }
    });
}

fn judge(text: &str) {
    let judge = Judge::new(SystemId::Digitwin.contract(), "secret", Readings::default());
    let presented = Value::from(text);
    JUDGED.bounds(text.len(), || {
        let now = Duration::from_secs(1_733_547_600);
        let verdict = judge.judge(Some(&presented), now);
        assert!(verdict.is_ok() || judge.judge_expired(Some(&presented)).is_err(), "only what is accepted can expire");
        (kind_by_look(Some(&presented)), user_of(text))
    });
}

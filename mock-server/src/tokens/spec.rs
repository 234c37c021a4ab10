//! A token as a scenario describes it, and how that is read.
//!
//! Knows the kinds and the named wrong forms from the contract alone.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::contract::{Contract, TokenContract};
use crate::fields::{Fields, missing};
use crate::values::FieldError;

/// A token as a scenario describes it (scenario language, section 2).
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a scenario has a handful of tokens")]
pub enum TokenSpec {
    /// Exactly this string.
    Literal(String),
    /// To be minted by the server's clock when the actor first acts.
    Minted(MintSpec),
}

/// See [`TokenSpec::Minted`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MintSpec {
    /// `jwt` or `guest`.
    pub kind: String,
    /// How long ago it was made.
    pub age: Option<Duration>,
    /// How long it is still good.
    pub expires_in: Option<Duration>,
    /// Claims that replace or add to the usual ones; null removes one.
    pub claims: Map<String, Value>,
    /// Header members that replace or add to the usual ones; null removes one.
    pub header: Map<String, Value>,
    /// A named wrong form.
    pub malformed: Option<String>,
    /// Text behind the token.
    pub suffix: String,
}

const KEYS: [&str; 8] = ["kind", "age", "expires_in", "claims", "header", "malformed", "suffix", "literal"];

impl TokenSpec {
    /// A good token of this kind.
    pub fn of_kind(kind: &str) -> Self {
        Self::Minted(MintSpec { kind: kind.to_owned(), ..MintSpec::default() })
    }

    /// Reads a token: a kind, `none` (yields no token), or a map.
    pub fn read(value: &Value, contract: &Contract) -> Result<Option<Self>, Vec<FieldError>> {
        match value {
            Value::String(kind) if kind == "none" => Ok(None),
            Value::String(kind) if contract.tokens.contains_key(kind) => Ok(Some(Self::of_kind(kind))),
            Value::String(kind) => {
                let known = contract.tokens.keys().map(String::as_str).chain(["none"]);
                Err(vec![FieldError::unknown("", kind, "a kind of token, or a map", known)])
            }
            Value::Object(map) => read_map(map, contract).map(Some),
            _ => Err(vec![FieldError::new("", value, "a kind of token, or a map")]),
        }
    }
}

fn read_map(map: &Map<String, Value>, contract: &Contract) -> Result<TokenSpec, Vec<FieldError>> {
    let mut fields = Fields::new(map);
    fields.refuse_unknown("a key of a token", &KEYS);
    let spec = if map.contains_key("literal") {
        read_literal(&mut fields, map).map(TokenSpec::Literal)
    } else {
        read_minted(&mut fields, contract).map(TokenSpec::Minted)
    };
    let errors = fields.into_errors();
    match spec {
        Some(spec) if errors.is_empty() => Ok(spec),
        _ => Err(errors),
    }
}

fn read_literal(fields: &mut Fields<'_>, map: &Map<String, Value>) -> Option<String> {
    for key in KEYS.iter().filter(|key| **key != "literal" && map.contains_key(**key)) {
        fields.refuse(FieldError::new(*key, &map[*key], format!("no `{key}` beside `literal`")));
    }
    fields.take("literal", "a text", |value| value.as_str().map(str::to_owned))
}

fn read_minted(fields: &mut Fields<'_>, contract: &Contract) -> Option<MintSpec> {
    let kind = read_kind(fields, contract);
    let token = kind.as_deref().and_then(|kind| contract.tokens.get(kind));
    let spec = MintSpec {
        kind: kind.unwrap_or_default(),
        age: fields.duration("age"),
        expires_in: fields.duration("expires_in"),
        claims: fields.map("claims").cloned().unwrap_or_default(),
        header: fields.map("header").cloned().unwrap_or_default(),
        malformed: fields.text("malformed", "a named wrong form"),
        suffix: fields.text("suffix", "a text").unwrap_or_default(),
    };
    let token = token?;
    refuse_useless(fields, &spec, token);
    Some(spec)
}

fn read_kind(fields: &mut Fields<'_>, contract: &Contract) -> Option<String> {
    if fields.get("kind").is_none() {
        fields.refuse(missing("kind", "a kind of token, or `literal`"));
    }
    let kind = fields.text("kind", "a kind of token")?;
    let known = contract.tokens.contains_key(&kind);
    if !known {
        let kinds = contract.tokens.keys().map(String::as_str);
        fields.refuse(FieldError::unknown("kind", &kind, "a kind of token", kinds));
    }
    known.then_some(kind)
}

/// Refuses what this kind of token cannot have.
fn refuse_useless(fields: &mut Fields<'_>, spec: &MintSpec, token: &TokenContract) {
    if let Some(name) = spec.malformed.as_ref().filter(|name| !token.malformed.contains(name)) {
        let known = token.malformed.iter().map(String::as_str);
        fields.refuse(FieldError::unknown("malformed", name, &format!("a wrong form of {}", spec.kind), known));
    }
    if token.algorithm.is_some() {
        return;
    }
    for key in ["claims", "header"] {
        if let Some(value) = fields.get(key) {
            fields.refuse(FieldError::new(key, value, format!("no `{key}`: a {} token has none", spec.kind)));
        }
    }
    if let Some(value) = fields.get("expires_in").filter(|_| spec.age.is_some()) {
        let why = format!("either `age` or `expires_in`: a {} token has one timestamp", spec.kind);
        fields.refuse(FieldError::new("expires_in", value, why));
    }
}

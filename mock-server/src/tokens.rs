//! Tokens of each kind: minting good and bad ones, and judging those presented.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::contract::Contract;
use crate::values::FieldError;

/// A token as a scenario describes it (scenario language, section 2).
#[derive(Debug, Clone, PartialEq)]
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
    /// Header members that replace or add to the usual ones.
    pub header: Map<String, Value>,
    /// A named wrong form.
    pub malformed: Option<String>,
    /// Text behind the token.
    pub suffix: String,
}

impl TokenSpec {
    /// Reads a token: a kind, `none` (yields no token), or a map.
    pub fn read(value: &Value, contract: &Contract) -> Result<Option<Self>, Vec<FieldError>> {
        let _ = (value, contract);
        Err(Vec::new())
    }
}

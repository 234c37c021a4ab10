//! Tokens of each kind: minting good and bad ones, and judging those presented.
//!
//! [`TokenSpec`] is a token as people describe it, [`mint`](fn@mint) makes it, [`Judge`] says what a server thinks of it. Ages
//! follow the server's clock. Knows nothing of connections.

mod judge;
mod jwt;
mod mint;
mod spec;

pub use judge::{ExpiredJwt, FutureGuests, Identity, Judge, Readings, Refusal};
pub use jwt::{JwtError, verify};
pub use mint::{Minted, mint};
pub use spec::{MintSpec, TokenSpec};

use serde_json::Value;

/// What every guest token begins with.
const GUEST_PREFIX: &str = "guest_";

/// The claims that name a user, in one system or another.
const USER_CLAIMS: [&str; 3] = ["userId", "sub", "sessionId"];

/// The kind of a token by its look alone: `guest`, `jwt`, or `none` if it is empty.
pub fn kind_of(token: &str) -> &'static str {
    match token {
        "" => "none",
        _ if token.starts_with(GUEST_PREFIX) => "guest",
        _ => "jwt",
    }
}

/// The kind of what was presented as a token, by its look alone.
pub fn kind_by_look(presented: Option<&Value>) -> &'static str {
    match presented {
        None | Some(Value::Null) => "none",
        Some(Value::String(token)) => kind_of(token),
        Some(_) => "jwt",
    }
}

/// The user that a token names, whether it is genuine or not.
pub fn user_of(token: &str) -> Option<String> {
    if kind_of(token) == "guest" {
        return Some(token.to_owned());
    }
    let claims = jwt::claims_unverified(token)?;
    USER_CLAIMS.iter().find_map(|name| claims.get(*name)?.as_str().map(str::to_owned))
}

#[cfg(test)]
mod tests;

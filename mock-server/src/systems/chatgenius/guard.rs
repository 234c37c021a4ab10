//! The check of a token: its signature, its age, its user, and the blacklist. It runs at the connection and per event.
//!
//! Knows nothing of what follows from it.

use serde_json::Value;

use super::{Chatgenius, Seat};
use crate::tokens::verify;

/// A token that has been found good, and whom it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pass {
    /// The token, as it is verified.
    pub(super) token: String,
    /// The user.
    pub(super) user: String,
}

impl Chatgenius {
    /// What stood in the token's place, as a token that can be verified.
    pub(super) fn presented<'a>(&self, auth: &'a Value) -> Option<&'a str> {
        let token = auth.get("token").and_then(Value::as_str)?;
        let bare = token.strip_prefix("Bearer ").filter(|_| self.chooses("bearer_prefix", "strip"));
        Some(bare.unwrap_or(token))
    }

    /// The user of a genuine token that has not expired.
    pub(super) fn verified(&self, token: &str) -> Option<Pass> {
        let claims = verify(token, &self.shared.secret, self.shared.clock.now()).ok()?;
        let user = claims.get("sub").and_then(Value::as_str).filter(|user| !user.is_empty())?;
        Some(Pass { token: token.to_owned(), user: user.to_owned() })
    }

    /// Whether a token is on the blacklist. A store that fails or does not answer in time says so: the check fails
    /// closed.
    pub(super) async fn is_blacklisted(&self, token: &str) -> bool {
        let limit = self.shared.contract.timer("verification_limit");
        !matches!(tokio::time::timeout(limit, self.blacklist.contains(token)).await, Ok(Ok(false)))
    }

    /// Whether an authenticated socket may go on.
    pub(super) async fn guards(&self, seat: &Seat) -> bool {
        !seat.expired && self.verified(&seat.pass.token).is_some() && !self.is_blacklisted(&seat.pass.token).await
    }
}

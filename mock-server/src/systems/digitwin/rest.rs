//! The REST endpoints: refresh, sign-in and health.
//!
//! Knows nothing of connections.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::Digitwin;
use crate::tokens::{MintSpec, TokenSpec, mint};

impl Digitwin {
    /// The answer of an endpoint that the contract names.
    pub(super) fn answer(&self, endpoint: &str, body: &Value) -> (StatusCode, Value) {
        match endpoint {
            "refresh" => self.refresh(body),
            "sign-in" => {
                let user = body.get("userId").and_then(Value::as_str).filter(|user| !user.is_empty());
                (StatusCode::OK, json!({"token": self.new_token(user, None)}))
            }
            "health" => (StatusCode::OK, json!({"status": "ok"})),
            _ => (StatusCode::NOT_FOUND, json!({"error": "Not found"})),
        }
    }

    /// A new token for one that is genuine, expired or not.
    fn refresh(&self, body: &Value) -> (StatusCode, Value) {
        let claims = body.get("token").and_then(Value::as_str).and_then(|token| self.judge.genuine_claims(token));
        let user = claims.as_ref().and_then(|claims| claims.get("userId")).and_then(Value::as_str);
        let Some(user) = user else {
            return (StatusCode::UNAUTHORIZED, json!({"error": self.shared.contract.error("invalid").message}));
        };
        let issued = claims.as_ref().and_then(|claims| claims.get("iat")).and_then(Value::as_u64);
        (StatusCode::OK, json!({"token": self.new_token(Some(user), issued)}))
    }

    /// A token of this second; of the next one after `other` was issued, if that is later: times are whole seconds, and
    /// a refresh must not return the token that it was given.
    fn new_token(&self, user: Option<&str>, other: Option<u64>) -> String {
        let now = self.shared.clock.now().as_secs();
        let issued = other.map_or(now, |other| now.max(other.saturating_add(1)));
        let mut spec = MintSpec { kind: "jwt".to_owned(), ..MintSpec::default() };
        if issued > now {
            let lifetime = self.shared.contract.tokens.get("jwt").map_or(0, |token| token.lifetime.as_secs());
            spec.claims = Map::from_iter([
                ("iat".to_owned(), json!(issued)),
                ("exp".to_owned(), json!(issued.saturating_add(lifetime))),
            ]);
        }
        mint(&TokenSpec::Minted(spec), user, &self.shared.clock, self.shared.contract, &self.shared.secret).value
    }
}

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
                (StatusCode::OK, json!({"token": self.new_token(user)}))
            }
            "health" => (StatusCode::OK, json!({"status": "ok"})),
            _ => (StatusCode::NOT_FOUND, json!({"error": "Not found"})),
        }
    }

    /// A new token for one that is genuine, expired or not.
    fn refresh(&self, body: &Value) -> (StatusCode, Value) {
        let claims = body.get("token").and_then(Value::as_str).and_then(|token| self.judge.genuine_claims(token));
        match claims.as_ref().and_then(|claims| claims.get("userId")).and_then(Value::as_str) {
            Some(user) => (StatusCode::OK, json!({"token": self.new_token(Some(user))})),
            None => (StatusCode::UNAUTHORIZED, json!({"error": self.shared.contract.error("invalid").message})),
        }
    }

    fn new_token(&self, user: Option<&str>) -> String {
        // Times are in seconds, so two tokens of one second would be the same without an id.
        let id = Map::from_iter([("jti".to_owned(), json!(uuid::Uuid::new_v4().to_string()))]);
        let spec = MintSpec { claims: id, ..MintSpec::default() };
        let spec = TokenSpec::Minted(MintSpec { kind: "jwt".to_owned(), ..spec });
        mint(&spec, user, &self.shared.clock, self.shared.contract, &self.shared.secret).value
    }
}

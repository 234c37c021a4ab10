//! The REST endpoints: a token, the blacklist, missed messages, health.
//!
//! Knows nothing of connections.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use super::Chatgenius;
use crate::journal::Actor;
use crate::tokens::{TokenSpec, mint};

impl Chatgenius {
    /// The answer of an endpoint that the contract names.
    pub(super) fn answer_request(&self, endpoint: &str, body: &Value) -> (StatusCode, Value) {
        let named = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        match endpoint {
            "token" => (StatusCode::OK, json!({"token": self.new_token(named("userId"))})),
            "blacklist" => match named("token") {
                Some(token) => self.log_out(token, body.get("expirationTime").and_then(Value::as_u64)),
                None => (StatusCode::BAD_REQUEST, json!({"error": "token must be a text that is not empty"})),
            },
            "missed" => match named("token").and_then(|token| self.verified(token)) {
                Some(pass) => (StatusCode::OK, json!({"data": self.missed(&pass.user)})),
                None => (StatusCode::UNAUTHORIZED, json!({"error": self.text("authentication")})),
            },
            "health" => (StatusCode::OK, json!({"status": "ok"})),
            _ => (StatusCode::NOT_FOUND, json!({"error": "Not found"})),
        }
    }

    /// How long a token is good.
    pub(super) fn token_lifetime(&self) -> Duration {
        self.shared.contract.tokens.get("jwt").map_or(Duration::ZERO, |token| token.lifetime)
    }

    fn log_out(&self, token: &str, seconds: Option<u64>) -> (StatusCode, Value) {
        let lifetime = seconds.map_or_else(|| self.token_lifetime(), Duration::from_secs);
        self.blacklist.put(&Actor::new("server"), None, token, lifetime);
        (StatusCode::OK, json!({"status": "ok"}))
    }

    fn new_token(&self, user: Option<&str>) -> String {
        let shared = &self.shared;
        mint(&TokenSpec::of_kind("jwt"), user, &shared.clock, shared.contract, &shared.secret).value
    }
}

//! JSON Web Tokens as text: three base64url segments and an HMAC.
//!
//! Unlike a library's encoder it writes whatever header and payload it is given. Knows nothing of lifetimes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation};
use serde_json::{Map, Value};

/// Joins header and payload, and signs them with HS256 whatever the header says.
pub(super) fn signed(header: &Value, payload: &str, secret: &str) -> String {
    let message = unsigned(header, payload);
    let key = EncodingKey::from_secret(secret.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256)
        .expect("an HMAC key of any length signs any message");
    format!("{message}.{signature}")
}

/// Joins header and payload.
pub(super) fn unsigned(header: &Value, payload: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(payload))
}

/// The claims of a token whose HS256 signature is right; nothing else is looked at.
pub(super) fn claims(token: &str, secret: &str) -> Option<Map<String, Value>> {
    let mut validation = Validation::new(Algorithm::HS256);
    // Expiry is judged by the server's clock, which is not the system's.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let key = DecodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::decode(token, &key, &validation).ok().map(|token| token.claims)
}

/// The claims that a token states, whoever made it.
pub(super) fn claims_unverified(token: &str) -> Option<Map<String, Value>> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

//! JSON Web Tokens as text: three base64url segments and an HMAC.
//!
//! Unlike a library's encoder it writes whatever header and payload it is given. Knows nothing of lifetimes.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
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

/// Why a JWT is not good, in the words of Node's `jsonwebtoken`, which the documented servers use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// It has not three parts, or they are not what they should be.
    #[error("jwt malformed")]
    Malformed,
    /// It is not signed with the server's secret.
    #[error("invalid signature")]
    Signature,
    /// It names another algorithm than the server's.
    #[error("invalid algorithm")]
    Algorithm,
    /// It is past its `exp`.
    #[error("jwt expired")]
    Expired,
}

/// The claims of a good token at this time of the server's clock. Without `exp` it never expires.
pub fn verify(token: &str, secret: &str, now: Duration) -> Result<Map<String, Value>, JwtError> {
    let claims = genuine(token, secret)?;
    match claims.get("exp").and_then(Value::as_f64) {
        Some(end) if now.as_secs_f64().floor() >= end => Err(JwtError::Expired),
        _ => Ok(claims),
    }
}

/// The claims of a token whose HS256 signature is right; nothing else is looked at.
pub(super) fn claims(token: &str, secret: &str) -> Option<Map<String, Value>> {
    genuine(token, secret).ok()
}

fn genuine(token: &str, secret: &str) -> Result<Map<String, Value>, JwtError> {
    let mut validation = Validation::new(Algorithm::HS256);
    // Expiry is judged by the server's clock, which is not the system's.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let key = DecodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::decode(token, &key, &validation).map(|token| token.claims).map_err(|error| match error.kind() {
        ErrorKind::InvalidSignature => JwtError::Signature,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => JwtError::Algorithm,
        _ => JwtError::Malformed,
    })
}

/// The claims that a token states, whoever made it.
pub(super) fn claims_unverified(token: &str) -> Option<Map<String, Value>> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::good(json!({"alg": "HS256"}), "{\"exp\":11}", "s", Ok(()))]
    #[case::without_end(json!({"alg": "HS256"}), "{}", "s", Ok(()))]
    #[case::at_its_end(json!({"alg": "HS256"}), "{\"exp\":10}", "s", Err(JwtError::Expired))]
    #[case::other_secret(json!({"alg": "HS256"}), "{}", "t", Err(JwtError::Signature))]
    #[case::other_algorithm(json!({"alg": "RS256"}), "{}", "s", Err(JwtError::Algorithm))]
    #[case::unknown_algorithm(json!({"alg": "none"}), "{}", "s", Err(JwtError::Malformed))]
    #[case::no_json(json!({"alg": "HS256"}), "x", "s", Err(JwtError::Malformed))]
    fn verdicts(
        #[case] header: Value,
        #[case] payload: &str,
        #[case] secret: &str,
        #[case] expected: Result<(), JwtError>,
    ) {
        let token = signed(&header, payload, secret);
        assert_eq!(verify(&token, "s", Duration::from_millis(10_999)).map(drop), expected);
    }

    #[test]
    fn two_segments_are_malformed() {
        assert_eq!(verify("a.b", "s", Duration::ZERO), Err(JwtError::Malformed));
    }
}

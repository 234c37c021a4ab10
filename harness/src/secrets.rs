//! No verdict and no report shows more than the first ten characters of a token, wherever it stands: in a field, a header, a raw packet
//! or a sentence of the judge.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

/// How much of a token may be shown (catalogue, conventions).
const SHOWN: usize = 10;

/// Tokens that give themselves away in running text: the first group stays, the second is cut.
static TOKENS: LazyLock<Regex> = LazyLock::new(|| {
    let patterns = [
        r"()(eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*)",
        r"()((?i:guest)_[0-9A-Fa-f]{8}-[0-9A-Za-z_-]+)",
        r"((?i:bearer)\s+)([^\s,;}]+)",
        r#"((?i:token)\\?"\s*:\s*\\?")([^"\\]+)"#,
        r#"((?i:token)=)([^&\s"']+)"#,
    ];
    // A branch has two groups of its own, so that all of them can be tried at once: the leftmost match wins.
    Regex::new(&patterns.join("|")).expect("the patterns are constant and a test uses each")
});

/// The text with every token cut.
pub fn cut(text: &str) -> Cow<'_, str> {
    TOKENS.replace_all(text, |found: &Captures<'_>| {
        let mut groups = found.iter().skip(1).flatten();
        let kept = groups.next().map_or("", |group| group.as_str());
        let token = groups.next().map_or("", |group| group.as_str());
        format!("{kept}{}", prefix(token))
    })
}

/// The first characters of a token.
pub fn prefix(token: &str) -> String {
    match token.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &token[..end]),
        None => token.to_owned(),
    }
}

/// Cuts every token in a value: what is called a token, and what looks like one.
pub fn cut_value(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(short) = cut(text) {
                *text = short;
            }
        }
        Value::Array(list) => list.iter_mut().for_each(cut_value),
        Value::Object(map) => map.iter_mut().for_each(|(name, value)| match value {
            Value::String(token) if names_token(name) => *token = prefix(token),
            other => cut_value(other),
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn names_token(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with("token")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::jwt("with eyJhbGciOiJIUzI1NiJ9.eyJ1IjoxfQ.c2ln, twice", "with eyJhbGciOi…, twice")]
    #[case::guest("guest_0d9e2c1a-0000-4000-8000-000000000001_1760000000000", "guest_0d9e…")]
    #[case::upper_case_guest("GUEST_0D9E2C1A-0000-4000-8000-000000000001_17", "GUEST_0D9E…")]
    #[case::bearer("Bearer abcdefghijklmnop", "Bearer abcdefghij…")]
    #[case::packet(r#"40{"token":"abcdefghijklmnop"}"#, r#"40{"token":"abcdefghij…"}"#)]
    #[case::escaped(r#"{\"refreshToken\":\"abcdefghijklmnop\"}"#, r#"{\"refreshToken\":\"abcdefghij…\"}"#)]
    #[case::query("/ws?token=abcdefghijklmnop&v=1", "/ws?token=abcdefghij…&v=1")]
    #[case::short("token=abc", "token=abc")]
    #[case::no_token("guest_session_end of the session", "guest_session_end of the session")]
    #[case::address("https://a-rather-long-name.example.com", "https://a-rather-long-name.example.com")]
    fn texts(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(cut(text), expected);
    }

    #[test]
    fn values_at_any_depth() {
        let mut value = json!({
            "accessToken": "opaque-opaque-opaque",
            "token_kind": "a-kind-with-a-long-name",
            "list": [{"raw": "42[\"x\",{\"token\":\"opaque-opaque\"}]"}],
            "headers": {"authorization": "Bearer opaque-opaque"},
        });
        cut_value(&mut value);
        let expected = json!({
            "accessToken": "opaque-opa…",
            "token_kind": "a-kind-with-a-long-name",
            "list": [{"raw": "42[\"x\",{\"token\":\"opaque-opa…\"}]"}],
            "headers": {"authorization": "Bearer opaque-opa…"},
        });
        assert_eq!(value, expected);
    }
}

//! Query strings, written and read. Knows nothing of what the parameters mean.

use std::fmt::Write as _;

/// Writes parameters in order, percent-encoded.
pub fn encode_query<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let parts: Vec<String> =
        pairs.into_iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    parts.join("&")
}

/// Reads parameters in order; a broken escape stands for itself.
pub fn decode_query(query: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decode(name), decode(value))
    };
    query.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            // Writing to a string cannot fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
        out
    })
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok()))
            .flatten();
        out.push(match (escaped, bytes[at]) {
            (None, b'+') => b' ',
            (Some(byte), _) | (None, byte) => byte,
        });
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("plain", "plain")]
    #[case("a b&c=d+é", "a%20b%26c%3Dd%2B%C3%A9")]
    fn values_survive_the_way(#[case] value: &str, #[case] written: &str) {
        assert_eq!(encode_query([("k", value)]), format!("k={written}"));
        assert_eq!(decode_query(&format!("k={written}")), [("k".to_owned(), value.to_owned())]);
    }

    #[test]
    fn broken_escapes_stand_for_themselves() {
        assert_eq!(
            decode_query("a=%&b=%zz&c"),
            [("a", "%"), ("b", "%zz"), ("c", "")].map(|(k, v)| (k.into(), v.into()))
        );
    }
}

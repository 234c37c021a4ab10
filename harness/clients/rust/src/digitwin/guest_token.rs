//! Guest tokens: made, recognised and checked as the document prints it. Knows nothing of where they are kept.

use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;

/// `guest_<uuid>_<milliseconds>`.
pub(super) fn generate() -> String {
    format!("guest_{}_{}", Uuid::new_v4().hyphenated(), millis())
}

/// The wall clock in whole milliseconds, as the document stamps things.
pub(super) fn millis() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}

/// Whether a token claims to be a guest's. It may still be malformed.
pub(super) fn is_guest(token: Option<&str>) -> bool {
    token.is_some_and(|token| token.starts_with("guest_"))
}

/// `^guest_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}_\d+$`.
pub(super) fn is_well_formed(token: &str) -> bool {
    let parts: Vec<&str> = token.split('_').collect();
    let [prefix, uuid, stamp] = parts.as_slice() else { return false };
    *prefix == "guest" && is_lower_case_uuid(uuid) && is_all(stamp, |byte| byte.is_ascii_digit())
}

fn is_lower_case_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| is_all(group, |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}

fn is_all(text: &str, class: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(class)
}

/// The document knows two kinds only: what does not claim to be a guest's is called a JWT, an absent token too.
pub(super) fn token_type(token: Option<&str>) -> &'static str {
    if is_guest(token) { "guest" } else { "jwt" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("guest_550e8400-e29b-41d4-a716-446655440000_1733547600000", true)]
    #[case("guest_00000000-0000-0000-0000-000000000000_0", true)]
    #[case("guest_550E8400-e29b-41d4-a716-446655440000_1733547600000", false)]
    #[case("guest_550e8400e29b41d4a716446655440000_1733547600000", false)]
    #[case("guest_550e8400-e29b-41d4-a716-44665544000_1733547600000", false)]
    #[case("guest_550e8400-e29b-41d4-a716-446655440000_", false)]
    #[case("guest_550e8400-e29b-41d4-a716-446655440000_-1", false)]
    #[case("guest_550e8400-e29b-41d4-a716-446655440000_1_2", false)]
    #[case("guest_550e8400-e29b-41d4-a716-446655440000_1\n", false)]
    #[case("guest_550e8400-e29b-41d4-a716-446655440000_\u{661}", false)]
    #[case("guest_", false)]
    fn the_pattern(#[case] token: &str, #[case] expected: bool) {
        assert_eq!(is_well_formed(token), expected);
    }

    #[test]
    fn generated_tokens_are_well_formed_and_of_version_four() {
        let (one, two) = (generate(), generate());
        assert!(is_well_formed(&one) && is_guest(Some(&one)));
        assert_eq!(&one[20..21], "4", "{one}");
        assert_ne!(one[..42], two[..42]);
    }
}

//! Engine.IO packets, and the Socket.IO packets inside them, as messages of the journal.
//!
//! ```text
//! engine packet   <digit><data>            0 open, 1 close, 2 ping, 3 pong, 4 message, 5 upgrade, 6 noop; b<base64>
//! socket packet   4<type>[<n>-][/<ns>,][<id>]<json>
//! ```
//!
//! Whatever the text, there is a word for it; whether a packet may be sent is nothing to this.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::journal::Message;
use crate::tokens::kind_by_look;

/// Longest packet text that is kept whole.
pub(super) const KEPT: usize = 4_096;

/// The packet of this text, as in a polling body; none for heartbeats, which have records of their own.
///
/// What is no packet has the name `RAW`.
pub fn message(text: &str) -> Option<Message> {
    let mut rest = text.chars();
    let kind = rest.next();
    let message = match (kind.unwrap_or_default(), rest.as_str()) {
        ('2' | '3', "probe") => named("PROBE"),
        ('2' | '3', _) => return None,
        ('0', data) => Message { data: serde_json::from_str(data).ok(), ..named("OPEN") },
        ('1', "") => named("CLOSE"),
        ('4', data) => socket_message(data).unwrap_or_else(|| named("RAW")),
        ('5', "") => named("UPGRADE"),
        ('6', "") => named("NOOP"),
        ('b', data) if BASE64_STANDARD.decode(data).is_ok() => Message { binary: true, ..named("BINARY") },
        _ => named("RAW"),
    };
    Some(Message { raw: shortened(text), ..message })
}

/// The message as its server received it: a `CONNECT` says what token it presents.
pub fn with_token(message: Message) -> Message {
    if message.name != "CONNECT" {
        return message;
    }
    let presented = message.data.as_ref().and_then(|auth| auth.get("token"));
    let token = presented.and_then(Value::as_str).map(str::to_owned);
    let token_kind = Some(kind_by_look(presented).to_owned());
    Message { token, token_kind, ..message }
}

pub(super) fn named(name: &str) -> Message {
    Message { name: name.to_owned(), ..Message::default() }
}

/// A text of bounded length.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(KEPT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The parts of a Socket.IO packet's text that have a place in a record, however odd the rest.
struct Parts<'a> {
    kind: char,
    id: Option<u64>,
    json: &'a str,
}

impl<'a> Parts<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let kind = text.chars().next()?;
        let mut rest = &text[kind.len_utf8()..];
        if matches!(kind, '5' | '6') {
            rest = rest.split_once('-')?.1;
        }
        if rest.starts_with('/') {
            rest = rest.split_once(',').map_or("", |(_, rest)| rest);
        }
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (id, json) = rest.split_at(digits);
        Some(Self { kind, id: id.parse().ok(), json })
    }
}

/// A Socket.IO packet; none if it is not one.
fn socket_message(text: &str) -> Option<Message> {
    let Parts { kind, id, json } = Parts::read(text)?;
    let data: Option<Value> = serde_json::from_str(json).ok();
    match (kind, data) {
        ('0', data) => Some(Message { data, ..named("CONNECT") }),
        ('1', data) => Some(Message { data, ..named("DISCONNECT") }),
        ('4', data) => Some(Message { data, ..named("CONNECT_ERROR") }),
        ('2' | '5', Some(Value::Array(items))) => event(&items, id, kind == '5'),
        ('3' | '6', Some(Value::Array(args))) => {
            Some(Message { data: args.first().cloned(), args, binary: kind == '6', id, ..named("ACK") })
        }
        _ => None,
    }
}

fn event(items: &[Value], id: Option<u64>, binary: bool) -> Option<Message> {
    let (name, args) = items.split_first()?;
    let (data, ack) = (args.first().cloned(), id.is_some());
    Some(Message { data, args: args.to_vec(), binary, ack, id, ..named(name.as_str()?) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("0{\"sid\":\"a\"}", "OPEN", Some(json!({"sid": "a"})))]
    #[case("1", "CLOSE", None)]
    #[case("2probe", "PROBE", None)]
    #[case("3probe", "PROBE", None)]
    #[case("5", "UPGRADE", None)]
    #[case("6", "NOOP", None)]
    #[case("40", "CONNECT", None)]
    #[case("40{\"token\":\"t\"}", "CONNECT", Some(json!({"token": "t"})))]
    #[case("40/admin,{\"token\":\"t\"}", "CONNECT", Some(json!({"token": "t"})))]
    #[case("41", "DISCONNECT", None)]
    #[case("41/admin,", "DISCONNECT", None)]
    #[case("44{\"message\":\"no\"}", "CONNECT_ERROR", Some(json!({"message": "no"})))]
    #[case("42[\"hello\",1,2]", "hello", Some(json!(1)))]
    #[case("42[\"hello\"]", "hello", None)]
    #[case("4212[\"hello\",1]", "hello", Some(json!(1)))]
    #[case("42/a,12[\"hello\",1]", "hello", Some(json!(1)))]
    #[case("4312[\"yes\"]", "ACK", Some(json!("yes")))]
    #[case("451-[\"file\",{\"_placeholder\":true,\"num\":0}]", "file", Some(json!({"_placeholder": true, "num": 0})))]
    #[case("bAQI=", "BINARY", None)]
    #[case("b!", "RAW", None)]
    #[case("1 and more", "RAW", None)]
    #[case("42nonsense", "RAW", None)]
    #[case("4", "RAW", None)]
    #[case("42[1]", "RAW", None)]
    #[case("7", "RAW", None)]
    #[case("", "RAW", None)]
    fn names(#[case] text: &str, #[case] name: &str, #[case] data: Option<Value>) {
        let message = message(text).unwrap();
        assert_eq!((message.name.as_str(), message.data, message.raw.as_str()), (name, data, text));
    }

    #[rstest]
    #[case("2")]
    #[case("3")]
    #[case("2not a probe")]
    fn heartbeats_are_no_messages(#[case] text: &str) {
        assert_eq!(message(text), None);
    }

    #[rstest]
    #[case::event("427[\"save\",{}]", true, 1)]
    #[case::answer("437[1,2]", false, 2)]
    fn an_event_that_asks_for_an_answer_says_so(#[case] text: &str, #[case] ack: bool, #[case] args: usize) {
        let message = message(text).unwrap();
        assert_eq!((message.ack, message.id, message.args.len()), (ack, Some(7), args));
    }

    #[test]
    fn a_long_text_is_cut_and_its_data_is_whole() {
        let long = "ä".repeat(KEPT);
        let message = message(&format!("42[\"long\",\"{long}\"]")).unwrap();
        assert_eq!((message.raw.chars().count(), message.data), (KEPT + 1, Some(json!(long))));
    }

    #[rstest]
    #[case("40", "none", None)]
    #[case("40{\"token\":null}", "none", None)]
    #[case("40{\"token\":\"\"}", "none", Some(""))]
    #[case("40{\"token\":\"guest_x\"}", "guest", Some("guest_x"))]
    #[case("40{\"token\":7}", "jwt", None)]
    fn tokens(#[case] text: &str, #[case] kind: &str, #[case] token: Option<&str>) {
        let message = with_token(message(text).unwrap());
        assert_eq!((message.token_kind.as_deref(), message.token.as_deref()), (Some(kind), token));
    }

    #[test]
    fn only_a_connect_presents_a_token() {
        let message = with_token(message("42[\"hello\",{\"token\":\"guest_x\"}]").unwrap());
        assert_eq!((message.token_kind, message.token), (None, None));
    }
}

//! JSON messages of plain WebSockets: objects whose `type` is their name.
//!
//! Knows nothing of who sends them.

use serde_json::{Map, Value};

use crate::engine::packet::Packet;

/// Where a message has its name.
const NAME: &str = "type";

/// A JSON value as a message, whatever it is.
pub(crate) fn whole(message: &Value) -> Packet {
    Packet::plain(message.to_string())
}

/// A message of this name with the members of the payload, or with the payload as a member.
pub(crate) fn named(name: &str, payload: Option<&Value>) -> Packet {
    let mut message = Map::from_iter([(NAME.to_owned(), Value::from(name))]);
    match payload {
        None => {}
        Some(Value::Object(members)) => {
            message.extend(
                members.iter().filter(|(key, _)| *key != NAME).map(|(key, value)| (key.clone(), value.clone())),
            );
        }
        Some(payload) => drop(message.insert("payload".to_owned(), payload.clone())),
    }
    whole(&Value::Object(message))
}

/// The same with further members, if it is an object.
pub(crate) fn widened(message: Packet, add: &Map<String, Value>) -> Packet {
    let data = message.message().and_then(|message| message.data.clone());
    let Some(Value::Object(mut members)) = data.filter(|_| message.is_plain()) else { return message };
    members.extend(add.clone());
    whole(&Value::Object(members))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(None, r#"{"type":"a"}"#)]
    #[case(Some(json!({"b": 1, "type": "c"})), r#"{"type":"a","b":1}"#)]
    #[case(Some(json!([1])), r#"{"type":"a","payload":[1]}"#)]
    fn messages_by_name(#[case] payload: Option<Value>, #[case] expected: &str) {
        assert_eq!(named("a", payload.as_ref()), Packet::plain(expected));
    }

    #[rstest]
    #[case(r#"{"type":"a"}"#, r#"{"type":"a","x":1}"#)]
    #[case("[1]", "[1]")]
    #[case("text", "text")]
    fn members_are_added_to_objects(#[case] message: &'static str, #[case] expected: &'static str) {
        let add = Map::from_iter([("x".to_owned(), json!(1))]);
        assert_eq!(widened(Packet::plain(message), &add), Packet::plain(expected));
    }
}

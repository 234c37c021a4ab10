//! What a probe sends, and what passes in the words of the wire lane.
//!
//! The words are the mock's own, so that one packet has the same record in both. Knows nothing of connections.

use http::{HeaderMap, Method};
use serde_json::Value;
use sparring_client::engine_io::{Packet, Payload};
use sparring_client::socket_io::{self, Kind};
use sparring_mock_server::contract::Contract;
use sparring_mock_server::journal::Message;
use sparring_mock_server::lane::{self, Head};

/// CONNECT with its payload, if there is one.
pub(super) fn connect(auth: Option<Value>) -> Packet {
    socket_io::message(&socket_io::Packet::new(Kind::Connect, None, auth))
}

/// DISCONNECT.
pub(super) fn disconnect() -> Packet {
    socket_io::message(&socket_io::Packet::new(Kind::Disconnect, None, None))
}

/// An event with one argument or none.
pub(super) fn event(name: String, data: Option<Value>, id: Option<u64>) -> Packet {
    let args: Vec<Value> = std::iter::once(Value::from(name)).chain(data).collect();
    socket_io::message(&socket_io::Packet::new(Kind::Event, id, Some(Value::Array(args))))
}

/// The head of a request for this path and query.
pub(super) fn head(method: &Method, target: &str, headers: &HeaderMap, contract: &'static Contract) -> Head {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Head::read(method, path, query, headers, contract)
}

/// A packet as a message; none for heartbeats.
pub(super) fn message(packet: &Packet) -> Option<Message> {
    let written = match packet {
        // Whatever they are, they are a binary message to a server that gets them.
        Packet::Raw(bytes @ Payload::Binary(_)) => Packet::payload(&[Packet::Message(bytes.clone())]),
        packet => Packet::payload(std::slice::from_ref(packet)),
    };
    lane::message(&String::from_utf8_lossy(&written))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;
    use sparring_mock_server::contract::SystemId;

    #[rstest]
    #[case::connect(connect(Some(json!({"token": "t"}))), "CONNECT", "40{\"token\":\"t\"}")]
    #[case::disconnect(disconnect(), "DISCONNECT", "41")]
    #[case::event(event("hello".to_owned(), Some(json!(1)), Some(7)), "hello", "427[\"hello\",1]")]
    #[case::event_without_argument(event("hello".to_owned(), None, None), "hello", "42[\"hello\"]")]
    #[case::binary(Packet::Message(Payload::Binary(vec![1, 2].into())), "BINARY", "bAQI=")]
    #[case::raw_packet(Packet::Raw(Payload::Text("41".to_owned())), "DISCONNECT", "41")]
    #[case::raw_text(Packet::Raw(Payload::Text("what?".to_owned())), "RAW", "what?")]
    #[case::raw_bytes(Packet::Raw(Payload::Binary(vec![b'4', b'1'].into())), "BINARY", "bNDE=")]
    fn packets(#[case] packet: Packet, #[case] name: &str, #[case] raw: &str) {
        let message = message(&packet).expect("no heartbeat");
        assert_eq!((message.name.as_str(), message.raw.as_str()), (name, raw));
    }

    #[rstest]
    #[case("/socket.io/?EIO=4&transport=websocket", "upgrade")]
    #[case("/nowhere", "/nowhere")]
    fn targets(#[case] target: &str, #[case] name: &str) {
        let head = head(&Method::GET, target, &HeaderMap::new(), SystemId::Digitwin.contract());
        assert_eq!(head.name(), name);
    }
}

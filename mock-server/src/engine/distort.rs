//! What rules make of a message: another payload, more fields, an undocumented one before it.
//!
//! The same for events of Socket.IO and for messages of plain WebSockets. Knows nothing of when.

use serde_json::{Map, Value};

use super::packet::Packet;
use super::parcel::Parcel;
use crate::plain::message;
use crate::socket_io::Args;
use crate::socket_io::packet::encode_event;

impl Parcel {
    /// The same name with another payload; on a plain WebSocket, another message in its place.
    pub(super) fn replaced(self, name: &str, payload: Option<&Value>) -> Self {
        match (self.packet.is_plain(), payload) {
            (false, _) => self.with_args(|_| Args::maybe(payload.cloned())),
            (true, Some(payload)) => message::whole(payload).into(),
            (true, None) => message::named(name, None).into(),
        }
    }

    /// This text in its place, whatever it is.
    pub(super) fn garbled(&self, text: &str) -> Self {
        if self.packet.is_plain() { Packet::plain(text.to_owned()).into() } else { Packet::Raw(text.to_owned()).into() }
    }

    /// The same with these fields in its payload.
    pub(super) fn widened(self, add: &Map<String, Value>) -> Self {
        if self.packet.is_plain() {
            return message::widened(self.packet, add).into();
        }
        self.with_args(|mut args| {
            if let Some(Value::Object(payload)) = args.values.first_mut() {
                payload.extend(add.clone());
            }
            args
        })
    }

    /// A message of this name beside it.
    pub(super) fn escort(&self, name: &str, payload: Option<&Value>) -> Self {
        if self.packet.is_plain() {
            return message::named(name, payload).into();
        }
        encode_event(&self.namespace(), None, name, &Args::maybe(payload.cloned()))
    }
}

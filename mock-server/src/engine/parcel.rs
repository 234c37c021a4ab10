//! What leaves together: a message with its attachments, its text shared by all who get it.
//!
//! Knows nothing of who sends it.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::packet::Packet;
use crate::journal::Message;
use crate::lane;
use crate::socket_io::{self, Args};

/// The text of a message, shared by all packets that carry it: a broadcast is written and read for the journal once.
#[derive(Debug, Clone)]
pub(crate) struct MessageText(Arc<Written>);

#[derive(Debug)]
struct Written {
    text: Utf8Bytes,
    /// Whether the engine's digit stands before it.
    engine: bool,
    message: OnceLock<Arc<Message>>,
}

impl MessageText {
    /// The message of this text, which begins with the digit 4.
    pub(crate) fn new(text: impl Into<Utf8Bytes>) -> Self {
        let text = text.into();
        debug_assert!(text.starts_with('4'), "the engine's digit is part of it");
        Self(Arc::new(Written { text, engine: true, message: OnceLock::new() }))
    }

    /// The message of a plain WebSocket that is this text.
    pub(crate) fn plain(text: impl Into<Utf8Bytes>) -> Self {
        Self(Arc::new(Written { text: text.into(), engine: false, message: OnceLock::new() }))
    }

    /// All of it, to be sent without a copy.
    pub(crate) fn whole(&self) -> Utf8Bytes {
        self.0.text.clone()
    }

    /// The message without the engine's digit.
    pub(crate) fn content(&self) -> &str {
        let text = self.0.text.as_str();
        if self.0.engine { &text[1..] } else { text }
    }

    /// What the journal says of it.
    pub(super) fn message(&self) -> Arc<Message> {
        let Written { text, engine, message } = &*self.0;
        let read = || {
            let packet = if *engine { lane::message(text) } else { None };
            Arc::new(packet.unwrap_or_else(|| lane::text(text)))
        };
        Arc::clone(message.get_or_init(read))
    }
}

impl PartialEq for MessageText {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for MessageText {}

/// What leaves together: a packet, and the attachments right behind it.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    /// The packet.
    pub(crate) packet: Packet,
    /// Its attachments.
    pub(crate) attachments: Vec<Bytes>,
    /// The event that it acknowledges, if it is an acknowledgement.
    pub(crate) answers: Option<Arc<str>>,
}

impl From<Packet> for Parcel {
    fn from(packet: Packet) -> Self {
        Self { packet, attachments: Vec::new(), answers: None }
    }
}

impl Parcel {
    /// The name that the journal has for it; empty if it has none.
    pub(crate) fn name(&self) -> String {
        self.packet.name()
    }

    /// The namespace that it is about; the root if it is no packet of Socket.IO.
    pub(super) fn namespace(&self) -> Cow<'static, str> {
        self.decoded().map_or(Cow::Borrowed(socket_io::packet::ROOT), |packet| packet.namespace)
    }

    /// The same with other arguments, if it is a packet of Socket.IO that has any.
    #[must_use]
    pub(crate) fn with_args(self, change: impl FnOnce(Args) -> Args) -> Self {
        self.altered(|packet| {
            if let Some(args) = packet.args_mut() {
                *args = change(std::mem::take(args));
            }
        })
    }

    /// The same with something else in it, if it is a packet of Socket.IO.
    #[must_use]
    pub(crate) fn altered(self, change: impl FnOnce(&mut socket_io::packet::Packet)) -> Self {
        let Some(mut packet) = self.decoded() else { return self };
        change(&mut packet);
        Self { answers: self.answers, ..packet.encode() }
    }

    fn decoded(&self) -> Option<socket_io::packet::Packet> {
        let Packet::Message(text) = &self.packet else { return None };
        let (mut packet, _) = socket_io::packet::decode(text.content()).ok()?;
        if let Some(args) = packet.args_mut() {
            args.attachments.clone_from(&self.attachments);
        }
        Some(packet)
    }

    /// Its packets, in the order in which they go out.
    pub(crate) fn into_packets(self) -> impl Iterator<Item = Packet> {
        std::iter::once(self.packet).chain(self.attachments.into_iter().map(Packet::Binary))
    }
}

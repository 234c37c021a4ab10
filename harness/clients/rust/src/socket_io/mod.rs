//! A Socket.IO v5 connection to the main namespace, over one Engine.IO connection of its own.
//!
//! [`Socket`] says CONNECT with its `auth`, turns messages into [`Event`]s, and answers in the six reasons of the
//! official client. It never reconnects. Knows nothing of what events mean.

mod packet;

use std::future::Future;

use serde_json::Value;

use crate::engine_io::{self, End, Engine, Payload, Settings, Transport};

pub use packet::{Kind, Packet, PacketError};

/// What happens on a connection.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The server has acknowledged the CONNECT.
    Connected {
        /// Socket id.
        sid: String,
        /// The transport in use at that moment.
        transport: Transport,
    },
    /// An event of the application.
    Emitted {
        /// Its name.
        name: String,
        /// Its arguments.
        args: Vec<Value>,
    },
    /// The connection failed before it was acknowledged; nothing follows.
    Refused {
        /// What went wrong.
        message: String,
        /// An HTTP status, a text or null.
        description: Value,
    },
    /// The connection has ended; nothing follows.
    Disconnected(&'static str),
}

/// A connection. Dropping it ends it without a goodbye.
#[derive(Debug)]
pub struct Socket {
    engine: Engine,
    auth: Value,
    transport: Transport,
    id: Option<String>,
    /// A packet that waits for so many binary messages.
    partial: Option<(Packet, usize)>,
    over: bool,
}

impl Socket {
    /// Begins to connect. `auth` is the payload of the CONNECT packet.
    pub fn open(settings: Settings, auth: Value) -> Self {
        let transport = match settings.route {
            engine_io::Route::Websocket => Transport::Websocket,
            _ => Transport::Polling,
        };
        Self { engine: Engine::open(settings), auth, transport, id: None, partial: None, over: false }
    }

    /// The socket id, while the connection is acknowledged.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The next event; never, once it is over. May be dropped and called again without loss.
    pub async fn next(&mut self) -> Event {
        while !self.over {
            let Some(event) = self.engine.next().await else { break };
            if let Some(event) = self.translate(event) {
                self.over = matches!(event, Event::Refused { .. } | Event::Disconnected(_));
                return event;
            }
        }
        std::future::pending().await
    }

    /// Says goodbye and waits until every socket is closed, which takes [`engine_io::LINGER`] at most.
    pub fn close(self) -> impl Future<Output = ()> + Send {
        let last = self.id.as_ref().map(|_| message(&Packet::new(Kind::Disconnect, None, None)));
        self.engine.close(last.into_iter().collect())
    }

    fn translate(&mut self, event: engine_io::Event) -> Option<Event> {
        match event {
            engine_io::Event::Opened(_) => {
                let auth = Packet::new(Kind::Connect, None, Some(self.auth.clone()));
                self.engine.send(vec![message(&auth)]);
                None
            }
            engine_io::Event::Upgraded => {
                self.transport = Transport::Websocket;
                None
            }
            engine_io::Event::Message(Payload::Text(text)) => self.take_text(&text),
            engine_io::Event::Message(Payload::Binary(_)) => self.take_binary(),
            engine_io::Event::Closed(end) => Some(self.ended(end)),
        }
    }

    fn take_text(&mut self, text: &str) -> Option<Event> {
        if self.partial.take().is_some() {
            return Some(Event::Disconnected("parse error"));
        }
        let Ok(packet) = Packet::read(text) else { return Some(Event::Disconnected("parse error")) };
        match packet.attachments {
            Some(count) if count > 0 => {
                self.partial = Some((packet, count));
                None
            }
            _ => self.take_packet(packet),
        }
    }

    /// Attachments are counted, so that what follows is understood; their place keeps the placeholder.
    fn take_binary(&mut self) -> Option<Event> {
        match self.partial.take() {
            None => Some(Event::Disconnected("parse error")),
            Some((packet, 1)) => self.take_packet(packet),
            Some((packet, count)) => {
                self.partial = Some((packet, count - 1));
                None
            }
        }
    }

    fn take_packet(&mut self, packet: Packet) -> Option<Event> {
        if packet.namespace != "/" {
            return None;
        }
        match packet.kind {
            Kind::Connect => self.acknowledged(packet.data.as_ref()),
            Kind::ConnectError => Some(refusal(packet.data)),
            Kind::Disconnect => Some(Event::Disconnected("io server disconnect")),
            Kind::Event => emitted(packet.data),
            Kind::Ack => None,
        }
    }

    /// A repeated acknowledgement changes nothing.
    fn acknowledged(&mut self, data: Option<&Value>) -> Option<Event> {
        if self.id.is_some() {
            return None;
        }
        let Some(sid) = data.and_then(|data| data["sid"].as_str()).filter(|sid| !sid.is_empty()) else {
            let message = "the acknowledgement of the connection holds no sid".to_owned();
            return Some(Event::Refused { message, description: Value::Null });
        };
        self.id = Some(sid.to_owned());
        Some(Event::Connected { sid: sid.to_owned(), transport: self.transport })
    }

    fn ended(&mut self, end: End) -> Event {
        match (self.id.take(), end) {
            (None, End::Failed(failure)) => {
                Event::Refused { message: failure.message.to_owned(), description: failure.description }
            }
            (_, end) => Event::Disconnected(end.reason()),
        }
    }
}

/// A packet as an Engine.IO message.
pub fn message(packet: &Packet) -> engine_io::Packet {
    engine_io::Packet::Message(Payload::Text(packet.write()))
}

fn emitted(data: Option<Value>) -> Option<Event> {
    let Some(Value::Array(mut args)) = data else { return None };
    let name = match args.remove(0) {
        Value::String(name) => name,
        other => other.to_string(),
    };
    Some(Event::Emitted { name, args })
}

fn refusal(data: Option<Value>) -> Event {
    match data {
        Some(Value::String(message)) => Event::Refused { message, description: Value::Null },
        Some(mut data) => {
            let message = data["message"].as_str().unwrap_or_default().to_owned();
            Event::Refused { message, description: data["data"].take() }
        }
        None => Event::Refused { message: String::new(), description: Value::Null },
    }
}

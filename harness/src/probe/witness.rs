//! Watches one Engine.IO connection and writes down what passes, in the server's words.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use serde_json::Value;
use sparring_client::engine_io::{self, Asked, End, Packet, Purpose, Tap};
use sparring_client::net::Reply;
use sparring_mock_server::contract::Contract;
use sparring_mock_server::journal::{Answer, Closed, Closer, Entry, Heartbeat, Moment, Transport};
use sparring_mock_server::lane::{self, Head, with_token};

use super::recorder::Recorder;
use super::words::{self, message};

/// See the module.
#[derive(Debug)]
pub(super) struct Witness {
    recorder: Recorder,
    contract: &'static Contract,
    connection: u32,
    pings: AtomicU32,
    opened: AtomicBool,
    /// Whether the server has said goodbye by its protocol.
    dismissed: AtomicBool,
    /// Whether the end has been recorded.
    closed: AtomicBool,
}

impl Witness {
    pub(super) fn new(recorder: Recorder, contract: &'static Contract, connection: u32) -> Self {
        Self {
            recorder,
            contract,
            connection,
            pings: AtomicU32::new(0),
            opened: AtomicBool::new(false),
            dismissed: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }
    }

    /// Records that this side has ended the connection without a word.
    pub(super) fn cut(&self) {
        self.close(Closed { by: Closer::Client, code: None, reason: None, clean: false }, None);
    }

    fn close(&self, closed: Closed, transport: Option<Transport>) {
        if !self.closed.swap(true, Ordering::SeqCst) {
            self.recorder.write(Some(self.connection), transport, Entry::Closed(closed));
        }
    }

    fn write(&self, transport: engine_io::Transport, entry: Entry) {
        self.recorder.write(Some(self.connection), Some(in_lane(transport)), entry);
    }

    fn head(&self, asked: &Asked) -> Head {
        words::head(&asked.method, &asked.target, &asked.headers, self.contract)
    }

    fn heartbeat(&self, payload: &str) -> Heartbeat {
        Heartbeat { ordinal: self.pings.load(Ordering::SeqCst), payload: payload.to_owned() }
    }
}

impl Tap for Witness {
    fn asked(&self, asked: &Asked) {
        let head = self.head(asked);
        self.write(
            asked.transport,
            match asked.purpose {
                Purpose::Handshake => Entry::Attempt(head.attempt(self.connection)),
                Purpose::Poll | Purpose::Upgrade => Entry::Request(head.request(Value::Null)),
            },
        );
    }

    fn answered(&self, asked: &Asked, reply: &Reply) {
        // What a poll brings stands in records of its own.
        let holds_packets = asked.method == http::Method::GET && reply.status == 200;
        let answer = Answer {
            name: self.head(asked).name(),
            status: reply.status,
            headers: lane::headers(&reply.headers),
            body: if holds_packets { Value::Null } else { lane::body(&reply.body) },
            asked: Moment::now() - asked.at.elapsed(),
        };
        self.write(asked.transport, Entry::Answer(answer));
    }

    fn received(&self, transport: engine_io::Transport, packet: &Packet) {
        if let Packet::Ping(payload) = packet {
            self.pings.fetch_add(1, Ordering::SeqCst);
            return self.write(transport, Entry::Ping(self.heartbeat(payload)));
        }
        let Some(message) = message(packet) else { return };
        match message.name.as_str() {
            "OPEN" => self.opened.store(true, Ordering::SeqCst),
            "DISCONNECT" | "CLOSE" => self.dismissed.store(true, Ordering::SeqCst),
            _ => {}
        }
        self.write(transport, Entry::Sent(message.into()));
    }

    fn sent(&self, transport: engine_io::Transport, packet: &Packet) {
        match packet {
            Packet::Pong(payload) => self.write(transport, Entry::Pong(self.heartbeat(payload))),
            packet => {
                let Some(message) = message(packet) else { return };
                self.write(transport, Entry::Received(with_token(message).into()));
            }
        }
    }

    fn ended(&self, transport: engine_io::Transport, end: &End) {
        let dismissed = self.dismissed.load(Ordering::SeqCst);
        let by = |by, clean| Closed { by, code: None, reason: None, clean };
        let closed = match end {
            End::Local => by(Closer::Client, self.opened.load(Ordering::SeqCst)),
            End::Goodbye { code, reason } => Closed { code: *code, reason: reason.clone(), ..by(Closer::Server, true) },
            _ if dismissed => by(Closer::Server, true),
            End::Failed(failure) if failure.answered => by(Closer::Server, false),
            End::Failed(_) | End::Broken | End::Silent => by(Closer::Network, false),
        };
        self.close(closed, Some(in_lane(transport)));
    }
}

fn in_lane(transport: engine_io::Transport) -> Transport {
    match transport {
        engine_io::Transport::Polling => Transport::Polling,
        engine_io::Transport::Websocket => Transport::Websocket,
    }
}

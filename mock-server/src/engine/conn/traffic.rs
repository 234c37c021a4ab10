//! What a session sends and receives, and the polls by which it does.
//!
//! Packets wait in the outbox until the transport takes them; their records are written when they go. Knows nothing of
//! how a transport carries them.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::{Carrier, Conn, Ending, State, Verb};
use crate::engine::packet::Packet;
use crate::journal::{Closer, Entry, Heartbeat, Transport};
use crate::lane::with_token;
use crate::limits;

impl State {
    /// Whether this transport carries the session.
    fn carries(&self, transport: Transport) -> bool {
        (self.carrier == Carrier::WebSocket) == (transport == Transport::Websocket)
    }
}

impl Conn {
    /// Queues packets behind those that wait. A client for which too much waits is given up.
    pub(crate) fn send(&self, packets: impl IntoIterator<Item = Packet>) {
        let mut state = self.state();
        for packet in packets {
            state.waiting += packet.size();
            state.outbox.push_back(packet);
        }
        let full = state.outbox.len() > limits::OUTBOX || state.waiting > limits::OUTBOX_BYTES;
        if full {
            (state.outbox, state.waiting) = (VecDeque::new(), 0);
        }
        drop(state);
        if full {
            self.end(Ending { reason: Some("outbox full".to_owned()), ..Ending::by(Closer::Server, false) });
        }
        self.changed.notify_waiters();
    }

    /// Hands a message to the mail, where the rules have their say before it is queued.
    pub(crate) fn post(&self, packet: Packet) {
        // Nobody takes it once the session is over.
        let _ = self.mail.send(packet);
    }

    /// Takes all packets that wait, if this transport carries the session.
    pub(crate) fn take(&self, transport: Transport) -> Vec<Packet> {
        let mut state = self.state();
        if !state.carries(transport) {
            return Vec::new();
        }
        state.waiting = 0;
        state.outbox.drain(..).collect()
    }

    /// Takes the first packet that waits, if this transport carries the session.
    pub(crate) fn take_one(&self, transport: Transport) -> Option<Packet> {
        let mut state = self.state();
        let packet = if state.carries(transport) { state.outbox.pop_front() } else { None };
        state.waiting -= packet.as_ref().map_or(0, Packet::size);
        packet
    }

    /// How many packets wait.
    pub(crate) fn backlog(&self) -> usize {
        self.state().outbox.len()
    }

    /// Whether something waits to be sent that can be.
    pub(crate) fn is_deliverable(&self) -> bool {
        let state = self.state();
        !state.outbox.is_empty() && !state.bent.stalled
    }

    /// Writes the record of a packet that goes out now.
    pub(crate) fn sent(&self, packet: &Packet, transport: Transport) {
        let packet = packet.told();
        let entry = match packet {
            Packet::Ping(payload) if payload != "probe" => {
                let mut state = self.state();
                state.pings += 1;
                Entry::Ping(Heartbeat { ordinal: state.pings, payload: payload.clone() })
            }
            _ => match packet.message() {
                Some(message) => Entry::Sent(message),
                None => return,
            },
        };
        let name = match &entry {
            Entry::Sent(message) => message.name.clone(),
            _ => String::new(),
        };
        self.record(transport, entry);
        if matches!(name.as_str(), "DISCONNECT" | "CLOSE") && !packet.is_plain() {
            self.blame(Ending::by(Closer::Server, true));
        }
        self.state().departing.push(name);
    }

    /// Notes that what was taken has left.
    pub(crate) fn departed(&self) {
        let mut state = self.state();
        for name in std::mem::take(&mut state.departing) {
            *state.left.entry(name).or_default() += 1;
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Counts a message as having left that a rule has withheld or replaced.
    pub(crate) fn skipped(&self, name: &str) {
        *self.state().left.entry(name.to_owned()).or_default() += 1;
        self.changed.notify_waiters();
    }

    /// How many messages of this name have left.
    pub(crate) fn left(&self, name: &str) -> u32 {
        self.state().left.get(name).copied().unwrap_or_default()
    }

    /// Writes the record of a packet that has come in.
    pub(crate) fn received(&self, packet: &Packet, transport: Transport) {
        match packet {
            Packet::Pong(payload) if payload != "probe" => {
                let ordinal = self.state().pings;
                self.record(transport, Entry::Pong(Heartbeat { ordinal, payload: payload.clone() }));
                self.ponged.notify_waiters();
            }
            _ => {
                let Some(message) = packet.message() else { return };
                self.record(transport, Entry::Received(with_token(message)));
            }
        }
        if !packet.is_plain() && packet.is_named("DISCONNECT") || *packet == Packet::Close {
            self.blame(Ending::by(Closer::Client, true));
        }
    }

    /// Resolves at the next pong; what came before the call does not count.
    pub(crate) fn next_pong(&self) -> impl Future<Output = ()> {
        let mut ponged = Box::pin(self.ponged.notified());
        ponged.as_mut().enable();
        ponged
    }

    /// Notes until when a pong must come, or that none is waited for.
    pub(crate) fn expect_pong(&self, by: Option<Instant>) {
        self.state().pong_by = by;
    }

    /// Whether the time for a pong has passed, even if no timer has noticed yet.
    pub(crate) fn is_overdue(&self) -> bool {
        let state = self.state();
        !state.bent.frozen && state.pong_by.is_some_and(|by| Instant::now() > by)
    }

    /// Takes a packet that has come in: records it, and hands on what is Socket.IO's.
    pub(crate) async fn receive(&self, packet: Packet, transport: Transport) {
        self.received(&packet, transport);
        match packet {
            Packet::Message(_) | Packet::Binary(_) | Packet::Text(_) | Packet::Data(_) => tokio::select! {
                // Fails only when the session is over.
                _ = self.inbox.send(packet) => {}
                () = self.over() => {}
            },
            Packet::Close => self.end(Ending::by(Closer::Client, true)),
            // In this version of the protocol the server pings.
            Packet::Ping(payload) if payload != "probe" => self.end(Ending::by(Closer::Server, false)),
            _ => {}
        }
    }

    // Polls.

    /// Counts a polling request; returns its ordinal.
    pub(crate) fn next_poll(&self) -> u32 {
        let mut state = self.state();
        state.polls.count += 1;
        state.polls.count
    }

    /// Notes that a poll or a post is open; no if there is one.
    pub(crate) fn begin(&self, verb: Verb) -> bool {
        let began = !std::mem::replace(self.state().polls.open(verb), true);
        self.changed.notify_waiters();
        began
    }

    /// Notes that it has been answered, or that its client is gone.
    pub(crate) fn finish(&self, verb: Verb) {
        *self.state().polls.open(verb) = false;
        self.changed.notify_waiters();
    }

    /// Whether a poll is open.
    pub(crate) fn is_polled(&self) -> bool {
        self.state().polls.polled
    }

    /// When the WebSocket was probed.
    pub(crate) fn probed(&self) -> Option<Instant> {
        self.state().polls.probed
    }

    // Messages that leave together.

    /// From now on messages wait until the last of these has come.
    pub(crate) fn coalesce(&self, names: &[String]) {
        self.state().coalescing = names.last().cloned();
    }

    /// The message for which others wait.
    pub(crate) fn coalesces(&self) -> Option<String> {
        self.state().coalescing.clone()
    }

    /// That message has come.
    pub(crate) fn coalesced(&self) {
        self.state().coalescing = None;
    }
}

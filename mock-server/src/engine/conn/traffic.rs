//! What a session sends and receives, and the polls by which it does.
//!
//! Packets wait in the outbox until the transport takes them; their records are written when they go. Knows nothing of
//! how a transport carries them.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use super::{Carrier, Conn, Ending, INBOX, Line, State, Verb};
use crate::engine::gate::Gate;
use crate::engine::mail::{self, Incoming, Outgoing};
use crate::engine::packet::Packet;
use crate::engine::parcel::Parcel;
use crate::engine::shelf::Shelf;
use crate::journal::{Closer, Entry, Heartbeat, Message, Transport};
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

    /// The gate through which it came, as long as the mock is up.
    pub(crate) fn gate(&self) -> Option<Arc<Gate>> {
        self.gate.upgrade()
    }

    /// Hands a message to the mail, where the rules have their say before it is queued.
    pub(crate) fn post(self: &Arc<Self>, parcel: impl Into<Parcel>) {
        // Nobody takes it once the session is over.
        if let Some(gate) = self.gate().filter(|_| !self.is_over()) {
            mail::post(&gate, self, parcel.into());
        }
    }

    /// What has come in, and waits.
    pub(crate) fn inbox<T>(&self, look: impl FnOnce(&mut Line<Incoming>) -> T) -> T {
        look(&mut self.state().inbox)
    }

    /// The next of them, for who takes them through.
    pub(crate) fn next_incoming(&self) -> Option<Incoming> {
        let next = self.state().inbox.next();
        // Somebody may wait for room.
        self.changed.notify_waiters();
        next
    }

    /// What is to go out, and waits; and what rules hold back.
    pub(crate) fn mail<T>(&self, look: impl FnOnce(&mut Line<Outgoing>, &mut Shelf) -> T) -> T {
        let mut state = self.state();
        let super::State { mail, shelf, .. } = &mut *state;
        look(mail, shelf)
    }

    /// Queues what has passed the rules, unless it waits for something to leave with it.
    pub(crate) fn pass(&self, parcels: Vec<Parcel>) {
        let parcels = self.state().shelf.coalesce(parcels);
        self.send(parcels.into_iter().flat_map(Parcel::into_packets));
    }

    /// Sends what rules hold back.
    pub(crate) fn release(&self) {
        let held = self.state().shelf.clear();
        if !held.is_empty() {
            self.send(held.into_iter().flat_map(Parcel::into_packets));
        }
    }

    /// Takes all packets that wait, if this transport carries the session.
    pub(crate) fn take(&self, transport: Transport) -> Vec<Packet> {
        let mut state = self.state();
        if !state.carries(transport) {
            return Vec::new();
        }
        state.waiting = 0;
        state.end.lingers = false;
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
        let ends = name == "CLOSE" || name == "DISCONNECT" && self.sockets.members().is_empty();
        if ends && !packet.is_plain() {
            self.blame(Ending::by(Closer::Server, true));
        }
        self.state().departing.push(name);
    }

    /// Notes that what was taken has left.
    pub(crate) fn departed(&self) {
        let mut state = self.state();
        for name in std::mem::take(&mut state.departing) {
            state.left.add(&name);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Counts a message as having left that a rule has withheld or replaced.
    pub(crate) fn skipped(&self, name: &str) {
        self.state().left.add(name);
        self.changed.notify_waiters();
    }

    /// How many messages of this name have left.
    pub(crate) fn left(&self, name: &str) -> u32 {
        self.state().left.of(name)
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
                self.record(transport, Entry::Received(presented(message)));
                if *packet == Packet::Close {
                    self.blame(Ending::by(Closer::Client, true));
                }
            }
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

    /// Takes a packet that has come in: records it, and hands on what is a message.
    pub(crate) async fn receive(self: &Arc<Self>, packet: Packet, transport: Transport) {
        self.received(&packet, transport);
        match packet {
            Packet::Message(_) | Packet::Binary(_) | Packet::Text(_) | Packet::Data(_) => {
                if self.state().inbox.len() >= INBOX {
                    self.until(|conn| conn.state().inbox.len() < INBOX || conn.is_over()).await;
                }
                if let Some(gate) = self.gate().filter(|_| !self.is_over()) {
                    mail::take(&gate, self, packet);
                }
            }
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
        self.state().shelf.wait_for(names.last().cloned());
    }

    /// Messages wait no longer.
    pub(crate) fn let_go_coalesced(&self) {
        let held = self.state().shelf.let_go();
        self.pass(held);
    }

    /// Whether messages wait for others to leave with them.
    pub(crate) fn coalesces(&self) -> bool {
        self.state().shelf.is_waiting()
    }
}

/// The message as its server received it.
fn presented(message: Arc<Message>) -> Arc<Message> {
    match message.name.as_str() {
        "CONNECT" => Arc::new(with_token(Message::clone(&message))),
        _ => message,
    }
}

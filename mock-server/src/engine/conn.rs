//! One connection attempt, and the Engine.IO session that it opened.
//!
//! Everything that concerns the attempt hangs on its [`Conn`]: who made it, what its session is about to send, by
//! which transport, and how it ended. It writes the journal's records of the attempt; it knows nothing of HTTP, of
//! Socket.IO handlers or of rules.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::Value;
use socketioxide::extract::SocketRef;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::packet::Packet;
use crate::journal::{Actor, Attempt, Closed, Closer, Entry, Heartbeat, Journal, Message, Transport};
use crate::script::Subject;
use crate::server::lock;
use crate::wire::{Latency, Link};

/// Packets of a client that may wait for socketioxide; a client that sends more has to wait.
const INBOX: usize = 64;

/// One connection attempt of an actor.
#[derive(Debug)]
pub(crate) struct Conn {
    /// Whose it is.
    pub(crate) actor: Actor,
    /// What the head of its first request said; its number is the connection's.
    pub(crate) head: Attempt,
    /// Id of its Engine.IO session.
    pub(crate) sid: String,
    journal: Arc<Journal>,
    state: Mutex<State>,
    changed: Notify,
    ponged: Notify,
    over: CancellationToken,
    inbox: mpsc::Sender<Packet>,
}

#[derive(Debug)]
struct State {
    outbox: VecDeque<Packet>,
    /// Names of the messages that have been taken from the outbox and have not left yet.
    departing: Vec<String>,
    /// How many messages of each name have left.
    left: BTreeMap<String, u32>,
    carrier: Carrier,
    /// Polls and posts so far.
    polls: u32,
    /// Whether a poll is open.
    polled: bool,
    /// Whether a poll has been let go for the probe already.
    let_go: bool,
    /// Pings sent.
    pings: u32,
    /// What the token looks like and whom it names, once that is known.
    who: Who,
    /// Code and reason for the close frame, if the server is to give any.
    farewell: Option<(u16, String)>,
    ending: Option<Ending>,
    closed: bool,
    /// Whether pings are suppressed.
    mute: bool,
    /// The name of the last of the messages that are to leave together, until it has come.
    coalescing: Option<String>,
    /// What bends its TCP connections, those to come included.
    bent: Bent,
    /// Socket.IO's handle, once the client has joined.
    socket: Option<SocketRef>,
    /// TCP connections on which requests of the attempt came, the newest last.
    links: Vec<Arc<Link>>,
}

/// What a rule does to all TCP connections of an attempt.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bent {
    /// Nothing is read and nothing leaves.
    pub(crate) stalled: bool,
    /// Bytes are late.
    pub(crate) latency: Option<Latency>,
    /// Besides being stalled, the server's own timers stand still.
    pub(crate) frozen: bool,
}

/// Who the client says that it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Who {
    /// `jwt`, `guest` or `none`, by the look of the token.
    pub(crate) token_kind: Option<&'static str>,
    /// The user of the session.
    pub(crate) user: Option<String>,
}

/// What carries the session's packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// Long-polling.
    Polling,
    /// Long-polling, while a WebSocket is being probed: polls are let go, so that the client can stop polling.
    Probing,
    /// A WebSocket.
    WebSocket,
}

/// How a connection came to its end: the first that is known stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ending {
    /// Who ended it.
    pub(crate) by: Closer,
    /// Whether the protocol's own close came first.
    pub(crate) clean: bool,
    /// Close code, where one was sent.
    pub(crate) code: Option<u16>,
    /// Close reason, where one was sent.
    pub(crate) reason: Option<String>,
}

impl Ending {
    /// By this party, with or without the protocol's own close.
    pub(crate) fn by(by: Closer, clean: bool) -> Self {
        Self { by, clean, code: None, reason: None }
    }
}

impl State {
    fn new(transport: Transport) -> Self {
        let carrier = match transport {
            Transport::Polling => Carrier::Polling,
            Transport::Websocket => Carrier::WebSocket,
        };
        Self {
            outbox: VecDeque::new(),
            departing: Vec::new(),
            left: BTreeMap::new(),
            carrier,
            polls: 0,
            polled: false,
            let_go: false,
            pings: 0,
            who: Who::default(),
            farewell: None,
            ending: None,
            closed: false,
            mute: false,
            coalescing: None,
            bent: Bent::default(),
            socket: None,
            links: Vec::new(),
        }
    }
}

impl Conn {
    /// The attempt of this head, and the packets that its client will send to socketioxide; `transport` is what carries
    /// its session, should one come to be.
    pub(crate) fn new(
        actor: Actor,
        head: Attempt,
        sid: String,
        transport: Transport,
        journal: Arc<Journal>,
    ) -> (Arc<Self>, mpsc::Receiver<Packet>) {
        let (inbox, packets) = mpsc::channel(INBOX);
        let (changed, ponged, over) = (Notify::new(), Notify::new(), CancellationToken::new());
        let state = Mutex::new(State::new(transport));
        (Arc::new(Self { actor, head, sid, journal, state, changed, ponged, over, inbox }), packets)
    }

    /// Ordinal of the attempt, from 1.
    pub(crate) fn number(&self) -> u32 {
        self.head.number
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// What carries the session now.
    pub(crate) fn carrier(&self) -> Carrier {
        self.state().carrier
    }

    /// The transport in use.
    pub(crate) fn transport(&self) -> Transport {
        match self.carrier() {
            Carrier::WebSocket => Transport::Websocket,
            Carrier::Polling | Carrier::Probing => Transport::Polling,
        }
    }

    /// Moves from `from` to `to`; no if something else carries the session.
    pub(crate) fn carry(&self, from: Carrier, to: Carrier) -> bool {
        let mut state = self.state();
        let fits = state.carrier == from && !state.closed;
        if fits {
            state.carrier = to;
        }
        drop(state);
        self.changed.notify_waiters();
        fits
    }

    /// Writes a record about this connection.
    pub(crate) fn record(&self, transport: Transport, entry: Entry) {
        self.journal.write(&self.actor, Some(self.number()), Some(transport), entry);
    }

    // Packets on their way out.

    /// Queues packets behind those that wait.
    pub(crate) fn send(&self, packets: impl IntoIterator<Item = Packet>) {
        self.state().outbox.extend(packets);
        self.changed.notify_waiters();
    }

    /// Takes all packets that wait, if this transport carries the session.
    pub(crate) fn take(&self, transport: Transport) -> Vec<Packet> {
        let mut state = self.state();
        let carries = (state.carrier == Carrier::WebSocket) == (transport == Transport::Websocket);
        if carries { state.outbox.drain(..).collect() } else { Vec::new() }
    }

    /// Whether something waits to be sent that can be.
    pub(crate) fn is_deliverable(&self) -> bool {
        let state = self.state();
        !state.outbox.is_empty() && !state.bent.stalled
    }

    /// Waits until `ready` is satisfied with the connection, which it asks after every change.
    pub(crate) async fn until(&self, ready: impl Fn(&Self) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Enlisted before the look, so that no change falls between the two.
            changed.as_mut().enable();
            if ready(self) {
                return;
            }
            changed.await;
        }
    }

    /// Writes the record of a packet that goes out now.
    pub(crate) fn sent(&self, packet: &Packet, transport: Transport) {
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
        if matches!(name.as_str(), "DISCONNECT" | "CLOSE") {
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
        if packet.is_named("DISCONNECT") || *packet == Packet::Close {
            self.blame(Ending::by(Closer::Client, true));
        }
    }

    /// Resolves at the next pong; what came before the call does not count.
    pub(crate) fn next_pong(&self) -> impl Future<Output = ()> {
        let mut ponged = Box::pin(self.ponged.notified());
        ponged.as_mut().enable();
        ponged
    }

    /// Takes a packet that has come in: records it, and hands on what is Socket.IO's.
    pub(crate) async fn receive(&self, packet: Packet, transport: Transport) {
        self.received(&packet, transport);
        match packet {
            Packet::Message(_) | Packet::Binary(_) => tokio::select! {
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
        state.polls += 1;
        state.polls
    }

    /// Notes that a poll is open; no if there is one.
    pub(crate) fn begin_poll(&self) -> bool {
        !std::mem::replace(&mut self.state().polled, true)
    }

    /// Notes that the poll has been answered, or that its client is gone.
    pub(crate) fn end_poll(&self) {
        self.state().polled = false;
        self.changed.notify_waiters();
    }

    /// Whether a poll is open.
    pub(crate) fn is_polled(&self) -> bool {
        self.state().polled
    }

    /// Whether no poll has been let go for the probe before; true once.
    pub(crate) fn first_let_go(&self) -> bool {
        !std::mem::replace(&mut self.state().let_go, true)
    }

    // Who, and on which TCP connections.

    /// Notes what is known of the client.
    pub(crate) fn identify(&self, who: Who) {
        self.state().who = who;
    }

    /// What is known of the client.
    pub(crate) fn who(&self) -> Who {
        self.state().who.clone()
    }

    /// Asks a rule's question about this connection.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(&Subject<'_>) -> T) -> T {
        let who = self.who();
        question(&Subject {
            connection: Some(self.number()),
            transport: Some(self.transport()),
            token_kind: who.token_kind,
            user: who.user.as_deref(),
            path: Some(&self.head.path),
            headers: &self.head.headers,
            ..Subject::of(&self.actor)
        })
    }

    /// Keeps Socket.IO's handle.
    pub(crate) fn joined(&self, socket: SocketRef) {
        self.state().socket = Some(socket);
    }

    /// Socket.IO's handle, once the client has joined.
    pub(crate) fn socket(&self) -> Option<SocketRef> {
        self.state().socket.clone()
    }

    /// Notes that a request of the attempt came on this TCP connection.
    pub(crate) fn travels_on(&self, link: &Arc<Link>) {
        let mut state = self.state();
        let new = !state.links.iter().any(|known| Arc::ptr_eq(known, link));
        state.links.retain(|known| known.end().is_none() && !Arc::ptr_eq(known, link));
        state.links.push(Arc::clone(link));
        if new {
            bend(link, Bent::default(), state.bent);
        }
    }

    /// Changes what bends its TCP connections, those to come included.
    pub(crate) fn bend(&self, change: impl FnOnce(&mut Bent)) {
        let mut state = self.state();
        let before = state.bent;
        change(&mut state.bent);
        let bent = state.bent;
        let links = state.links.clone();
        drop(state);
        links.iter().for_each(|link| bend(link, before, bent));
        self.changed.notify_waiters();
    }

    /// What bends its TCP connections.
    pub(crate) fn bent(&self) -> Bent {
        self.state().bent
    }

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

    /// Suppresses pings, or no longer.
    pub(crate) fn set_mute(&self, mute: bool) {
        self.state().mute = mute;
        self.changed.notify_waiters();
    }

    /// Whether pings are suppressed.
    pub(crate) fn is_mute(&self) -> bool {
        self.state().mute
    }

    /// Its TCP connections, the newest last.
    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        self.state().links.clone()
    }

    // The end.

    /// Code and reason of the close frame with which the server takes leave.
    pub(crate) fn set_farewell(&self, code: u16, reason: &str) {
        self.state().farewell = Some((code, reason.to_owned()));
    }

    /// See [`set_farewell`](Self::set_farewell).
    pub(crate) fn farewell(&self) -> Option<(u16, String)> {
        self.state().farewell.clone()
    }

    /// Sends the engine's close packet, then drops the session.
    pub(crate) fn close_politely(&self) {
        self.send([Packet::Close]);
        self.end(Ending::by(Closer::Server, true));
    }

    /// Notes who is about to end the connection; what was noted first stands.
    pub(crate) fn blame(&self, ending: Ending) {
        self.state().ending.get_or_insert(ending);
    }

    /// Drops the session: nothing more is taken from or sent to the client, except by a transport that says farewell.
    pub(crate) fn end(&self, ending: Ending) {
        self.blame(ending);
        self.over.cancel();
        self.changed.notify_waiters();
    }

    /// Writes the one record of the connection's end.
    pub(crate) fn closed(&self) {
        let mut state = self.state();
        if std::mem::replace(&mut state.closed, true) {
            return;
        }
        let Ending { by, clean, code, reason } =
            state.ending.clone().unwrap_or_else(|| Ending::by(Closer::Client, false));
        drop(state);
        self.let_go();
        self.record(self.transport(), Entry::Closed(Closed { by, code, reason, clean }));
    }

    /// Drops the session without a record of its end.
    pub(crate) fn let_go(&self) {
        // The handle keeps the connection, which keeps the handle.
        let socket = self.state().socket.take();
        drop(socket);
        self.over.cancel();
    }

    /// Whether the session has been dropped.
    pub(crate) fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    /// What the future yields, unless the session is dropped before.
    pub(crate) async fn unless_over<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        self.over.run_until_cancelled(future).await
    }

    /// Resolves when the session has been dropped.
    pub(crate) async fn over(&self) {
        self.over.cancelled().await;
    }
}

/// Changes what bends one TCP connection.
fn bend(link: &Link, before: Bent, now: Bent) {
    if before.latency != now.latency {
        link.set_latency(now.latency);
    }
    match (before.stalled, now.stalled) {
        (false, true) => link.stall(),
        (true, false) => link.resume(),
        _ => {}
    }
}

/// Adds what the journal says of the token in a `CONNECT`.
fn with_token(message: Message) -> Message {
    if message.name != "CONNECT" {
        return message;
    }
    let presented = message.data.as_ref().and_then(|auth| auth.get("token"));
    let token = presented.and_then(Value::as_str).map(str::to_owned);
    let token_kind = Some(kind_by_look(presented).to_owned());
    Message { token, token_kind, ..message }
}

/// The kind of a token by its look.
pub(crate) fn kind_by_look(presented: Option<&Value>) -> &'static str {
    match presented {
        None | Some(Value::Null) => "none",
        Some(Value::String(token)) if token.is_empty() => "none",
        Some(Value::String(token)) if token.starts_with("guest_") => "guest",
        Some(_) => "jwt",
    }
}

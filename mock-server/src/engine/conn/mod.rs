//! One connection attempt, and the Engine.IO session that it opened.
//!
//! Everything that concerns the attempt hangs on its [`Conn`]: who made it and on which TCP connections (here), what its
//! session sends and receives (`traffic`), and how it ended (`end`). It writes the journal's records of the attempt. It
//! knows nothing of HTTP, of Socket.IO handlers or of rules.

mod controls;
mod end;
mod traffic;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use socketioxide::extract::SocketRef;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::controls::Controls;
use self::end::End;
use super::packet::Packet;
use crate::journal::{Actor, Attempt, Entry, Journal, Transport};
use crate::script::Subject;
use crate::server::lock;
use crate::wire::{Latency, Limit, Link, Pulse, Shape};

pub(crate) use self::end::Ending;

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
    mail: mpsc::UnboundedSender<Packet>,
}

/// What a session has to carry.
#[derive(Debug)]
pub(crate) struct Freight {
    /// From the client to socketioxide.
    pub(crate) inbox: mpsc::Receiver<Packet>,
    /// From socketioxide, and from rules that speak in its place, to the client.
    pub(crate) mail: mpsc::UnboundedReceiver<Packet>,
}

#[derive(Debug)]
struct State {
    outbox: VecDeque<Packet>,
    /// Bytes in the outbox.
    waiting: usize,
    /// Names of the messages that have been taken from the outbox and have not left yet.
    departing: Vec<String>,
    /// How many messages of each name have left.
    left: BTreeMap<String, u32>,
    carrier: Carrier,
    polls: Polls,
    /// Pings sent.
    pings: u32,
    /// Until when the answer to the last ping must have come, if it has not.
    pong_by: Option<Instant>,
    /// What the token looks like and whom it names, once that is known.
    who: Who,
    end: End,
    /// The name of the last of the messages that are to leave together, until it has come.
    coalescing: Option<String>,
    /// What a rule does to it.
    bent: Bent,
    controls: Controls,
    /// Socket.IO's handle, once the client has joined.
    socket: Option<SocketRef>,
    /// TCP connections on which requests of the attempt came, the newest last.
    links: Vec<Arc<Link>>,
}

/// The requests of a polled session.
#[derive(Debug, Default)]
struct Polls {
    /// Polls and posts so far.
    count: u32,
    /// Whether a poll is open.
    polled: bool,
    /// Whether a post is being read.
    posted: bool,
    /// When the WebSocket was probed.
    probed: Option<Instant>,
}

impl Polls {
    fn open(&mut self, verb: Verb) -> &mut bool {
        match verb {
            Verb::Poll => &mut self.polled,
            Verb::Post => &mut self.posted,
        }
    }
}

/// What a request of a polled session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// It asks for packets.
    Poll,
    /// It brings packets.
    Post,
}

/// What a rule does to an attempt, whatever its TCP connections.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bent {
    /// Nothing is read and nothing leaves.
    pub(crate) stalled: bool,
    /// Bytes are late.
    pub(crate) latency: Option<Latency>,
    /// How fast and in what pieces they pass.
    pub(crate) shape: Shape,
    /// How many of them may still reach the client.
    pub(crate) limit: Option<Limit>,
    /// What beats with each of them.
    pub(crate) pulse: Option<Pulse>,
    /// Besides being stalled, the server's own timers stand still.
    pub(crate) frozen: bool,
    /// How the server's heart beats for it.
    pub(crate) heart: Heart,
}

/// How the server's heart beats for a client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Heart {
    /// As it was told.
    #[default]
    Regular,
    /// Not at all.
    Mute,
    /// At once, then regularly.
    Early,
}

impl Bent {
    /// Whether the heart must not beat.
    pub(crate) fn is_still(&self) -> bool {
        self.frozen || self.heart == Heart::Mute
    }

    /// Lets bytes pass as they come, unless they are stalled.
    fn let_pass(&mut self) {
        *self = Self { stalled: self.stalled, frozen: self.frozen, heart: self.heart, ..Self::default() };
    }
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

impl State {
    fn new(transport: Transport) -> Self {
        let carrier = match transport {
            Transport::Polling => Carrier::Polling,
            Transport::Websocket => Carrier::WebSocket,
        };
        Self {
            outbox: VecDeque::new(),
            waiting: 0,
            departing: Vec::new(),
            left: BTreeMap::new(),
            carrier,
            polls: Polls::default(),
            pings: 0,
            pong_by: None,
            who: Who::default(),
            end: End::default(),
            coalescing: None,
            bent: Bent::default(),
            controls: Controls::default(),
            socket: None,
            links: Vec::new(),
        }
    }
}

impl Conn {
    /// The attempt of this head, and what its session will have to carry; `transport` is what carries it, should it come
    /// to be.
    pub(crate) fn new(
        actor: Actor,
        head: Attempt,
        sid: String,
        transport: Transport,
        journal: Arc<Journal>,
    ) -> (Arc<Self>, Freight) {
        let (inbox, inbox_end) = mpsc::channel(INBOX);
        let (mail, mail_end) = mpsc::unbounded_channel();
        let (changed, ponged, over) = (Notify::new(), Notify::new(), CancellationToken::new());
        let state = Mutex::new(State::new(transport));
        let conn = Self { actor, head, sid, journal, state, changed, ponged, over, inbox, mail };
        (Arc::new(conn), Freight { inbox: inbox_end, mail: mail_end })
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
        let fits = state.carrier == from && !state.end.closed;
        if fits {
            state.carrier = to;
            state.polls.probed = Some(Instant::now());
        }
        drop(state);
        self.changed.notify_waiters();
        fits
    }

    /// Writes a record about this connection.
    pub(crate) fn record(&self, transport: Transport, entry: Entry) {
        self.journal.write(&self.actor, Some(self.number()), Some(transport), entry);
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

    /// How much longer a request should have taken that came on a TCP connection which nobody knew to be slow.
    pub(crate) fn lateness(&self, link: &Arc<Link>) -> Option<Duration> {
        let state = self.state();
        let known = state.links.iter().any(|known| Arc::ptr_eq(known, link));
        state.bent.latency.filter(|_| !known)?.first_inward()
    }

    /// Notes that a request of the attempt came on this TCP connection.
    pub(crate) fn travels_on(&self, link: &Arc<Link>) {
        let mut state = self.state();
        let new = !state.links.iter().any(|known| Arc::ptr_eq(known, link));
        state.links.retain(|known| known.end().is_none() && !Arc::ptr_eq(known, link));
        state.links.push(Arc::clone(link));
        if new {
            bend(link, &Bent::default(), &state.bent);
        }
    }

    /// Changes what a rule does to it; that holds for TCP connections to come as well.
    pub(crate) fn bend(&self, change: impl FnOnce(&mut Bent)) {
        let mut state = self.state();
        let before = state.bent.clone();
        change(&mut state.bent);
        let bent = state.bent.clone();
        let links = state.links.clone();
        drop(state);
        for link in &links {
            bend(link, &before, &bent);
        }
        self.changed.notify_waiters();
    }

    /// What a rule does to it.
    pub(crate) fn bent(&self) -> Bent {
        self.state().bent.clone()
    }

    /// Its TCP connections, the newest last.
    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        self.state().links.clone()
    }
}

/// Changes what bends one TCP connection.
fn bend(link: &Arc<Link>, before: &Bent, now: &Bent) {
    if before.latency != now.latency {
        link.set_latency(now.latency);
    }
    if before.shape != now.shape {
        link.set_shape(now.shape);
    }
    if before.limit != now.limit {
        link.set_limit(now.limit.clone());
    }
    if before.pulse != now.pulse {
        link.set_pulse(now.pulse.clone());
    }
    match (before.stalled, now.stalled) {
        (false, true) => link.stall(),
        (true, false) => link.resume(),
        _ => {}
    }
}

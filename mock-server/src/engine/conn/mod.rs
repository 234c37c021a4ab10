//! One connection attempt, and the Engine.IO session that it opened.
//!
//! Everything that concerns the attempt hangs on its [`Conn`]: who made it and on which TCP connections (here), what its
//! session sends and receives (`traffic`), and how it ended (`end`). It writes the journal's records of the attempt. It
//! knows nothing of HTTP, of Socket.IO handlers or of rules.

mod controls;
mod end;
mod line;
mod tally;
mod traffic;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::controls::Controls;
use self::end::End;
use self::tally::Tally;
use super::gate::Gate;
use super::mail::{Incoming, Outgoing};
use super::packet::Packet;
use super::shelf::Shelf;
use crate::journal::{Actor, Attempt, Entry, Journal, Transport};
use crate::script::Subject;
use crate::server::lock;
use crate::socket_io::Sockets;
use crate::wire::{Activity, Latency, Limit, Link, Shape};

pub(crate) use self::end::Ending;
pub(crate) use self::line::Line;

/// Packets of a client that may wait for rules; a client that sends more has to wait.
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
    /// What Socket.IO keeps of it.
    pub(crate) sockets: Sockets,
    gate: Weak<Gate>,
    journal: Arc<Journal>,
    state: Mutex<State>,
    changed: Notify,
    ponged: Notify,
    over: CancellationToken,
}

#[derive(Debug)]
struct State {
    /// What has come in and is being judged by the rules. Nothing passes before the session has been opened.
    inbox: Line<Incoming>,
    /// What is to go out and is being judged by the rules.
    mail: Line<Outgoing>,
    /// What rules hold back.
    shelf: Shelf,
    /// What has passed them, and waits for the transport.
    outbox: VecDeque<Packet>,
    /// Bytes in the outbox.
    waiting: usize,
    /// Names of the messages that have been taken from the outbox and have not left yet.
    departing: Vec<String>,
    /// How many messages of each name have left.
    left: Tally,
    carrier: Carrier,
    polls: Polls,
    /// Pings sent.
    pings: u32,
    /// Until when the answer to the last ping must have come, if it has not.
    pong_by: Option<Instant>,
    /// What the token looks like and whom it names, once that is known.
    who: Who,
    end: End,
    /// What a rule does to it.
    bent: Bent,
    controls: Controls,
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
    /// Whether a WebSocket is being tried.
    upgrading: bool,
    /// When it was probed.
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
    /// What notes when they pass.
    pub(crate) activity: Option<Activity>,
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
        (self.latency, self.shape, self.limit, self.activity) = <_>::default();
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
            inbox: Line::taken(),
            mail: Line::default(),
            shelf: Shelf::default(),
            outbox: VecDeque::new(),
            waiting: 0,
            departing: Vec::new(),
            left: Tally::default(),
            carrier,
            polls: Polls::default(),
            pings: 0,
            pong_by: None,
            who: Who::default(),
            end: End::default(),
            bent: Bent::default(),
            controls: Controls::default(),
            links: Vec::new(),
        }
    }
}

impl Conn {
    /// The attempt of this head at a gate; `transport` is what carries its session, should it come to be.
    pub(crate) fn new(
        actor: Actor,
        head: Attempt,
        sid: String,
        transport: Transport,
        gate: Weak<Gate>,
        journal: Arc<Journal>,
    ) -> Arc<Self> {
        let (changed, ponged, over) = (Notify::new(), Notify::new(), CancellationToken::new());
        let (sockets, state) = (Sockets::default(), Mutex::new(State::new(transport)));
        Arc::new(Self { actor, head, sid, sockets, gate, journal, state, changed, ponged, over })
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

    /// Notes that a WebSocket is being tried; no if there is one already, or if the session is not polled.
    pub(crate) fn begin_upgrade(&self) -> bool {
        let mut state = self.state();
        let begins = state.carrier == Carrier::Polling && !state.polls.upgrading;
        state.polls.upgrading |= begins;
        begins
    }

    /// The try is over; unless the session has left polling, it goes on there.
    pub(crate) fn end_upgrade(&self) {
        self.state().polls.upgrading = false;
        self.carry(Carrier::Probing, Carrier::Polling);
    }

    /// Moves to the WebSocket, probed or not.
    pub(crate) fn leave_polling(&self) -> bool {
        self.carry(Carrier::Probing, Carrier::WebSocket) || self.carry(Carrier::Polling, Carrier::WebSocket)
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
    if before.activity != now.activity {
        link.set_activity(now.activity.clone());
    }
    match (before.stalled, now.stalled) {
        (false, true) => link.stall(),
        (true, false) => link.resume(),
        _ => {}
    }
}

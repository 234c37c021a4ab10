//! Messages between the transports and the protocol above, and the rules that concern them.
//!
//! A message that no rule concerns passes at once, in the task that brings it. As soon as a rule holds one up, those
//! behind it wait in line, and a task of its own takes the line through: none overtakes another. Knows nothing of
//! transports.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::conn::{Conn, Ending};
use super::gate::Gate;
use super::keepalive;
use super::packet::Packet;
use super::parcel::Parcel;
use super::perform;
use crate::contract::Protocol;
use crate::journal::Closer;
use crate::limits;
use crate::plain::{Client, message};
use crate::script::fault::{DuplicateEvent, MalformedPayload, RateVia, UnknownEvent};
use crate::script::{Direction, Fault, Firing};
use crate::socket_io::packet::{Body, PacketError, encode_event};
use crate::socket_io::{self, Args};
use crate::systems::Peer;

/// A message that has come in.
#[derive(Debug)]
pub(crate) struct Incoming {
    what: Arrival,
    /// The rules that concern it, if they have been asked for already.
    firings: Option<Vec<Firing>>,
}

/// What has come in.
#[derive(Debug)]
enum Arrival {
    /// A whole Socket.IO packet.
    Packet(socket_io::packet::Packet),
    /// Something that is none.
    Broken(PacketError),
    /// A message of a system that does not speak Socket.IO.
    Message(Packet),
}

/// A message that is to go out.
#[derive(Debug)]
pub(crate) struct Outgoing {
    parcel: Parcel,
    /// As above.
    firings: Option<Vec<Firing>>,
}

// In.

/// Takes a message that has come in.
pub(crate) fn take(gate: &Arc<Gate>, conn: &Arc<Conn>, packet: Packet) {
    let Some(what) = arrival(gate, conn, packet) else { return };
    let firings = conn.inbox(|line| line.is_free()).then(|| what.firings(gate, conn));
    if firings.as_ref().is_some_and(Vec::is_empty) {
        return what.act(gate, conn);
    }
    if conn.inbox(|line| line.push(Incoming { what, firings })) {
        let (gate, conn) = (Arc::clone(gate), Arc::clone(conn));
        let shared = Arc::clone(&gate.shared);
        shared.spawn(async move { take_through(&gate, &conn).await });
    }
}

/// Takes what has come in and waits, one by one, until nothing does.
pub(crate) async fn take_through(gate: &Arc<Gate>, conn: &Arc<Conn>) {
    while let Some(Incoming { what, firings }) = conn.next_incoming() {
        let firings = firings.unwrap_or_else(|| what.firings(gate, conn));
        let passes = conn.unless_over(incoming(gate, conn, &what, firings)).await;
        match passes {
            Some(true) => what.act(gate, conn),
            Some(false) => {}
            None => return,
        }
    }
}

fn arrival(gate: &Gate, conn: &Conn, packet: Packet) -> Option<Arrival> {
    if gate.shared.contract.transport.protocol != Protocol::SocketIo {
        return Some(Arrival::Message(packet));
    }
    match conn.sockets.decode(packet) {
        Ok(packet) => packet.map(Arrival::Packet),
        Err(error) => Some(Arrival::Broken(error)),
    }
}

impl Arrival {
    fn firings(&self, gate: &Gate, conn: &Conn) -> Vec<Firing> {
        if gate.shared.script.is_empty() {
            return Vec::new();
        }
        let name = match self {
            Self::Packet(packet) => packet.name().to_owned(),
            Self::Broken(_) => "RAW".to_owned(),
            Self::Message(packet) => packet.name(),
        };
        conn.ask(|subject| gate.shared.script.on(&name, Direction::Received, subject))
    }

    fn act(self, gate: &Arc<Gate>, conn: &Arc<Conn>) {
        match self {
            Self::Packet(packet) => socket_io::act(gate, conn, packet),
            Self::Broken(error) => socket_io::reject(conn, error),
            Self::Message(packet) => {
                gate.shared.run(Arc::clone(&gate.system).message(Client::new(gate, conn), packet));
            }
        }
    }

    /// The operation that it asks for; none if it asks for none.
    fn operation(&self) -> Option<String> {
        match self {
            Self::Packet(packet) => match &packet.body {
                Body::Event { name, .. } => Some(name.clone()),
                _ => None,
            },
            Self::Message(packet) if packet.is_plain() => Some(packet.name()),
            Self::Message(_) | Self::Broken(_) => None,
        }
    }

    /// Acknowledges its operation; no if it has not asked for that.
    fn acknowledge(&self, conn: &Arc<Conn>, answer: &Value) -> bool {
        match self {
            Self::Packet(packet) => socket_io::acknowledge(conn, packet, &answer.into()),
            Self::Message(_) | Self::Broken(_) => false,
        }
    }

    /// Tells the client that its operation is refused.
    fn refuse(&self, gate: &Arc<Gate>, conn: &Arc<Conn>, operation: &str, error: &str) {
        let (name, payload) = gate.system.refusal(operation, error);
        match self {
            Self::Packet(packet) => {
                if let Some(member) = conn.sockets.member(&packet.namespace) {
                    Peer::new(gate, member).emit_soon_unchecked(&name, Some(&payload));
                }
            }
            Self::Message(_) | Self::Broken(_) => conn.post(message::named(&name, Some(&payload))),
        }
    }
}

/// Whether a message goes further; returns when it is to.
async fn incoming(gate: &Arc<Gate>, conn: &Arc<Conn>, what: &Arrival, firings: Vec<Firing>) -> bool {
    let mut passes = true;
    for firing in firings {
        match (firing.fault(), what.operation()) {
            (Fault::GuestRestriction(fault), Some(operation)) => {
                if firing.due().await {
                    firing.fired();
                    what.refuse(gate, conn, &operation, &fault.error);
                    passes = false;
                }
            }
            (Fault::RateLimit(fault), Some(operation)) => {
                if firing.due().await {
                    firing.fired();
                    if fault.via == RateVia::Event || !what.acknowledge(conn, &json!({"error": fault.error})) {
                        what.refuse(gate, conn, &operation, &fault.error);
                    }
                    passes = false;
                }
            }
            (Fault::GuestRestriction(_) | Fault::RateLimit(_), None) => {}
            _ => start(gate, conn, firing, None).await,
        }
    }
    passes
}

// Out.

/// Sends a message as the rules have it.
pub(crate) fn post(gate: &Arc<Gate>, conn: &Arc<Conn>, parcel: Parcel) {
    let firings = conn.mail(|line, _| line.is_free()).then(|| parcel.firings(gate, conn));
    if firings.as_ref().is_some_and(Vec::is_empty) {
        return conn.pass(vec![parcel]);
    }
    if conn.mail(|line, _| line.len()) >= limits::OUTBOX {
        conn.end(Ending { reason: Some("outbox full".to_owned()), ..Ending::by(Closer::Server, false) });
    } else if conn.mail(|line, _| line.push(Outgoing { parcel, firings })) {
        let (gate, conn) = (Arc::clone(gate), Arc::clone(conn));
        let shared = Arc::clone(&gate.shared);
        shared.spawn(async move { post_through(&gate, &conn).await });
    }
}

/// Sends what waits, one by one, until nothing does.
async fn post_through(gate: &Arc<Gate>, conn: &Arc<Conn>) {
    while let Some(Outgoing { parcel, firings }) = conn.mail(|line, _| line.next()) {
        let firings = firings.unwrap_or_else(|| parcel.firings(gate, conn));
        if conn.unless_over(outgoing(gate, conn, parcel, firings)).await.is_none() {
            return;
        }
    }
}

impl Parcel {
    fn firings(&self, gate: &Gate, conn: &Conn) -> Vec<Firing> {
        if gate.shared.script.is_empty() {
            return Vec::new();
        }
        let name = self.name();
        conn.ask(|subject| {
            let mut firings = gate.shared.script.on(&name, Direction::Sent, subject);
            if let Some(event) = &self.answers {
                firings.extend(gate.shared.script.on(event, Direction::Acknowledged, subject));
            }
            firings
        })
    }
}

/// Begins what the opening of the session starts.
pub(crate) async fn opened(gate: &Arc<Gate>, conn: &Arc<Conn>) {
    for firing in conn.ask(|subject| gate.shared.script.on("OPEN", Direction::Sent, subject)) {
        start(gate, conn, firing, Some(("OPEN", 0))).await;
    }
}

async fn outgoing(gate: &Arc<Gate>, conn: &Arc<Conn>, parcel: Parcel, firings: Vec<Firing>) {
    let name = parcel.name();
    let mut parcels = vec![parcel];
    let mut started = Vec::new();
    for firing in firings {
        parcels = match firing.fault() {
            Fault::EventDelay(fault) => late(&firing, fault.delay, parcels).await,
            Fault::EventDrop(_) => withheld(conn, &firing, &name, parcels).await,
            Fault::MalformedPayload(fault) => malformed(conn, &firing, fault, &name, parcels).await,
            Fault::UnknownEvent(fault) => escorted(&firing, fault, parcels).await,
            Fault::DuplicateEvent(fault) => repeated(gate, conn, &firing, fault, parcels),
            Fault::AckWithheld(_)
            | Fault::AckDelay(_)
            | Fault::AckError(_)
            | Fault::AckDuplicate(_)
            | Fault::AckWrongId(_)
            | Fault::BinaryAttachmentMissing(_)
            | Fault::EventWrongNamespace(_) => socket_io::alter(gate, conn, &firing, parcels).await,
            Fault::FragmentedFrame(_) | Fault::BinaryFrame(_) | Fault::OversizedFrame(_) => {
                let packets = parcels.into_iter().flat_map(Parcel::into_packets).collect();
                gate.reframe(conn, &firing, packets).await.into_iter().map(Parcel::from).collect()
            }
            Fault::PongWithhold(fault) => {
                let packets = parcels.into_iter().flat_map(Parcel::into_packets).collect();
                keepalive::withhold(conn, &firing, fault, packets).await.into_iter().map(Parcel::from).collect()
            }
            Fault::PongDelay(fault) => {
                let packets = parcels.into_iter().flat_map(Parcel::into_packets).collect();
                let rest = keepalive::delay(gate, conn, firing.clone(), fault.delay, packets);
                rest.into_iter().map(Parcel::from).collect()
            }
            Fault::EventReorder(fault) => {
                firing.fired();
                conn.mail(|_, shelf| parcels.into_iter().flat_map(|it| shelf.reorder(fault, &name, it)).collect())
            }
            Fault::LateSessionCreated(_) => {
                let behind = (name.clone(), conn.left(&name));
                gate.shared.spawn(late_verdict(Arc::clone(gate), Arc::clone(conn), firing, behind));
                parcels
            }
            _ => {
                started.push(firing);
                parcels
            }
        };
    }
    let before = conn.left(&name);
    conn.pass(parcels);
    for firing in started {
        start(gate, conn, firing, Some((&name, before))).await;
    }
}

/// Carries out a rule that a message starts. One that comes at once is waited for, so that nothing overtakes it.
async fn start(gate: &Arc<Gate>, conn: &Arc<Conn>, firing: Firing, behind: Option<(&str, u32)>) {
    let at_once = firing.after.is_zero() && perform::holds(firing.fault());
    let begun = gate.begin(conn, firing, behind);
    if at_once {
        // Fails only when the mock ends.
        let _ = begun.await;
    }
    if conn.is_over() {
        // Nothing comes after the end; whoever waits here is dropped with the connection.
        std::future::pending::<()>().await;
    }
}

async fn late(firing: &Firing, delay: Duration, parcels: Vec<Parcel>) -> Vec<Parcel> {
    if firing.due().await {
        firing.fired();
        tokio::time::sleep(delay).await;
    }
    parcels
}

async fn withheld(conn: &Conn, firing: &Firing, name: &str, parcels: Vec<Parcel>) -> Vec<Parcel> {
    if !firing.due().await {
        return parcels;
    }
    firing.fired();
    conn.skipped(name);
    Vec::new()
}

async fn malformed(
    conn: &Conn,
    firing: &Firing,
    fault: &MalformedPayload,
    name: &str,
    parcels: Vec<Parcel>,
) -> Vec<Parcel> {
    if !firing.due().await {
        return parcels;
    }
    firing.fired();
    if let Some(raw) = &fault.raw {
        conn.skipped(name);
        return parcels.first().map(|parcel| parcel.garbled(raw)).into_iter().collect();
    }
    parcels.into_iter().map(|parcel| parcel.replaced(name, fault.payload.value())).collect()
}

async fn escorted(firing: &Firing, fault: &UnknownEvent, parcels: Vec<Parcel>) -> Vec<Parcel> {
    if !firing.due().await {
        return parcels;
    }
    firing.fired();
    let escort = parcels.first().map(|parcel| parcel.escort(&fault.event, fault.payload.value()));
    let parcels =
        parcels.into_iter().map(|parcel| if fault.add.is_empty() { parcel } else { parcel.widened(&fault.add) });
    escort.into_iter().chain(parcels).collect()
}

fn repeated(
    gate: &Gate,
    conn: &Arc<Conn>,
    firing: &Firing,
    fault: &DuplicateEvent,
    parcels: Vec<Parcel>,
) -> Vec<Parcel> {
    let (copies, gap) = (fault.copies.get() as usize, fault.gap);
    if firing.after.is_zero() && gap.is_zero() {
        firing.fired();
        return parcels.iter().cycle().take(parcels.len() * copies).cloned().collect();
    }
    let (conn, firing, again) = (Arc::clone(conn), firing.clone(), parcels.clone());
    gate.shared.spawn(async move {
        for copy in 1..copies {
            tokio::time::sleep(gap).await;
            if copy == 1 {
                if !firing.due().await {
                    return;
                }
                firing.fired();
            }
            conn.pass(again.clone());
        }
    });
    parcels
}

/// Sends the verdict that the attempt would have had, some time after a message has left.
async fn late_verdict(gate: Arc<Gate>, conn: Arc<Conn>, firing: Firing, behind: (String, u32)) {
    let (name, before) = behind;
    let left = conn.unless_over(conn.until(|conn| conn.left(&name) > before)).await;
    if left.is_none() || !firing.due().await || conn.is_over() {
        return;
    }
    if let Some((event, payload)) = gate.system.verdict(&conn) {
        firing.fired();
        conn.post(match gate.shared.contract.transport.protocol {
            Protocol::SocketIo => encode_event(socket_io::packet::ROOT, None, &event, &Args::from(payload)),
            Protocol::EngineIo | Protocol::WebSocket => message::named(&event, Some(&payload)).into(),
        });
    }
}

/// Lets messages go that wait for one that does not come, or whose rule has been disarmed.
pub(crate) async fn let_go(conn: Arc<Conn>, firing: Firing, wait: Duration) {
    // It makes no difference which of the two it was.
    let _ = conn.unless_over(tokio::time::timeout(wait, firing.over())).await;
    conn.let_go_coalesced();
}

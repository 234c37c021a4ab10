//! Messages between socketioxide and the transports, and the rules that concern them.
//!
//! Every message passes here in order, so that rules can hold it back, replace, repeat or swallow it without any
//! overtaking another. Knows nothing of transports.

use std::sync::Arc;
use std::time::Duration;

use serde::ser::{Serialize, SerializeTuple, Serializer};
use serde_json::Value;
use socketioxide::SocketIo;
use socketioxide::extract::SocketRef;
use tokio::sync::mpsc;

use super::conn::Conn;
use super::gate::Gate;
use super::packet::{Packet, event_text};
use super::perform;
use crate::script::fault::{DuplicateEvent, EventReorder, MalformedPayload, UnknownEvent};
use crate::script::{Direction, Fault, Firing};

/// Takes what socketioxide sends to the client's transports, until the session is over.
pub(crate) async fn deliver(gate: &Arc<Gate>, conn: &Arc<Conn>, mut post: mpsc::UnboundedReceiver<Packet>) {
    let mut shelf = Shelf::default();
    while let Some(Some(packet)) = conn.unless_over(post.recv()).await {
        if conn.unless_over(outgoing(gate, conn, packet, &mut shelf)).await.is_none() {
            break;
        }
    }
    // What was said before the end is still delivered by a transport that takes leave.
    conn.send(shelf.clear());
}

/// Messages that wait for others, to leave with them.
#[derive(Default)]
struct Shelf {
    /// For `event-reorder`: by rule.
    reordered: Vec<(EventReorder, Vec<(String, Packet)>)>,
    /// For `packet-coalesce`.
    coalesced: Vec<Packet>,
}

impl Shelf {
    fn clear(&mut self) -> Vec<Packet> {
        let held = std::mem::take(&mut self.reordered).into_iter().flat_map(|(_, held)| held);
        held.map(|(_, packet)| packet).chain(std::mem::take(&mut self.coalesced)).collect()
    }

    /// Puts a message aside; once all that the rule names are there, they leave in its order.
    fn reorder(&mut self, fault: &EventReorder, name: &str, packet: Packet) -> Vec<Packet> {
        let position = self.reordered.iter().position(|(known, _)| known == fault).unwrap_or_else(|| {
            self.reordered.push((fault.clone(), Vec::new()));
            self.reordered.len() - 1
        });
        let held = &mut self.reordered[position].1;
        held.push((name.to_owned(), packet));
        let complete = fault.order.iter().all(|wanted| held.iter().any(|(name, _)| name == wanted));
        if !complete {
            return Vec::new();
        }
        let (fault, mut held) = self.reordered.swap_remove(position);
        held.sort_by_key(|(name, _)| fault.order.iter().position(|wanted| wanted == name));
        held.into_iter().map(|(_, packet)| packet).collect()
    }

    /// Puts packets aside while a coalescing rule waits for its last one; then all leave together.
    fn coalesce(&mut self, conn: &Conn, packets: Vec<Packet>) -> Vec<Packet> {
        let Some(last) = conn.coalesces() else { return packets };
        let complete = packets.iter().any(|packet| packet.is_named(&last));
        self.coalesced.extend(packets);
        if !complete {
            return Vec::new();
        }
        conn.coalesced();
        std::mem::take(&mut self.coalesced)
    }
}

/// Begins what the opening of the session starts.
pub(crate) async fn opened(gate: &Arc<Gate>, conn: &Arc<Conn>) {
    for firing in conn.ask(|subject| gate.shared.script.on("OPEN", Direction::Sent, subject)) {
        start(gate, conn, firing, Some(("OPEN", 0))).await;
    }
}

/// Sends a message as the rules have it.
async fn outgoing(gate: &Arc<Gate>, conn: &Arc<Conn>, packet: Packet, shelf: &mut Shelf) {
    let name = packet.message().map(|message| message.name).unwrap_or_default();
    let firings = conn.ask(|subject| gate.shared.script.on(&name, Direction::Sent, subject));
    let mut packets = vec![packet];
    let mut started = Vec::new();
    for firing in firings {
        packets = match firing.fault() {
            Fault::EventDelay(fault) => late(&firing, fault.delay, packets).await,
            Fault::EventDrop(_) => withheld(conn, &firing, &name, packets).await,
            Fault::MalformedPayload(fault) => malformed(conn, &firing, fault, &name, packets).await,
            Fault::UnknownEvent(fault) => escorted(&firing, fault, packets).await,
            Fault::DuplicateEvent(fault) => repeated(gate, conn, &firing, fault, packets),
            Fault::EventReorder(fault) => {
                firing.fired();
                packets.into_iter().flat_map(|packet| shelf.reorder(fault, &name, packet)).collect()
            }
            Fault::LateSessionCreated(_) => {
                gate.shared.spawn(late_verdict(
                    Arc::clone(gate),
                    Arc::clone(conn),
                    firing,
                    (name.clone(), conn.left(&name)),
                ));
                packets
            }
            _ => {
                started.push(firing);
                packets
            }
        };
    }
    let before = conn.left(&name);
    conn.send(shelf.coalesce(conn, packets));
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

async fn late(firing: &Firing, delay: Duration, packets: Vec<Packet>) -> Vec<Packet> {
    if firing.due().await {
        firing.fired();
        tokio::time::sleep(delay).await;
    }
    packets
}

async fn withheld(conn: &Conn, firing: &Firing, name: &str, packets: Vec<Packet>) -> Vec<Packet> {
    if !firing.due().await {
        return packets;
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
    packets: Vec<Packet>,
) -> Vec<Packet> {
    if !firing.due().await {
        return packets;
    }
    firing.fired();
    match &fault.raw {
        Some(raw) => {
            conn.skipped(name);
            vec![Packet::Raw(raw.clone())]
        }
        None => vec![event(name, fault.payload.value())],
    }
}

async fn escorted(firing: &Firing, fault: &UnknownEvent, mut packets: Vec<Packet>) -> Vec<Packet> {
    if !firing.due().await {
        return packets;
    }
    firing.fired();
    if !fault.add.is_empty() {
        packets = packets.into_iter().map(|packet| widened(packet, fault)).collect();
    }
    packets.insert(0, event(&fault.event, fault.payload.value()));
    packets
}

/// The event with the fault's fields in its payload.
fn widened(packet: Packet, fault: &UnknownEvent) -> Packet {
    let Some(message) = packet.message() else { return packet };
    let mut args = message.args;
    let Some(Value::Object(payload)) = args.first_mut() else { return packet };
    payload.extend(fault.add.clone());
    Packet::Message(event_text(&message.name, &args))
}

fn repeated(
    gate: &Gate,
    conn: &Arc<Conn>,
    firing: &Firing,
    fault: &DuplicateEvent,
    packets: Vec<Packet>,
) -> Vec<Packet> {
    let (copies, gap) = (fault.copies.get() as usize, fault.gap);
    if firing.after.is_zero() && gap.is_zero() {
        firing.fired();
        return packets.iter().cycle().take(packets.len() * copies).cloned().collect();
    }
    let (conn, firing, again) = (Arc::clone(conn), firing.clone(), packets.clone());
    gate.shared.spawn(async move {
        for copy in 1..copies {
            tokio::time::sleep(gap).await;
            if copy == 1 {
                if !firing.due().await {
                    return;
                }
                firing.fired();
            }
            conn.send(again.clone());
        }
    });
    packets
}

/// Sends the verdict that the attempt would have had, some time after a message has left.
async fn late_verdict(gate: Arc<Gate>, conn: Arc<Conn>, firing: Firing, behind: (String, u32)) {
    let (name, before) = behind;
    let left = conn.unless_over(conn.until(|conn| conn.left(&name) > before)).await;
    if left.is_none() || !firing.due().await || conn.is_over() {
        return;
    }
    if let Some((event_name, payload)) = gate.system.verdict(&conn) {
        firing.fired();
        conn.post(event(&event_name, Some(&payload)));
    }
}

/// No argument at all: nothing behind the event's name.
struct NoArgument;

impl Serialize for NoArgument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_tuple(0)?.end()
    }
}

/// Lets socketioxide send an event with one argument or none. Nothing happens if the client is gone.
pub(crate) fn emit(socket: &SocketRef, name: &str, payload: Option<&Value>) {
    let _ = match payload {
        Some(payload) => socket.emit(name, payload),
        None => socket.emit(name, &NoArgument),
    };
}

/// The same to everybody in a room.
pub(crate) async fn emit_to(io: &SocketIo, room: &str, name: &str, payload: Option<&Value>) {
    let room = io.to(room.to_owned());
    // Fails when somebody in it is gone.
    let _ = match payload {
        Some(payload) => room.emit(name, payload).await,
        None => room.emit(name, &NoArgument).await,
    };
}

/// An event with one argument or none, past socketioxide.
pub(crate) fn event(name: &str, payload: Option<&Value>) -> Packet {
    Packet::Message(event_text(name, payload.map_or(&[], std::slice::from_ref)))
}

/// Takes a message that has come in as the rules have it; none if it goes no further.
pub(crate) async fn incoming(gate: &Arc<Gate>, conn: &Arc<Conn>, packet: Packet) -> Option<Packet> {
    let message = packet.message()?;
    let firings = conn.ask(|subject| gate.shared.script.on(&message.name, Direction::Received, subject));
    let is_event = matches!(&packet, Packet::Message(text) if text.starts_with(['2', '5']));
    let mut passes = Some(packet);
    for firing in firings {
        match firing.fault() {
            Fault::GuestRestriction(fault) if is_event => {
                if firing.due().await {
                    firing.fired();
                    let (name, payload) = gate.system.refusal(&message.name, &fault.error);
                    conn.post(event(&name, Some(&payload)));
                    passes = None;
                }
            }
            Fault::GuestRestriction(_) => {}
            _ => start(gate, conn, firing, None).await,
        }
    }
    passes
}

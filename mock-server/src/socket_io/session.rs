//! What Socket.IO keeps of a session, and what a client's packets do.
//!
//! A client that says what cannot be read, or speaks where it is no member, loses its connection, as with the official
//! server. Knows nothing of rules.

use std::sync::{Arc, Mutex};

use super::ack::Ack;
use super::connect::{connect, refuse};
use super::member::Member;
use super::packet::{Args, Body, Decoder, Packet, PacketError};
use crate::engine;
use crate::engine::conn::{Conn, Ending};
use crate::engine::gate::Gate;
use crate::journal::Closer;
use crate::server::lock;
use crate::systems::Peer;

/// Socket.IO's part of a session.
#[derive(Debug, Default)]
pub(crate) struct Sockets(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    decoder: Decoder,
    members: Vec<Arc<Member>>,
    /// Whether there has ever been a member.
    joined: bool,
}

impl Sockets {
    /// Takes an engine's message; none if attachments are still to come.
    pub(crate) fn decode(&self, packet: engine::packet::Packet) -> Result<Option<Packet>, PacketError> {
        let decoder = &mut lock(&self.0).decoder;
        match packet {
            engine::packet::Packet::Message(text) => decoder.text(text.content()),
            engine::packet::Packet::Binary(data) => decoder.binary(data),
            _ => Ok(None),
        }
    }

    /// The member that the session is in this namespace.
    pub(crate) fn member(&self, namespace: &str) -> Option<Arc<Member>> {
        lock(&self.0).members.iter().find(|member| member.namespace.name == namespace).cloned()
    }

    /// All members that the session is.
    pub(crate) fn members(&self) -> Vec<Arc<Member>> {
        lock(&self.0).members.clone()
    }

    /// Whether it has ever been one.
    pub(crate) fn has_joined(&self) -> bool {
        lock(&self.0).joined
    }

    /// Adds a membership; no if the session is a member of that namespace already.
    pub(super) fn add(&self, member: &Arc<Member>) -> bool {
        let mut inner = lock(&self.0);
        let new = inner.members.iter().all(|known| known.namespace.name != member.namespace.name);
        if new {
            inner.members.push(Arc::clone(member));
            inner.joined = true;
        }
        new
    }

    /// Ends a membership; no if it has ended before.
    pub(super) fn remove(&self, member: &Arc<Member>) -> bool {
        lock(&self.0).members.retain(|known| !Arc::ptr_eq(known, member));
        member.depart()
    }

    /// Ends all memberships without telling anybody.
    pub(crate) fn clear(&self) {
        let members = std::mem::take(&mut lock(&self.0).members);
        for member in members {
            member.depart();
        }
    }
}

/// Does what a client's packet says.
pub(crate) fn act(gate: &Arc<Gate>, conn: &Arc<Conn>, packet: Packet) {
    let Packet { namespace, id, body } = packet;
    match (body, conn.sockets.member(&namespace)) {
        (Body::Connect(auth), None) => greet(gate, conn, &namespace, auth),
        (Body::Event { name, args }, Some(member)) => event(gate, member, id, name, args),
        (Body::Ack(args), Some(member)) => member.answered(id.unwrap_or(u64::MAX), args),
        (Body::Disconnect, Some(member)) => {
            leave(gate, &member);
            if conn.sockets.members().is_empty() {
                conn.blame(Ending::by(Closer::Client, true));
            }
        }
        (Body::Nothing, Some(_)) => {}
        _ => conn.hang_up(Ending::by(Closer::Server, true)),
    }
}

/// Acknowledges a client's event in the system's place; no if it has asked for nothing, or is no member.
pub(crate) fn acknowledge(conn: &Conn, packet: &Packet, args: &Args) -> bool {
    let (Body::Event { name, .. }, Some(id)) = (&packet.body, packet.id) else { return false };
    let Some(member) = conn.sockets.member(&packet.namespace) else { return false };
    Ack::new(member, id, name).send(args);
    true
}

/// Ends the connection of a client whose packet cannot be read.
pub(crate) fn reject(conn: &Conn, error: PacketError) {
    conn.hang_up(Ending { reason: Some(format!("parse error: {error}")), ..Ending::by(Closer::Server, true) });
}

fn greet(gate: &Arc<Gate>, conn: &Arc<Conn>, namespace: &str, auth: serde_json::Value) {
    let Some(known) = gate.hub.namespace(namespace) else {
        return refuse(conn, namespace, &serde_json::json!({"message": "Invalid namespace"}));
    };
    let (gate, conn, known) = (Arc::clone(gate), Arc::clone(conn), Arc::clone(known));
    let shared = Arc::clone(&gate.shared);
    shared.run(Box::pin(async move {
        let session = Arc::clone(&conn);
        session.unless_over(connect(&gate, &conn, known, auth)).await;
    }));
}

fn event(gate: &Arc<Gate>, member: Arc<Member>, id: Option<u64>, name: String, args: Args) {
    let ack = id.map(|id| Ack::new(Arc::clone(&member), id, &name));
    let system = Arc::clone(&gate.system);
    gate.shared.run(system.event(Peer::new(gate, member), name, args, ack));
}

/// A member leaves, by whoever's doing; its transport goes on.
pub(crate) fn leave(gate: &Arc<Gate>, member: &Arc<Member>) {
    if member.conn.sockets.remove(member) {
        let system = Arc::clone(&gate.system);
        gate.shared.run(system.left(Peer::new(gate, Arc::clone(member))));
    }
}

/// A member is sent away.
pub(crate) fn dismiss(gate: &Arc<Gate>, member: &Arc<Member>) {
    if member.is_present() {
        member.dismiss();
        leave(gate, member);
    }
}

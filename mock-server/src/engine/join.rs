//! How a client joins Socket.IO: the rules about its `CONNECT`, and the handlers that it gets.
//!
//! Knows nothing of tokens beyond their look.

use std::convert::Infallible;
use std::sync::{Arc, Weak};

use serde_json::Value;
use socketioxide::extract::{AckSender, Event, SocketRef, TryData};
use socketioxide::handler::ConnectHandler;

use super::conn::{Conn, Who};
use super::gate::Gate;
use super::packet::Packet;
use super::perform::connect_error;
use crate::script::{Fault, Stage};
use crate::systems::Peer;
use crate::tokens::kind_by_look;

impl Gate {
    /// Whether a client's first packet reaches socketioxide; returns when it is to.
    pub(super) async fn admits(self: &Arc<Self>, conn: &Arc<Conn>, first: &Packet) -> bool {
        let Some(message) = first.message().filter(|message| message.name == "CONNECT") else { return true };
        conn.identify(Who {
            token_kind: Some(kind_by_look(message.data.as_ref().and_then(|auth| auth.get("token")))),
            user: None,
        });
        let mut admitted = true;
        for firing in self.stage(Stage::Connect, conn, None).await {
            if !firing.due().await {
                continue;
            }
            firing.fired();
            match firing.fault() {
                Fault::ConnectAckDelay(fault) => tokio::time::sleep(fault.delay).await,
                Fault::ConnectAckWithheld(_) => admitted = false,
                Fault::SocketioConnectError(fault) => {
                    conn.post(connect_error(&fault.message, fault.data.value()));
                    admitted = false;
                }
                Fault::PacketCoalesce(fault) => conn.coalesce(&fault.packets),
                _ => {}
            }
        }
        admitted
    }

    /// Registers the root namespace. Event handlers come to be inside the middleware, before the client is told that it
    /// is connected: a client that speaks at once is heard.
    pub(super) fn attach(gate: &Weak<Self>, io: &socketioxide::SocketIo) {
        let (gate, admitting) = (Weak::clone(gate), Weak::clone(gate));
        let middleware = async move |socket: SocketRef| {
            if let (Some(gate), Some(conn)) = (admitting.upgrade(), conn_of(&socket)) {
                conn.joined(socket.clone());
                listen(&gate, &conn, &socket);
            }
            Ok::<(), Infallible>(())
        };
        let joined = async move |socket: SocketRef, TryData(auth): TryData<Value>| {
            if let (Some(gate), Some(conn)) = (gate.upgrade(), conn_of(&socket)) {
                let peer = Peer { gate: Arc::clone(&gate), conn, socket };
                gate.shared.spawn(Arc::clone(&gate.system).join(peer, auth.ok()));
            }
        };
        // A local adapter has nothing to wait for.
        io.ns("/", joined.with(middleware));
    }
}

fn conn_of(socket: &SocketRef) -> Option<Arc<Conn>> {
    socket.req_parts().extensions.get::<Arc<Conn>>().cloned()
}

fn listen(gate: &Arc<Gate>, conn: &Arc<Conn>, socket: &SocketRef) {
    let (gate, conn) = (Arc::downgrade(gate), Arc::downgrade(conn));
    let (left_gate, left_conn) = (Weak::clone(&gate), Weak::clone(&conn));
    socket.on_disconnect(async move || {
        if let (Some(gate), Some(conn)) = (left_gate.upgrade(), left_conn.upgrade()) {
            Arc::clone(&gate.system).left(conn).await;
        }
    });
    socket.on_fallback(
        async move |socket: SocketRef, Event(event): Event, TryData(data): TryData<Value>, ack: AckSender| {
            if let (Some(gate), Some(conn)) = (gate.upgrade(), conn.upgrade()) {
                let peer = Peer { gate: Arc::clone(&gate), conn, socket };
                Arc::clone(&gate.system).event(peer, event, data.ok(), ack).await;
            }
        },
    );
}

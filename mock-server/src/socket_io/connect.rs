//! How a client becomes a member of a namespace: the rules about its `CONNECT`, the system's welcome, the answer.
//!
//! Knows nothing of tokens beyond their look.

use std::sync::Arc;

use serde_json::Value;

use super::hub::Namespace;
use super::member::Member;
use super::packet::plain;
use super::session::leave;
use crate::engine::conn::{Conn, Ending, Who};
use crate::engine::gate::Gate;
use crate::engine::mail;
use crate::journal::Closer;
use crate::script::{Fault, Stage};
use crate::systems::{ConnectRefusal, Peer};
use crate::tokens::kind_by_look;

/// Takes a client from its `CONNECT` to the answer, and on to the system.
pub(super) async fn connect(gate: &Arc<Gate>, conn: &Arc<Conn>, namespace: Arc<Namespace>, auth: Value) {
    conn.identify(Who { token_kind: Some(kind_by_look(auth.get("token"))), user: None });
    if !admits(gate, conn, &namespace).await {
        return;
    }
    let peer = Peer::new(gate, Member::new(namespace, Arc::clone(conn)));
    if let Err(refusal) = Arc::clone(&gate.system).greet(peer.clone(), auth.clone()).await {
        return refuse(conn, peer.member.namespace.name, &refusal.payload());
    }
    let member = &peer.member;
    if !conn.sockets.add(member) {
        // It has asked twice before the first answer.
        return conn.hang_up(Ending::by(Closer::Server, true));
    }
    member.arrive();
    if conn.is_over() {
        // Whoever clears up may have looked before it arrived.
        return leave(gate, member);
    }
    conn.post(plain(b'0', member.namespace.name, Some(&serde_json::json!({"sid": member.id}))));
    gate.shared.run(Arc::clone(&gate.system).join(peer, auth));
}

/// Whether the rules let the honest server answer; returns when it is to.
async fn admits(gate: &Arc<Gate>, conn: &Arc<Conn>, namespace: &Namespace) -> bool {
    let mut admitted = true;
    for firing in gate.stage(Stage::Connect, conn, None).await {
        if !firing.due().await {
            continue;
        }
        firing.fired();
        match firing.fault() {
            Fault::ConnectAckDelay(fault) => tokio::time::sleep(fault.delay).await,
            Fault::ConnectAckWithheld(_) => admitted = false,
            Fault::SocketioConnectError(fault) => {
                let refusal = ConnectRefusal { message: fault.message.clone(), data: fault.data.value().cloned() };
                refuse(conn, namespace.name, &refusal.payload());
                admitted = false;
            }
            Fault::PacketCoalesce(fault) => {
                conn.coalesce(&fault.packets);
                gate.shared.spawn(mail::let_go(Arc::clone(conn), firing.clone(), fault.wait));
            }
            _ => {}
        }
    }
    admitted
}

/// Answers a `CONNECT` with an error.
pub(super) fn refuse(conn: &Arc<Conn>, namespace: &str, error: &Value) {
    conn.post(plain(b'4', namespace, Some(error)));
}

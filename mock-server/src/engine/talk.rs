//! Sessions of systems that speak Engine.IO and nothing above it: each message goes to the system as it came.
//!
//! Knows nothing of what the messages mean.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::conn::{Conn, Ending};
use super::gate::Gate;
use super::mail;
use super::packet::Packet;
use crate::journal::Closer;
use crate::plain::Client;
use crate::script::Stage;

/// Hands the messages of one session to the system, until the session is over.
///
/// Nobody has to join anything: a session that is open is established.
pub(super) async fn carry(gate: &Arc<Gate>, conn: &Arc<Conn>, mut inbox: mpsc::Receiver<Packet>) {
    let talk = async {
        gate.stage(Stage::Ready, conn, Some("OPEN")).await;
        while let Some(packet) = inbox.recv().await {
            if let Some(packet) = mail::incoming(gate, conn, packet).await {
                Arc::clone(&gate.system).message(Client::new(gate, conn), packet).await;
            }
        }
    };
    conn.unless_over(talk).await;
    conn.end(Ending::by(Closer::Server, false));
}

//! Faults of the PONG messages by which a system answers an application's PING.
//!
//! Knows nothing of what the messages look like otherwise.

use std::sync::Arc;
use std::time::Duration;

use super::conn::Conn;
use super::gate::Gate;
use super::packet::Packet;
use crate::plain::message;
use crate::script::Firing;
use crate::script::fault::PongWithhold;
use crate::wire::{Frame, Opcode};

/// What goes out in place of a PONG.
pub(super) async fn withhold(conn: &Conn, firing: &Firing, fault: &PongWithhold, pong: Vec<Packet>) -> Vec<Packet> {
    let name = pong.first().map(Packet::name).unwrap_or_default();
    let answered = conn.left(&name);
    if answered < fault.after_count.map_or(0, u32::from) || !firing.due().await {
        return pong;
    }
    firing.fired();
    conn.skipped(&name);
    let text = |payload: &serde_json::Value| match payload.as_str() {
        Some(text) => Packet::plain(text.to_owned()),
        None => message::whole(payload),
    };
    let instead = fault.replace_with.as_ref().and_then(|payload| payload.value()).map(text);
    let control = || Packet::frames("PONG_FRAME", vec![Frame::new(Opcode::Pong, "").to_bytes()]);
    instead.into_iter().chain(fault.control_frame.then(control)).collect()
}

/// Sends a PONG later, beside all else.
pub(super) fn delay(gate: &Gate, conn: &Arc<Conn>, firing: Firing, delay: Duration, pong: Vec<Packet>) -> Vec<Packet> {
    let conn = Arc::clone(conn);
    gate.shared.spawn(async move {
        if firing.due().await {
            firing.fired();
            tokio::time::sleep(delay).await;
        }
        conn.send(pong);
    });
    Vec::new()
}

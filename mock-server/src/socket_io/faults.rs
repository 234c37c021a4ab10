//! Faults of Socket.IO packets on their way out: what becomes of them.
//!
//! Each takes parcels and returns those that go out in their place. Knows nothing of who sends them, nor of time beyond
//! the rule's own.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::packet::{Args, Body, Packet};
use crate::engine::conn::Conn;
use crate::engine::gate::Gate;
use crate::engine::parcel::Parcel;
use crate::script::{Direction, Fault, Firing};

/// How far from its own the id of an acknowledgement is that has a wrong one.
const FAR: u64 = 1_000_000;

/// Changes what goes out as a rule about Socket.IO packets has it.
pub(crate) async fn alter(gate: &Gate, conn: &Arc<Conn>, firing: &Firing, parcels: Vec<Parcel>) -> Vec<Parcel> {
    if let Fault::AckDelay(fault) = firing.fault() {
        return delayed(gate, conn, firing.clone(), fault.delay, parcels);
    }
    if !firing.due().await {
        return parcels;
    }
    firing.fired();
    match firing.fault() {
        Fault::AckWithheld(_) => {
            conn.skipped("ACK");
            Vec::new()
        }
        Fault::AckError(fault) => {
            let args = Args::from(json!({"error": fault.error}));
            each(parcels, |parcel| parcel.with_args(|_| args.clone()))
        }
        Fault::AckDuplicate(fault) => {
            let all = parcels.len() * fault.copies.get() as usize;
            parcels.iter().cycle().take(all).cloned().collect()
        }
        Fault::AckWrongId(_) => each(parcels, |parcel| {
            parcel.altered(|packet| packet.id = packet.id.map(|id| id.checked_add(FAR).unwrap_or_else(|| id - FAR)))
        }),
        Fault::BinaryAttachmentMissing(_) => each(parcels, maimed),
        Fault::EventWrongNamespace(fault) => {
            each(parcels, |parcel| parcel.altered(|packet| packet.namespace = Cow::Owned(fault.namespace.clone())))
        }
        _ => parcels,
    }
}

fn each(parcels: Vec<Parcel>, change: impl FnMut(Parcel) -> Parcel) -> Vec<Parcel> {
    parcels.into_iter().map(change).collect()
}

/// Sends acknowledgements later, beside all else.
fn delayed(gate: &Gate, conn: &Arc<Conn>, firing: Firing, delay: Duration, parcels: Vec<Parcel>) -> Vec<Parcel> {
    let conn = Arc::clone(conn);
    gate.shared.spawn(async move {
        let late = async {
            if firing.due().await {
                firing.fired();
                // If the rule is disarmed meanwhile, there is no need to wait any longer.
                let _ = tokio::time::timeout(delay, firing.over()).await;
            }
        };
        if conn.unless_over(late).await.is_some() {
            conn.pass(parcels);
        }
    });
    Vec::new()
}

/// A binary packet without its last attachment; one that has none announces one.
fn maimed(parcel: Parcel) -> Parcel {
    let whole = !parcel.attachments.is_empty();
    let mut maimed = parcel.altered(|packet: &mut Packet| {
        if let Body::Event { args, .. } = &mut packet.body
            && !whole
        {
            args.attachments.push(Bytes::new());
        }
    });
    maimed.attachments.pop();
    maimed
}

/// Lets somebody outside a room have an event of it, as often as rules want that.
pub(super) fn overhear(gate: &Arc<Gate>, conn: &Arc<Conn>, room: &str, event: &str, parcel: &Parcel) {
    let firings = conn.ask(|subject| {
        let subject = crate::script::Subject { room: Some(room), ..*subject };
        gate.shared.script.on(event, Direction::Overheard, &subject)
    });
    for firing in firings {
        let (listener, leaked) = (Arc::clone(conn), parcel.clone());
        gate.shared.run(Box::pin(async move {
            if listener.unless_over(firing.due()).await == Some(true) {
                firing.fired();
                listener.pass(vec![leaked]);
            }
        }));
    }
}

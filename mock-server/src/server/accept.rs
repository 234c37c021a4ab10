//! The accept loop of each address.
//!
//! Knows nothing of what is spoken on a connection.

use std::sync::Arc;

use super::House;
use crate::journal::Actor;
use crate::script::{Fault, Firing};
use crate::wire::Stream;

/// Accepts on all addresses until the mock ends.
pub(super) fn open(house: &Arc<House>) {
    for actor in house.doors.keys() {
        let (house, actor) = (Arc::clone(house), actor.clone());
        let shared = Arc::clone(&house.shared);
        shared.spawn_lasting(async move { accept(&house, &actor).await });
    }
}

async fn accept(house: &Arc<House>, actor: &Actor) {
    let Some(door) = house.doors.get(actor) else { return };
    loop {
        let (stream, _link) = door.accept().await;
        let firings = house.shared.script.accept(actor);
        house.shared.spawn(admit(Arc::clone(house), stream, actor.clone(), firings));
    }
}

/// Serves a connection as soon as the rules let it in. Until then nothing is read from it.
async fn admit(house: Arc<House>, stream: Stream, actor: Actor, firings: Vec<Firing>) {
    for firing in firings {
        if firing.due().await {
            firing.fired();
            if let Fate::Ended = meet(&house, &stream, &actor, &firing).await {
                return;
            }
        }
    }
    Arc::clone(&house.gate).serve(stream, actor).await;
}

/// What a rule has made of a connection that has not been served yet.
enum Fate {
    /// It can go on.
    Lives,
    /// It is over.
    Ended,
}

async fn meet(house: &House, stream: &Stream, actor: &Actor, firing: &Firing) -> Fate {
    match firing.fault() {
        Fault::AcceptBlackhole(_) | Fault::HalfOpen(_) => {
            firing.over().await;
            firing.undone();
        }
        Fault::ColdStart(_) => tokio::time::sleep(firing.wait).await,
        Fault::ConnectionReset(_) => {
            stream.link().reset();
            return Fate::Ended;
        }
        Fault::AbruptClose(fault) => {
            stream.link().cut();
            house.gate.keep_cutting(actor, firing, fault);
            return Fate::Ended;
        }
        _ => {}
    }
    Fate::Lives
}

//! Rules that concern the whole server: ports, restarts, the clock.
//!
//! Knows nothing of connections, except how to end them all.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::task::TaskTracker;

use super::{House, Shared};
use crate::engine::conn::{Bent, Ending};
use crate::journal::{Actor, Closer, Entry};
use crate::script::fault::{ConnectionRefused, RefusalStart};
use crate::script::{Fault, Firing};

/// Carries out rules of the whole server as they are armed, until the mock ends.
pub(super) fn keep(house: &Arc<House>) {
    let keeper = Arc::clone(house);
    // Rules that are armed before the first byte must also be in force before it, as far as they come at once.
    let mut armed = house.shared.script.armed();
    armed.mark_unchanged();
    begin(house);
    house.shared.spawn_lasting(async move {
        while armed.changed().await.is_ok() {
            begin(&keeper);
        }
    });
}

/// Begins to carry out what has been armed and has not begun; what comes at once is in force when this returns.
pub(super) fn begin(house: &Arc<House>) {
    for firing in house.shared.script.standing() {
        let keeper = Arc::clone(house);
        match firing.fault() {
            Fault::ConnectionRefused(fault) => refuse(&keeper, &firing, &fault.clone()),
            fault => {
                let at_once = matches!(fault, Fault::BlacklistStoreDown(_));
                let mut task = Box::pin(async move { carry_out(&keeper, &firing).await });
                if !at_once || (&mut task).now_or_never().is_none() {
                    house.shared.spawn_lasting(task);
                }
            }
        }
    }
}

async fn carry_out(house: &Arc<House>, firing: &Firing) {
    if !firing.due().await {
        return;
    }
    let all: Vec<Firing> = house.concerned(firing).map(|actor| firing.on_behalf_of(actor)).collect();
    all.iter().for_each(Firing::fired);
    let clock = &house.shared.clock;
    match firing.fault() {
        Fault::ServerRestart(fault) => house.restart(fault.down, fault.keep_sessions).await,
        Fault::ClockAdvance(fault) => clock.advance(fault.by),
        Fault::ClockFreeze(fault) => {
            clock.freeze(fault.at.map(|at| at.0));
            firing.over().await;
            clock.thaw();
            all.iter().for_each(Firing::undone);
        }
        Fault::BlacklistStoreDown(_) => {
            house.system.afflict(firing.fault(), true);
            firing.over().await;
            house.system.afflict(firing.fault(), false);
            all.iter().for_each(Firing::undone);
        }
        _ => {}
    }
}

/// Closes the ports of those concerned, each for itself.
fn refuse(house: &Arc<House>, firing: &Firing, fault: &ConnectionRefused) {
    for actor in house.concerned(firing) {
        let (keeper, firing, actor) = (Arc::clone(house), firing.on_behalf_of(actor), actor.clone());
        let start = fault.start;
        if start == RefusalStart::Now && firing.after.is_zero() {
            keeper.shut(&actor, &firing);
            house.shared.spawn_lasting(async move { keeper.reopen(&actor, &firing).await });
            continue;
        }
        let lost = house.lost(&actor);
        house.shared.spawn_lasting(async move {
            if start == RefusalStart::AfterNextLoss {
                lost.await;
            }
            if firing.due().await {
                keeper.shut(&actor, &firing);
                keeper.reopen(&actor, &firing).await;
            }
        });
    }
}

impl House {
    fn concerned(&self, firing: &Firing) -> impl Iterator<Item = &Actor> {
        let rule = Arc::clone(&firing.rule);
        self.doors.keys().filter(move |actor| rule.is_for(actor))
    }

    fn shut(&self, actor: &Actor, firing: &Firing) {
        if let Some(door) = self.doors.get(actor) {
            door.close();
            firing.fired();
        }
    }

    async fn reopen(&self, actor: &Actor, firing: &Firing) {
        firing.over().await;
        if let Some(door) = self.doors.get(actor) {
            // The port is still ours, so opening it again fails only where nothing works any more.
            let _ = door.open();
            firing.undone();
        }
    }

    /// Resolves when the actor loses a connection, from now on.
    fn lost(&self, actor: &Actor) -> impl Future<Output = ()> + use<> {
        let mut records = self.shared.journal.subscribe();
        while records.try_recv().is_ok() {}
        let actor = actor.clone();
        async move {
            while let Some(record) = records.recv().await {
                if record.actor == actor && matches!(record.entry, Entry::Closed(_)) {
                    return;
                }
            }
        }
    }

    /// Ends what a process takes with it, and comes back after a while; returns when all has ended.
    pub(super) async fn restart(self: &Arc<Self>, down: Duration, keep_sessions: bool) {
        self.end_process();
        if !keep_sessions {
            Arc::clone(&self.system).forget().await;
        }
        let house = Arc::clone(self);
        self.shared.spawn_lasting(async move {
            tokio::time::sleep(down).await;
            for door in house.doors.values() {
                // As above.
                let _ = door.open();
            }
        });
    }
    /// Closes the ports and ends what a process takes with it. What is returned tells when all has ended.
    fn end_process(&self) -> TaskTracker {
        self.doors.values().for_each(crate::wire::Listener::close);
        let dead = self.shared.die();
        for conn in self.shared.sessions() {
            conn.end(Ending::by(Closer::Server, false));
            conn.closed();
            conn.let_go();
            self.shared.forget(&conn);
        }
        self.system.clear();
        dead
    }

    /// Goes back to the start: no connection, no session, an empty journal, attempts counted from 1, the clock and the
    /// rules as they were; returns when the ports accept connections again.
    pub(crate) async fn reset(self: &Arc<Self>) {
        let Shared { script, journal, clock, .. } = &*self.shared;
        // A connection that was dropped while it is stalled would stay as it is.
        self.shared.connections().iter().for_each(|conn| conn.bend(|bent| *bent = Bent::default()));
        let dead = self.end_process();
        script.clear();
        let quiet = async {
            dead.wait().await;
            script.settled().await;
        };
        // What was undone late would undo what is about to begin. Nothing takes long once its connection is gone.
        let _ = tokio::time::timeout(SETTLING, quiet).await;
        Arc::clone(&self.system).forget().await;
        self.shared.begin_again();
        self.clock.apply(clock);
        journal.clear();
        script.begin_again();
        for door in self.doors.values() {
            // As above.
            let _ = door.open();
        }
        begin(self);
    }
}

/// How long a reset waits for what is going on to end.
const SETTLING: Duration = Duration::from_secs(2);

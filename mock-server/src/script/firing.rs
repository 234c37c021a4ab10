//! A rule that fires: what its executor needs, and the way to say what became of it.
//!
//! Knows nothing of how a fault is carried out.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{Fault, Rule, Subject};
use crate::journal::{Actor, Entry, FaultEntry, FaultPhase, Journal, Transport};

/// A rule that fires on a subject, to be carried out by who asked.
///
/// The order is: [`due`](Firing::due), carry it out, [`fired`](Firing::fired); where the effect is a state also
/// [`over`](Firing::over), undo it, [`undone`](Firing::undone).
#[derive(Debug, Clone)]
pub struct Firing {
    /// Index of the rule in the script.
    pub index: usize,
    /// The rule.
    pub rule: Arc<Rule>,
    /// Delay until it takes effect.
    pub after: Duration,
    /// How long the effect lasts; none means without end, or that it is an act and not a state.
    pub lasts: Option<Duration>,
    /// What is left of a cold start at this request; zero for every other fault.
    pub wait: Duration,
    actor: Actor,
    connection: Option<u32>,
    transport: Option<Transport>,
    journal: Arc<Journal>,
    armed: watch::Receiver<bool>,
}

impl Firing {
    pub(super) fn new(
        index: usize,
        rule: &Arc<Rule>,
        wait: Duration,
        subject: &Subject<'_>,
        journal: &Arc<Journal>,
        armed: watch::Receiver<bool>,
    ) -> Self {
        Self {
            index,
            rule: Arc::clone(rule),
            after: rule.after,
            lasts: rule.effect_lasts(),
            wait,
            actor: subject.actor.clone(),
            connection: subject.connection,
            transport: subject.transport,
            journal: Arc::clone(journal),
            armed,
        }
    }

    /// What goes wrong.
    pub fn fault(&self) -> &Fault {
        &self.rule.fault
    }

    /// The same for another actor: a fault of the whole server is felt by each.
    #[must_use]
    pub fn on_behalf_of(&self, actor: &Actor) -> Self {
        Self { actor: actor.clone(), ..self.clone() }
    }

    /// The same on another connection of the actor: one that was made, or found to be meant, since.
    #[must_use]
    pub fn on_connection(&self, connection: u32) -> Self {
        Self { connection: Some(connection), ..self.clone() }
    }

    /// Waits until it takes effect. False if the rule has been disarmed while it waited: then nothing happens.
    ///
    /// What is due at once was due when it was handed out. If it could still be called off, a connection that asks while
    /// rules are replaced would meet neither the old ones nor the new ones.
    pub async fn due(&self) -> bool {
        if self.after.is_zero() {
            return true;
        }
        tokio::select! {
            biased;
            () = self.disarmed() => false,
            () = tokio::time::sleep(self.after) => true,
        }
    }

    /// Waits until the effect is to be undone: because its time has passed, or because the rule has been disarmed.
    pub async fn over(&self) {
        let passed = async {
            match self.lasts {
                Some(lasts) => tokio::time::sleep(lasts).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.disarmed() => {}
            () = passed => {}
        }
    }

    /// Whether the rule is still in force: to be asked by who has waited for something else before.
    pub fn is_armed(&self) -> bool {
        *self.armed.borrow()
    }

    /// Writes down that it has taken effect.
    pub fn fired(&self) {
        self.record(FaultPhase::Fired);
    }

    /// Writes down that it has been undone.
    pub fn undone(&self) {
        self.record(FaultPhase::Undone);
    }

    fn record(&self, phase: FaultPhase) {
        let fault = FaultEntry { fault: self.fault().id().to_owned(), rule: self.index, phase };
        self.journal.write(&self.actor, self.connection, self.transport, Entry::Fault(fault));
    }

    async fn disarmed(&self) {
        let mut armed = self.armed.clone();
        if armed.wait_for(|armed| !armed).await.is_err() {
            // The script is gone, and with it whoever could disarm the rule.
            std::future::pending::<()>().await;
        }
    }
}

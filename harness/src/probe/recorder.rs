//! Writes a probe's records: numbered, stamped, in one order.

use std::sync::{Arc, Mutex, PoisonError};

use sparring_mock_server::journal::{Actor, Entry, Moment, Record, Transport};
use tokio::sync::mpsc;

/// The one writer's end of a probe's records.
#[derive(Debug, Clone)]
pub(super) struct Recorder {
    actor: Actor,
    next: Arc<Mutex<u64>>,
    records: mpsc::UnboundedSender<Record>,
}

impl Recorder {
    pub(super) fn new(actor: Actor, records: mpsc::UnboundedSender<Record>) -> Self {
        Self { actor, next: Arc::default(), records }
    }

    /// Writes a record with the present moment.
    pub(super) fn write(&self, connection: Option<u32>, transport: Option<Transport>, entry: Entry) {
        // A number cannot be left half-changed.
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let (seq, at, actor) = (*next, Moment::now(), self.actor.clone());
        *next += 1;
        // Under the lock, so that the order of records is the order of moments. Whoever has gone reads no more.
        let _ = self.records.send(Record { seq, at, actor, connection, transport, entry });
    }
}

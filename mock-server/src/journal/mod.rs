//! What the server saw and did, as typed records in one order.
//!
//! [`Journal`] is the one writer's end and the readers' too: records are numbered, bounded in number and subscribable.
//! It knows nothing of rules, systems or verdicts. The words are those of the wire lane in the scenario language,
//! section 4: `received` is what the server received, `sent` what it sent.

mod moment;
mod record;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

pub use moment::Moment;
pub use record::{
    Actor, Answer, Attempt, Closed, Closer, Entry, FaultEntry, FaultPhase, Heartbeat, LogEntry, LogLevel, Message,
    Record, Request, StoredEntry, Transport,
};

/// How many records a journal keeps; older ones are dropped and their number counted.
pub const CAPACITY: usize = 100_000;

/// The records of one mock server.
#[derive(Debug, Default)]
pub struct Journal {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    records: VecDeque<Arc<Record>>,
    subscribers: Vec<mpsc::UnboundedSender<Arc<Record>>>,
}

impl Journal {
    /// Writes a record with the present moment and returns it.
    pub fn write(
        &self,
        actor: &Actor,
        connection: Option<u32>,
        transport: Option<Transport>,
        entry: Entry,
    ) -> Arc<Record> {
        // A panic while the lock was held cannot leave the deque half-changed: every change is one call.
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        // The moment is taken under the lock, so that the order of records is the order of moments.
        let record =
            Arc::new(Record { seq: inner.next, at: Moment::now(), actor: actor.clone(), connection, transport, entry });
        inner.next += 1;
        if inner.records.len() == CAPACITY {
            inner.records.pop_front();
        }
        inner.records.push_back(Arc::clone(&record));
        inner.subscribers.retain(|subscriber| subscriber.send(Arc::clone(&record)).is_ok());
        record
    }

    /// All records from `offset` on that are still kept, oldest first.
    pub fn since(&self, offset: u64) -> Vec<Arc<Record>> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.records.iter().filter(|record| record.seq >= offset).cloned().collect()
    }

    /// A stream of all records: those kept so far, then each new one.
    pub fn subscribe(&self) -> mpsc::UnboundedReceiver<Arc<Record>> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        for record in &inner.records {
            // The receiver is still in our hands, so the channel is open.
            let _ = sender.send(Arc::clone(record));
        }
        inner.subscribers.push(sender);
        receiver
    }
}

//! What the server saw and did, as typed records in one order.
//!
//! [`Journal`] is the one writer's end and the readers' too: records are numbered, bounded in number and weight, and
//! can be read from any offset, now or as they come. It knows nothing of rules, systems or verdicts. The words are those of the wire lane in the scenario language,
//! section 4: `received` is what the server received, `sent` what it sent.

mod moment;
mod page;
mod record;
mod weight;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::{Notify, mpsc};

pub use moment::Moment;
pub use page::Page;
pub use record::{
    Actor, Answer, Attempt, Closed, Closer, Entry, FaultEntry, FaultPhase, Heartbeat, LogEntry, LogLevel, Message,
    Record, Request, StoredEntry, Transport,
};

/// How many records a journal keeps; older ones are dropped, and whoever asks for them is told of the gap.
pub const CAPACITY: usize = 100_000;

/// How many bytes the records that a journal keeps may weigh, roughly; older ones are dropped as above.
pub const CAPACITY_BYTES: usize = 64 << 20;

/// The records of one mock server.
///
/// ```
/// # use sparring_mock_server::{contract::SystemId, journal::{Actor, Entry}, server::MockServer};
/// # use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mock = MockServer::builder(SystemId::Digitwin).start().await?;
/// let mut client = tokio::net::TcpStream::connect(mock.addr(&Actor::new("client"))).await?;
/// client.write_all(b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n").await?;
///
/// let journal = mock.journal();
/// journal.reached(0).await;
/// let page = journal.read(0, 1);
/// let Entry::Attempt(attempt) = &page.records[0].entry else { panic!("an attempt comes first") };
/// assert_eq!((attempt.number, attempt.path.as_str(), page.next), (1, "/socket.io/", 1));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Journal {
    inner: Mutex<Inner>,
    written: Notify,
    observer: OnceLock<Observer>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    records: VecDeque<Arc<Record>>,
    /// What the records weigh.
    weight: usize,
    /// How many were dropped because there was no room.
    dropped: u64,
    subscribers: Vec<mpsc::UnboundedSender<Arc<Record>>>,
}

/// What an observer is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sight<'a> {
    /// A record that is being written.
    Record(&'a Record),
    /// All records have been dropped: what they said no longer holds.
    Cleared,
}

/// Whoever sees each record as it is written.
struct Observer(Box<dyn Fn(Sight<'_>) + Send + Sync>);

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
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
        let weight = entry.weight();
        let mut inner = self.lock();
        // The moment is taken under the lock, so that the order of records is the order of moments.
        let record =
            Arc::new(Record { seq: inner.next, at: Moment::now(), actor: actor.clone(), connection, transport, entry });
        inner.keep(&record, weight);
        self.show(Sight::Record(&record));
        inner.subscribers.retain(|subscriber| subscriber.send(Arc::clone(&record)).is_ok());
        drop(inner);
        self.written.notify_waiters();
        record
    }

    /// All records from `offset` on that are still kept, oldest first.
    pub fn since(&self, offset: u64) -> Vec<Arc<Record>> {
        self.read(offset, usize::MAX).records
    }

    /// At most so many records from `offset` on, oldest first.
    pub fn read(&self, offset: u64, limit: usize) -> Page {
        let inner = self.lock();
        let oldest = inner.oldest();
        let from = offset.clamp(oldest, inner.next);
        // The records are numbered without gaps, so that the distance of two offsets is the distance of their places.
        let skipped = usize::try_from(from - oldest).expect("the clamp leaves no more than the number of records");
        let records: Vec<_> = inner.records.range(skipped..).take(limit).cloned().collect();
        Page { gap: (offset < oldest).then_some(offset..oldest), next: from + records.len() as u64, records }
    }

    /// Waits until there is a record at this offset, or one behind it.
    pub async fn reached(&self, offset: u64) {
        loop {
            let written = self.written.notified();
            tokio::pin!(written);
            // Enlisted before the look, so that no record falls between the two.
            written.as_mut().enable();
            if self.next() > offset {
                return;
            }
            written.await;
        }
    }

    /// The offset of the next record.
    pub fn next(&self) -> u64 {
        self.lock().next
    }

    /// The offset of the oldest record that is kept, or of the next one if there is none.
    pub fn oldest(&self) -> u64 {
        self.lock().oldest()
    }

    /// How many records were dropped because there was no room for them.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Drops all records. Offsets go on, so that one never means two records.
    pub fn clear(&self) {
        let mut inner = self.lock();
        let records = std::mem::take(&mut inner.records);
        inner.weight = 0;
        self.show(Sight::Cleared);
        drop(inner);
        // Outside the lock: there may be many.
        drop(records);
    }

    /// A stream of all records: those kept so far, then each new one.
    pub fn subscribe(&self) -> mpsc::UnboundedReceiver<Arc<Record>> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut inner = self.lock();
        for record in &inner.records {
            // The receiver is still in our hands, so the channel is open.
            let _ = sender.send(Arc::clone(record));
        }
        inner.subscribers.push(sender);
        receiver
    }

    fn show(&self, sight: Sight<'_>) {
        if let Some(Observer(observer)) = self.observer.get() {
            observer(sight);
        }
    }

    /// Has each record seen from now on as it is written. There is one observer at most: false if there is one already.
    ///
    /// It is called under the journal's lock: it must be quick, and must not come back to the journal.
    pub(crate) fn observe(&self, observer: impl Fn(Sight<'_>) + Send + Sync + 'static) -> bool {
        self.observer.set(Observer(Box::new(observer))).is_ok()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while the lock was held cannot leave the deque half-changed: every change is one call.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn oldest(&self) -> u64 {
        self.next - self.records.len() as u64
    }

    /// Takes a record in, and drops the oldest as far as there is no room.
    fn keep(&mut self, record: &Arc<Record>, weight: usize) {
        self.next += 1;
        self.records.push_back(Arc::clone(record));
        self.weight += weight;
        while self.records.len() > CAPACITY || (self.weight > CAPACITY_BYTES && self.records.len() > 1) {
            let Some(oldest) = self.records.pop_front() else { break };
            self.weight -= oldest.entry.weight();
            self.dropped += 1;
        }
    }
}

#[cfg(test)]
mod tests;

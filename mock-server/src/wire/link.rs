//! The control handle of one connection.
//!
//! A link holds no state of its own about faults: each call is put into a mailbox, and the stream obeys in order. So
//! the stream's data path needs no lock, and a link that is kept for long costs little. Knows nothing of what the stream
//! does to obey.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Wake, Waker};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use tokio::sync::Notify;

use super::{Frame, Latency, Tap};

/// How a connection came to its end, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Who ended it.
    pub by: By,
    /// How.
    pub how: How,
}

/// Who ended a connection. The first counts: what the others do afterwards is their answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The other side.
    Peer,
    /// The layer above, by ending or dropping the stream.
    Server,
    /// A call on the link.
    Fault,
}

/// What the end looks like on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// End of stream.
    Fin,
    /// Reset.
    Reset,
    /// Nothing: the layer above gave the stream up while it was stalled, and the peer does not learn of it.
    Silence,
}

/// Controls one connection; usable from anywhere, and harmless once the connection is over.
pub struct Link {
    id: u64,
    peer: SocketAddr,
    /// Set while the mailbox holds something.
    attention: AtomicBool,
    /// None once the stream is gone: nobody obeys any more.
    mailbox: Mutex<Option<Vec<Command>>>,
    pub(super) reader: AtomicWaker,
    pub(super) writer: AtomicWaker,
    end: OnceLock<End>,
    over: Notify,
}

/// A call on a link, as the stream gets it.
pub(super) enum Command {
    Reset,
    Cut,
    Bend(Bend),
}

/// Something that a connection survives.
pub(super) enum Bend {
    Stall,
    Resume,
    Latency(Option<Latency>),
    Tap(Arc<dyn Tap>),
    Send(Bytes),
    Feed(Frame),
    Release,
}

impl Link {
    pub(super) fn new(id: u64, peer: SocketAddr) -> Self {
        Self {
            id,
            peer,
            attention: AtomicBool::new(false),
            mailbox: Mutex::new(Some(Vec::new())),
            reader: AtomicWaker::new(),
            writer: AtomicWaker::new(),
            end: OnceLock::new(),
            over: Notify::new(),
        }
    }

    /// Ordinal of the connection on its listener, from 1.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Address of the other side.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Resets the connection (RST). What has not left yet, because of a latency or a stall, is lost.
    pub fn reset(&self) {
        self.post(Command::Reset);
    }

    /// Ends the stream in both directions (FIN), without any protocol's own close. What has
    /// not left yet, because of a latency or a stall, is lost.
    pub fn cut(&self) {
        self.post(Command::Cut);
    }

    /// From now on nothing is read and nothing leaves; what the layer above writes waits for [`resume`](Self::resume).
    /// If the layer above drops the stream meanwhile, the peer does not learn of it.
    pub fn stall(&self) {
        self.post(Command::Bend(Bend::Stall));
    }

    /// Ends a stall: what waits goes on, in order.
    pub fn resume(&self) {
        self.post(Command::Bend(Bend::Resume));
    }

    /// Delays every byte from now on, or no longer. What is on its way stays on its way.
    pub fn set_latency(&self, latency: Option<Latency>) {
        self.post(Command::Bend(Bend::Latency(latency)));
    }

    /// Shows all frames from the upgrade on to `tap`. Set it before the answer to the upgrade is written.
    pub fn set_tap(&self, tap: Arc<dyn Tap>) {
        self.post(Command::Bend(Bend::Tap(tap)));
    }

    /// Sends raw bytes at the next frame boundary; with a tap on, not before the upgrade. No tap sees them. Without a
    /// tap nobody knows where frames end, and they go at once.
    pub fn send(&self, bytes: impl Into<Bytes>) {
        self.post(Command::Bend(Bend::Send(bytes.into())));
    }

    /// Sends a frame as [`send`](Self::send) does.
    pub fn send_frame(&self, frame: &Frame) {
        self.send(frame.to_bytes());
    }

    /// Gives the layer above a frame as if the peer had sent it. Masked if it is not. No tap sees it.
    pub fn feed(&self, frame: Frame) {
        self.post(Command::Bend(Bend::Feed(frame)));
    }

    /// Lets go what a tap holds, in both directions.
    pub fn release(&self) {
        self.post(Command::Bend(Bend::Release));
    }

    /// How the connection ended; none while it lives.
    pub fn end(&self) -> Option<End> {
        self.end.get().copied()
    }

    /// Waits until the connection is over.
    pub async fn ended(&self) -> End {
        loop {
            // Made before the look, so that an end in between is not missed.
            let over = self.over.notified();
            if let Some(end) = self.end() {
                return end;
            }
            over.await;
        }
    }

    /// Notes the end; false if there was one already.
    pub(super) fn finish(&self, end: End) -> bool {
        let first = self.end.set(end).is_ok();
        if first {
            self.over.notify_waiters();
        }
        first
    }

    /// Wakes whoever read or wrote last.
    pub(super) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    /// Whether commands wait.
    pub(super) fn has_mail(&self) -> bool {
        self.attention.load(Ordering::Acquire)
    }

    /// The commands since the last time.
    pub(super) fn take_mail(&self) -> Vec<Command> {
        let mut mailbox = self.mailbox.lock().unwrap_or_else(PoisonError::into_inner);
        self.attention.store(false, Ordering::Release);
        mailbox.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Drops what waits and all that comes: the stream is gone.
    pub(super) fn close_mailbox(&self) {
        let rest = self.mailbox.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A tap among the rest may hold this very link: it must not be dropped under the lock.
        drop(rest);
    }

    fn post(&self, command: Command) {
        {
            let mut mailbox = self.mailbox.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(mailbox) = mailbox.as_mut() else { return };
            mailbox.push(command);
            self.attention.store(true, Ordering::Release);
        }
        self.rouse();
    }

    /// Wakes whoever reads or writes.
    fn rouse(&self) {
        self.reader.wake();
        self.writer.wake();
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("id", &self.id)
            .field("peer", &self.peer)
            .field("end", &self.end())
            .finish_non_exhaustive()
    }
}

/// A bent stream waits with this waker and not with that of the task that polls it: the task that writes may have gone
/// on to other things when bytes can leave.
impl Wake for Link {
    fn wake(self: Arc<Self>) {
        self.rouse();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rouse();
    }
}

//! The control handle of one connection.
//!
//! Each call is put into a mailbox and obeyed at once by whoever calls, in the order of the calls, whether or not the
//! layer above reads or writes. Only while another task is just at work on the connection does that task obey instead,
//! before it goes on. Knows nothing of what is done to obey.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::task::{Poll, Wake, Waker};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use tokio::sync::Notify;

use super::course::Course;
use super::crew::Crew;
use super::socket::Socket;
use super::{Activity, Frame, Latency, Limit, Shape, Tap};

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
    /// Never waited for by a call, so that a tap may call while it is locked.
    course: Mutex<Course>,
    crew: Arc<Crew>,
    pub(super) reader: AtomicWaker,
    pub(super) writer: AtomicWaker,
    pub(super) driver: AtomicWaker,
    end: OnceLock<End>,
    over: Notify,
}

/// A call on a link, as the stream gets it.
pub(super) enum Command {
    Reset,
    Cut,
    Activity(Option<Activity>),
    Bend(Bend),
}

/// Something that a connection survives.
pub(super) enum Bend {
    Stall,
    Resume,
    Latency(Option<Latency>),
    Shape(Shape),
    Limit(Option<Limit>),
    Tap(Arc<dyn Tap>),
    Send(Bytes),
    Feed(Frame),
    Release,
}

impl Link {
    pub(super) fn new(id: u64, peer: SocketAddr, socket: Socket, crew: Arc<Crew>) -> Self {
        Self {
            id,
            peer,
            attention: AtomicBool::new(false),
            mailbox: Mutex::new(Some(Vec::new())),
            course: Mutex::new(Course::new(socket)),
            crew,
            reader: AtomicWaker::new(),
            writer: AtomicWaker::new(),
            driver: AtomicWaker::new(),
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
    pub fn reset(self: &Arc<Self>) {
        self.post(Command::Reset);
    }

    /// Ends the stream in both directions (FIN), without any protocol's own close. What has
    /// not left yet, because of a latency or a stall, is lost.
    pub fn cut(self: &Arc<Self>) {
        self.post(Command::Cut);
    }

    /// From now on nothing is read and nothing leaves; what the layer above writes waits for [`resume`](Self::resume).
    /// If the layer above drops the stream meanwhile, the peer does not learn of it.
    pub fn stall(self: &Arc<Self>) {
        self.post(Command::Bend(Bend::Stall));
    }

    /// Ends a stall: what waits goes on, in order.
    pub fn resume(self: &Arc<Self>) {
        self.post(Command::Bend(Bend::Resume));
    }

    /// Delays every byte from now on, or no longer. What is on its way stays on its way.
    pub fn set_latency(self: &Arc<Self>, latency: Option<Latency>) {
        self.post(Command::Bend(Bend::Latency(latency)));
    }

    /// Shapes the traffic from now on: how fast, and in what pieces, bytes pass.
    pub fn set_shape(self: &Arc<Self>, shape: Shape) {
        self.post(Command::Bend(Bend::Shape(shape)));
    }

    /// Lets only so many more bytes leave, or again all. Once they have, it is as if the peer read no more.
    pub fn set_limit(self: &Arc<Self>, limit: Option<Limit>) {
        self.post(Command::Bend(Bend::Limit(limit)));
    }

    /// Has every byte noted that passes, either way. TLS's own bytes are not.
    pub fn set_activity(self: &Arc<Self>, activity: Option<Activity>) {
        self.post(Command::Activity(activity));
    }

    /// Shows all frames to `tap`, from the upgrade or from the next frame on.
    pub fn set_tap(self: &Arc<Self>, tap: Arc<dyn Tap>) {
        self.post(Command::Bend(Bend::Tap(tap)));
    }

    /// Sends raw bytes, past any tap. Once the connection has become a WebSocket they go at the next boundary between
    /// frames, which for an idle connection is now. Before that they go at once; with a tap on they wait for it.
    pub fn send(self: &Arc<Self>, bytes: impl Into<Bytes>) {
        self.post(Command::Bend(Bend::Send(bytes.into())));
    }

    /// Sends a frame as [`send`](Self::send) does.
    pub fn send_frame(self: &Arc<Self>, frame: &Frame) {
        self.send(frame.to_bytes());
    }

    /// Gives the layer above a frame as if the peer had sent it, past any tap, at the next boundary between frames of a
    /// WebSocket. Masked if it is not.
    pub fn feed(self: &Arc<Self>, frame: Frame) {
        self.post(Command::Bend(Bend::Feed(frame)));
    }

    /// Lets go what a tap holds, in both directions.
    pub fn release(self: &Arc<Self>) {
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

    /// Wakes whoever read, wrote or drove last.
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

    #[cfg(test)]
    pub(super) fn socket<T>(&self, look: impl FnOnce(&Socket) -> T) -> T {
        look(self.course.lock().unwrap().socket().unwrap())
    }

    /// Drops what waits and all that comes: the stream is gone.
    pub(super) fn close_mailbox(&self) {
        let rest = self.mailbox.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A tap among the rest may hold this very link: it must not be dropped under the lock.
        drop(rest);
    }

    /// Has the course to itself.
    pub(super) fn course<T>(self: &Arc<Self>, act: impl FnOnce(&mut Course) -> T) -> T {
        let mut course = self.course.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = act(&mut course);
        self.release_course(course);
        self.attend();
        outcome
    }

    /// See [`Course::poll_drive`].
    pub(super) fn poll_drive(self: &Arc<Self>) -> Poll<()> {
        self.course(|course| course.poll_drive(self))
    }

    /// See [`Course::undriven`].
    pub(super) fn undriven(self: &Arc<Self>) {
        self.course(|course| course.undriven(self));
    }

    fn post(self: &Arc<Self>, command: Command) {
        {
            let mut mailbox = self.mailbox.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(mailbox) = mailbox.as_mut() else { return };
            mailbox.push(command);
            self.attention.store(true, Ordering::Release);
        }
        self.attend();
    }

    /// Obeys what waits. Whoever has the course just now comes here afterwards.
    fn attend(self: &Arc<Self>) {
        // Of two that come at the same time, one must see the other's mail, or the other that the course is free.
        fence(Ordering::SeqCst);
        while self.has_mail() {
            let mut course = match self.course.try_lock() {
                Ok(course) => course,
                Err(TryLockError::Poisoned(course)) => course.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            let timers = self.crew.enter();
            course.attend(self);
            drop(timers);
            self.release_course(course);
            // The layer above may have something to read, or an end to see.
            self.rouse();
            fence(Ordering::SeqCst);
        }
    }

    fn release_course(self: &Arc<Self>, mut course: MutexGuard<'_, Course>) {
        let wants_driver = course.wants_driver();
        drop(course);
        if wants_driver {
            self.crew.drive(self);
        }
    }

    /// Wakes whoever reads, writes or drives.
    fn rouse(&self) {
        self.reader.wake();
        self.writer.wake();
        self.driver.wake();
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

//! A member: one client in one namespace.
//!
//! Knows nothing of rules; what it sends passes them in `mail`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;

use super::hub::Namespace;
use super::packet::{Args, encode_event, plain};
use crate::engine::conn::Conn;
use crate::server::lock;

/// See the module.
#[derive(Debug)]
pub(crate) struct Member {
    /// Its id, which is not that of its Engine.IO session.
    pub(crate) id: String,
    /// Its place in the namespace, in the order of arrival.
    pub(super) key: u32,
    /// Where it is a member.
    pub(crate) namespace: Arc<Namespace>,
    /// Its session.
    pub(crate) conn: Arc<Conn>,
    present: AtomicBool,
    /// Questions that it has not answered yet.
    asked: Mutex<Vec<(u64, oneshot::Sender<Args>)>>,
}

/// Why an event was not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AckError {
    /// Not in time.
    #[error("operation has timed out")]
    Timeout,
    /// The client has left.
    #[error("socket has been disconnected")]
    Left,
}

impl Member {
    /// Somebody who is about to become a member.
    pub(super) fn new(namespace: Arc<Namespace>, conn: Arc<Conn>) -> Arc<Self> {
        let (id, key) = namespace.new_id();
        let (present, asked) = (AtomicBool::new(false), Mutex::default());
        Arc::new(Self { id, key, namespace, conn, present, asked })
    }

    /// Whether it has come and not left.
    pub(crate) fn is_present(&self) -> bool {
        self.present.load(Ordering::Acquire)
    }

    /// Becomes a member.
    pub(super) fn arrive(self: &Arc<Self>) {
        self.present.store(true, Ordering::Release);
        self.namespace.seat(self);
    }

    /// Leaves the namespace and all its rooms; no if it has left before.
    pub(super) fn depart(&self) -> bool {
        let was_present = self.present.swap(false, Ordering::AcqRel);
        if was_present {
            self.namespace.unseat(self);
            lock(&self.asked).clear();
        }
        was_present
    }

    /// Enters a room.
    pub(crate) fn enter(&self, room: &str) {
        self.namespace.enter(self, room);
    }

    /// Leaves a room.
    pub(crate) fn exit(&self, room: &str) {
        self.namespace.exit(self, room);
    }

    /// Sends it an event. Nothing happens if it has left.
    pub(crate) fn emit(&self, event: &str, args: &Args) {
        if self.is_present() {
            self.conn.post(encode_event(self.namespace.name, None, event, args));
        }
    }

    /// Sends it an event, and waits for its answer.
    pub(crate) async fn ask(&self, event: &str, args: &Args, timeout: Duration) -> Result<Args, AckError> {
        let id = self.namespace.next_ack();
        let (sender, answer) = oneshot::channel();
        lock(&self.asked).push((id, sender));
        if !self.is_present() {
            lock(&self.asked).clear();
            return Err(AckError::Left);
        }
        self.conn.post(encode_event(self.namespace.name, Some(id), event, args));
        let answer = tokio::time::timeout(timeout, answer).await;
        lock(&self.asked).retain(|(asked, _)| *asked != id);
        answer.map_err(|_| AckError::Timeout)?.map_err(|_| AckError::Left)
    }

    /// Takes its answer; one that nobody waits for is ignored, as by the official server.
    pub(super) fn answered(&self, id: u64, args: Args) {
        let mut asked = lock(&self.asked);
        if let Some(position) = asked.iter().position(|(asked, _)| *asked == id) {
            let (_, sender) = asked.swap_remove(position);
            drop(asked);
            // Whoever asked may have gone meanwhile.
            let _ = sender.send(args);
        }
    }

    /// Sends it a `DISCONNECT`.
    pub(super) fn dismiss(&self) {
        self.conn.post(plain(b'1', self.namespace.name, None));
    }
}

//! How a connection ends: who did it, and the one record of it.
//!
//! Knows nothing of what a transport does to take its leave.

use super::{Bent, Carrier, Conn};
use crate::engine::packet::Packet;
use crate::journal::{Closed, Closer, Entry};

/// How a connection came to its end: the first that is known stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ending {
    /// Who ended it.
    pub(crate) by: Closer,
    /// Whether the protocol's own close came first.
    pub(crate) clean: bool,
    /// Close code, where one was sent.
    pub(crate) code: Option<u16>,
    /// Close reason, where one was sent.
    pub(crate) reason: Option<String>,
}

impl Ending {
    /// By this party, with or without the protocol's own close.
    pub(crate) fn by(by: Closer, clean: bool) -> Self {
        Self { by, clean, code: None, reason: None }
    }
}

/// What is known of a connection's end.
#[derive(Debug, Default)]
pub(super) struct End {
    ending: Option<Ending>,
    /// Code and reason for the close frame, if the server is to give any.
    farewell: Option<(u16, String)>,
    /// Whether a client that is not polling just now still has to be told.
    pub(super) lingers: bool,
    /// Whether the record has been written.
    pub(super) closed: bool,
}

impl Conn {
    /// Code and reason of the close frame with which the server takes leave.
    pub(crate) fn set_farewell(&self, code: u16, reason: &str) {
        self.state().end.farewell = Some((code, reason.to_owned()));
    }

    /// See [`set_farewell`](Self::set_farewell).
    pub(crate) fn farewell(&self) -> Option<(u16, String)> {
        self.state().end.farewell.clone()
    }

    /// Sends the engine's close packet, then drops the session.
    pub(crate) fn close_politely(&self) {
        self.send([Packet::Close]);
        self.end(Ending::by(Closer::Server, true));
    }

    /// Takes leave with a close frame, behind what waits to be sent.
    pub(crate) fn close(&self, code: Option<u16>, reason: &str) {
        if let Some(code) = code {
            self.set_farewell(code, reason);
        }
        let reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
        self.end(Ending { code, reason, ..Ending::by(Closer::Server, true) });
    }

    /// Ends a session that its client must not go on with: a polling client is told by the engine's close packet, a
    /// WebSocket is closed.
    pub(crate) fn hang_up(&self, ending: Ending) {
        // Whatever its client has done before, this is the reason.
        self.state().end.ending = Some(ending.clone());
        self.linger();
        if self.lingers() {
            self.send([Packet::Close]);
        }
        self.end(ending);
    }

    /// Keeps the session, once it is over, until a polling client has fetched what waits.
    pub(crate) fn linger(&self) {
        let mut state = self.state();
        state.end.lingers = state.carrier != Carrier::WebSocket && !state.end.closed;
    }

    /// Whether the session is over, but its client has yet to fetch the close packet.
    pub(crate) fn lingers(&self) -> bool {
        self.state().end.lingers
    }

    /// How it came to its end, if that is known.
    pub(crate) fn ending(&self) -> Option<Ending> {
        self.state().end.ending.clone()
    }

    /// Notes who is about to end the connection; what was noted first stands.
    pub(crate) fn blame(&self, ending: Ending) {
        self.state().end.ending.get_or_insert(ending);
    }

    /// Drops the session: nothing more is taken from or sent to the client, except by a transport that says farewell.
    pub(crate) fn end(&self, ending: Ending) {
        self.blame(ending);
        // What was said before the end is still delivered by a transport that takes leave.
        self.release();
        self.over.cancel();
        self.changed.notify_waiters();
    }

    /// Writes the one record of the connection's end.
    pub(crate) fn closed(&self) {
        let mut state = self.state();
        if std::mem::replace(&mut state.end.closed, true) {
            return;
        }
        let Ending { by, clean, code, reason } =
            state.end.ending.clone().unwrap_or_else(|| Ending::by(Closer::Client, false));
        drop(state);
        // Another attempt of the client may travel on the same TCP connections.
        self.bend(Bent::let_pass);
        self.over.cancel();
        self.record(self.transport(), Entry::Closed(Closed { by, code, reason, clean }));
    }

    /// Drops the session without telling anybody.
    pub(crate) fn let_go(&self) {
        self.over.cancel();
        // A member keeps the connection, which keeps its members.
        self.sockets.clear();
    }

    /// Whether the session has been dropped.
    pub(crate) fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    /// Whether the session has been dropped, and by this party.
    pub(crate) fn is_ended_by(&self, closer: Closer) -> bool {
        self.is_over() && self.state().end.ending.as_ref().is_some_and(|ending| ending.by == closer)
    }

    /// What the future yields, unless the session is dropped before.
    pub(crate) fn unless_over<T>(&self, future: impl Future<Output = T>) -> impl Future<Output = Option<T>> {
        self.over.run_until_cancelled(future)
    }

    /// Resolves when the session has been dropped.
    pub(crate) async fn over(&self) {
        self.over.cancelled().await;
    }
}

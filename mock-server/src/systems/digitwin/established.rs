//! What can end an established connection: the hour of a guest, and rules.
//!
//! Knows nothing of how it came to be established.

use std::sync::Arc;

use super::{AUTH_ERROR, Digitwin, Established, SESSION_CREATED};
use crate::engine::conn::Conn;
use crate::script::fault::{DisconnectVia, ExpiryAction};
use crate::script::{Fault, Firing, Stage};
use crate::server::lock;

impl Digitwin {
    /// Keeps a connection until its session ends, or somebody ends it.
    pub(super) async fn keep(self: &Arc<Self>, established: &Established) {
        for firing in established.peer.stage(Stage::Ready, Some(SESSION_CREATED)).await {
            let (system, established) = (Arc::clone(self), established.clone());
            self.shared.spawn(async move {
                let conn = Arc::clone(&established.peer.conn);
                conn.unless_over(system.trouble(&established, firing)).await;
            });
        }
        if let Some(end) = established.session.expires {
            self.shared.clock.reached(end).await;
            if self.is_current(established) {
                self.expire(&established.peer.conn).await;
            }
        }
    }

    async fn trouble(&self, established: &Established, firing: Firing) {
        let Established { session, peer, .. } = established;
        if let Fault::SessionExpiry(fault) = firing.fault() {
            self.shared.clock.reached(session.created + fault.lifetime).await;
        }
        if !firing.is_armed() || !firing.due().await || !self.is_current(established) {
            return;
        }
        firing.fired();
        match firing.fault() {
            Fault::SessionExpiry(_) => self.expire(&peer.conn).await,
            Fault::SessionRevoked(fault) => self.take_away(&peer.conn, fault.also_new_sessions).await,
            Fault::TokenExpiresMidSession(fault) => match fault.action {
                ExpiryAction::Close => peer.leave(DisconnectVia::CloseFrame),
                ExpiryAction::Event => self.expire(&peer.conn).await,
                ExpiryAction::NextOperation => self.expire_at_next_operation(&peer.conn),
            },
            _ => {}
        }
    }

    fn expire_at_next_operation(&self, conn: &Conn) {
        if let Some(established) = lock(&self.present).established.get_mut(&super::place(conn)) {
            established.expired = true;
        }
    }

    /// Ends a session whose time is over, and says so.
    pub(super) async fn expire(&self, conn: &Conn) {
        let Some(Established { session, peer, .. }) = self.end(conn).await else { return };
        let error = if session.guest { "guest_expired" } else { "jwt_expired" };
        self.refuse(&peer, error);
    }

    /// Ends a session that somebody has taken away, and says so.
    pub(super) async fn take_away(&self, conn: &Conn, later_ones_too: bool) {
        let Some(Established { session, peer, .. }) = self.end(conn).await else { return };
        if later_ones_too {
            lock(&self.present).banned.insert(session.user_id);
        }
        peer.emit_soon(AUTH_ERROR, &self.auth_error("invalid"));
        peer.disconnect();
    }
}

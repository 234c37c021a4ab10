//! What can end an established connection: the hour of a guest, and rules.
//!
//! Knows nothing of how it came to be established.

use std::sync::Arc;

use super::{AUTH_ERROR, Digitwin, Established};
use crate::engine::conn::Conn;
use crate::script::fault::{DisconnectVia, ExpiryAction};
use crate::script::{Fault, Firing, Stage};
use crate::server::lock;
use crate::systems::Peer;

impl Digitwin {
    /// Keeps a connection until its session ends, or somebody ends it.
    pub(super) async fn keep(self: &Arc<Self>, established: &Established) {
        let Established { session, peer, .. } = established;
        for firing in peer.stage(Stage::Ready, Some("session_created")).await {
            let (system, peer, created) = (Arc::clone(self), peer.clone(), session.created);
            self.shared.spawn(async move {
                let conn = Arc::clone(&peer.conn);
                conn.unless_over(system.trouble(&peer, firing, created)).await;
            });
        }
        if let Some(end) = session.expires {
            self.shared.clock.reached(end).await;
            self.expire(&peer.conn).await;
        }
    }

    async fn trouble(&self, peer: &Peer, firing: Firing, created: std::time::Duration) {
        if let Fault::SessionExpiry(fault) = firing.fault() {
            self.shared.clock.reached(created + fault.lifetime).await;
        }
        if !firing.due().await || self.established(&peer.conn).is_none() {
            return;
        }
        firing.fired();
        match firing.fault() {
            Fault::SessionExpiry(_) => self.expire(&peer.conn).await,
            Fault::SessionRevoked(fault) => self.take_away(&peer.conn, fault.also_new_sessions).await,
            Fault::TokenExpiresMidSession(fault) => match fault.action {
                ExpiryAction::Close => peer.leave(DisconnectVia::CloseFrame).await,
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
        self.refuse(&peer, error).await;
    }

    /// Ends a session that somebody has taken away, and says so.
    pub(super) async fn take_away(&self, conn: &Conn, later_ones_too: bool) {
        let Some(Established { session, peer, .. }) = self.end(conn).await else { return };
        if later_ones_too {
            lock(&self.present).banned.insert(session.user_id);
        }
        peer.emit_soon(AUTH_ERROR, &self.auth_error("invalid"));
        peer.disconnect().await;
    }
}

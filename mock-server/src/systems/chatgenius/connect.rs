//! From the `CONNECT` to the rooms: the layers that a connection passes, in the document's order.
//!
//! Knows nothing of events.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::guard::Pass;
use super::{Chatgenius, Peer};
use crate::engine::conn::Who;
use crate::script::fault::{
    BlacklistToken, DisconnectVia, ExpiryAction, ForcedAuthError, VerificationDelay, VerificationFailure,
};
use crate::script::{Fault, Firing, Stage};
use crate::server::lock;
use crate::systems::ConnectRefusal;
use crate::tokens::{kind_by_look, user_of};

/// How a connection fares before its rooms.
enum Course {
    /// Its token is good.
    Admitted(Pass),
    /// Its token is not.
    Rejected,
    /// A rule has had the last word.
    Over,
}

impl Chatgenius {
    /// Judges a token before the `CONNECT` is acknowledged, where the switch wants that.
    pub(super) async fn welcome(&self, peer: &Peer, auth: &Value) -> Result<(), ConnectRefusal> {
        if !self.chooses("auth_failure", "connect-error") {
            return Ok(());
        }
        match self.authenticate(peer, auth, None).await {
            Course::Admitted(_) => Ok(()),
            Course::Rejected | Course::Over => Err(self.connect_refusal(peer)),
        }
    }

    /// Takes a connection to its rooms, or rejects it.
    pub(super) async fn connect(self: &Arc<Self>, peer: &Peer, auth: &Value) {
        peer.stage(Stage::Acknowledged, Some("CONNECT")).await;
        let course = if self.chooses("auth_failure", "connect-error") {
            self.presented(auth).and_then(|token| self.verified(token)).map_or(Course::Rejected, Course::Admitted)
        } else {
            self.authenticate(peer, auth, Some("CONNECT")).await
        };
        match course {
            Course::Admitted(pass) => self.admit(peer, pass).await,
            Course::Rejected => self.reject(peer),
            Course::Over => {}
        }
    }

    async fn authenticate(&self, peer: &Peer, auth: &Value, behind: Option<&str>) -> Course {
        let token = self.presented(auth);
        peer.conn.identify(Who { token_kind: Some(kind_by_look(auth.get("token"))), user: token.and_then(user_of) });
        let mut expired = false;
        for firing in peer.stage(Stage::Authenticate, behind).await {
            if !firing.due().await {
                continue;
            }
            firing.fired();
            match firing.fault() {
                Fault::VerificationDelay(fault) => {
                    if !self.waits(fault).await {
                        peer.log_exception("Token verification failed", "verification timed out");
                        return Course::Rejected;
                    }
                }
                Fault::TokenExpired(_) => expired = true,
                Fault::BlacklistToken(fault) => self.blacklists(peer, fault, token),
                _ => return self.overruled(peer, &firing).await,
            }
        }
        match token.filter(|_| !expired).and_then(|token| self.verified(token)) {
            Some(pass) if !self.is_blacklisted(&pass.token).await => Course::Admitted(pass),
            _ => Course::Rejected,
        }
    }

    /// Waits for a slow verification; no if that takes longer than the server waits.
    async fn waits(&self, fault: &VerificationDelay) -> bool {
        let limit = self.shared.contract.timer("verification_limit");
        let delay = fault.delay.unwrap_or(Duration::MAX);
        tokio::time::sleep(delay.min(limit)).await;
        delay < limit
    }

    /// Carries out a rule that leaves nothing to judge.
    async fn overruled(&self, peer: &Peer, firing: &Firing) -> Course {
        match firing.fault() {
            Fault::SilentAuth(_) => pending().await,
            Fault::DisconnectWithoutVerdict(fault) => peer.leave(fault.via),
            Fault::ForcedAuthError(fault) => self.force(peer, fault),
            Fault::AuthErrorWithoutDisconnect(fault) => {
                let payload = self.authentication_error(fault.message.as_deref());
                peer.emit_soon_unchecked("error", Some(&payload));
            }
            Fault::VerificationError(fault) => {
                let error = match fault.mode {
                    VerificationFailure::Throw => "verification failed",
                    VerificationFailure::Unreachable => "verification service unreachable",
                };
                peer.log_exception("Token verification failed", error);
                return Course::Rejected;
            }
            _ => {}
        }
        Course::Over
    }

    fn force(&self, peer: &Peer, fault: &ForcedAuthError) {
        let payload = match &fault.payload {
            Some(payload) => payload.value().cloned(),
            None => Some(self.authentication_error(fault.message.as_deref())),
        };
        // Both names of the event mean the same here.
        peer.emit_soon_unchecked("error", payload.as_ref());
        if fault.disconnect {
            peer.disconnect();
        }
    }

    /// Puts a token on the blacklist: the rule's, else the one that was presented.
    fn blacklists(&self, peer: &Peer, fault: &BlacklistToken, presented: Option<&str>) {
        if let Some(token) = fault.token.as_deref().or(presented) {
            self.blacklist.put(&peer.conn.actor, Some(peer.conn.number()), token, fault.ttl);
        }
    }

    async fn admit(self: &Arc<Self>, peer: &Peer, pass: Pass) {
        if !self.enter(peer, pass) {
            return;
        }
        for firing in peer.stage(Stage::Ready, Some("CONNECT")).await {
            let (system, peer) = (Arc::clone(self), peer.clone());
            self.shared.run(Box::pin(async move {
                let conn = Arc::clone(&peer.conn);
                conn.unless_over(system.trouble(&peer, &firing)).await;
            }));
        }
    }

    /// Carries out a rule on an established connection.
    async fn trouble(&self, peer: &Peer, firing: &Firing) {
        if !firing.due().await {
            return;
        }
        let Some(seat) = self.seat(peer) else { return };
        firing.fired();
        match firing.fault() {
            Fault::BlacklistToken(fault) => self.blacklists(peer, fault, Some(&seat.pass.token)),
            Fault::OfflineQueue(fault) => self.fill_queue(peer, &seat.pass.user, fault),
            Fault::TokenExpiresMidSession(fault) => match fault.action {
                ExpiryAction::Close => peer.leave(DisconnectVia::CloseFrame),
                ExpiryAction::Event => self.reject(peer),
                ExpiryAction::NextOperation => {
                    if let Some(seat) = lock(&self.state).seats.get_mut(peer.id()) {
                        seat.expired = true;
                    }
                }
            },
            _ => {}
        }
    }
}

//! From the acknowledged `CONNECT` to the verdict: `session_created` or `auth_error`, once.
//!
//! Knows nothing of what may end the session later.

use std::future::pending;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{AUTH_ERROR, Digitwin, Established, SESSION_CREATED, place};
use crate::engine::conn::Who;
use crate::script::fault::{AuthErrorWithoutDisconnect, ForcedAuthError, RevocationPhase, VerificationFailure};
use crate::script::{Fault, Firing, Stage};
use crate::server::lock;
use crate::store::{NewSession, Session};
use crate::systems::Peer;
use crate::tokens::{Identity, Refusal, kind_by_look, user_of};

/// How a connection fares before its session.
enum Course {
    /// The token is judged by these circumstances.
    Judged(Circumstances),
    /// A rule has had the last word.
    Over,
}

/// What rules change about the judgement of a token.
#[derive(Default)]
struct Circumstances {
    /// It is judged as if it were past its lifetime.
    expired: bool,
    /// It is refused whatever it is, unless it would be refused anyway.
    refused: bool,
}

/// What connection handling throws.
#[derive(Debug, thiserror::Error)]
enum Exception {
    #[error("Session creation timeout")]
    Timeout,
    #[error("Session creation failed")]
    Creation,
    #[error("Session store failed")]
    Store,
    #[error("Token verification failed")]
    Verification,
    #[error("Token verification service unreachable")]
    Unreachable,
}

impl Digitwin {
    /// Takes a connection to its verdict, and keeps it while it is established.
    pub(super) async fn connect(self: &Arc<Self>, peer: Peer, auth: &Value) {
        peer.stage(Stage::Acknowledged, Some("CONNECT")).await;
        let token = auth.get("token");
        peer.conn.identify(Who {
            token_kind: Some(kind_by_look(token)),
            user: token.and_then(Value::as_str).and_then(user_of),
        });
        let Course::Judged(circumstances) = self.authenticate(&peer).await else { return };
        let identity = match self.judged(token, &circumstances) {
            Ok(identity) => identity,
            Err(refusal) => return self.refuse(&peer, refusal.error()),
        };
        match self.create(&peer, &identity).await {
            Ok(session) => self.admit(peer, session, &identity).await,
            Err(exception) => self.fail(&peer, &exception),
        }
    }

    fn judged(&self, token: Option<&Value>, circumstances: &Circumstances) -> Result<Identity, Refusal> {
        let identity = if circumstances.expired {
            self.judge.judge_expired(token)?
        } else {
            self.judge.judge(token, self.shared.clock.now())?
        };
        let banned = lock(&self.present).banned.contains(&identity.user_id);
        if circumstances.refused || banned { Err(Refusal::Invalid) } else { Ok(identity) }
    }

    /// An exception ends like an invalid token; its text stays in the log.
    fn fail(&self, peer: &Peer, exception: &Exception) {
        peer.log_exception("Connection handling failed", &exception.to_string());
        self.refuse(peer, "failed");
    }

    async fn authenticate(&self, peer: &Peer) -> Course {
        let mut circumstances = Circumstances::default();
        for firing in peer.stage(Stage::Authenticate, Some("CONNECT")).await {
            if !firing.due().await {
                continue;
            }
            firing.fired();
            match firing.fault() {
                Fault::VerificationDelay(fault) => match fault.delay {
                    Some(delay) => tokio::time::sleep(delay).await,
                    None => pending().await,
                },
                Fault::TokenExpired(_) => circumstances.expired = true,
                Fault::GuestTokensUnrecognised(_) => circumstances.refused = true,
                Fault::SessionRevoked(fault) if fault.phase == RevocationPhase::BeforeConnect => {
                    circumstances.refused = true;
                }
                _ => {
                    self.overrule(peer, &firing).await;
                    return Course::Over;
                }
            }
        }
        Course::Judged(circumstances)
    }

    /// Carries out a rule that leaves nothing to judge.
    async fn overrule(&self, peer: &Peer, firing: &Firing) {
        match firing.fault() {
            Fault::SilentAuth(_) => pending().await,
            Fault::DisconnectWithoutVerdict(fault) => peer.leave(fault.via),
            Fault::ForcedAuthError(fault) => self.force(peer, fault),
            Fault::AuthErrorWithoutDisconnect(AuthErrorWithoutDisconnect { code, message }) => {
                peer.emit_soon_unchecked(AUTH_ERROR, Some(&self.forced_error(peer, code, message.as_deref())));
            }
            Fault::VerificationError(fault) => {
                let exception = match fault.mode {
                    VerificationFailure::Throw => Exception::Verification,
                    VerificationFailure::Unreachable => Exception::Unreachable,
                };
                self.fail(peer, &exception);
            }
            _ => {}
        }
    }

    fn force(&self, peer: &Peer, fault: &ForcedAuthError) {
        let payload = match &fault.payload {
            Some(payload) => payload.value().cloned(),
            None => Some(self.forced_error(peer, &fault.code, fault.message.as_deref())),
        };
        peer.emit_soon_unchecked(fault.event.name(), payload.as_ref());
        if fault.disconnect {
            peer.disconnect();
        }
    }

    /// The error of this code; without a message it has the document's.
    fn forced_error(&self, peer: &Peer, code: &str, message: Option<&str>) -> Value {
        let errors = &self.shared.contract.errors;
        // `failed` and `invalid` share a code; the plain one is meant.
        let expired = if peer.conn.who().token_kind == Some("guest") { "guest_expired" } else { "jwt_expired" };
        let mut known = ["required", "invalid", expired].into_iter().filter_map(|name| errors.get(name));
        let documented = known.find(|error| error.code == code).map(|error| error.message.as_str());
        let message = message.or(documented).unwrap_or_default();
        json!({"code": code, "message": message, "timestamp": self.timestamp()})
    }

    /// Makes the session, within the document's limit.
    async fn create(&self, peer: &Peer, identity: &Identity) -> Result<Session, Exception> {
        let firings = peer.stage(Stage::Session, Some("CONNECT")).await;
        let creation = async {
            for firing in firings {
                slow_or_broken(&firing).await?;
            }
            Ok(self.store.create(self.new_session(peer, identity)).await)
        };
        let limit = self.shared.contract.timer("session_creation_limit");
        tokio::time::timeout(limit, creation).await.map_err(|_| Exception::Timeout)?
    }

    fn new_session(&self, peer: &Peer, identity: &Identity) -> NewSession {
        NewSession {
            actor: peer.conn.actor.clone(),
            connection: Some(peer.conn.number()),
            user_id: identity.user_id.clone(),
            guest: identity.guest,
            socket: peer.id().to_owned(),
            lifetime: identity.guest.then(|| self.shared.contract.timer("guest_session")),
        }
    }

    async fn admit(self: &Arc<Self>, peer: Peer, session: Session, identity: &Identity) {
        let payload = self.session_created(&session.id, identity);
        let established = Established { session, peer: peer.clone(), expired: false };
        lock(&self.present).established.insert(place(&peer.conn), established.clone());
        peer.emit(SESSION_CREATED, &payload).await;
        self.keep(&established).await;
    }
}

async fn slow_or_broken(firing: &Firing) -> Result<(), Exception> {
    if !firing.due().await {
        return Ok(());
    }
    firing.fired();
    match firing.fault() {
        Fault::SessionCreationDelay(fault) => {
            tokio::time::sleep(fault.delay).await;
            Ok(())
        }
        Fault::SessionCreationError(_) => Err(Exception::Creation),
        Fault::SessionStoreError(_) => Err(Exception::Store),
        _ => Ok(()),
    }
}

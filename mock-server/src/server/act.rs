//! Live actions: what a scenario's `server` steps and the console do to a server that is up.
//!
//! Knows nothing of who asks.

use std::sync::Arc;

use serde_json::Value;

use super::MockServer;
use crate::engine::conn::{Conn, Ending};
use crate::engine::mail;
use crate::engine::packet::Packet;
use crate::engine::perform::{self, End};
use crate::journal::{Actor, Closer};
use crate::live::LiveAction;

/// Why a live action had no effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// The actor has no connection that it could concern.
    #[error("{actor} has no connection for {action}")]
    NoConnection {
        /// The actor.
        actor: Actor,
        /// The action's name.
        action: &'static str,
    },
    /// No rule of this fault is in force.
    #[error("no rule of fault {0} is in force")]
    NotArmed(String),
    /// The rules do not fit the system.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Rules(Vec<crate::values::FieldError>),
}

impl MockServer {
    /// Does something to the actor's newest connection, or to the server; returns when it has been done.
    pub async fn act(&self, action: &LiveAction, actor: &Actor) -> Result<(), ActError> {
        let house = &self.house;
        match action {
            LiveAction::Advance { by } => house.shared.clock.advance(*by),
            LiveAction::Freeze { at } => house.shared.clock.freeze(*at),
            LiveAction::Thaw => house.shared.clock.thaw(),
            LiveAction::Restart { down, keep_sessions } => house.restart(*down, *keep_sessions).await,
            LiveAction::Arm { rules } => return self.arm(rules.clone()),
            LiveAction::Disarm { fault } => return self.disarm(fault),
            LiveAction::Emit { room: Some(room), event, data } => {
                mail::emit_to(&house.gate.server.io, room, event, data.as_ref()).await;
            }
            _ => {
                let newest = house.shared.newest(actor).filter(|conn| !conn.is_over());
                let conn =
                    newest.ok_or_else(|| ActError::NoConnection { actor: actor.clone(), action: action.name() })?;
                self.act_on(action, &conn).await;
            }
        }
        Ok(())
    }

    async fn act_on(&self, action: &LiveAction, conn: &Arc<Conn>) {
        match action {
            LiveAction::Emit { event, data, .. } => emit(conn, event, data.as_ref()),
            LiveAction::Disconnect { transport } => perform::disconnect(conn, *transport).await,
            LiveAction::Close { code, reason } => close(conn, *code, reason),
            LiveAction::Cut => perform::end_wire(conn, End::Cut),
            LiveAction::Reset => perform::end_wire(conn, End::Reset),
            LiveAction::Stall => conn.bend(|bent| bent.stalled = true),
            LiveAction::Resume => conn.bend(|bent| bent.stalled = false),
            LiveAction::RawText { text } => conn.send([Packet::Raw(text.clone())]),
            LiveAction::RawBytes { bytes } => {
                if let Some(link) = conn.links().last() {
                    link.send(bytes.clone());
                }
            }
            LiveAction::Revoke => Arc::clone(&self.house.system).revoke(Arc::clone(conn)).await,
            LiveAction::Advance { .. }
            | LiveAction::Freeze { .. }
            | LiveAction::Thaw
            | LiveAction::Restart { .. }
            | LiveAction::Arm { .. }
            | LiveAction::Disarm { .. } => {}
        }
    }

    fn arm(&self, rules: Vec<crate::script::Rule>) -> Result<(), ActError> {
        let system = self.house.shared.system;
        let wrong: Vec<_> = rules
            .iter()
            .flat_map(|rule| rule.check(system).into_iter().chain(super::without_tls(rule, self.house.tls.is_some())))
            .collect();
        if !wrong.is_empty() {
            return Err(ActError::Rules(wrong));
        }
        self.house.shared.script.arm(rules);
        Ok(())
    }

    fn disarm(&self, fault: &str) -> Result<(), ActError> {
        match self.house.shared.script.disarm(fault) {
            0 => Err(ActError::NotArmed(fault.to_owned())),
            _ => Ok(()),
        }
    }
}

fn emit(conn: &Conn, event: &str, data: Option<&Value>) {
    match conn.socket() {
        Some(socket) => mail::emit(&socket, event, data),
        None => conn.post(mail::event(event, data)),
    }
}

fn close(conn: &Conn, code: Option<u16>, reason: &str) {
    if let Some(code) = code {
        conn.set_farewell(code, reason);
    }
    let reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
    conn.end(Ending { code, reason, ..Ending::by(Closer::Server, true) });
}

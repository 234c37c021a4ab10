//! Live actions: what a scenario's `server` steps and the console do to a server that is up.
//!
//! Knows nothing of who asks.

use std::sync::Arc;

use serde_json::Value;

use super::{House, MockServer, standing};
use crate::contract::Protocol;
use crate::engine::conn::Conn;
use crate::engine::packet::Packet;
use crate::engine::perform::{self, End};
use crate::journal::Actor;
use crate::live::LiveAction;
use crate::plain::message;
use crate::script::{Change, Rule};
use crate::socket_io::Args;
use crate::socket_io::packet::{ROOT, encode_event};
use crate::values::FieldError;

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
    /// The connection is over, or there never was one of this number.
    #[error("{actor} has no connection {number} for {action}")]
    NoSuchConnection {
        /// The actor.
        actor: Actor,
        /// The number that was asked for.
        number: u32,
        /// The action's name.
        action: &'static str,
    },
    /// No rule of this fault is in force.
    #[error("no rule of fault {0} is in force")]
    NotArmed(String),
    /// The rules do not fit the system.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Rules(Vec<FieldError>),
}

impl MockServer {
    /// Does something to the actor's newest connection, or to the server; returns when it has been done.
    ///
    /// ```
    /// # use serde_json::json;
    /// # use sparring_mock_server::{contract::SystemId, journal::Actor, live::LiveAction, server::MockServer};
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let mock = MockServer::builder(SystemId::Digitwin).start().await?;
    /// let advance = LiveAction::read("advance", json!({"by": "1h"}).as_object().unwrap()).unwrap();
    /// mock.act(&advance, &Actor::new("client")).await?;
    ///
    /// let refused = mock.act(&LiveAction::Cut, &Actor::new("client")).await.unwrap_err();
    /// assert_eq!(refused.to_string(), "client has no connection for cut");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub async fn act(&self, action: &LiveAction, actor: &Actor) -> Result<(), ActError> {
        self.house.act(action, Target::Newest(actor)).await
    }

    /// Does something to the actor's connection of this number, which is that of its attempt; returns when it has been
    /// done.
    pub async fn act_on(&self, action: &LiveAction, actor: &Actor, number: u32) -> Result<(), ActError> {
        self.house.act(action, Target::Number(actor, number)).await
    }
}

impl MockServer {
    /// Makes these the rules of the start, to which a reset returns, in the place of those that were; rules armed since
    /// stay. A rule that was in force already keeps what it has done. All is in force when this returns.
    pub fn rebase(&self, rules: Vec<Rule>) -> Result<Change, ActError> {
        self.house.fit(&rules).map_err(ActError::Rules)?;
        let change = self.house.shared.script.rebase(rules);
        standing::begin(&self.house);
        Ok(change)
    }
}

/// The connection that an action concerns.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'a> {
    /// The actor's newest one.
    Newest(&'a Actor),
    /// The actor's connection of this number.
    Number(&'a Actor, u32),
}

impl House {
    /// Does something to a connection, or to the server; returns when it has been done.
    pub(crate) async fn act(self: &Arc<Self>, action: &LiveAction, target: Target<'_>) -> Result<(), ActError> {
        let house = self;
        match action {
            LiveAction::Advance { by } => house.shared.clock.advance(*by),
            LiveAction::Freeze { at } => house.shared.clock.freeze(*at),
            LiveAction::Thaw => house.shared.clock.thaw(),
            LiveAction::Restart { down, keep_sessions } => house.restart(*down, *keep_sessions).await,
            LiveAction::Arm { rules } => {
                self.fit(rules).map_err(ActError::Rules)?;
                self.arm(rules.clone());
            }
            LiveAction::Disarm { fault } => return self.disarm(fault),
            LiveAction::Emit { room: Some(room), event, data } => {
                house.gate.hub.publish(room, event, &Args::maybe(data.clone()));
            }
            _ => {
                let conn = self.meant(target).ok_or_else(|| target.missing(action.name()))?;
                self.act_on(action, &conn).await;
            }
        }
        Ok(())
    }

    /// The connection that is meant, unless it is over.
    pub(crate) fn meant(&self, target: Target<'_>) -> Option<Arc<Conn>> {
        let conn = match target {
            Target::Newest(actor) => self.shared.newest(actor),
            Target::Number(actor, number) => self.shared.connection(actor, number),
        };
        conn.filter(|conn| !conn.is_over())
    }

    async fn act_on(&self, action: &LiveAction, conn: &Arc<Conn>) {
        match action {
            LiveAction::Emit { event, data, .. } => self.emit(conn, event, data.as_ref()),
            LiveAction::Disconnect { .. } if self.is_plain() => conn.close(None, ""),
            LiveAction::Disconnect { transport } => perform::disconnect(&self.gate, conn, *transport).await,
            LiveAction::Close { code, reason } => conn.close(*code, reason),
            LiveAction::Cut => perform::end_wire(conn, End::Cut),
            LiveAction::Reset => perform::end_wire(conn, End::Reset),
            LiveAction::Stall => conn.bend(|bent| bent.stalled = true),
            LiveAction::Resume => conn.bend(|bent| bent.stalled = false),
            LiveAction::RawText { text } if self.is_plain() => conn.send([Packet::plain(text.clone())]),
            LiveAction::RawText { text } => conn.send([Packet::Raw(text.clone())]),
            LiveAction::Ping { payload } => self.gate.ping(conn, payload),
            LiveAction::RawBytes { bytes } => {
                if let Some(link) = conn.links().last() {
                    link.send(bytes.clone());
                }
            }
            LiveAction::Revoke => Arc::clone(&self.system).revoke(Arc::clone(conn)).await,
            LiveAction::Advance { .. }
            | LiveAction::Freeze { .. }
            | LiveAction::Thaw
            | LiveAction::Restart { .. }
            | LiveAction::Arm { .. }
            | LiveAction::Disarm { .. } => {}
        }
    }

    /// Whether its clients speak plain WebSocket.
    fn is_plain(&self) -> bool {
        self.shared.contract.transport.protocol == Protocol::WebSocket
    }

    /// Sends an event in every namespace that the client has joined; if there is none, in the root all the same. A plain
    /// WebSocket gets a message of that name.
    fn emit(&self, conn: &Arc<Conn>, event: &str, data: Option<&Value>) {
        if self.is_plain() {
            return conn.post(message::named(event, data));
        }
        let (members, args) = (conn.sockets.members(), Args::maybe(data.cloned()));
        for member in &members {
            member.emit(event, &args);
        }
        if members.is_empty() {
            conn.post(encode_event(ROOT, None, event, &args));
        }
    }

    /// Arms rules that fit; returns the index of the first. They are in force when it returns.
    pub(crate) fn arm(self: &Arc<Self>, rules: Vec<Rule>) -> usize {
        let first = self.shared.script.arm(rules);
        standing::begin(self);
        first
    }

    /// Puts rules that fit in the place of all. They are in force when it returns.
    pub(crate) fn replace(self: &Arc<Self>, rules: Vec<Rule>) {
        self.shared.script.replace(rules);
        standing::begin(self);
    }

    /// All that is wrong with rules in this system, by their places.
    pub(crate) fn fit(&self, rules: &[Rule]) -> Result<(), Vec<FieldError>> {
        let wrong = rules.iter().enumerate().flat_map(|(index, rule)| {
            let errors = rule.check(self.shared.system).into_iter();
            let errors = errors.chain(super::without_tls(rule, self.tls.is_some()));
            errors.map(move |error| error.under(&format!("[{index}]")))
        });
        let wrong: Vec<_> = wrong.collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    fn disarm(&self, fault: &str) -> Result<(), ActError> {
        match self.shared.script.disarm(fault) {
            0 => Err(ActError::NotArmed(fault.to_owned())),
            _ => Ok(()),
        }
    }
}

impl Target<'_> {
    /// Why there is nothing to act on.
    pub(crate) fn missing(self, action: &'static str) -> ActError {
        match self {
            Self::Newest(actor) => ActError::NoConnection { actor: actor.clone(), action },
            Self::Number(actor, number) => ActError::NoSuchConnection { actor: actor.clone(), number, action },
        }
    }
}

//! How a fault is defined: one block gives its struct, id, summary, parameters, stage and keys.
//!
//! The doc comments of the block are the texts that `sparring faults`, the JSON Schema and the errors show, so that a
//! fault is described once. Knows no single fault.

use serde_json::{Map, Value, json};

use super::param::Kind;
use crate::contract::{Kept, Protocol, SystemId};
use crate::fields::Fields;
use crate::script::stage::{Stage, Subject};

/// What a fault's block declares. Implemented by [`fault!`] alone.
pub(super) trait Definition: Sized {
    /// The description.
    fn info() -> FaultInfo;
    /// Reads the parameters; none if there was an error, which `fields` keeps.
    fn read(fields: &mut Fields<'_>) -> Option<Self>;
    /// The parameters that differ from their defaults, as they would be written.
    fn params(&self) -> Map<String, Value>;
    /// The stage at which it works.
    fn stage(&self) -> Stage;
    /// Whether the subject is one that its parameters mean.
    fn concerns(&self, subject: &Subject<'_>) -> bool;
}

/// All there is to say about a fault.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultInfo {
    /// Its id in the catalogue.
    pub id: &'static str,
    /// What happens, in one sentence.
    pub summary: &'static str,
    /// The layer that it breaks.
    pub family: &'static str,
    /// The stages at which it can work.
    pub stages: Vec<Stage>,
    /// Which common keys it takes.
    pub keys: Keys,
    /// Where it exists.
    pub scope: Scope,
    /// Its own parameters.
    pub params: Vec<ParamInfo>,
}

impl FaultInfo {
    /// Whether the system has it.
    pub fn applies_to(&self, system: SystemId) -> bool {
        self.scope.contains(system)
    }

    /// JSON Schema of the fault's own parameters, by name.
    pub fn schema(&self) -> Map<String, Value> {
        self.params.iter().map(|param| (param.name.to_owned(), param.schema())).collect()
    }
}

/// A parameter of a fault.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamInfo {
    /// Its key.
    pub name: &'static str,
    /// What it says, in a sentence or two.
    pub doc: &'static str,
    /// What may stand there.
    pub kind: Kind,
    /// Whether it must be given.
    pub presence: Presence,
}

impl ParamInfo {
    fn schema(&self) -> Value {
        let mut schema = self.kind.schema();
        if let Some(members) = schema.as_object_mut() {
            members.insert("description".to_owned(), json!(self.doc));
            if let Presence::Default(value) = &self.presence {
                members.insert("default".to_owned(), value.clone());
            }
        }
        schema
    }
}

/// Whether a parameter must be given.
#[derive(Debug, Clone, PartialEq)]
pub enum Presence {
    /// It must.
    Required,
    /// It need not; the doc says what its absence means.
    Optional,
    /// It need not; this value then stands for it.
    Default(Value),
}

/// Which of the common keys mean something for a fault. `after`, `times` and `probability` always do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// What it can ask of the connection: `who`, `when` and `attempts`.
    pub selects: Selects,
    /// What `on` means.
    pub on: OnKey,
    /// What `for` means.
    pub lasts: Span,
}

/// Which predicates a fault can have, by what is known when it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selects {
    /// None: the whole server is concerned.
    Nobody,
    /// `who` alone: no request has been read.
    Actors,
    /// `who` and `when`: REST requests belong to no attempt.
    Requests,
    /// `who`, `when` and `attempts`.
    Attempts,
}

/// What the key `on` means for a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnKey {
    /// Nothing; it is an error.
    Refused,
    /// The message whose sending or receipt starts the fault, instead of its stage.
    Instead,
    /// The message sent by the server to which the fault applies; it must be given.
    Sent,
    /// The message sent by the server to which the fault applies, instead of its stage.
    SentInstead,
    /// The message sent by the server to which the fault applies; without the key it is this one.
    SentOr(&'static str),
    /// The message received by the server to which the fault applies; without the key every one.
    Received,
    /// The event received by the server to whose acknowledgement the fault applies; without the key every one.
    Acknowledged,
    /// The event of a room to which the fault applies; it must be given.
    Overheard,
}

impl OnKey {
    /// Whether the key must be given.
    pub fn is_required(self) -> bool {
        matches!(self, Self::Sent | Self::Overheard)
    }
}

/// What the key `for` means for a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Nothing; it is an error.
    Refused,
    /// The effect is a state: it is undone that long after it began.
    Effect,
    /// The effect is an act: the rule is used up that long after its first firing for an actor.
    Rule,
}

impl Keys {
    /// For faults of the whole server.
    pub const SERVER: Self = Self { selects: Selects::Nobody, on: OnKey::Refused, lasts: Span::Refused };
    /// For faults of an actor's address.
    pub const ADDRESS: Self = Self { selects: Selects::Actors, ..Self::SERVER };
    /// For faults of REST requests.
    pub const REQUEST: Self = Self { selects: Selects::Requests, on: OnKey::Refused, lasts: Span::Rule };
    /// For faults of a connection.
    pub const CONNECTION: Self = Self { selects: Selects::Attempts, on: OnKey::Refused, lasts: Span::Rule };
    /// For faults of a connection that a message can start.
    pub const TRIGGERED: Self = Self { on: OnKey::Instead, ..Self::CONNECTION };
    /// For faults of a message that the server sends.
    pub const SENT: Self = Self { on: OnKey::Sent, ..Self::CONNECTION };
    /// For faults of a message that the server sends, or of a stage.
    pub const SENT_OR_STAGE: Self = Self { on: OnKey::SentInstead, ..Self::CONNECTION };
    /// For faults of a message that the server receives.
    pub const RECEIVED: Self = Self { on: OnKey::Received, ..Self::CONNECTION };
    /// For faults of the acknowledgement of an event that the server receives.
    pub const ACKNOWLEDGED: Self = Self { on: OnKey::Acknowledged, ..Self::CONNECTION };
    /// For faults of an event that goes to a room.
    pub const OVERHEARD: Self = Self { on: OnKey::Overheard, ..Self::CONNECTION };

    /// The same for a fault whose effect is a state that can be undone.
    #[must_use]
    pub const fn lasting(self) -> Self {
        Self { lasts: Span::Effect, ..self }
    }
}

/// In which systems a fault makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In all.
    Everywhere,
    /// In those that speak Socket.IO.
    SocketIo,
    /// In those whose messages have names: Socket.IO, or plain WebSocket.
    Named,
    /// In those that speak Engine.IO, with or without Socket.IO above it.
    EngineIo,
    /// In those that speak plain WebSocket.
    Plain,
    /// In those that answer HTTP requests other than upgrades.
    Http,
    /// In those that judge tokens.
    Tokens,
    /// In those that keep sessions.
    Sessions,
    /// In those that keep a blacklist of tokens.
    Blacklist,
    /// In those that keep messages for their users.
    Messages,
    /// In those that have guests.
    Guests,
    /// In those that have REST endpoints.
    Rest,
}

impl Scope {
    /// Whether the system is inside.
    pub fn contains(self, system: SystemId) -> bool {
        let contract = system.contract();
        match self {
            Self::Everywhere => true,
            Self::SocketIo => contract.transport.protocol == Protocol::SocketIo,
            Self::Named => contract.transport.protocol != Protocol::EngineIo,
            Self::EngineIo => contract.transport.protocol != Protocol::WebSocket,
            Self::Plain => contract.transport.protocol == Protocol::WebSocket,
            Self::Http => Self::EngineIo.contains(system) || Self::Rest.contains(system),
            Self::Tokens => !contract.tokens.is_empty(),
            Self::Sessions => contract.keeps.contains(&Kept::Sessions),
            Self::Blacklist => contract.keeps.contains(&Kept::Blacklist),
            Self::Messages => contract.keeps.contains(&Kept::Messages),
            Self::Guests => contract.tokens.contains_key("guest"),
            Self::Rest => !contract.endpoints.is_empty(),
        }
    }
}

/// Defines a fault: the struct with its parameters, then `id`, `family`, `stage` (a [`Stage`], or `phase` or `via` where
/// that parameter says it), `keys` and `scope`; `concerns` where parameters narrow the subjects down.
///
/// A parameter without default must be given, unless its type is an `Option`.
macro_rules! fault {
    (
        $(#[doc = $summary:literal])+
        pub struct $name:ident {
            $($(#[doc = $doc:literal])+ pub $field:ident: $ty:ty $(= $default:expr)?),* $(,)?
        }
        id: $id:literal,
        family: $family:literal,
        stage: $stage:ident,
        keys: $keys:expr,
        scope: $scope:ident
        $(, concerns: |$fault:ident, $subject:ident| $test:expr)?
        $(,)?
    ) => {
        $(#[doc = $summary])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: $ty,)*
        }

        impl $name {
            /// Its id in the catalogue.
            pub const ID: &'static str = $id;
        }

        impl $crate::script::fault::define::Definition for $name {
            fn info() -> $crate::script::fault::FaultInfo {
                $crate::script::fault::FaultInfo {
                    id: $id,
                    summary: concat!($($summary),+).trim_ascii(),
                    family: $family,
                    stages: fault!(@stages $stage),
                    keys: $keys,
                    scope: $crate::script::fault::Scope::$scope,
                    params: vec![$($crate::script::fault::param::info::<$ty>(
                        stringify!($field),
                        concat!($($doc),+).trim_ascii(),
                        fault!(@default $ty $(, $default)?).as_ref(),
                    )),*],
                }
            }

            fn read(fields: &mut $crate::fields::Fields<'_>) -> Option<Self> {
                // All are read before the first missing one ends it, so that every error is found.
                $(let $field = $crate::script::fault::param::take::<$ty>(
                    fields, stringify!($field), fault!(@default $ty $(, $default)?),
                );)*
                let _ = fields;
                Some(Self { $($field: $field?),* })
            }

            fn params(&self) -> serde_json::Map<String, serde_json::Value> {
                #[expect(clippy::allow_attributes, reason = "a fault without parameters leaves the map as it is")]
                #[allow(unused_mut, reason = "a fault without parameters leaves the map as it is")]
                let mut written = serde_json::Map::new();
                $($crate::script::fault::param::write(
                    &mut written, stringify!($field), &self.$field, fault!(@default $ty $(, $default)?),
                );)*
                written
            }

            fn stage(&self) -> $crate::script::Stage {
                fault!(@stage self $stage)
            }

            fn concerns(&self, subject: &$crate::script::Subject<'_>) -> bool {
                $(let ($fault, $subject) = (self, subject); return $test;)?
                #[expect(clippy::allow_attributes, reason = "reached only without `concerns`")]
                #[allow(unreachable_code, reason = "reached only without `concerns`")]
                { let _ = subject; true }
            }
        }
    };
    (@default $ty:ty) => { None::<$ty> };
    (@default $ty:ty, $default:expr) => { Some::<$ty>($default) };
    (@stages via) => { $crate::script::fault::phase::stages::<Self, _>(|fault| fault.via) };
    (@stages phase) => { $crate::script::fault::phase::stages::<Self, _>(|fault| fault.phase) };
    (@stages $stage:ident) => { vec![$crate::script::Stage::$stage] };
    (@stage $this:ident via) => { $crate::script::fault::phase::Staged::stage($this.via) };
    (@stage $this:ident phase) => { $crate::script::fault::phase::Staged::stage($this.phase) };
    (@stage $this:ident $stage:ident) => { $crate::script::Stage::$stage };
}

pub(super) use fault;

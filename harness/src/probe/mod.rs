//! The built-in peer of probe scenarios: it connects to any server, does what a step asks, right or wrong, and writes
//! down what passed.
//!
//! Its records are those of the wire lane in the server's words: `sent` is what the server sent, `received` what it
//! received. The form is the journal's, so that one merger serves both, but nothing here needs the mock: the server
//! may be any. A probe never judges, never retries, and never ends a connection by itself.
//!
//! [`Probe::act`] takes one action at a time; connections live on in tasks of their own until the probe is dropped.

mod args;
mod link;
mod raw;
mod recorder;
mod rest;
mod witness;
mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};
use sparring_client::engine_io::{Afterwards, Packet, Payload, Pongs, Route};
use sparring_client::net::{Base, BaseError};
use sparring_mock_server::contract::{Contract, Protocol};
use sparring_mock_server::journal::{Actor, Record};
use sparring_mock_server::values::FieldError;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::spec::model::ProbeSetup;
use args::{Action, Bytes, Carried, Opening, Target};
use link::Link;
use raw::RawLink;
use recorder::Recorder;

/// What a probe is made of.
#[derive(Debug, Clone)]
pub struct ProbeOptions {
    /// Whose traffic it is.
    pub actor: Actor,
    /// The server's base URL.
    pub url: String,
    /// What the system's document promises: paths, endpoints, order of transports.
    pub contract: &'static Contract,
    /// Origin, header fields and transports of every connection.
    pub setup: ProbeSetup,
}

/// Why an action was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The action is unknown or its arguments are wrong: every error there is.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Arguments(Vec<FieldError>),
    /// The server's address is none.
    #[error("the server's address {url:?}: expected {error}")]
    Url {
        /// The address.
        url: String,
        /// What is wrong with it.
        error: BaseError,
    },
    /// The action needs a connection, and there is none.
    #[error("{action} needs a connection: none is open on this side")]
    NoConnection {
        /// The action.
        action: &'static str,
    },
    /// The system speaks something else.
    #[error("{action} speaks Socket.IO, and the system {system} does not")]
    Protocol {
        /// The action.
        action: &'static str,
        /// The system.
        system: String,
    },
    /// The bytes of a raw connection could not be written, or it could not be opened.
    #[error("raw connection: {0}")]
    Io(#[from] std::io::Error),
}

/// A peer. Dropping it ends its tasks and closes its sockets.
#[derive(Debug)]
pub struct Probe {
    options: ProbeOptions,
    recorder: Recorder,
    /// Connections in the order in which they were opened.
    links: Vec<Connection>,
    /// How many attempts there were.
    attempts: u32,
    /// How the pings of all connections are answered.
    pongs: Pongs,
    /// Next acknowledgement id.
    next_id: u64,
    requests: JoinSet<()>,
}

#[derive(Debug)]
enum Connection {
    Engine(Link),
    Raw(RawLink),
}

impl Probe {
    /// A probe that has not touched the network yet.
    pub fn new(options: ProbeOptions, records: mpsc::UnboundedSender<Record>) -> Self {
        let recorder = Recorder::new(options.actor.clone(), records);
        Self {
            options,
            recorder,
            links: Vec::new(),
            attempts: 0,
            pongs: Pongs::Prompt,
            next_id: 0,
            requests: JoinSet::new(),
        }
    }

    /// Takes an action; `token` is what a connection carries unless its arguments say otherwise.
    ///
    /// Returns when what is to be written has been handed over; what it brings about is recorded afterwards.
    pub async fn act(&mut self, name: &str, args: &Map<String, Value>, token: Option<&str>) -> Result<(), ProbeError> {
        let action = Action::read(name, args, self.options.contract).map_err(ProbeError::Arguments)?;
        match action {
            Action::Connect(opening) => self.connect(opening, token),
            Action::Handshake(opening) => self.open(opening, Afterwards::Leave, "handshake"),
            Action::Upgrade(opening) => self.open(opening, Afterwards::Leave, "upgrade"),
            Action::Disconnect => self.disconnect(),
            Action::Send { event, data, ack } => self.send(event, data, ack),
            Action::RawConnect => self.raw_connect().await,
            Action::RawSend(bytes) => self.raw_send(bytes).await,
            Action::AnswerPings(pongs) => {
                self.answer_pings(pongs);
                Ok(())
            }
            Action::Reset => self.reset().await,
            Action::Request(request) => self.request(request),
        }
    }

    fn connect(&mut self, mut opening: Opening, token: Option<&str>) -> Result<(), ProbeError> {
        let auth = match std::mem::take(&mut opening.carried) {
            Carried::Literal(auth) => Some(auth),
            Carried::OwnToken => token.map(|token| serde_json::json!({"token": token})),
        };
        self.open(opening, Afterwards::Use, "connect")?;
        if let Some(Connection::Engine(link)) = self.links.last() {
            link.send(words::connect(auth));
        }
        Ok(())
    }

    fn open(&mut self, opening: Opening, afterwards: Afterwards, action: &'static str) -> Result<(), ProbeError> {
        let base = self.base()?;
        let contract = self.options.contract;
        if contract.transport.protocol != Protocol::SocketIo {
            return Err(ProbeError::Protocol { action, system: contract.id.clone() });
        }
        let route = match opening.route {
            Some(route) => route,
            None => self.route()?,
        };
        let headers = self.headers(&opening.headers)?;
        self.attempts += 1;
        let plan = link::Plan { base, contract, route, afterwards, headers, query: opening.query, pongs: self.pongs };
        self.links.push(Connection::Engine(Link::open(plan, self.recorder.clone(), self.attempts)));
        Ok(())
    }

    /// The transports of the setup, else of the contract.
    fn route(&self) -> Result<Route, ProbeError> {
        let given = &self.options.setup.transports;
        let names = if given.is_empty() { &self.options.contract.transport.order } else { given };
        args::route("transports", names).map_err(|error| ProbeError::Arguments(vec![error]))
    }

    /// Header fields of the setup, and those of the action over them.
    fn headers(&self, given: &BTreeMap<String, String>) -> Result<http::HeaderMap, ProbeError> {
        let setup = &self.options.setup;
        let origin = setup.origin.iter().map(|origin| ("origin", origin.as_str()));
        let all = origin.chain(setup.headers.iter().chain(given).map(|(name, value)| (name.as_str(), value.as_str())));
        args::header_map("headers", all).map_err(ProbeError::Arguments)
    }

    fn base(&self) -> Result<Base, ProbeError> {
        let url = &self.options.url;
        url.parse().map_err(|error| ProbeError::Url { url: url.clone(), error })
    }

    fn disconnect(&mut self) -> Result<(), ProbeError> {
        let link = self.newest("disconnect")?;
        link.hang_up(vec![words::disconnect()]);
        Ok(())
    }

    fn send(&mut self, event: String, data: Option<Value>, ack: bool) -> Result<(), ProbeError> {
        let id = ack.then_some(self.next_id);
        let packet = words::event(event, data, id);
        self.newest("send")?.send(packet);
        self.next_id += u64::from(ack);
        Ok(())
    }

    async fn raw_connect(&mut self) -> Result<(), ProbeError> {
        let base = self.base()?;
        let link = RawLink::open(&base, self.recorder.clone(), self.options.contract).await?;
        self.links.push(Connection::Raw(link));
        Ok(())
    }

    async fn raw_send(&mut self, bytes: Bytes) -> Result<(), ProbeError> {
        match self.links.iter_mut().rev().find(|link| link.is_ours()) {
            None => return Err(ProbeError::NoConnection { action: "raw_send" }),
            Some(Connection::Raw(link)) => link.send(bytes.as_slice(), &mut self.attempts).await?,
            Some(Connection::Engine(link)) => link.send(Packet::Raw(match bytes {
                Bytes::Text(text) => Payload::Text(text),
                Bytes::Hex(bytes) => Payload::Binary(bytes.into()),
            })),
        }
        Ok(())
    }

    fn answer_pings(&mut self, pongs: Pongs) {
        self.pongs = match pongs {
            Pongs::Late(Duration::ZERO) => Pongs::Prompt,
            pongs => pongs,
        };
        for connection in &self.links {
            if let Connection::Engine(link) = connection {
                link.answer_pings(self.pongs);
            }
        }
    }

    async fn reset(&mut self) -> Result<(), ProbeError> {
        let newest = self.links.iter().rposition(Connection::is_ours);
        let newest = newest.ok_or(ProbeError::NoConnection { action: "reset" })?;
        match self.links.remove(newest) {
            Connection::Engine(link) => link.reset().await,
            Connection::Raw(link) => link.reset().await,
        }
        Ok(())
    }

    fn request(&mut self, request: args::Request) -> Result<(), ProbeError> {
        let base = self.base()?;
        let headers = self.headers(&request.headers)?;
        let (method, path) = match request.target {
            Target::Endpoint(endpoint) => (request.method.unwrap_or(endpoint.0), endpoint.1),
            Target::Path(path) => (request.method.unwrap_or(http::Method::GET), path),
        };
        let call = rest::call(&base, method, &path, headers, request.body);
        let exchange = rest::Exchange::new(self.recorder.clone(), self.options.contract, &call, &mut self.attempts);
        self.requests.spawn(exchange.run(base, call));
        Ok(())
    }

    /// The newest connection of the protocol that this side has not left.
    fn newest(&mut self, action: &'static str) -> Result<&mut Link, ProbeError> {
        let engines = self.links.iter_mut().rev().filter_map(|connection| match connection {
            Connection::Engine(link) if link.is_ours() => Some(link),
            _ => None,
        });
        engines.into_iter().next().ok_or(ProbeError::NoConnection { action })
    }
}

impl Connection {
    /// Whether this side has not left it.
    fn is_ours(&self) -> bool {
        match self {
            Self::Engine(link) => link.is_ours(),
            Self::Raw(_) => true,
        }
    }
}

#[cfg(test)]
mod tests;

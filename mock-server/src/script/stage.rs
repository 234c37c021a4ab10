//! Where in a connection's life the script is asked, and about whom.
//!
//! The words of the spine: every connection of every system passes these stages in this order. Knows nothing of rules.

use std::collections::BTreeMap;

use crate::journal::{Actor, Transport};

/// A point at which the honest code asks the script. Each says what has happened by then, and what has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The server is up, or the rule has been armed since; no connection is concerned.
    Start,
    /// The kernel has accepted a TCP connection of the actor; no byte has been read.
    Accept,
    /// The head of a request has been read, of whatever kind; not a byte has been answered.
    Request,
    /// That request begins an attempt: its number is known; not a byte has been answered.
    Handshake,
    /// The Engine.IO open packet has been sent.
    Open,
    /// The Socket.IO CONNECT has been received; it has not been answered.
    Connect,
    /// The CONNECT has been acknowledged; nobody has looked at the token.
    Acknowledged,
    /// The token is about to be judged; no verdict has been sent.
    Authenticate,
    /// The token has been found good; the session has not been made.
    Session,
    /// The verdict that makes the session known has been sent: the connection is established.
    Ready,
    /// A user's message has been accepted by the application; it has been delivered to nobody.
    Delivery,
    /// A message is about to go out, or has come in and has not been acted on.
    Message,
}

impl Stage {
    /// The word for it in lists of faults.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Accept => "accept",
            Self::Request => "request",
            Self::Handshake => "handshake",
            Self::Open => "open",
            Self::Connect => "connect",
            Self::Acknowledged => "acknowledged",
            Self::Authenticate => "authenticate",
            Self::Session => "session",
            Self::Ready => "ready",
            Self::Delivery => "delivery",
            Self::Message => "message",
        }
    }
}

/// Which way a message goes, in the server's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// It came in.
    Received,
    /// It goes out.
    Sent,
    /// It came in, and what goes out is its acknowledgement.
    Acknowledged,
    /// It goes out to a room, and somebody outside might get it too.
    Overheard,
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestKind<'a> {
    /// An Engine.IO handshake without `sid`, or a WebSocket upgrade without one: it begins an attempt.
    Attempt,
    /// The upgrade of a known polling session.
    Upgrade,
    /// A polling request of a known session: the n-th with its `sid`, from 1.
    Polling(u32),
    /// A CORS preflight.
    Preflight,
    /// A REST endpoint of the system, by name.
    Endpoint(&'a str),
}

/// Who is asked about. What is not known yet at a stage is none, and a rule that asks for it does not match.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Whose traffic.
    pub actor: &'a Actor,
    /// The attempt's number, which is that of its connection.
    pub connection: Option<u32>,
    /// How the bytes travel at this moment.
    pub transport: Option<Transport>,
    /// `jwt`, `guest` or `none`, by the look of the token.
    pub token_kind: Option<&'a str>,
    /// The user that the token names.
    pub user: Option<&'a str>,
    /// Path of the request at hand, or of the attempt.
    pub path: Option<&'a str>,
    /// Header fields of the request at hand, or of the attempt; names in lower case.
    pub headers: &'a BTreeMap<String, String>,
    /// The request at hand, at [`Stage::Request`] and [`Stage::Handshake`].
    pub request: Option<RequestKind<'a>>,
    /// The room of the event that it might overhear.
    pub room: Option<&'a str>,
    /// The text of the message at hand, at [`Stage::Delivery`].
    pub text: Option<&'a str>,
}

impl<'a> Subject<'a> {
    /// An actor of whom nothing else is known.
    pub fn of(actor: &'a Actor) -> Self {
        static NO_HEADERS: BTreeMap<String, String> = BTreeMap::new();
        Self {
            actor,
            connection: None,
            transport: None,
            token_kind: None,
            user: None,
            path: None,
            headers: &NO_HEADERS,
            request: None,
            room: None,
            text: None,
        }
    }
}

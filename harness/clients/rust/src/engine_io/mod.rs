//! An Engine.IO v4 connection: polling first, the move to WebSocket by probe, heartbeats, and every way it can end.
//!
//! [`Engine::open`] starts one task that owns everything the connection needs; it tells its story through a channel
//! of [`Event`]s, and the traffic itself, request by request and packet by packet, to a [`Tap`]. Dropping the
//! [`Engine`] ends the task and closes its sockets. Knows nothing of Socket.IO.

mod packet;
mod polling;
mod run;
mod tap;
mod websocket;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::net::{Base, Sockets, encode_query};

pub use packet::{Handshake, Packet, PacketError, Payload};
pub use tap::{Asked, NoTap, Purpose, Tap};

/// How long a peer may take to finish a closing it was asked for, before the connection is cut.
pub const LINGER: Duration = Duration::from_secs(2);

/// How the bytes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// HTTP long-polling.
    Polling,
    /// WebSocket.
    Websocket,
}

impl Transport {
    /// The name in requests and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::Websocket => "websocket",
        }
    }
}

/// Which transports are used, in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Route {
    /// Polling, then WebSocket if the server offers it.
    #[default]
    Upgrading,
    /// Polling for good.
    Polling,
    /// WebSocket from the start.
    Websocket,
}

/// What is done once the session is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Afterwards {
    /// It is used.
    #[default]
    Use,
    /// Nothing: a polled session is left to itself, a WebSocket stays open.
    Leave,
}

/// How the server's pings are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pongs {
    /// At once.
    #[default]
    Prompt,
    /// This much later.
    Late(Duration),
    /// Not at all.
    Never,
}

/// How long silence is borne.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Patience {
    /// As announced: ping interval plus ping timeout since the last ping.
    #[default]
    Announced,
    /// For ever.
    Endless,
}

/// Everything a connection needs to know.
#[derive(Clone)]
pub struct Settings {
    /// The server.
    pub base: Base,
    /// The endpoint's path, `/socket.io/`.
    pub path: String,
    /// Transports.
    pub route: Route,
    /// After the opening.
    pub afterwards: Afterwards,
    /// Header fields for every request.
    pub headers: HeaderMap,
    /// Query parameters for every request, in front of Engine.IO's own.
    pub query: Vec<(String, String)>,
    /// Answers to pings.
    pub pongs: Pongs,
    /// Silence.
    pub patience: Patience,
    /// Where connections are counted.
    pub sockets: Sockets,
    /// Who watches the traffic.
    pub tap: Arc<dyn Tap>,
}

impl Settings {
    /// The usual settings for a server.
    pub fn new(base: Base, path: &str, sockets: Sockets) -> Self {
        Self {
            base,
            path: path.to_owned(),
            route: Route::default(),
            afterwards: Afterwards::default(),
            headers: HeaderMap::new(),
            query: Vec::new(),
            pongs: Pongs::default(),
            patience: Patience::default(),
            sockets,
            tap: Arc::new(NoTap),
        }
    }

    /// Path and query of a request, for a new session or the one with this id.
    fn target(&self, transport: Transport, sid: Option<&str>) -> String {
        let own = [("EIO", "4"), ("transport", transport.name())].into_iter().chain(sid.map(|sid| ("sid", sid)));
        let given = self.query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        self.base.target(&format!("{}?{}", self.path, encode_query(given.chain(own))))
    }
}

/// What happens on a connection.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The session is open.
    Opened(Handshake),
    /// A message has come in.
    Message(Payload),
    /// The WebSocket has taken over.
    Upgraded,
    /// It is over; nothing follows.
    Closed(End),
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// By this side.
    Local,
    /// The server said goodbye: a close packet, or a close frame with code and reason.
    Goodbye {
        /// Close code, if there was one.
        code: Option<u16>,
        /// Close reason, if there was one.
        reason: Option<String>,
    },
    /// The stream ended without a goodbye.
    Broken,
    /// A request failed, or the server broke the protocol.
    Failed(Failure),
    /// The server was silent for too long.
    Silent,
}

/// See [`End::Failed`]. The words are those of the official client.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// What failed, such as `xhr poll error`.
    pub message: &'static str,
    /// An HTTP status, or a text.
    pub description: Value,
    /// Whether the request was answered at all.
    pub answered: bool,
}

impl Failure {
    fn unanswered(message: &'static str, cause: &impl ToString) -> Self {
        Self { message, description: cause.to_string().into(), answered: false }
    }

    fn broken_rule(message: &'static str, cause: &impl ToString) -> Self {
        Self { message, description: cause.to_string().into(), answered: true }
    }

    fn status(message: &'static str, status: u16) -> Self {
        Self { message, description: status.into(), answered: true }
    }
}

impl End {
    /// The reason in Socket.IO's words.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Local => "io client disconnect",
            Self::Goodbye { .. } | Self::Broken => "transport close",
            Self::Failed(_) => "transport error",
            Self::Silent => "ping timeout",
        }
    }
}

/// What the connection's task can be asked for.
#[derive(Debug)]
enum Command {
    Send(Vec<Packet>),
    Pongs(Pongs),
    Close(Vec<Packet>),
}

/// A connection. Dropping it ends it without a goodbye.
#[derive(Debug)]
pub struct Engine {
    commands: mpsc::UnboundedSender<Command>,
    events: mpsc::UnboundedReceiver<Event>,
    task: Task,
}

/// A task that ends with its handle.
#[derive(Debug)]
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Engine {
    /// Begins to open a connection.
    pub fn open(settings: Settings) -> Self {
        let (commands, asked) = mpsc::unbounded_channel();
        let (told, events) = mpsc::unbounded_channel();
        let task = Task(tokio::spawn(run::run(settings, asked, told)));
        Self { commands, events, task }
    }

    /// The next event; none after [`Event::Closed`]. May be dropped and called again without loss.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// From now on nobody reads the events: they are no longer kept.
    pub fn ignore_events(&mut self) {
        self.events.close();
        while self.events.try_recv().is_ok() {}
    }

    /// Sends packets in order, as soon as the connection is open.
    pub fn send(&self, packets: Vec<Packet>) {
        // A connection that has ended has nobody to send to, and has said so.
        let _ = self.commands.send(Command::Send(packets));
    }

    /// Answers pings like this from now on.
    pub fn set_pongs(&self, pongs: Pongs) {
        let _ = self.commands.send(Command::Pongs(pongs));
    }

    /// Begins to say goodbye, after these packets. An unfinished handshake is cut at once.
    pub fn hang_up(&self, last: Vec<Packet>) {
        let _ = self.commands.send(Command::Close(last));
    }

    /// Ends the connection at once and without a word; returns when its sockets are closed.
    pub async fn cut(mut self) {
        self.task.0.abort();
        // Ended by the abort, or by itself just before.
        let _ = (&mut self.task.0).await;
    }

    /// Says goodbye and waits until every socket is closed, at most [`LINGER`].
    pub fn close(self, last: Vec<Packet>) -> impl Future<Output = ()> + Send {
        self.hang_up(last);
        let Self { mut events, mut task, commands } = self;
        async move {
            while events.recv().await.is_some() {}
            // The task drops its sockets before it ends.
            let _ = (&mut task.0).await;
            drop(commands);
        }
    }
}

//! The document's `WebSocketClient`, its gaps filled by the catalogue's readings: states, verdicts, retries.
//!
//! One value without tasks of its own: [`Client::next`] waits for whatever happens first, [`Client::on`] reacts.
//! Recovery from `auth_error` is in [`super::recovery`]. Knows nothing of the adapter protocol, nor of the screen.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::guest_token;
use super::logger::Logger;
use super::options::Options;
use super::reconnect::{Backoff, Guard};
use super::recovery::{Refresh, Refreshed};
use super::state::State;
use super::storage::Storage;
use crate::adapter::Reporter;
use crate::engine_io::Settings;
use crate::net::{Base, Sockets};
use crate::socket_io::{Event, Socket};

/// The endpoint's path.
const PATH: &str = "/socket.io/";

/// See the module.
#[derive(Debug)]
pub(super) struct Client {
    url: Base,
    pub(super) api: Base,
    pub(super) options: Options,
    pub(super) storage: Storage,
    pub(super) logger: Logger,
    pub(super) sockets: Sockets,
    reporter: Reporter,
    state: State,
    /// What `session_created` brought, while connected.
    session: Option<Value>,
    /// The one connection attempt or session under way.
    attempt: Option<Attempt>,
    /// What `auth_error` started, until a reconnect is scheduled.
    pub(super) refresh: Option<Refresh>,
    /// When the one pending reconnect is due.
    reconnect_at: Option<Instant>,
    /// What the present or the last attempt carries.
    pub(super) token: Option<String>,
    /// Connections that are saying goodbye.
    closing: JoinSet<()>,
    backoff: Backoff,
    guard: Guard,
    destroyed: bool,
}

/// What a client is made of.
pub(super) struct Given {
    pub(super) url: Base,
    pub(super) api: Base,
    pub(super) options: Options,
    pub(super) storage: Storage,
    pub(super) sockets: Sockets,
    pub(super) reporter: Reporter,
}

/// A connection attempt, and the session that may come of it.
#[derive(Debug)]
struct Attempt {
    socket: Socket,
    started: Instant,
    /// The one running limit: for the connection, then for the verdict.
    deadline: Option<Instant>,
}

impl Attempt {
    fn elapsed(&self) -> u64 {
        rounded(self.started.elapsed())
    }
}

/// What [`Client::next`] waits for.
#[derive(Debug)]
pub(super) enum Happening {
    /// The connection has something to say.
    Socket(Event),
    /// The running limit of the attempt is over.
    Deadline,
    /// The pending reconnect is due.
    Reconnect,
    /// The token refresh has ended.
    Refreshed(Refreshed),
}

/// The client has been destroyed.
#[derive(Debug, thiserror::Error)]
#[error("the client has been destroyed")]
pub(super) struct Destroyed;

impl Client {
    pub(super) fn new(given: Given) -> Self {
        let Given { url, api, options, storage, sockets, reporter } = given;
        let (backoff, guard) = (Backoff::new(&options), Guard::new(&options));
        Self {
            url,
            api,
            options,
            storage,
            logger: Logger::new(reporter.clone()),
            sockets,
            reporter,
            state: State::Disconnected,
            session: None,
            attempt: None,
            refresh: None,
            reconnect_at: None,
            token: None,
            closing: JoinSet::new(),
            backoff,
            guard,
            destroyed: false,
        }
    }

    // What the application calls.

    /// Starts an attempt, or does nothing while one is under way. An explicit call re-arms guard and backoff.
    pub(super) fn connect(&mut self) -> Result<(), Destroyed> {
        if self.destroyed {
            return Err(Destroyed);
        }
        if self.attempt.is_none() && self.refresh.is_none() {
            self.cancel_reconnect();
            self.reset_counters();
            self.open_attempt();
        }
        Ok(())
    }

    pub(super) fn disconnect(&mut self) {
        self.cancel_reconnect();
        self.refresh = None;
        self.leave(State::Disconnected);
    }

    pub(super) fn reconnect(&mut self) -> Result<(), Destroyed> {
        self.disconnect();
        self.connect()
    }

    /// Ends for good and waits until every connection has been let go of.
    pub(super) async fn destroy(&mut self) {
        self.destroyed = true;
        self.disconnect();
        while self.closing.join_next().await.is_some() {}
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    /// Whether the session that is up is a guest's.
    pub(super) fn is_guest_session(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session["isGuest"] == true)
    }

    /// How many timers are running.
    pub(super) fn timers(&self) -> usize {
        let deadline = self.attempt.as_ref().is_some_and(|attempt| attempt.deadline.is_some());
        [deadline, self.reconnect_at.is_some(), self.refresh.is_some()].into_iter().filter(|running| *running).count()
    }

    // The loop's two halves.

    /// Waits for what happens next; for ever while nothing is under way. May be dropped without loss.
    pub(super) async fn next(&mut self) -> Happening {
        let Self { attempt, refresh, reconnect_at, closing, .. } = self;
        loop {
            let (socket, deadline) = match attempt.as_mut() {
                Some(attempt) => (Some(&mut attempt.socket), attempt.deadline),
                None => (None, None),
            };
            tokio::select! {
                event = said(socket) => return Happening::Socket(event),
                () = due(deadline) => return Happening::Deadline,
                () = due(*reconnect_at) => return Happening::Reconnect,
                refreshed = answered(refresh) => return Happening::Refreshed(refreshed),
                Some(_) = closing.join_next() => {}
            }
        }
    }

    pub(super) fn on(&mut self, happening: Happening) {
        match happening {
            Happening::Socket(event) => self.on_socket(event),
            Happening::Deadline => self.on_deadline(),
            Happening::Reconnect => {
                self.reconnect_at = None;
                self.open_attempt();
            }
            Happening::Refreshed(refreshed) => self.on_refreshed(refreshed),
        }
    }

    // One attempt.

    fn open_attempt(&mut self) {
        let started = Instant::now();
        self.set_connection_state(State::Connecting);
        let token = self.read_token();
        self.log_token(token.as_deref());
        let auth = token.as_ref().map_or_else(|| json!({}), |token| json!({"token": token}));
        self.token = token;
        let settings = Settings::new(self.url.clone(), PATH, self.sockets.clone());
        let deadline = Some(started + self.options.connect_timeout);
        self.attempt = Some(Attempt { socket: Socket::open(settings, auth), started, deadline });
    }

    /// Leaves the present attempt or session, if there is one, for a state in which there is none.
    pub(super) fn leave(&mut self, state: State) {
        self.session = None;
        if let Some(attempt) = self.attempt.take() {
            // From here on the old connection is neither heard nor open (DT-X-08).
            self.closing.spawn(attempt.socket.close());
        }
        self.set_connection_state(state);
    }

    // What the connection says.

    fn on_socket(&mut self, event: Event) {
        match event {
            Event::Connected { sid, transport } => self.on_transport(&sid, transport.name()),
            Event::Emitted { name, args } => match name.as_str() {
                "session_created" => self.on_session_created(args.into_iter().next()),
                "auth_error" => self.on_auth_error(&args.into_iter().next().unwrap_or_default()),
                _ => {} // what the document does not know is ignored
            },
            Event::Refused { message, description } => self.on_connect_error(&message, &description),
            Event::Disconnected(reason) => self.on_disconnect(reason),
        }
    }

    fn on_transport(&mut self, sid: &str, transport: &str) {
        let timeout = self.options.session_timeout;
        let Some(attempt) = &mut self.attempt else { return };
        attempt.deadline = Some(Instant::now() + timeout);
        let elapsed = attempt.elapsed();
        self.set_connection_state(State::Authenticating);
        self.logger.debug("Socket.IO connected", json!({"socketId": sid, "transport": transport}));
        self.logger.info("Transport established", json!({"durationMs": elapsed}));
    }

    fn on_session_created(&mut self, data: Option<Value>) {
        if self.state != State::Authenticating {
            return; // a repetition is no news
        }
        let Some(data) = data.filter(is_session) else {
            self.logger.warn("Malformed session_created ignored", json!({}));
            return;
        };
        let elapsed = self.attempt.as_mut().map(|attempt| {
            attempt.deadline = None;
            attempt.elapsed()
        });
        self.reset_counters();
        // The user id is not logged: a guest's is the complete token.
        self.logger.info("Session created", json!({"durationMs": elapsed, "isGuest": data["isGuest"]}));
        self.session = Some(data.clone());
        self.set_connection_state(State::Connected);
        self.reporter.event("sessionCreated", &data);
    }

    fn on_deadline(&mut self) {
        match self.state {
            State::Authenticating => self.on_session_timeout(),
            // The connection was never acknowledged (DT-X-07).
            _ => self.on_connect_error("timeout", &Value::Null),
        }
    }

    fn on_session_timeout(&mut self) {
        let duration = rounded(self.options.session_timeout);
        let id = self.attempt.as_ref().and_then(|attempt| attempt.socket.id());
        let fields = json!({"duration": duration, "socketConnected": id.is_some(), "socketId": id});
        self.logger.error("Timeout waiting for session_created", fields);
        self.leave(State::Error);
        self.schedule_with_backoff();
    }

    fn on_connect_error(&mut self, message: &str, description: &Value) {
        self.logger.error("Connection error", json!({"message": message, "description": description}));
        self.lose();
    }

    fn on_disconnect(&mut self, reason: &str) {
        self.logger.warn("Connection lost", json!({"reason": reason}));
        self.lose();
    }

    /// Without a verdict the token is not known to be bad, so it is kept (DT-X-10).
    fn lose(&mut self) {
        let connected = self.state == State::Connected;
        self.leave(if connected { State::Disconnected } else { State::Error });
        self.schedule_with_backoff();
    }

    // Tokens.

    /// Read anew for every attempt. A malformed guest token would only be rejected, so a fresh one takes its place.
    fn read_token(&mut self) -> Option<String> {
        let token = self.storage.access_token().filter(|token| !token.is_empty())?;
        if !guest_token::is_guest(Some(&token)) || self.is_valid_guest_token(&token) {
            return Some(token);
        }
        let fresh = guest_token::generate();
        self.storage.set_access_token(fresh.clone());
        Some(fresh)
    }

    fn is_valid_guest_token(&mut self, token: &str) -> bool {
        let valid = guest_token::is_well_formed(token);
        let fields = json!({"isValid": valid, "token": format!("{}...", first(token, 20))});
        self.logger.debug("Guest token validation", fields);
        valid
    }

    fn log_token(&mut self, token: Option<&str>) {
        let text = token.unwrap_or_default();
        let fields = json!({
            "tokenType": guest_token::token_type(token),
            "tokenLength": text.chars().count(),
            "tokenPrefix": first(text, 10),
        });
        self.logger.debug("Connecting with token", fields);
    }

    // Retries.

    pub(super) fn schedule_with_backoff(&mut self) {
        let delay = self.backoff.next();
        self.schedule_reconnect(delay);
    }

    /// At most one reconnect is pending. When the guard trips, the client rests where it is: in error.
    pub(super) fn schedule_reconnect(&mut self, delay: Duration) {
        self.cancel_reconnect();
        let now = Instant::now();
        if let Some(tripped) = self.guard.tripped(now) {
            let fields = json!({"count": tripped.count, "duration": rounded(tripped.duration)});
            self.logger.error("Too many reconnection attempts", fields);
            return;
        }
        let recorded = self.guard.record(now);
        let fields = json!({
            "attempt": recorded.attempt,
            "elapsedMs": rounded(recorded.elapsed),
            "delay": rounded(delay),
        });
        self.logger.warn("Scheduling reconnection", fields);
        self.set_connection_state(State::Reconnecting);
        self.reconnect_at = Some(now + delay);
    }

    fn cancel_reconnect(&mut self) {
        self.reconnect_at = None;
    }

    fn reset_counters(&mut self) {
        self.backoff.reset();
        self.guard.reset();
    }

    /// One notification for each actual change, however many routines set the same state (DT-X-16).
    fn set_connection_state(&mut self, state: State) {
        let from = self.state;
        if from == state {
            return;
        }
        self.state = state;
        let stamp = u64::try_from(guest_token::millis()).unwrap_or(u64::MAX);
        let fields = json!({"from": from.name(), "to": state.name(), "timestamp": stamp});
        self.logger.info("Connection state changed", fields);
        self.reporter.state(from.name(), state.name());
        self.reporter.event("connectionStateChange", &json!(state.name()));
    }
}

fn is_session(data: &Value) -> bool {
    ["sessionId", "userId"].iter().all(|name| data[name].as_str().is_some_and(|text| !text.is_empty()))
}

fn first(text: &str, count: usize) -> String {
    text.chars().take(count).collect()
}

/// Whole milliseconds, for logs.
fn rounded(duration: Duration) -> u64 {
    u64::try_from((duration + Duration::from_micros(500)).as_millis()).unwrap_or(u64::MAX)
}

async fn said(socket: Option<&mut Socket>) -> Event {
    match socket {
        Some(socket) => socket.next().await,
        None => std::future::pending().await,
    }
}

async fn due(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn answered(refresh: &mut Option<Refresh>) -> Refreshed {
    match refresh {
        Some(refresh) => refresh.answer().await,
        None => std::future::pending().await,
    }
}

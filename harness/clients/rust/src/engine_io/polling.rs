//! The polled part of a connection: one GET that waits for packets, one POST that brings some, and beside them the
//! attempt to move to WebSocket.
//!
//! The move: `2probe` goes out on the WebSocket, `3probe` comes back; then no further poll is started, those under way
//! are waited for, and `5` follows. Whatever goes wrong before leaves the connection on polling.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use tokio::time::Instant;

use super::packet::{Handshake, Packet};
use super::run::{Runner, until};
use super::tap::{Asked, Purpose};
use super::websocket::{self, Link};
use super::{End, Failure, Route, Settings, Transport};
use crate::net::{Call, HttpError, Reply, exchange_on};

const POLL_ERROR: &str = "xhr poll error";
const POST_ERROR: &str = "xhr post error";

/// How the polled part ended.
pub(super) enum Next {
    /// With the connection.
    Ended(End),
    /// By the move.
    Upgraded(Box<Link>),
}

type Step<T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send>>;

/// What is under way on a polled connection.
struct Polled {
    settings: Settings,
    sid: String,
    poll: Option<Step<Vec<Packet>>>,
    push: Option<Step<()>>,
    probe: Option<Step<Link>>,
    /// The WebSocket that has answered the probe and waits for its turn.
    candidate: Option<Box<Link>>,
    /// Whether the goodbye is on its way.
    parting: bool,
}

/// Asks for a session; the answer's packets begin with OPEN.
pub(super) async fn open(settings: Settings) -> Result<Vec<Packet>, Failure> {
    get(settings, Purpose::Handshake, None).await
}

/// Keeps a polled session going.
pub(super) async fn run(runner: &mut Runner, handshake: &Handshake) -> Next {
    let mut polled = Polled::new(runner, handshake);
    loop {
        if let Some(next) = polled.advance(runner) {
            return next;
        }
        if let Err(end) = polled.step(runner).await {
            return Next::Ended(end);
        }
    }
}

impl Polled {
    fn new(runner: &Runner, handshake: &Handshake) -> Self {
        let settings = runner.settings.clone();
        let sid = handshake.sid.clone();
        let offered = handshake.upgrades.iter().any(|name| name == Transport::Websocket.name());
        let probe = (offered && settings.route == Route::Upgrading)
            .then(|| websocket::probe(settings.clone(), sid.clone()).boxed());
        Self { settings, sid, poll: None, push: None, probe, candidate: None, parting: false }
    }

    /// Starts what can be started; tells what is next when nothing is left to wait for.
    fn advance(&mut self, runner: &mut Runner) -> Option<Next> {
        if runner.is_closing() && !self.parting {
            self.parting = true;
            self.probe = None;
            self.candidate = None;
            runner.outbox.push(Packet::Close);
        }
        if self.push.is_none() && self.candidate.is_none() && !runner.outbox.is_empty() {
            let packets = std::mem::take(&mut runner.outbox);
            self.push = Some(push(self.settings.clone(), self.sid.clone(), packets).boxed());
        }
        if self.poll.is_none() && self.candidate.is_none() && !runner.is_closing() {
            self.poll = Some(get(self.settings.clone(), Purpose::Poll, Some(self.sid.clone())).boxed());
        }
        if self.poll.is_some() || self.push.is_some() {
            return None;
        }
        if runner.is_closing() {
            return Some(Next::Ended(End::Local));
        }
        let link = self.candidate.take()?;
        runner.outbox.insert(0, Packet::Upgrade);
        Some(Next::Upgraded(link))
    }

    /// Waits for one thing to happen.
    async fn step(&mut self, runner: &mut Runner) -> Result<(), End> {
        let alarm = runner.alarm();
        tokio::select! {
            packets = wait(&mut self.poll) => {
                for packet in packets.map_err(End::Failed)? {
                    runner.take(Transport::Polling, packet)?;
                }
            }
            pushed = wait(&mut self.push) => pushed.map_err(End::Failed)?,
            link = wait(&mut self.probe) => self.candidate = link.ok().map(Box::new),
            // Before its turn the WebSocket has nothing to say: whatever comes from it, it is of no use.
            () = lost(&mut self.candidate) => self.candidate = None,
            Some(command) = runner.commands.recv() => runner.obey(command),
            () = until(alarm) => runner.wake()?,
        }
        Ok(())
    }
}

/// The end of a step that is under way, which then is no more; never, if there is none.
async fn wait<T>(step: &mut Option<Step<T>>) -> Result<T, Failure> {
    match step {
        Some(future) => {
            let done = future.await;
            *step = None;
            done
        }
        None => std::future::pending().await,
    }
}

async fn lost(candidate: &mut Option<Box<Link>>) {
    match candidate {
        Some(link) => {
            let _ = link.next().await;
        }
        None => std::future::pending().await,
    }
}

async fn get(settings: Settings, purpose: Purpose, sid: Option<String>) -> Result<Vec<Packet>, Failure> {
    let call = Call::new(Method::GET, settings.target(Transport::Polling, sid.as_deref()));
    let reply = ask(&settings, purpose, call, Vec::new(), POLL_ERROR).await?;
    let text = std::str::from_utf8(&reply.body).map_err(|error| Failure::broken_rule(POLL_ERROR, &error))?;
    Packet::read_all(text).map_err(|error| Failure::broken_rule("server error", &error))
}

async fn push(settings: Settings, sid: String, packets: Vec<Packet>) -> Result<(), Failure> {
    let mut call = Call::new(Method::POST, settings.target(Transport::Polling, Some(&sid)));
    call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=UTF-8"));
    call.body = Bytes::from(Packet::payload(&packets));
    ask(&settings, Purpose::Poll, call, packets, POST_ERROR).await.map(|_| ())
}

/// Sends a request of this session, with `packets` inside, under the eyes of the tap.
async fn ask(
    settings: &Settings,
    purpose: Purpose,
    mut call: Call,
    packets: Vec<Packet>,
    message: &'static str,
) -> Result<Reply, Failure> {
    call.headers.extend(settings.headers.clone());
    let call = call.addressed(&settings.base);
    let unanswered = |error: HttpError| Failure::unanswered(message, &error);
    let stream = settings.sockets.dial(settings.base.authority()).await.map_err(|error| unanswered(error.into()))?;
    let asked = Asked {
        purpose,
        transport: Transport::Polling,
        method: call.method.clone(),
        target: call.target.clone(),
        headers: call.headers.clone(),
        at: Instant::now(),
    };
    settings.tap.asked(&asked);
    for packet in &packets {
        settings.tap.sent(Transport::Polling, packet);
    }
    let reply = exchange_on(stream, call).await.map_err(unanswered)?;
    settings.tap.answered(&asked, &reply);
    if reply.status == 200 { Ok(reply) } else { Err(Failure::status(message, reply.status)) }
}

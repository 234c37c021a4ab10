//! The task of one connection: opening, the polled part, the WebSocket part, the end.
//!
//! [`Runner`] holds what both transports share: packets to send, pongs that are due, the limit of silence, the
//! goodbye. A part of the connection's life is a function that returns how that part ended.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::packet::{Handshake, Packet};
use super::{Afterwards, Command, End, Event, Failure, LINGER, Patience, Pongs, Route, Settings, Transport};
use super::{polling, websocket};

/// What the parts of one connection share.
pub(super) struct Runner {
    pub(super) settings: Settings,
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    events: mpsc::UnboundedSender<Event>,
    /// Packets that wait for their transport.
    pub(super) outbox: Vec<Packet>,
    handshake: Option<Handshake>,
    late_pongs: VecDeque<(Instant, String)>,
    /// When silence becomes too long.
    lost_at: Option<Instant>,
    /// When a goodbye that is under way is given up.
    cut_at: Option<Instant>,
}

/// Runs a connection from its opening to its end.
pub(super) async fn run(
    settings: Settings,
    commands: mpsc::UnboundedReceiver<Command>,
    events: mpsc::UnboundedSender<Event>,
) {
    let mut runner = Runner {
        settings,
        commands,
        events,
        outbox: Vec::new(),
        handshake: None,
        late_pongs: VecDeque::new(),
        lost_at: None,
        cut_at: None,
    };
    let (transport, end) = runner.live().await;
    // Once this side has begun to say goodbye, the end is its own.
    let end = if runner.is_closing() { End::Local } else { end };
    runner.settings.tap.ended(transport, &end);
    runner.tell(Event::Closed(end));
}

impl Runner {
    async fn live(&mut self) -> (Transport, End) {
        match self.settings.route {
            Route::Websocket => (Transport::Websocket, self.live_on_websocket().await),
            Route::Polling | Route::Upgrading => self.live_on_polling().await,
        }
    }

    async fn live_on_websocket(&mut self) -> End {
        let opening = websocket::connect(self.settings.clone(), None);
        match self.unless_closed(opening).await {
            None => End::Local,
            Some(Err(failure)) => End::Failed(failure),
            Some(Ok(link)) => websocket::run(self, Box::new(link)).await,
        }
    }

    async fn live_on_polling(&mut self) -> (Transport, End) {
        let opening = polling::open(self.settings.clone());
        let packets = match self.unless_closed(opening).await {
            None => return (Transport::Polling, End::Local),
            Some(Err(failure)) => return (Transport::Polling, End::Failed(failure)),
            Some(Ok(packets)) => packets,
        };
        for packet in packets {
            if let Err(end) = self.take(Transport::Polling, packet) {
                return (Transport::Polling, end);
            }
        }
        let Some(handshake) = self.handshake.clone() else {
            let failure = Failure::broken_rule("xhr poll error", &"no OPEN packet in the handshake");
            return (Transport::Polling, End::Failed(failure));
        };
        if self.settings.afterwards == Afterwards::Leave {
            return (Transport::Polling, self.wait_for_close().await);
        }
        match polling::run(self, &handshake).await {
            polling::Next::Ended(end) => (Transport::Polling, end),
            polling::Next::Upgraded(link) => {
                self.tell(Event::Upgraded);
                (Transport::Websocket, websocket::run(self, link).await)
            }
        }
    }

    async fn wait_for_close(&mut self) -> End {
        self.unless_closed(std::future::pending::<()>()).await;
        End::Local
    }

    /// The result of `work`; none if a close is asked for before. Nobody has answered yet, so nothing is said.
    async fn unless_closed<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Some(done),
                command = self.commands.recv() => match command {
                    Some(Command::Close(_)) | None => {
                        self.cut_at = Some(Instant::now());
                        return None;
                    }
                    Some(command) => self.obey(command),
                }
            }
        }
    }

    pub(super) fn tell(&self, event: Event) {
        // Nobody listens once the handle is gone; the task is about to be ended then.
        let _ = self.events.send(event);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.cut_at.is_some()
    }

    /// Takes in a command. A close puts its last packets into the outbox and starts the clock.
    pub(super) fn obey(&mut self, command: Command) {
        match command {
            Command::Send(packets) => self.outbox.extend(packets),
            Command::Pongs(pongs) => self.settings.pongs = pongs,
            Command::Close(last) => {
                self.outbox.extend(last);
                self.cut_at = Some(Instant::now() + LINGER);
            }
        }
    }

    /// Takes in a packet from the server.
    pub(super) fn take(&mut self, transport: Transport, packet: Packet) -> Result<(), End> {
        self.settings.tap.received(transport, &packet);
        match packet {
            // Both sides say goodbye: this one's is still on its way.
            _ if self.is_closing() => {}
            Packet::Close => return Err(End::Goodbye { code: None, reason: None }),
            Packet::Open(data) => self.open(transport, &data)?,
            Packet::Ping(payload) => self.answer_ping(payload),
            Packet::Message(payload) => self.tell(Event::Message(payload)),
            Packet::Pong(_) | Packet::Upgrade | Packet::Noop | Packet::Raw(_) => {}
        }
        Ok(())
    }

    /// The first one opens the session; a later one only changes the settings, as with the official client.
    fn open(&mut self, transport: Transport, data: &str) -> Result<(), End> {
        let message = match transport {
            Transport::Polling => "xhr poll error",
            Transport::Websocket => "websocket error",
        };
        let handshake: Handshake =
            serde_json::from_str(data).map_err(|error| End::Failed(Failure::broken_rule(message, &error)))?;
        if self.handshake.is_none() {
            self.tell(Event::Opened(handshake.clone()));
        }
        self.handshake = Some(handshake);
        self.heard();
        Ok(())
    }

    fn answer_ping(&mut self, payload: String) {
        self.heard();
        match self.settings.pongs {
            Pongs::Prompt => self.outbox.push(Packet::Pong(payload)),
            Pongs::Late(by) => self.late_pongs.push_back((Instant::now() + by, payload)),
            Pongs::Never => {}
        }
    }

    /// Starts the limit of silence anew. Only a ping counts, not any traffic.
    fn heard(&mut self) {
        if let (Patience::Announced, Some(handshake)) = (self.settings.patience, &self.handshake) {
            let limit = handshake.ping_interval.saturating_add(handshake.ping_timeout);
            self.lost_at = Instant::now().checked_add(Duration::from_millis(limit));
        }
    }

    /// When [`Runner::wake`] is due next.
    pub(super) fn alarm(&self) -> Option<Instant> {
        let pong = self.late_pongs.front().map(|(due, _)| *due);
        [pong, self.lost_at, self.cut_at].into_iter().flatten().min()
    }

    /// Does what the clock asks for: late pongs, or the end.
    pub(super) fn wake(&mut self) -> Result<(), End> {
        let now = Instant::now();
        if self.cut_at.is_some_and(|due| due <= now) {
            return Err(End::Local);
        }
        if self.lost_at.is_some_and(|due| due <= now) {
            return Err(End::Silent);
        }
        while let Some((due, payload)) = self.late_pongs.pop_front() {
            if due > now {
                self.late_pongs.push_front((due, payload));
                break;
            }
            self.outbox.push(Packet::Pong(payload));
        }
        Ok(())
    }
}

/// Sleeps until the alarm, for ever if there is none.
pub(super) async fn until(alarm: Option<Instant>) {
    match alarm {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

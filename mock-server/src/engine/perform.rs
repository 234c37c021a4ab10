//! The one place where rules act on a connection: what ends, bends or silences it.
//!
//! Whatever starts such a rule - a stage, a message, the clock - it ends up here. Knows nothing of why.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::Value;
use tokio::sync::oneshot;

use super::conn::{Conn, Ending, Heart};
use super::gate::Gate;
use super::packet::Packet;
use super::traffic;
use crate::contract::Protocol;
use crate::journal::{Actor, Closer};
use crate::plain::message;
use crate::script::fault::AbruptClose;
use crate::script::{Fault, Firing, Stage};
use crate::socket_io::{self, Args};

/// Whether a fault is one of those that are carried out here.
pub(super) fn is_about_wire(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::ConnectionReset(_)
            | Fault::AbruptClose(_)
            | Fault::HalfOpen(_)
            | Fault::Latency(_)
            | Fault::Bandwidth(_)
            | Fault::Slicer(_)
            | Fault::SlowClose(_)
            | Fault::LimitData(_)
            | Fault::IdleTimeout(_)
            | Fault::TruncatedFrame(_)
            | Fault::MaxConnectionLifetime(_)
            | Fault::EngineClose(_)
            | Fault::EnginePingSuppress(_)
            | Fault::EnginePingEarly(_)
            | Fault::EnginePingFlood(_)
            | Fault::ServerDisconnect(_)
            | Fault::ServerStall(_)
            | Fault::CloseFrame(_)
            | Fault::CloseHandshakeStall(_)
            | Fault::WsPing(_)
            | Fault::WsPingSuppress(_)
            | Fault::WsPongSuppress(_)
            | Fault::OversizedFrame(_)
            | Fault::BinaryFrame(_)
            | Fault::IllegalFrame(_)
            | Fault::ApplicationError(_)
    )
}

/// Whether the honest server waits at the stage for the fault, so that it strikes in the phase that it names.
pub(super) fn holds(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::ConnectionReset(_)
            | Fault::AbruptClose(_)
            | Fault::HalfOpen(_)
            | Fault::EngineClose(_)
            | Fault::ServerDisconnect(_)
            | Fault::CloseFrame(_)
            | Fault::IllegalFrame(_)
    )
}

impl Gate {
    /// Comes to a stage: carries out what concerns the connection, and returns what only the caller can do.
    ///
    /// Rules that come behind a message wait until it has left. Before the session is ready, the stage is not left
    /// while a rule is about to end the connection in it.
    pub(crate) async fn stage(self: &Arc<Self>, stage: Stage, conn: &Arc<Conn>, behind: Option<&str>) -> Vec<Firing> {
        let firings = conn.ask(|subject| self.shared.script.at(stage, subject));
        let (wire, rest): (Vec<_>, Vec<_>) = firings.into_iter().partition(|firing| is_about_wire(firing.fault()));
        let (held, begun): (Vec<_>, Vec<_>) =
            wire.into_iter().partition(|firing| stage < Stage::Ready && holds(firing.fault()));
        for firing in begun {
            self.begin(conn, firing, behind.map(|name| (name, 0)));
        }
        if let Some(name) = behind.filter(|_| !held.is_empty() || !rest.is_empty()) {
            // A message that is held back to leave with a later one must not be waited for.
            conn.until(|conn| conn.left(name) > 0 || conn.is_over() || conn.coalesces()).await;
        }
        if !held.is_empty() {
            let performed = held.iter().map(async |firing| {
                self.perform(conn, firing).await;
                follow_up(conn, firing).await;
            });
            futures_util::future::join_all(performed).await;
            if conn.is_over() {
                // Nothing comes after the end; whoever waits here is dropped with the connection.
                std::future::pending::<()>().await;
            }
        }
        rest
    }

    /// Carries out a rule beside all else; behind a message, once more than so many of its name have left. The receiver
    /// learns when that is done.
    pub(super) fn begin(
        self: &Arc<Self>,
        conn: &Arc<Conn>,
        firing: Firing,
        behind: Option<(&str, u32)>,
    ) -> oneshot::Receiver<()> {
        let (done, learn) = oneshot::channel();
        let (gate, conn) = (Arc::clone(self), Arc::clone(conn));
        let behind = behind.map(|(name, before)| (name.to_owned(), before));
        let mut task = Box::pin(async move {
            if let Some((name, before)) = behind {
                conn.until(|conn| conn.left(&name) > before || conn.is_over()).await;
            }
            gate.perform(&conn, &firing).await;
            // Nobody may want to know.
            let _ = done.send(());
            follow_up(&conn, &firing).await;
        });
        // What is due at once is in force before the caller goes on.
        if (&mut task).now_or_never().is_none() {
            self.shared.spawn(task);
        }
        learn
    }

    /// Carries out a rule on a connection, from its delay to its undoing.
    pub(super) async fn perform(self: &Arc<Self>, conn: &Arc<Conn>, firing: &Firing) {
        if conn.unless_over(firing.due()).await != Some(true) {
            return;
        }
        match firing.fault() {
            Fault::ConnectionReset(_) => strike(conn, firing, End::Reset),
            Fault::AbruptClose(fault) => self.cut(conn, firing, fault),
            Fault::HalfOpen(_) => stall(conn, firing, false).await,
            Fault::ServerStall(_) => stall(conn, firing, true).await,
            Fault::Latency(fault) => traffic::delay(conn, firing, fault).await,
            Fault::Bandwidth(fault) => traffic::pace(conn, firing, fault).await,
            Fault::Slicer(fault) => traffic::slice(conn, firing, fault).await,
            Fault::SlowClose(fault) => traffic::close_slowly(conn, firing, fault.delay).await,
            Fault::LimitData(fault) => traffic::limit(conn, firing, fault.bytes).await,
            Fault::IdleTimeout(fault) => traffic::end_when_idle(conn, firing, fault.idle).await,
            Fault::MaxConnectionLifetime(fault) => traffic::live_for(conn, firing, fault.lifetime).await,
            Fault::TruncatedFrame(fault) => traffic::truncate(conn, firing, fault).await,
            Fault::EnginePingSuppress(_) | Fault::WsPingSuppress(_) => silence(conn, firing).await,
            Fault::WsPongSuppress(_) => ignore_pings(conn, firing).await,
            Fault::CloseHandshakeStall(_) => conn.stall_close(Some(firing.clone())),
            Fault::EnginePingEarly(_) => {
                firing.fired();
                conn.bend(|bent| bent.heart = Heart::Early);
            }
            Fault::EnginePingFlood(fault) => flood(conn, firing, fault.period).await,
            Fault::EngineClose(_) => {
                firing.fired();
                conn.linger();
                conn.close_politely();
            }
            Fault::ServerDisconnect(_) => {
                firing.fired();
                dismiss(self, conn);
            }
            Fault::ApplicationError(fault) => {
                firing.fired();
                self.tell(conn, fault.event.name(), fault.payload.value());
            }
            _ => self.perform_frame(conn, firing).await,
        }
    }

    /// Says something in the system's protocol that the honest system would not say.
    fn tell(&self, conn: &Arc<Conn>, event: &str, payload: Option<&Value>) {
        if self.shared.contract.transport.protocol == Protocol::SocketIo {
            let args = Args::maybe(payload.cloned());
            for member in conn.sockets.members() {
                member.emit(event, &args);
            }
        } else {
            conn.post(message::named(event, payload));
        }
    }

    fn cut(self: &Arc<Self>, conn: &Arc<Conn>, firing: &Firing, fault: &AbruptClose) {
        strike(conn, firing, End::Cut);
        self.keep_cutting(&conn.actor, firing, fault);
    }

    /// Goes on after the first cut, where that is asked for.
    pub(crate) fn keep_cutting(self: &Arc<Self>, actor: &Actor, firing: &Firing, fault: &AbruptClose) {
        let Some(period) = fault.period else { return };
        let (gate, firing, actor) = (Arc::clone(self), firing.clone(), actor.clone());
        self.shared.spawn(async move {
            // Until the rule is disarmed.
            while tokio::time::timeout(period, firing.over()).await.is_err() {
                if let Some(conn) = gate.shared.newest(&actor).filter(|conn| !conn.is_over()) {
                    strike(&conn, &firing.on_connection(conn.number()), End::Cut);
                }
            }
        });
    }
}

/// How a TCP connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// RST.
    Reset,
    /// FIN.
    Cut,
}

/// Ends the TCP connections of an attempt without any protocol's close.
pub(crate) fn end_wire(conn: &Conn, end: End) {
    conn.blame(Ending::by(Closer::Network, false));
    for link in conn.links() {
        match end {
            End::Reset => link.reset(),
            End::Cut => link.cut(),
        }
    }
    conn.end(Ending::by(Closer::Network, false));
}

pub(super) fn strike(conn: &Conn, firing: &Firing, end: End) {
    firing.fired();
    end_wire(conn, end);
}

async fn stall(conn: &Conn, firing: &Firing, frozen: bool) {
    firing.fired();
    if firing.lasts.is_none() && !frozen {
        // Neither side can end it any more.
        conn.blame(Ending::by(Closer::Network, false));
    }
    conn.bend(|bent| (bent.stalled, bent.frozen) = (true, frozen));
    if conn.unless_over(firing.over()).await.is_some() {
        conn.bend(|bent| (bent.stalled, bent.frozen) = (false, false));
        firing.undone();
    }
}

async fn silence(conn: &Conn, firing: &Firing) {
    firing.fired();
    conn.bend(|bent| bent.heart = Heart::Mute);
    if conn.unless_over(firing.over()).await.is_some() {
        conn.bend(|bent| bent.heart = Heart::Regular);
        firing.undone();
    }
}

async fn ignore_pings(conn: &Conn, firing: &Firing) {
    firing.fired();
    conn.answer_pings(false);
    if conn.unless_over(firing.over()).await.is_some() {
        conn.answer_pings(true);
        firing.undone();
    }
}

/// Sends pings besides those of the heart.
async fn flood(conn: &Conn, firing: &Firing, period: Duration) {
    firing.fired();
    let mut pings = tokio::time::interval(period.max(Duration::from_millis(1)));
    let pinging = async {
        loop {
            pings.tick().await;
            conn.send([Packet::Ping(String::new())]);
        }
    };
    let flooding = async {
        tokio::select! {
            () = firing.over() => {}
            () = pinging => {}
        }
    };
    if conn.unless_over(flooding).await.is_some() {
        firing.undone();
    }
}

/// What a rule does once messages behind it need not wait any more.
async fn follow_up(conn: &Conn, firing: &Firing) {
    if let Fault::ServerDisconnect(fault) = firing.fault()
        && fault.close_transport
    {
        end_behind_disconnect(conn).await;
    }
}

/// Sends a `DISCONNECT`; then ends the transport, if it is to end too.
pub(crate) async fn disconnect(gate: &Arc<Gate>, conn: &Arc<Conn>, transport_too: bool) {
    dismiss(gate, conn);
    if transport_too {
        end_behind_disconnect(conn).await;
    }
}

/// Sends a `DISCONNECT` to each of its members; to a client that has joined nothing, one all the same.
fn dismiss(gate: &Arc<Gate>, conn: &Arc<Conn>) {
    let members = conn.sockets.members();
    for member in &members {
        socket_io::dismiss(gate, member);
    }
    if members.is_empty() {
        conn.post(socket_io::packet::plain(b'1', socket_io::packet::ROOT, None));
    }
}

async fn end_behind_disconnect(conn: &Conn) {
    conn.unless_over(conn.until(|conn| conn.left("DISCONNECT") > 0)).await;
    conn.end(Ending::by(Closer::Server, true));
}

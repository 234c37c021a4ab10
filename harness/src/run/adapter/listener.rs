//! The listening half of an adapter: what comes out of its process, in one order, to whoever waits for it.
//!
//! Knows nothing of how the process was started or what it is asked.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use sparring_mock_server::journal::Moment;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::process::{Ended, Heard, process_id, real_seconds};
use super::protocol::{self, Incoming, LineError, MAX_LINE_BYTES, Notice, RpcError};

/// The most notifications that one session may send: a bound against floods, far above any honest client.
const MAX_NOTICES: usize = 50_000;
/// The most bytes of notifications that one session may send: what a case keeps until it is judged.
const MAX_NOTICE_BYTES: usize = 16 * 1024 * 1024;
/// The most notes of lateness, each of which goes to every session.
const MAX_LATE: usize = 50_000;
/// The most lines that are no JSON.
const MAX_RUBBISH: usize = 1_000;
/// How much of the standard error is kept for reports.
const STDERR_KEPT_BYTES: usize = 16 * 1024;

#[derive(Debug, Default)]
pub(super) struct Shared {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) next_id: u64,
    pub(super) next_session: u64,
    pub(super) pending: HashMap<u64, oneshot::Sender<Result<Value, RpcError>>>,
    pub(super) sessions: HashMap<String, Listener>,
    pub(super) closed: HashSet<String>,
    pub(super) rubbish: usize,
    pub(super) late: usize,
    pub(super) stderr: String,
    pub(super) ended: Option<Ended>,
}

/// Who listens to a session, and how much it has said.
#[derive(Debug)]
pub(super) struct Listener {
    sender: mpsc::UnboundedSender<Heard>,
    notices: usize,
    bytes: usize,
}

impl From<mpsc::UnboundedSender<Heard>> for Listener {
    fn from(sender: mpsc::UnboundedSender<Heard>) -> Self {
        Self { sender, notices: 0, bytes: 0 }
    }
}

impl Listener {
    /// Tells it; whoever listened may have gone.
    fn tell(&self, heard: Heard) {
        let _ = self.sender.send(heard);
    }

    /// Counts a notification of so many bytes; an error says which limit it exceeds.
    fn count(&mut self, bytes: usize) -> Result<(), String> {
        self.notices += 1;
        self.bytes += bytes;
        if self.notices > MAX_NOTICES {
            return Err(format!("more than {MAX_NOTICES} notifications"));
        }
        if self.bytes > MAX_NOTICE_BYTES {
            return Err(format!("notifications of more than {MAX_NOTICE_BYTES} bytes"));
        }
        Ok(())
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everybody who waits that nothing more will come. The first reason stands.
    pub(super) fn end(&self, reason: &Ended) {
        let mut state = self.lock();
        let reason = state.ended.get_or_insert_with(|| reason.clone()).clone();
        state.pending.clear();
        for (_, session) in state.sessions.drain() {
            session.tell(Heard::Ended(reason.clone()));
        }
    }

    pub(super) fn ended(&self) -> Ended {
        let unknown = || Ended::Crashed { status: "unknown status".to_owned(), stderr: String::new() };
        self.lock().ended.clone().unwrap_or_else(unknown)
    }
}

/// Reads standard output until the process ends, then says how it ended.
pub(super) async fn listen(
    stdout: impl AsyncRead + Unpin,
    mut child: Child,
    drained: tokio::task::JoinHandle<()>,
    shared: Arc<Shared>,
    speed: u32,
) {
    let group = process_id(&child);
    let reading = read_lines(stdout, &shared);
    tokio::pin!(reading);
    let (broken, exited) = tokio::select! {
        broken = &mut reading => (broken, None),
        status = child.wait() => (None, Some(status)),
    };
    if let Some(reason) = broken {
        shared.end(&reason);
        let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
    }
    let status = match exited {
        // What it wrote before it ended may still be in the pipe; what it started may hold the pipe open for ever.
        Some(status) => {
            let _ = timeout(real_seconds(1, speed), reading).await;
            status.map_or_else(|error| error.to_string(), |status| status.to_string())
        }
        // Output has ended; a process that goes on without it cannot be listened to.
        None => match timeout(real_seconds(5, speed), child.wait()).await {
            Ok(status) => status.map_or_else(|error| error.to_string(), |status| status.to_string()),
            Err(_) => "its output ended, its process did not".to_owned(),
        },
    };
    let _ = timeout(real_seconds(1, speed), drained).await;
    let stderr = match shared.lock().stderr.trim() {
        "" => String::new(),
        text => format!("\n{text}"),
    };
    let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
    shared.end(&Ended::Crashed { status, stderr });
}

/// Reads line by line; returns why it stopped if that was not the end of the output.
pub(super) async fn read_lines(stdout: impl AsyncRead + Unpin, shared: &Shared) -> Option<Ended> {
    let mut reader = BufReader::new(stdout);
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = u64::try_from(MAX_LINE_BYTES).expect("a mebibyte fits into 64 bits");
        match (&mut reader).take(limit).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return None,
            Ok(_) if line.len() == MAX_LINE_BYTES => {
                return Some(Ended::Protocol(format!("a line longer than {MAX_LINE_BYTES} bytes")));
            }
            Ok(_) => {}
        }
        let heard = Moment::now();
        if let Err(reason) = take_line(String::from_utf8_lossy(&line).trim_end(), heard, shared) {
            return Some(Ended::Protocol(reason));
        }
    }
}

fn take_line(line: &str, heard: Moment, shared: &Shared) -> Result<(), String> {
    match protocol::read(line) {
        Ok(Incoming::Answer(id, answer)) => take_answer(id, answer, shared),
        Ok(Incoming::Notice(notice)) => take_notice(notice, line.len(), heard, shared),
        Ok(Incoming::Late { at, by_ms }) => take_late(at, by_ms, shared),
        Err(LineError::Rubbish(text)) => take_rubbish(text, shared),
        Err(error @ LineError::Protocol { .. }) => Err(error.to_string()),
    }
}

fn take_answer(id: u64, answer: Result<Value, RpcError>, shared: &Shared) -> Result<(), String> {
    let waiting =
        shared.lock().pending.remove(&id).ok_or_else(|| format!("an answer to a request {id} that is not open"))?;
    // Whoever asked may have given up.
    let _ = waiting.send(answer);
    Ok(())
}

fn take_notice(notice: Notice, bytes: usize, heard: Moment, shared: &Shared) -> Result<(), String> {
    let mut state = shared.lock();
    if state.closed.contains(&notice.session) {
        return Ok(());
    }
    let Some(session) = state.sessions.get_mut(&notice.session) else {
        return Err(format!("a notification for session `{}`, which was never opened", notice.session));
    };
    session.count(bytes).map_err(|excess| format!("session `{}` sent {excess}", notice.session))?;
    session.tell(Heard::Notice(notice, heard));
    Ok(())
}

fn take_late(at: Moment, by_ms: f64, shared: &Shared) -> Result<(), String> {
    {
        let mut state = shared.lock();
        state.late += 1;
        if state.late > MAX_LATE {
            return Err(format!("more than {MAX_LATE} notes of lateness"));
        }
    }
    let by = Duration::try_from_secs_f64(by_ms / 1_000.0).unwrap_or_default();
    tell_all(&Heard::Late(at, by), shared);
    Ok(())
}

fn take_rubbish(text: String, shared: &Shared) -> Result<(), String> {
    {
        let mut state = shared.lock();
        state.rubbish += 1;
        if state.rubbish > MAX_RUBBISH {
            return Err(format!("more than {MAX_RUBBISH} lines that are not JSON, the last of them `{text}`"));
        }
    }
    tell_all(&Heard::Rubbish(text), shared);
    Ok(())
}

fn tell_all(heard: &Heard, shared: &Shared) {
    for session in shared.lock().sessions.values() {
        session.tell(heard.clone());
    }
}

/// Keeps the end of what the adapter writes to standard error.
pub(super) async fn drain_stderr(mut stderr: impl AsyncRead + Unpin, shared: Arc<Shared>) {
    let mut chunk = [0_u8; 4096];
    while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
        let mut state = shared.lock();
        state.stderr.push_str(&String::from_utf8_lossy(&chunk[..count]));
        let excess = state.stderr.len().saturating_sub(STDERR_KEPT_BYTES);
        let cut = (excess..=state.stderr.len()).find(|&at| state.stderr.is_char_boundary(at)).unwrap_or(0);
        state.stderr.drain(..cut);
    }
}

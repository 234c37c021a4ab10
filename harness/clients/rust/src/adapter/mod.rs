//! The adapter protocol, version 1: requests in, answers and notifications out.
//!
//! Bad input gets one clear error and never ends the loop. Knows nothing of what a client does inside a session.

mod late;
mod reporter;
mod rpc;

use std::collections::HashMap;
use std::io::{self, Write as _};

use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use crate::digitwin;
use crate::net::Base;
pub(crate) use reporter::Reporter;
use rpc::Output;
pub(crate) use rpc::{Field, Pending, RpcError};

const VERSION: i64 = 1;
const MAX_SESSIONS: usize = 200;

/// What `open` gives to a session.
pub(crate) struct Opening {
    pub(crate) url: Base,
    pub(crate) api: Base,
    pub(crate) token: Option<String>,
    pub(crate) options: Map<String, Value>,
    pub(crate) reporter: Reporter,
}

/// What a session is asked for.
pub(crate) enum Request {
    Act { action: String, args: Map<String, Value>, pending: Pending },
    Close { pending: Pending },
}

/// Serves until the input ends and everything that was opened is closed again.
///
/// `speed` is how many times fast the process's clock runs; it only bears on what counts as late.
pub async fn serve(input: impl AsyncRead + Unpin, output: impl AsyncWrite + Unpin, speed: f64) -> io::Result<()> {
    let (lines, written) = mpsc::unbounded_channel();
    let mut adapter = Adapter::new(Output::new(lines), speed);
    let answering = async {
        let mut lines = BufReader::new(input);
        let mut line = Vec::new();
        let read = loop {
            line.clear();
            match lines.read_until(b'\n', &mut line).await {
                Ok(0) => break Ok(()),
                Ok(_) => adapter.take(&line),
                Err(error) => break Err(error),
            }
        };
        adapter.finish().await;
        read
    };
    let mut answering = std::pin::pin!(answering);
    let mut writing = std::pin::pin!(write_lines(output, written));
    tokio::select! {
        read = &mut answering => { read?; }
        // It only ends before the rest if nobody reads any more.
        wrote = &mut writing => return wrote,
    }
    writing.await
}

async fn write_lines(
    mut output: impl AsyncWrite + Unpin,
    mut lines: mpsc::UnboundedReceiver<String>,
) -> io::Result<()> {
    while let Some(mut line) = lines.recv().await {
        line.push('\n');
        output.write_all(line.as_bytes()).await?;
        if lines.is_empty() {
            output.flush().await?;
        }
    }
    output.flush().await
}

/// Standard error is free text; where it is closed, nobody wants to know.
fn ignored(line: &[u8]) {
    let text = String::from_utf8_lossy(line);
    let shown: String = text.trim().chars().take(80).collect();
    if !shown.is_empty() {
        let _ = writeln!(io::stderr(), "ignored, not JSON: {shown}");
    }
}

struct Adapter {
    output: Output,
    speed: f64,
    sessions: HashMap<String, mpsc::UnboundedSender<Request>>,
    running: JoinSet<()>,
    watch: Option<AbortHandle>,
}

impl Adapter {
    fn new(output: Output, speed: f64) -> Self {
        Self { output, speed, sessions: HashMap::new(), running: JoinSet::new(), watch: None }
    }

    /// Takes one line. One that is not JSON cannot be answered: there is no id to answer to.
    fn take(&mut self, line: &[u8]) {
        let Ok(message) = serde_json::from_slice::<Value>(line) else { return ignored(line) };
        let pending = Pending::new(message.get("id").cloned(), self.output.clone());
        let (Some("2.0"), Some(method)) = (message["jsonrpc"].as_str(), message["method"].as_str()) else {
            return pending.answer(Err(RpcError::invalid_request()));
        };
        let params = message["params"].as_object().cloned().unwrap_or_default();
        match method {
            "initialize" => pending.answer(self.initialize(&params)),
            "open" => pending.answer(self.open(&params)),
            "act" => self.act(&params, pending),
            "close" => self.close(&params, pending),
            other => pending.answer(Err(RpcError::unknown_method(other))),
        }
    }

    fn initialize(&mut self, params: &Map<String, Value>) -> Result<Value, RpcError> {
        if params.integer("protocol")? != VERSION {
            return Err(RpcError::bad_field("protocol", "1"));
        }
        // No part of these clients draws from a seed: their waits have no jitter, and their tokens must be unique.
        params.integer("seed")?;
        if self.watch.is_none() {
            self.watch = Some(self.running.spawn(late::watch(self.speed, self.output.clone())));
        }
        Ok(json!({
            "protocol": VERSION,
            "name": "built-in",
            "version": env!("CARGO_PKG_VERSION"),
            "library": {"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")},
            "systems": [digitwin::ID],
            "actions": digitwin::ACTIONS,
            "exposes": ["states", "events", "tokens", "logs"],
            "declarations": digitwin::declarations(),
            "max_sessions": MAX_SESSIONS,
        }))
    }

    fn open(&mut self, params: &Map<String, Value>) -> Result<Value, RpcError> {
        let id = params.text("session")?;
        if self.sessions.contains_key(id) {
            return Err(RpcError::bad_field("session", "an id that is not in use"));
        }
        if params.text("system")? != digitwin::ID {
            return Err(RpcError::bad_field("system", &format!("one of {}", digitwin::ID)));
        }
        let opening = Opening {
            url: params.base("url")?,
            api: params.base("api")?,
            token: params.text_or_null("token")?,
            options: params.map("options")?,
            reporter: Reporter::new(id, self.output.clone()),
        };
        let (requests, asked) = mpsc::unbounded_channel();
        self.running.spawn(digitwin::open(opening, asked));
        self.sessions.insert(id.to_owned(), requests);
        Ok(json!({}))
    }

    fn act(&mut self, params: &Map<String, Value>, pending: Pending) {
        let read = || {
            let session = self.session(params)?;
            let action = params.text("action")?.to_owned();
            if !digitwin::ACTIONS.contains(&action.as_str()) {
                return Err(RpcError::unsupported(&action));
            }
            Ok((session, action, params.map("args")?))
        };
        match read() {
            // A session that has ended drops the request, which answers it.
            Ok((session, action, args)) => drop(session.send(Request::Act { action, args, pending })),
            Err(error) => pending.answer(Err(error)),
        }
    }

    fn close(&mut self, params: &Map<String, Value>, pending: Pending) {
        match self.session(params).cloned() {
            Err(error) => pending.answer(Err(error)),
            Ok(session) => {
                self.sessions.retain(|_, other| !other.same_channel(&session));
                drop(session.send(Request::Close { pending }));
            }
        }
    }

    fn session(&self, params: &Map<String, Value>) -> Result<&mpsc::UnboundedSender<Request>, RpcError> {
        let id = params.text("session")?;
        self.sessions.get(id).ok_or_else(|| RpcError::no_session(id))
    }

    /// Closes every session and waits for all that runs.
    async fn finish(mut self) {
        if let Some(watch) = self.watch.take() {
            watch.abort();
        }
        for session in self.sessions.values() {
            let pending = Pending::new(None, self.output.clone());
            drop(session.send(Request::Close { pending }));
        }
        self.sessions.clear();
        while self.running.join_next().await.is_some() {}
    }
}

//! An adapter's process: started, spoken to, listened to, and ended with everything it started.
//!
//! One reader decides the order of what an adapter says; each session has a channel of its own. Knows nothing of
//! cases, steps or verdicts.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use sparring_mock_server::journal::Moment;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::protocol::{self, Hello, Incoming, LineError, MAX_LINE_BYTES, Notice, RpcError};

/// The most notifications that one session may send: a bound against floods, far above any honest client.
const MAX_NOTICES: usize = 50_000;
/// The most lines that are no JSON.
const MAX_RUBBISH: usize = 1_000;
/// How much of the standard error is kept for reports.
const STDERR_KEPT_BYTES: usize = 16 * 1024;

/// How to start an adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The name under which its results stand.
    pub name: String,
    /// Program and arguments.
    pub command: Vec<String>,
    /// The folder in which it runs.
    pub directory: PathBuf,
    /// Seconds of document time in a real second, so that waits for the adapter itself are real ones.
    pub speed: u32,
}

/// Why an adapter could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// There is no such program, or it may not be run.
    #[error("adapter `{name}` could not be started with `{command}`: {source}")]
    Start {
        /// The adapter.
        name: String,
        /// What was run.
        command: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It ended or broke the protocol before it had introduced itself.
    #[error("adapter `{name}` did not introduce itself: {reason}")]
    Hello {
        /// The adapter.
        name: String,
        /// What happened instead.
        reason: String,
    },
}

/// How an adapter's process ended. `Display` is the reason in a report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// By itself, in mid-run.
    #[error("the adapter's process ended ({status}){stderr}")]
    Crashed {
        /// Exit status.
        status: String,
        /// The end of what it wrote to standard error, behind a line break.
        stderr: String,
    },
    /// It was ended because it broke the protocol.
    #[error("the adapter broke its protocol: {0}")]
    Protocol(String),
    /// It was ended because it did not answer.
    #[error("the adapter hangs: {0}")]
    Hung(String),
}

/// What a session hears.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// A notification of the client.
    Notice(Notice, Moment),
    /// A line that is no message; it may come from any session.
    Rubbish(String),
    /// The adapter's timers were late by this much, in document time.
    Late(Moment, Duration),
    /// The process is gone: nothing follows.
    Ended(Ended),
}

/// A running adapter. Dropping the last clone kills its process group.
#[derive(Debug, Clone)]
pub struct Adapter {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    launch: Launch,
    hello: Hello,
    shared: Arc<Shared>,
    stdin: tokio::sync::Mutex<Option<ChildStdin>>,
    group: Group,
}

/// A process group that is killed when its owner goes.
#[derive(Debug)]
struct Group(nix::unistd::Pid);

impl Drop for Group {
    fn drop(&mut self) {
        // The group may be gone already, which is what we want.
        let _ = nix::sys::signal::killpg(self.0, nix::sys::signal::Signal::SIGKILL);
    }
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next_id: u64,
    next_session: u64,
    pending: HashMap<u64, oneshot::Sender<Result<Value, RpcError>>>,
    sessions: HashMap<String, (mpsc::UnboundedSender<Heard>, usize)>,
    closed: HashSet<String>,
    rubbish: usize,
    stderr: String,
    ended: Option<Ended>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everybody who waits that nothing more will come. The first reason stands.
    fn end(&self, reason: &Ended) {
        let mut state = self.lock();
        let reason = state.ended.get_or_insert_with(|| reason.clone()).clone();
        state.pending.clear();
        for (_, (session, _)) in state.sessions.drain() {
            let _ = session.send(Heard::Ended(reason.clone()));
        }
    }

    fn ended(&self) -> Ended {
        let unknown = || Ended::Crashed { status: "unknown status".to_owned(), stderr: String::new() };
        self.lock().ended.clone().unwrap_or_else(unknown)
    }
}

impl Adapter {
    /// Starts an adapter and lets it introduce itself.
    pub async fn start(launch: Launch, seed: u64) -> Result<Self, LaunchError> {
        let mut child = spawn(&launch)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            unreachable!("all three streams were asked to be pipes")
        };
        let group = Group(process_id(&child));
        let shared = Arc::new(Shared::default());
        let drained = tokio::spawn(drain_stderr(stderr, Arc::clone(&shared)));
        tokio::spawn(listen(stdout, child, drained, Arc::clone(&shared), launch.speed));
        let stdin = tokio::sync::Mutex::new(Some(stdin));
        let hello = Hello::unknown(&launch.name);
        let mut inner = Inner { launch, hello, shared, stdin, group };
        inner.hello = inner.introduce(seed).await?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What it said of itself.
    pub fn hello(&self) -> &Hello {
        &self.inner.hello
    }

    /// Whether its process has ended, and how.
    pub fn ended(&self) -> Option<Ended> {
        self.inner.shared.lock().ended.clone()
    }

    /// Opens a session. What it says comes through the receiver.
    pub async fn open(&self, setup: SessionSetup<'_>) -> Result<(Session, mpsc::UnboundedReceiver<Heard>), Ended> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let id = {
            let mut state = self.inner.shared.lock();
            if let Some(ended) = &state.ended {
                return Err(ended.clone());
            }
            state.next_session += 1;
            let id = format!("s{}", state.next_session);
            state.sessions.insert(id.clone(), (sender, 0));
            id
        };
        let session = Session { adapter: self.clone(), id };
        let params = json!({
            "session": session.id, "system": setup.system, "url": setup.url, "api": setup.url,
            "token": setup.token, "options": setup.options,
        });
        match self.inner.ask("open", &params, real_seconds(30, self.inner.launch.speed)).await? {
            Ok(_) => Ok((session, receiver)),
            Err(error) => Err(self.inner.break_off(&Ended::Protocol(format!("`open` was refused: {error}")))),
        }
    }

    /// Ends the adapter in good order: end of input, then a bounded wait, then the process group is killed. Returns how
    /// it ended, if it did by itself.
    pub async fn stop(self) -> Option<Ended> {
        self.inner.stdin.lock().await.take();
        let gone = async {
            while self.ended().is_none() {
                tokio::time::sleep(Duration::from_millis(5) * self.inner.launch.speed).await;
            }
        };
        let _ = timeout(real_seconds(5, self.inner.launch.speed), gone).await;
        self.ended()
    }
}

/// What `open` carries.
#[derive(Debug, Clone, Copy)]
pub struct SessionSetup<'a> {
    /// System id.
    pub system: &'a str,
    /// Where the client connects, and the base of the REST endpoints.
    pub url: &'a str,
    /// What its token storage holds.
    pub token: Option<&'a str>,
    /// Settings that the document names.
    pub options: &'a serde_json::Map<String, Value>,
}

/// One client inside an adapter.
#[derive(Debug, Clone)]
pub struct Session {
    adapter: Adapter,
    id: String,
}

/// An answer that is still to come; none of it if the process ended first.
pub type Answer = oneshot::Receiver<Result<Value, RpcError>>;

impl Session {
    /// Writes the request for an action; returns when it has been written.
    pub async fn act(&self, action: &str, args: &serde_json::Map<String, Value>) -> Result<Answer, Ended> {
        let params = json!({"session": self.id, "action": action, "args": args});
        self.adapter.inner.send("act", &params).await
    }

    /// Closes the session. From now on what the adapter says of it is ignored.
    pub async fn close(self) -> Result<Value, Ended> {
        let inner = &self.adapter.inner;
        let answer = inner.ask("close", &json!({"session": self.id}), real_seconds(10, inner.launch.speed)).await;
        {
            let mut state = inner.shared.lock();
            state.sessions.remove(&self.id);
            state.closed.insert(self.id.clone());
        }
        match answer? {
            Ok(value) => Ok(value),
            Err(error) => Err(inner.break_off(&Ended::Protocol(format!("`close` was refused: {error}")))),
        }
    }
}

impl Inner {
    async fn introduce(&self, seed: u64) -> Result<Hello, LaunchError> {
        let failed = |reason: String| LaunchError::Hello { name: self.launch.name.clone(), reason };
        let params = json!({"protocol": protocol::VERSION, "seed": seed});
        let wait = real_seconds(60, self.launch.speed);
        let answer = self.ask("initialize", &params, wait).await.map_err(|ended| failed(ended.to_string()))?;
        let answer = answer.map_err(|error| failed(error.to_string()))?;
        let hello: Hello = serde_json::from_value(answer).map_err(|error| failed(format!("its answer: {error}")))?;
        if hello.protocol == protocol::VERSION {
            return Ok(hello);
        }
        Err(failed(format!("it speaks version {} of the protocol, expected {}", hello.protocol, protocol::VERSION)))
    }

    /// Asks and waits for the answer.
    async fn ask(&self, method: &str, params: &Value, wait: Duration) -> Result<Result<Value, RpcError>, Ended> {
        let answer = self.send(method, params).await?;
        match timeout(wait, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(self.shared.ended()),
            Err(_) => Err(self.break_off(&Ended::Hung(format!("no answer to `{method}`")))),
        }
    }

    async fn send(&self, method: &str, params: &Value) -> Result<Answer, Ended> {
        let (sender, answer) = oneshot::channel();
        let id = {
            let mut state = self.shared.lock();
            if let Some(ended) = &state.ended {
                return Err(ended.clone());
            }
            state.next_id += 1;
            let id = state.next_id;
            state.pending.insert(id, sender);
            id
        };
        let line = protocol::request(id, method, params);
        let write = async {
            match self.stdin.lock().await.as_mut() {
                Some(stdin) => stdin.write_all(line.as_bytes()).await,
                None => Ok(()),
            }
        };
        match timeout(real_seconds(10, self.launch.speed), write).await {
            // A closed pipe means that the process is gone; its listener is about to say how.
            Ok(_written) => Ok(answer),
            Err(_) => Err(self.break_off(&Ended::Hung(format!("it does not read its input (`{method}`)")))),
        }
    }

    /// Ends the process because it cannot be spoken to any longer.
    fn break_off(&self, reason: &Ended) -> Ended {
        self.shared.end(reason);
        let _ = nix::sys::signal::killpg(self.group.0, nix::sys::signal::Signal::SIGKILL);
        self.shared.ended()
    }
}

impl Hello {
    fn unknown(name: &str) -> Self {
        Self {
            protocol: protocol::VERSION,
            name: name.to_owned(),
            version: String::new(),
            library: protocol::Library::default(),
            systems: Vec::new(),
            actions: Vec::new(),
            exposes: Vec::new(),
            declarations: serde_json::Map::new(),
            max_sessions: None,
        }
    }
}

/// Real seconds in document time.
fn real_seconds(seconds: u64, speed: u32) -> Duration {
    Duration::from_secs(seconds) * speed
}

fn spawn(launch: &Launch) -> Result<Child, LaunchError> {
    let failed = |source| LaunchError::Start { name: launch.name.clone(), command: launch.command.join(" "), source };
    let (program, args) = launch.command.split_first().ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
    Command::new(program)
        .args(args)
        .current_dir(&launch.directory)
        .env("SPARRING_SPEED", launch.speed.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own: Ctrl-C is ours to handle, and what it starts ends with it.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)
}

fn process_id(child: &Child) -> nix::unistd::Pid {
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    nix::unistd::Pid::from_raw(id.expect("a child that was just started and not awaited has an id"))
}

/// Reads standard output to its end, then says how the process ended.
async fn listen(
    stdout: impl AsyncRead + Unpin,
    mut child: Child,
    drained: tokio::task::JoinHandle<()>,
    shared: Arc<Shared>,
    speed: u32,
) {
    let broken = read_lines(stdout, &shared).await;
    if let Some(reason) = broken {
        shared.end(&reason);
        let _ = nix::sys::signal::killpg(process_id(&child), nix::sys::signal::Signal::SIGKILL);
    }
    // Output has ended; a process that goes on without it cannot be listened to.
    let status = match timeout(real_seconds(5, speed), child.wait()).await {
        Ok(Ok(status)) => status.to_string(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "its output ended, its process did not".to_owned(),
    };
    let _ = timeout(real_seconds(1, speed), drained).await;
    let stderr = match shared.lock().stderr.trim() {
        "" => String::new(),
        text => format!("\n{text}"),
    };
    shared.end(&Ended::Crashed { status, stderr });
}

/// Reads line by line; returns why it stopped if that was not the end of the output.
async fn read_lines(stdout: impl AsyncRead + Unpin, shared: &Shared) -> Option<Ended> {
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
        Ok(Incoming::Notice(notice)) => take_notice(notice, heard, shared),
        Ok(Incoming::Late { at, by_ms }) => {
            let by = Duration::try_from_secs_f64(by_ms / 1_000.0).unwrap_or_default();
            tell_all(&Heard::Late(at, by), shared);
            Ok(())
        }
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

fn take_notice(notice: Notice, heard: Moment, shared: &Shared) -> Result<(), String> {
    let mut state = shared.lock();
    if state.closed.contains(&notice.session) {
        return Ok(());
    }
    let Some((session, count)) = state.sessions.get_mut(&notice.session) else {
        return Err(format!("a notification for session `{}`, which was never opened", notice.session));
    };
    *count += 1;
    if *count > MAX_NOTICES {
        return Err(format!("session `{}` sent more than {MAX_NOTICES} notifications", notice.session));
    }
    let _ = session.send(Heard::Notice(notice, heard));
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
    for (session, _) in shared.lock().sessions.values() {
        let _ = session.send(heard.clone());
    }
}

/// Keeps the end of what the adapter writes to standard error.
async fn drain_stderr(mut stderr: impl AsyncRead + Unpin, shared: Arc<Shared>) {
    let mut chunk = [0_u8; 4096];
    while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
        let mut state = shared.lock();
        state.stderr.push_str(&String::from_utf8_lossy(&chunk[..count]));
        let excess = state.stderr.len().saturating_sub(STDERR_KEPT_BYTES);
        let cut = (excess..=state.stderr.len()).find(|&at| state.stderr.is_char_boundary(at)).unwrap_or(0);
        state.stderr.drain(..cut);
    }
}

//! An adapter's process: started, spoken to, listened to, and ended with everything it started.
//!
//! Each session has a channel of its own. Knows nothing of cases, steps or verdicts.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sparring_mock_server::journal::Moment;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use super::listener::{Shared, drain_stderr, listen};
use super::protocol::{self, Hello, Notice, RpcError};

/// How many sessions an adapter is asked to serve at once if it names no limit.
const MOST_SESSIONS: usize = 1_000;

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
    /// One for each session that it can serve at once.
    seats: Arc<Semaphore>,
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
        let seats = Arc::new(Semaphore::new(MOST_SESSIONS));
        let mut inner = Inner { launch, hello, seats, shared, stdin, group };
        inner.hello = inner.introduce(seed).await?;
        inner.seats = Arc::new(Semaphore::new(inner.hello.most_sessions()));
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

    /// Waits until the adapter can serve so many more sessions, or all that it can if they are more; they are given back
    /// when the permit is dropped.
    pub async fn seats(&self, sessions: usize) -> OwnedSemaphorePermit {
        let sessions = u32::try_from(sessions.min(self.inner.hello.most_sessions())).unwrap_or(u32::MAX);
        let seats = Arc::clone(&self.inner.seats).acquire_many_owned(sessions).await;
        seats.expect("nobody closes the semaphore")
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
            state.sessions.insert(id.clone(), sender.into());
            id
        };
        let session = Session { adapter: self.clone(), id };
        let params = json!({
            "session": session.id, "system": setup.system, "url": setup.url, "api": setup.url,
            "token": setup.token, "options": setup.options,
        });
        match self.inner.ask("open", &params, 30).await? {
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
        let answer = inner.ask("close", &json!({"session": self.id}), 10).await;
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
        let answer = self.ask("initialize", &params, 60).await.map_err(|ended| failed(ended.to_string()))?;
        let answer = answer.map_err(|error| failed(error.to_string()))?;
        let hello: Hello = serde_json::from_value(answer).map_err(|error| failed(format!("its answer: {error}")))?;
        if hello.protocol == protocol::VERSION {
            return Ok(hello);
        }
        Err(failed(format!("it speaks version {} of the protocol, expected {}", hello.protocol, protocol::VERSION)))
    }

    /// Asks and waits for the answer, so many real seconds at most.
    async fn ask(&self, method: &str, params: &Value, seconds: u64) -> Result<Result<Value, RpcError>, Ended> {
        let answer = self.send(method, params).await?;
        match timeout(real_seconds(seconds, self.launch.speed), answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(self.shared.ended()),
            Err(_) => Err(self.break_off(&Ended::Hung(format!("no answer to `{method}` within {seconds} s")))),
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
    fn most_sessions(&self) -> usize {
        self.max_sessions.unwrap_or(MOST_SESSIONS).clamp(1, MOST_SESSIONS)
    }

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
pub(super) fn real_seconds(seconds: u64, speed: u32) -> Duration {
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

pub(super) fn process_id(child: &Child) -> nix::unistd::Pid {
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    nix::unistd::Pid::from_raw(id.expect("a child that was just started and not awaited has an id"))
}

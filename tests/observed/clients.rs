//! The observer: one process in which every official client runs, and the questions that wait for its answers.
//!
//! Knows its lines and nothing of faults.

use std::collections::{BTreeMap, HashMap};
use std::process::Stdio;
use std::sync::Arc;

use serde_json::Value;
use sparring_mock_server::journal::Entry;
use sparring_mock_server::server::MockServer;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex, oneshot};

use crate::support::top;

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Vec<String>>>>>;

/// The clients, ready to meet a mock.
pub(super) struct Clients {
    /// Their versions.
    pub(super) versions: BTreeMap<String, String>,
    waiting: Waiting,
    jobs: Mutex<(u64, ChildStdin)>,
    objections: std::sync::Mutex<Vec<String>>,
    _process: Child,
}

impl Clients {
    /// Starts the observer.
    pub(super) async fn start() -> Self {
        let mut process = Command::new("node")
            .arg("tests/observed/observe.mjs")
            .current_dir(top())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("its libraries are installed, so there is Node");
        let jobs = process.stdin.take().expect("it is piped");
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let first = lines.next_line().await.expect("its output can be read").expect("it introduces itself");
        let first: Value = serde_json::from_str(&first).expect("it prints JSON");
        let versions = serde_json::from_value(first["versions"].clone()).expect("it names versions");
        let waiting = Waiting::default();
        tokio::spawn(answer(lines, Arc::clone(&waiting)));
        Self {
            versions,
            waiting,
            jobs: Mutex::new((0, jobs)),
            objections: std::sync::Mutex::default(),
            _process: process,
        }
    }

    /// Lets a client meet a mock; returns what it reported.
    pub(super) async fn meet(&self, mut job: Value) -> Vec<String> {
        let (answer, answered) = oneshot::channel();
        let mut jobs = self.jobs.lock().await;
        jobs.0 += 1;
        job["id"] = jobs.0.into();
        self.waiting.lock().await.insert(jobs.0, answer);
        jobs.1.write_all(format!("{job}\n").as_bytes()).await.expect("the observer reads its jobs");
        drop(jobs);
        answered.await.expect("the observer answers every job")
    }
}

impl Clients {
    /// Keeps what speaks against a meeting: a first rule that never fired, a mock that broke its contract.
    pub(super) fn object(&self, rule: &str, mock: &MockServer) {
        let fired = |entry: &Entry| matches!(entry, Entry::Fault(fault) if fault.rule == 0);
        let fired = mock.journal().since(0).iter().any(|record| fired(&record.entry));
        let unmet = (!fired).then(|| format!("{rule}: met by nobody"));
        let violations = mock.violations();
        let broken = violations.iter().map(|violation| format!("{rule}: {violation}"));
        self.objections.lock().expect("nobody panics with it").extend(unmet.into_iter().chain(broken));
    }

    /// What speaks against the meetings so far.
    pub(super) fn objections(&self) -> Vec<String> {
        self.objections.lock().expect("nobody panics with it").clone()
    }
}

/// Hands every answer to whom it belongs. At the end of the output those who still wait learn that nothing comes.
async fn answer(mut lines: Lines<BufReader<ChildStdout>>, waiting: Waiting) {
    while let Ok(Some(line)) = lines.next_line().await {
        let answer: Value = serde_json::from_str(&line).expect("the observer prints JSON");
        let id = answer["id"].as_u64().expect("an answer names its job");
        let reports = serde_json::from_value(answer["lines"].clone()).expect("an answer has lines");
        if let Some(asked) = waiting.lock().await.remove(&id) {
            // Whoever asked may have given up.
            let _ = asked.send(reports);
        }
    }
    waiting.lock().await.clear();
}

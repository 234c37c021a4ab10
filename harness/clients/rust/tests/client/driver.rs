//! What the tests share: a mock, the adapter's loop on a pipe, and a list of all that it has said.
//!
//! Nothing here sleeps: one waits for what is written.

use std::time::Duration;

use serde_json::{Map, Value, json};
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::journal::{Actor, Entry};
use sparring_mock_server::script::read_rules;
use sparring_mock_server::server::MockServer;
use sparring_mock_server::tokens::TokenSpec;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf};
use tokio::task::JoinHandle;

/// Long enough for a busy machine; only a test that fails waits so long.
const LIMIT: Duration = Duration::from_secs(20);

/// A mock with these rules, for the actor `client`.
pub(crate) async fn mock(rules: &Value) -> MockServer {
    let rules = read_rules(rules).expect("the rules are well-formed");
    MockServer::builder(SystemId::Digitwin).rules(rules).start().await.expect("a free port")
}

/// A token of a kind, or as a map describes it.
pub(crate) fn token(mock: &MockServer, kind: &Value) -> Option<String> {
    let spec = TokenSpec::read(kind, SystemId::Digitwin.contract()).expect("a token");
    spec.map(|spec| mock.mint(&spec, Some("alice")).value)
}

/// The address of the actor `client`.
pub(crate) fn url(mock: &MockServer) -> String {
    mock.url(&Actor::new("client"))
}

/// The tokens of the CONNECT packets that the mock received, in order.
pub(crate) fn presented(mock: &MockServer) -> Vec<Option<String>> {
    let records = mock.journal().since(0);
    let connects = records.iter().filter_map(|record| match &record.entry {
        Entry::Received(message) if message.name == "CONNECT" => Some(message.token.clone()),
        _ => None,
    });
    connects.collect()
}

/// How many records of a kind the mock has written.
pub(crate) fn count(mock: &MockServer, fits: impl Fn(&Entry) -> bool) -> usize {
    mock.journal().since(0).iter().filter(|record| fits(&record.entry)).count()
}

/// The adapter's loop, as the runner sees it.
pub(crate) struct Adapter {
    input: WriteHalf<DuplexStream>,
    output: Lines<BufReader<ReadHalf<DuplexStream>>>,
    running: JoinHandle<std::io::Result<()>>,
    asked: u64,
    /// Every line so far.
    pub(crate) seen: Vec<Value>,
}

impl Adapter {
    pub(crate) fn start() -> Self {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let (input, output) = tokio::io::split(far);
        let running = tokio::spawn(sparring_client::serve(input, output, 1.0));
        let (output, input) = tokio::io::split(near);
        Self { input, output: BufReader::new(output).lines(), running, asked: 0, seen: Vec::new() }
    }

    /// An adapter with one session, `s`, for this mock.
    pub(crate) async fn open(mock: &MockServer, kind: &Value, options: &Value) -> Self {
        let mut adapter = Self::start();
        let params = json!({
            "session": "s", "system": "digitwin", "url": url(mock), "api": url(mock),
            "token": token(mock, kind), "options": options,
        });
        adapter.ask("open", &params).await.expect("opened");
        adapter
    }

    /// Writes a line.
    pub(crate) async fn write(&mut self, line: &str) {
        self.input.write_all(format!("{line}\n").as_bytes()).await.expect("the loop reads");
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn ask(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        self.asked += 1;
        let id = self.asked;
        self.write(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()).await;
        let answer = self.until(&format!("the answer to {method}"), |line| line["id"] == id).await;
        answer.get("error").map_or_else(|| Ok(answer["result"].clone()), |error| Err(error.clone()))
    }

    /// Takes an action in the session `s`.
    pub(crate) async fn act(&mut self, action: &str) -> Value {
        self.act_with(action, &json!({})).await.expect(action)
    }

    /// The same, with arguments.
    pub(crate) async fn act_with(&mut self, action: &str, args: &Value) -> Result<Value, Value> {
        let result = self.ask("act", &json!({"session": "s", "action": action, "args": args})).await;
        result.map(|result| result["value"].clone())
    }

    /// Closes the session `s`, which has to leave nothing behind.
    pub(crate) async fn close(&mut self) {
        let left = self.ask("close", &json!({"session": "s"})).await;
        assert_eq!(left, Ok(json!({"sockets": 0, "timers": 0})));
    }

    /// Ends the input and waits until the loop is over.
    pub(crate) async fn end(mut self) {
        self.input.shutdown().await.expect("the pipe is open");
        drop(self.input);
        while self.output.next_line().await.expect("text").is_some() {}
        self.running.await.expect("no panic").expect("no error");
    }

    /// The first line, past or future, that fits.
    pub(crate) async fn until(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let mut next = 0;
        loop {
            while let Some(line) = self.seen.get(next) {
                if fits(line) {
                    return line.clone();
                }
                next += 1;
            }
            self.listen(what).await;
        }
    }

    /// Waits until the state has been reached so many times.
    pub(crate) async fn state(&mut self, name: &str, times: usize) {
        while self.states().iter().filter(|state| *state == name).count() < times {
            self.listen(name).await;
        }
    }

    /// Takes in one more line.
    async fn listen(&mut self, what: &str) {
        match tokio::time::timeout(LIMIT, self.output.next_line()).await {
            Ok(Ok(Some(line))) => self.seen.push(serde_json::from_str(&line).expect("only JSON comes out")),
            other => panic!("waited in vain for {what}: {other:?}; so far {:#?}", self.seen),
        }
    }

    /// The states reported so far.
    pub(crate) fn states(&self) -> Vec<String> {
        let states = self.seen.iter().filter(|line| line["method"] == "state");
        states.map(|line| line["params"]["to"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The fields of every log line with this message.
    pub(crate) fn logs(&self, message: &str) -> Vec<Map<String, Value>> {
        let lines = self.seen.iter().filter(|line| line["method"] == "log" && line["params"]["message"] == message);
        lines.map(|line| line["params"]["fields"].as_object().cloned().unwrap_or_default()).collect()
    }
}

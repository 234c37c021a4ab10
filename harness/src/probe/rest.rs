//! One HTTP request of a probe, outside any connection, and the records of it and of its answer.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;
use sparring_client::net::{Base, Call, Reply, Sockets, exchange_on};
use sparring_mock_server::contract::Contract;
use sparring_mock_server::journal::{Answer, Entry, Moment};
use sparring_mock_server::lane::{self, Head};

use super::recorder::Recorder;
use super::words;

/// The request. A text is sent as it is, anything else as JSON.
pub(super) fn call(base: &Base, method: Method, path: &str, headers: HeaderMap, body: Option<Value>) -> Call {
    let mut call = Call { headers, ..Call::new(method, base.target(path)) };
    let (content_type, bytes) = match body {
        None => return call.addressed(base),
        Some(Value::String(text)) => ("text/plain;charset=UTF-8", text),
        Some(json) => ("application/json", json.to_string()),
    };
    call.headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(content_type));
    call.body = bytes.into();
    call.addressed(base)
}

/// A request and where its records stand.
pub(super) struct Exchange {
    recorder: Recorder,
    head: Head,
    /// The connection that it opens, if it does.
    connection: Option<u32>,
}

impl Exchange {
    /// Counts the request among the attempts if it is one.
    pub(super) fn new(recorder: Recorder, contract: &'static Contract, call: &Call, attempts: &mut u32) -> Self {
        let head = words::head(&call.method, &call.target, &call.headers, contract);
        *attempts += u32::from(head.is_attempt());
        let connection = head.is_attempt().then_some(*attempts);
        Self { recorder, head, connection }
    }

    /// Sends the request and records it and its answer; where there is no answer, there is no record of one.
    pub(super) async fn run(self, base: Base, call: Call) {
        let Ok(stream) = Sockets::default().dial(base.authority()).await else { return };
        let asked = Moment::now();
        self.asked(lane::body(&call.body));
        if let Ok(reply) = exchange_on(stream, call).await {
            self.answered(asked, &reply);
        }
    }

    fn asked(&self, body: Value) {
        let entry = match self.connection {
            Some(number) => Entry::Attempt(self.head.attempt(number)),
            None => Entry::Request(self.head.request(body)),
        };
        self.recorder.write(self.connection, self.head.transport(), entry);
    }

    fn answered(&self, asked: Moment, reply: &Reply) {
        let (name, status) = (self.head.name(), reply.status);
        let answer =
            Answer { name, status, headers: lane::headers(&reply.headers), body: lane::body(&reply.body), asked };
        self.recorder.write(self.connection, self.head.transport(), Entry::Answer(answer));
    }
}

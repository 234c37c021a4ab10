//! A bare TCP connection of a probe, for bytes of any kind.
//!
//! The first request head that goes out and the first answer head that comes back are recorded as such, and so is the
//! end of the connection; all other bytes have no word in the lane.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use sparring_client::net::{Base, Sockets, Stream};
use sparring_mock_server::contract::Contract;
use sparring_mock_server::journal::{Answer, Closed, Closer, Entry, Moment};
use sparring_mock_server::lane::{self, Head};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::task::JoinSet;

use super::recorder::Recorder;
use super::words;

/// The longest head that is looked at.
const MAX_HEAD: usize = 64 * 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct RawLink {
    writer: WriteHalf<Stream>,
    /// What has been written while it may still be a request head.
    written: Vec<u8>,
    contract: &'static Contract,
    sockets: Sockets,
    story: Arc<Story>,
    /// The reader; ends with the link.
    reader: JoinSet<()>,
}

/// What is recorded of the connection.
#[derive(Debug)]
struct Story {
    recorder: Recorder,
    asked: Mutex<Option<(Head, Option<u32>, Moment)>>,
}

impl RawLink {
    pub(super) async fn open(base: &Base, recorder: Recorder, contract: &'static Contract) -> io::Result<Self> {
        let sockets = Sockets::default();
        let (reading, writer) = tokio::io::split(sockets.dial(base.authority()).await?);
        let story = Arc::new(Story { recorder, asked: Mutex::default() });
        let mut reader = JoinSet::new();
        reader.spawn(read(reading, Arc::clone(&story)));
        Ok(Self { writer, written: Vec::new(), contract, sockets, story, reader })
    }

    /// Writes bytes; returns when the system has taken them.
    pub(super) async fn send(&mut self, bytes: &[u8], attempts: &mut u32) -> io::Result<()> {
        if self.written.len() < MAX_HEAD {
            self.written.extend_from_slice(bytes);
        }
        if !self.story.is_told()
            && let Some(head) = request_head(&self.written, self.contract)
        {
            *attempts += u32::from(head.is_attempt());
            let connection = head.is_attempt().then_some(*attempts);
            self.story.asks(head, connection);
        }
        self.writer.write_all(bytes).await?;
        self.writer.flush().await
    }

    /// Ends the connection with a TCP reset.
    pub(super) async fn reset(self) {
        let Self { writer, sockets, story, mut reader, .. } = self;
        sockets.end_with_reset();
        reader.shutdown().await;
        drop(writer);
        story.closes(Closer::Client);
    }
}

impl Story {
    fn asked(&self) -> Option<(Head, Option<u32>, Moment)> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_told(&self) -> bool {
        self.asked().is_some()
    }

    fn asks(&self, head: Head, connection: Option<u32>) {
        let entry = match connection {
            Some(number) => Entry::Attempt(head.attempt(number)),
            None => Entry::Request(head.request(serde_json::Value::Null)),
        };
        self.recorder.write(connection, head.transport(), entry);
        let told = Some((head, connection, Moment::now()));
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = told;
    }

    fn answers(&self, status: u16, headers: &HeaderMap, rest: &[u8]) {
        let Some((head, connection, asked)) = self.asked() else { return };
        let answer =
            Answer { name: head.name(), status, headers: lane::headers(headers), body: lane::body(rest), asked };
        self.recorder.write(connection, head.transport(), Entry::Answer(answer));
    }

    fn closes(&self, by: Closer) {
        let (connection, transport) = match self.asked() {
            Some((head, connection, _)) => (connection, head.transport()),
            None => (None, None),
        };
        let closed = Closed { by, code: None, reason: None, clean: false };
        self.recorder.write(connection, transport, Entry::Closed(closed));
    }
}

/// Reads to the end of the connection.
async fn read(mut reading: ReadHalf<Stream>, story: Arc<Story>) {
    let (mut seen, mut chunk) = (Vec::new(), vec![0; 4_096]);
    let mut answered = false;
    let by = loop {
        match reading.read(&mut chunk).await {
            Ok(0) => break Closer::Server,
            Err(_) => break Closer::Network,
            Ok(count) if !answered && seen.len() < MAX_HEAD => seen.extend_from_slice(&chunk[..count]),
            Ok(_) => {}
        }
        if !answered && let Some((status, headers, rest)) = answer_head(&seen) {
            story.answers(status, &headers, rest);
            answered = true;
        }
    };
    story.closes(by);
}

/// First line, header fields and what follows, once the head is whole.
fn head(bytes: &[u8]) -> Option<(&str, HeaderMap, &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let mut lines = std::str::from_utf8(&bytes[..end]).ok()?.split("\r\n");
    let first = lines.next()?;
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value.trim())) {
            headers.append(name, value);
        }
    }
    Some((first, headers, &bytes[end + 4..]))
}

fn request_head(bytes: &[u8], contract: &'static Contract) -> Option<Head> {
    let (line, headers, _) = head(bytes)?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.parse::<Method>().ok()?, words.next()?);
    words.next()?.starts_with("HTTP/1.").then(|| words::head(&method, target, &headers, contract))
}

fn answer_head(bytes: &[u8]) -> Option<(u16, HeaderMap, &[u8])> {
    let (line, headers, rest) = head(bytes)?;
    let status = line.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some((status, headers, rest))
}

//! Fuzz targets for what adapters print: single lines, and the whole output of a process.

use std::sync::Arc;

use bolero::check;
use sparring_fuzz::{Edited, Memory, Words, corpus};
use tokio::sync::{mpsc, oneshot};

use super::listener::{Shared, read_lines};
use super::process::Heard;
use super::protocol;

/// A JSON map of one member costs some hundred bytes, and is read twice.
const LINES: Memory = Memory { base: 128 * 1024, per_byte: 512 };

const WORDS: &[&str] = &[
    "{\"jsonrpc\":\"2.0\",",
    "\"id\":1",
    "\"result\":",
    "\"error\":{\"code\":-32001,\"message\":\"no\"}",
    "\"method\":",
    "\"state\"",
    "\"event\"",
    "\"token\"",
    "\"log\"",
    "\"late\"",
    "\"params\":{",
    "\"session\":\"s1\"",
    "\"at\":1733547600000",
    "\"at\":-1e308",
    "\"by\":1e308",
    "\"from\":null",
    "\"to\":\"b\"",
    "\"name\":\"x\"",
    "\"data\":",
    "\"op\":\"read\"",
    "\"level\":\"info\"",
    "\"message\":\"m\"",
    "}",
    "}}",
    ",",
    "\n",
];

const GOOD: [&str; 7] = [
    r#"{"jsonrpc":"2.0","id":1,"result":{"value":null}}"#,
    r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"no","data":{"action":"send"}}}"#,
    r#"{"method":"state","params":{"session":"s1","at":1733547600000.25,"from":"a","to":"b"}}"#,
    r#"{"method":"event","params":{"session":"s1","at":1,"name":"x","data":{"y":1}}}"#,
    r#"{"method":"token","params":{"session":"s1","at":1,"op":"read","kind":null,"prefix":""}}"#,
    r#"{"method":"log","params":{"session":"s1","level":"info","message":"m","fields":{"a":1}}}"#,
    r#"{"method":"late","params":{"at":1,"by":12.5}}"#,
];

#[test]
fn bytes() {
    check!(name = corpus("adapter-lines")).for_each(|bytes: &[u8]| listen(bytes));
}

#[test]
fn words() {
    check!().with_generator(Words(WORDS)).for_each(|text| listen(text.as_bytes()));
}

#[test]
fn edited_lines() {
    let mut texts: Vec<String> = GOOD.map(str::to_owned).to_vec();
    texts.push(GOOD.join("\n"));
    check!().with_generator(Edited { texts: &texts, words: WORDS }).for_each(|text| listen(text.as_bytes()));
}

/// Listens to an adapter that prints this, has one session and owes one answer.
fn listen(output: &[u8]) {
    for line in String::from_utf8_lossy(output).lines() {
        let error = LINES.bounds(line.len(), || protocol::read(line)).err().map(|error| error.to_string());
        assert!(error.is_none_or(|error| error.len() < 4_096), "what is said about a line is short");
    }
    let shared = Arc::new(Shared::default());
    let (session, mut heard) = mpsc::unbounded_channel();
    let (owed, _answer) = oneshot::channel();
    shared.lock().sessions.insert("s1".to_owned(), session.into());
    shared.lock().pending.insert(1, owed);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers");
    let broken = LINES.bounds(output.len(), || runtime.block_on(read_lines(output, &shared)));
    let told = std::iter::from_fn(|| heard.try_recv().ok()).inspect(|heard| assert!(!matches!(heard, Heard::Ended(_))));
    let lines = output.split(|byte| *byte == b'\n').count();
    assert!(told.count() <= lines, "a line is told once, {broken:?}");
}

//! Autobahn's cases for WebSocket servers by their numbers, groups 1 to 7 and 10, against the echo server.
//!
//! `autobahn.txt` says what each sends and expects, and how it is written. Where Autobahn takes more than one outcome for
//! good, the table has the stricter: nothing here is known to fail. Group 9 is about speed, 12 and 13 about an extension
//! that the server declines.

use std::time::Duration;

use futures_util::future::join_all;
use rstest::rstest;
use serde_json::json;
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::script::read_rules;
use sparring_mock_server::server::MockServer;
use sparring_mock_server::wire::{Frame, Opcode};

use crate::client::World;
use crate::raw::{MASK, Seen, Wire};

const TABLE: &str = include_str!("autobahn.txt");

/// How long nothing comes where nothing is to come yet.
const PAUSE: Duration = Duration::from_millis(60);

/// One case.
#[derive(Debug)]
struct Case {
    number: String,
    chopped: Chopped,
    /// Frames to send, up to each pause and behind the last.
    sent: Vec<Vec<Frame>>,
    /// Frames to come, up to each pause and behind the last.
    expected: Vec<Vec<Frame>>,
    end: End,
    /// Whether other frames may come before the end.
    lenient: bool,
}

/// How the bytes of the frames are put into writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chopped {
    AtOnce,
    Frames,
    Bytes(usize),
    /// So many bytes, a pause, and of the rest four at most: enough to find fault with.
    Cut(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Clean,
    Fails(u16),
    Answers(Option<u16>),
}

// Reading the table.

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn payload(text: &str) -> Vec<u8> {
    if !text.starts_with('{') {
        return text.as_bytes().to_vec();
    }
    let parts = text.split_terminator('}').map(|part| part.strip_prefix('{').unwrap());
    let bytes = parts.map(|part| match part.split_once('*') {
        Some((byte, count)) => hex(byte).repeat(count.parse().unwrap()),
        None => hex(part),
    });
    bytes.collect::<Vec<_>>().concat()
}

/// Takes the words of a script apart; spaces within parentheses are not between words.
fn words(script: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut inside = false;
    for c in script.chars() {
        inside = (inside || c == '(') && c != ')';
        if c == ' ' && !inside {
            words.push(String::new());
        } else {
            words.last_mut().unwrap().push(c);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn frames(word: &str) -> Vec<Frame> {
    let (head, rest) = word.split_once('(').unwrap();
    let (content, tail) = rest.rsplit_once(')').unwrap();
    let opcode = match head.chars().next().unwrap() {
        'T' => Opcode::Text,
        'B' => Opcode::Binary,
        'C' => Opcode::Continuation,
        'X' => Opcode::Close,
        'P' => Opcode::Ping,
        'O' => Opcode::Pong,
        _ => Opcode::Reserved(head[1..].parse().unwrap()),
    };
    let rsv = head.split_once('^').map_or(0, |(_, bits)| bits.parse().unwrap());
    let content = payload(content);
    let whole = Frame { fin: !head.ends_with('-'), rsv, ..Frame::new(opcode, content.clone()) };
    match (tail.chars().next(), tail.get(1..).and_then(|number| number.parse::<usize>().ok())) {
        (Some('/'), Some(size)) => fragments(opcode, &content, size),
        (Some('*'), Some(count)) => vec![whole; count],
        _ => vec![whole],
    }
}

fn fragments(opcode: Opcode, content: &[u8], size: usize) -> Vec<Frame> {
    let count = content.len().div_ceil(size);
    let piece = |(index, piece): (usize, &[u8])| {
        let opcode = if index == 0 { opcode } else { Opcode::Continuation };
        Frame { fin: index + 1 == count, ..Frame::new(opcode, piece.to_vec()) }
    };
    content.chunks(size).enumerate().map(piece).collect()
}

fn case(line: &str) -> Case {
    let (sent, expected) = line.split_once(" -> ").unwrap();
    let mut words_sent = words(sent);
    let mut case = Case {
        number: words_sent.remove(0),
        chopped: Chopped::AtOnce,
        sent: vec![Vec::new()],
        expected: vec![Vec::new()],
        end: End::Clean,
        lenient: false,
    };
    for word in words_sent {
        match word.split_once('=') {
            _ if word == "|" => case.sent.push(Vec::new()),
            _ if word == "sync" => case.chopped = Chopped::Frames,
            Some(("chop", size)) => case.chopped = Chopped::Bytes(size.parse().unwrap()),
            Some(("cut", size)) => case.chopped = Chopped::Cut(size.parse().unwrap()),
            _ => case.sent.last_mut().unwrap().extend(frames(&word)),
        }
    }
    for word in words(expected) {
        match word.split_once('=') {
            _ if word == "|" => case.expected.push(Vec::new()),
            _ if word == "?" => case.lenient = true,
            _ if word == "clean" => case.end = End::Clean,
            Some(("fails", code)) => case.end = End::Fails(code.parse().unwrap()),
            Some(("answers", code)) => case.end = End::Answers(code.parse().ok()),
            _ => case.expected.last_mut().unwrap().extend(frames(&word)),
        }
    }
    case
}

/// The cases of a line of texts.
fn texts(line: &str, begun: &mut (String, usize)) -> Vec<Case> {
    let mut cases = Vec::new();
    for word in line.split_whitespace() {
        if word.starts_with("6.") {
            *begun = (word.to_owned(), 0);
            continue;
        }
        begun.1 += 1;
        let (text, expected) = match word.strip_prefix('-') {
            Some(text) => (text, "fails=1007".to_owned()),
            None => (word, format!("T({{{word}}}) clean")),
        };
        cases.push(case(&format!("{}.{} T({{{text}}}) -> {expected}", begun.0, begun.1)));
    }
    cases
}

fn table() -> Vec<Case> {
    let mut begun = (String::new(), 0);
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.flat_map(|line| if line.contains(" -> ") { vec![case(line)] } else { texts(line, &mut begun) }).collect()
}

// Running a case.

impl Case {
    async fn run(&self, world: &World) -> Result<(), String> {
        let mut wire = Wire::open(world, "/").await;
        for (index, sent) in self.sent.iter().enumerate() {
            self.send(&mut wire, sent).await;
            let expected = self.expected.get(index).map_or(&[][..], Vec::as_slice);
            for frame in expected {
                expect(&mut wire, &Seen::Frame(frame.clone(), frame.to_bytes().to_vec())).await?;
            }
            if index + 1 < self.sent.len() && !wire.is_quiet(PAUSE).await {
                return Err("something has come too early".to_owned());
            }
        }
        self.end(&mut wire).await
    }

    async fn send(&self, wire: &mut Wire, frames: &[Frame]) {
        let frames: Vec<Vec<u8>> = frames.iter().map(|frame| frame.clone().masked(MASK).to_bytes().to_vec()).collect();
        match self.chopped {
            Chopped::AtOnce => wire.raw(&frames.concat()).await,
            Chopped::Frames => {
                for frame in frames {
                    wire.raw(&frame).await;
                    tokio::task::yield_now().await;
                }
            }
            Chopped::Bytes(size) => {
                for piece in frames.concat().chunks(size) {
                    wire.raw(piece).await;
                    tokio::task::yield_now().await;
                }
            }
            Chopped::Cut(size) => {
                let bytes = frames.concat();
                wire.raw(&bytes[..size]).await;
                assert!(wire.is_quiet(PAUSE).await, "{}: failed too early", self.number);
                wire.raw(&bytes[size..size + 4]).await;
            }
        }
    }

    async fn end(&self, wire: &mut Wire) -> Result<(), String> {
        let code = match self.end {
            End::Clean => {
                wire.send(Frame::close(Some(1_000), "")).await;
                Some(1_000)
            }
            End::Fails(code) => Some(code),
            End::Answers(code) => code,
        };
        let mut seen = wire.next().await;
        while self.lenient && matches!(&seen, Seen::Frame(frame, _) if frame.opcode == Opcode::Text) {
            seen = wire.next().await;
        }
        match &seen {
            Seen::Frame(frame, _) if frame.opcode == Opcode::Close && code_of(frame) == code => {}
            other => return Err(format!("expected a close with {code:?}, found {other:?}")),
        }
        expect(wire, &Seen::End).await
    }
}

fn code_of(close: &Frame) -> Option<u16> {
    close.payload.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

async fn expect(wire: &mut Wire, expected: &Seen) -> Result<(), String> {
    let seen = wire.next().await;
    if seen == *expected { Ok(()) } else { Err(format!("expected {expected:?}, found {seen:?}")) }
}

/// Runs all cases of a group, and names those that fail.
#[rstest]
#[case(1, 16)]
#[case(2, 11)]
#[case(3, 7)]
#[case(4, 10)]
#[case(5, 20)]
#[case(6, 145)]
#[case(7, 37)]
#[case(10, 1)]
#[tokio::test]
async fn cases_of_group(#[case] group: u32, #[case] count: usize) {
    let rules = read_rules(&json!([])).unwrap();
    let world = World::built(MockServer::builder(SystemId::WebSocket).rules(rules)).await;
    let prefix = format!("{group}.");
    let cases: Vec<Case> = table().into_iter().filter(|case| case.number.starts_with(&prefix)).collect();
    assert_eq!(cases.len(), count);
    let outcomes = join_all(cases.iter().map(|case| case.run(&world))).await;
    let failed: Vec<String> = cases
        .iter()
        .zip(outcomes)
        .filter_map(|(case, outcome)| outcome.err().map(|why| format!("{}: {why:.300}", case.number)))
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn the_numbers_are_those_of_autobahn() {
    let cases = table();
    let numbers: std::collections::BTreeSet<&str> = cases.iter().map(|case| case.number.as_str()).collect();
    assert_eq!(numbers.len(), cases.len());
    for number in ["6.5.5", "6.6.11", "6.12.8", "6.13.5", "6.14.10", "6.21.8", "6.22.34", "6.23.7"] {
        assert!(numbers.contains(number), "{number}");
    }
}

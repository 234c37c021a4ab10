//! The journal over HTTP: pages, lines and events, from any offset, now and as it grows.

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::journal::{CAPACITY, Entry, LogEntry, LogLevel};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::net::TcpStream;

use super::{LONG, ask, get, port, problem, refused, send, world};
use crate::client::{World, actor};

fn log(world: &World, message: &str) {
    let entry = LogEntry { level: LogLevel::Info, message: message.to_owned(), fields: serde_json::Map::new() };
    world.mock.journal().write(&actor(), None, None, Entry::Log(entry));
}

async fn logged(count: usize) -> World {
    let world = world(json!([])).await;
    (0..count).for_each(|number| log(&world, &number.to_string()));
    world
}

fn seqs<'a>(records: impl IntoIterator<Item = &'a Value>) -> Vec<u64> {
    records.into_iter().map(|record| record["seq"].as_u64().unwrap()).collect()
}

/// A stream of text whose head has been read.
struct Feed(Lines<BufReader<TcpStream>>, String);

impl Feed {
    async fn open(world: &World, path: &str, headers: &[(&str, &str)]) -> Self {
        let tcp = send(port(world), "GET", path, headers, "").await;
        let mut feed = Self(BufReader::new(tcp).lines(), String::new());
        loop {
            let line = feed.line().await;
            if line.is_empty() {
                return feed;
            }
            feed.1 += &format!("{line}\r\n").to_lowercase();
        }
    }

    async fn line(&mut self) -> String {
        tokio::time::timeout(LONG, self.0.next_line()).await.expect("a line").unwrap().expect("no end")
    }

    /// The next event: id, name, data.
    async fn event(&mut self) -> (u64, String, Value) {
        let (mut id, mut name, mut data) = (0, String::new(), Value::Null);
        loop {
            let line = self.line().await;
            match line.split_once(": ") {
                Some(("id", value)) => id = value.parse().unwrap(),
                Some(("event", value)) => value.clone_into(&mut name),
                Some(("data", value)) => data = serde_json::from_str(value).unwrap(),
                _ => return (id, name, data),
            }
        }
    }
}

const EVENTS: (&str, &str) = ("Accept", "text/event-stream");

#[tokio::test]
async fn pages() {
    let world = logged(5).await;
    let page = get(&world, "/journal?from=1&limit=2").await;
    assert_eq!(seqs(page["records"].as_array().unwrap()), [1, 2]);
    assert_eq!((&page["next"], &page["end"], &page["gap"]), (&json!(3), &json!(5), &Value::Null));
    assert_eq!(page["records"][0]["entry"]["log"]["message"], "1");
    let rest = get(&world, "/journal?from=3").await;
    assert_eq!((seqs(rest["records"].as_array().unwrap()), &rest["next"]), (vec![3, 4], &json!(5)));
    assert_eq!(get(&world, "/journal?from=9").await["records"], json!([]));
}

#[tokio::test]
async fn a_gap_is_told_in_each_format() {
    let world = logged(CAPACITY + 2).await;
    let gap = json!({"from": 1, "to": 1, "lost": 1});
    assert_eq!(get(&world, "/journal?from=1&limit=1").await["gap"], gap);
    let lines = ask(port(&world), "GET", "/journal?from=1", &[("Accept", "application/x-ndjson")], "").await.body;
    assert_eq!(lines.lines().next().unwrap(), json!({"gap": gap}).to_string());
    assert_eq!(lines.lines().count(), CAPACITY + 1);
    let mut feed = Feed::open(&world, "/journal?from=1", &[EVENTS]).await;
    assert_eq!(feed.event().await, (1, "gap".to_owned(), gap));
    assert_eq!(feed.event().await.0, 2);
}

#[tokio::test]
async fn lines_end_with_the_newest_record_or_go_on() {
    let world = logged(300).await;
    let lines = [("Accept", "application/x-ndjson")];
    let response = ask(port(&world), "GET", "/journal?from=2", &lines, "").await;
    assert!(response.head.contains("content-type: application/x-ndjson"), "{}", response.head);
    let records: Vec<Value> = response.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(seqs(&records), (2..300).collect::<Vec<_>>());

    let mut feed = Feed::open(&world, "/journal?from=299&follow=true", &lines).await;
    let next = async |feed: &mut Feed| serde_json::from_str::<Value>(&feed.line().await).unwrap()["seq"].clone();
    assert_eq!(next(&mut feed).await, 299);
    log(&world, "later");
    assert_eq!(next(&mut feed).await, 300);
}

#[tokio::test]
async fn events_go_on_where_the_client_was() {
    let world = logged(3).await;
    let mut feed = Feed::open(&world, "/journal", &[EVENTS]).await;
    assert!(feed.1.contains("content-type: text/event-stream"), "{}", feed.1);
    for offset in 0..3 {
        let (id, name, record) = feed.event().await;
        assert_eq!((id, name.as_str(), &record["seq"]), (offset, "record", &json!(offset)));
    }
    drop(feed);
    log(&world, "missed");
    let mut again = Feed::open(&world, "/journal?from=0", &[EVENTS, ("Last-Event-ID", "2")]).await;
    assert_eq!(again.event().await.0, 3);
    world.established().await;
    assert_eq!(again.event().await.2["entry"]["attempt"]["number"], 1);
    let mut of_an_earlier_life = Feed::open(&world, "/journal", &[EVENTS, ("Last-Event-ID", "100000")]).await;
    assert_eq!(of_an_earlier_life.event().await.0, 0);
}

#[rstest]
#[case("/journal?from=x&limit=0&follow=maybe", &["from", "limit", "follow"])]
#[case("/journal?follow", &["follow"])]
#[case("/journal?offset=3", &["offset"])]
#[case("/journal?limit=10001", &["limit"])]
#[tokio::test]
async fn wrong_queries(#[case] path: &str, #[case] fields: &[&str]) {
    let world = world(json!([])).await;
    assert_eq!(refused(&world, "GET", path, "").await, (422, fields.iter().map(ToString::to_string).collect()));
}

#[tokio::test]
async fn what_cannot_be_given_is_refused() {
    let world = world(json!([])).await;
    let response = ask(port(&world), "GET", "/journal", &[("Accept", "text/html")], "").await;
    assert_eq!(problem(&response).0, 406);
}

#[tokio::test]
async fn a_journal_has_so_many_readers_at_most() {
    let world = logged(1).await;
    let mut feeds = Vec::new();
    for _ in 0..32 {
        feeds.push(Feed::open(&world, "/journal", &[EVENTS]).await);
    }
    let refused = ask(port(&world), "GET", "/journal", &[EVENTS], "").await;
    assert_eq!(problem(&refused).0, 503);
    assert!(refused.head.contains("retry-after: 1"), "{}", refused.head);
    // Its place is free as soon as the server learns that the client is gone, which it does when it writes.
    feeds.pop();
    let again = async {
        loop {
            log(&world, "tick");
            let mut tcp = send(port(&world), "GET", "/journal", &[EVENTS], "").await;
            let mut start = [0; 12];
            tcp.read_exact(&mut start).await.unwrap();
            if &start[9..] == b"200" {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, again).await.expect("the place becomes free");
}

/// Who does not read loses records, is told so, and holds up nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_is_told_what_it_lost() {
    let world = logged(1).await;
    let mut feed = Feed::open(&world, "/journal", &[EVENTS]).await;
    assert_eq!(feed.event().await.0, 0);
    let filler = "a".repeat(200);
    for _ in 0..CAPACITY * 2 {
        log(&world, &filler);
    }
    world.established().await;
    let mut next = 1;
    let lost = loop {
        let (id, name, data) = feed.event().await;
        if name == "gap" {
            assert_eq!((&data["from"], &data["to"]), (&json!(next), &json!(id)));
            break data["lost"].as_u64().unwrap();
        }
        assert_eq!(id, next);
        next += 1;
    };
    assert!(lost > 1_000, "{lost}");
    let (id, name, _) = feed.event().await;
    assert_eq!((id, name.as_str()), (next + lost, "record"));
}

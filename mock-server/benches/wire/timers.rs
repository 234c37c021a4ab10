//! How late faults strike that have an `after`: a thousand are armed at once, while other clients keep the server busy.
//!
//! The server's own records tell when a fault was armed and when it struck; the clients, when they saw the reset. They
//! have a thread of their own, so that the server's are only the server's.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::journal::{Actor, Entry, Moment, Record};
use sparring_mock_server::script::read_rules;
use sparring_mock_server::server::MockServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

const TIMERS: u32 = 1_000;
const AFTER: Duration = Duration::from_secs(2);
/// The timers are armed over this time, and are due over as long.
const SPREAD: Duration = Duration::from_millis(1_500);
/// Time in which all connections are made before the first attempt.
const SETTLING: Duration = Duration::from_millis(500);
/// Clients that do nothing but ask.
const BUSY: usize = 16;

const ATTEMPT: &[u8] = b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n";
const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n";

pub(crate) fn run() {
    println!("{TIMERS} timers of {AFTER:?} armed at once      p50 ms      p99 ms      max ms");
    let server = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let clients = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tell("nothing else to do", measure(&server, &clients, 0));
    tell("under load", measure(&server, &clients, BUSY));
}

/// Lateness as the server's records and as the clients show it, and requests of the load in a second.
struct Figures {
    struck: Vec<Duration>,
    seen: Vec<Duration>,
    load: f64,
}

fn measure(server: &Runtime, clients: &Runtime, busy: usize) -> Figures {
    let (timed, load) = (Actor::new("timed"), Actor::new("busy"));
    let rule = json!([{"fault": "connection-reset", "phase": "handshake", "who": "timed",
        "after": format!("{}ms", AFTER.as_millis())}]);
    let mock = MockServer::builder(SystemId::Digitwin).actors(vec![timed.clone(), load.clone()]);
    let mock = server.block_on(mock.rules(read_rules(&rule).unwrap()).start()).unwrap();
    let struck = server.spawn(lateness(mock.journal().subscribe(), timed.clone()));
    let (seen, load) = clients.block_on(async {
        let (mut asking, begun) = (JoinSet::new(), Instant::now());
        for _ in 0..busy {
            asking.spawn(keep_asking(mock.addr(&load), begun + SETTLING + SPREAD + AFTER));
        }
        let seen = attempts(mock.addr(&timed)).await;
        let asked: u32 = asking.join_all().await.into_iter().sum();
        (seen, f64::from(asked) / begun.elapsed().as_secs_f64())
    });
    Figures { struck: server.block_on(struck).unwrap(), seen, load }
}

/// Begins all attempts, evenly over the time; how late each reset was.
async fn attempts(addr: SocketAddr) -> Vec<Duration> {
    let mut attempts = JoinSet::new();
    let begun = tokio::time::Instant::now() + SETTLING;
    for number in 0..TIMERS {
        let mut client = TcpStream::connect(addr).await.unwrap();
        attempts.spawn(async move {
            tokio::time::sleep_until(begun + SPREAD * number / TIMERS).await;
            let asked = Instant::now();
            client.write_all(ATTEMPT).await.unwrap();
            let end = client.read(&mut [0]).await;
            assert!(end.is_err(), "a reset was due, and not {end:?}");
            asked.elapsed().saturating_sub(AFTER)
        });
    }
    attempts.join_all().await
}

/// Asks and asks until then; how often.
async fn keep_asking(addr: SocketAddr, end: Instant) -> u32 {
    let mut client = TcpStream::connect(addr).await.unwrap();
    client.set_nodelay(true).unwrap();
    let (mut asked, mut buf) = (0, [0; 4_096]);
    while Instant::now() < end {
        client.write_all(HEALTH).await.unwrap();
        assert!(client.read(&mut buf).await.unwrap() > 0, "the load is not served");
        asked += 1;
    }
    asked
}

/// How late each fault struck, once all have.
async fn lateness(mut records: UnboundedReceiver<Arc<Record>>, actor: Actor) -> Vec<Duration> {
    let mut armed: HashMap<Option<u32>, Moment> = HashMap::new();
    let mut late = Vec::new();
    while late.len() < TIMERS as usize {
        let record = records.recv().await.unwrap();
        match &record.entry {
            _ if record.actor != actor => {}
            Entry::Attempt(_) => drop(armed.insert(record.connection, record.at)),
            Entry::Fault(_) => late.push(record.at.since(armed[&record.connection] + AFTER)),
            _ => {}
        }
    }
    late
}

fn tell(name: &str, figures: Figures) {
    let Figures { struck, seen, load } = figures;
    row(&format!("struck, {name}"), struck);
    row(&format!("seen by the client, {name}"), seen);
    if load > 0.0 {
        println!("  ({load:.0} requests/s besides)");
    }
}

fn row(name: &str, mut late: Vec<Duration>) {
    late.sort();
    let at = |share: usize| late[(late.len() - 1) * share / 100].as_secs_f64() * 1e3;
    println!("  {name:<40}{:>9.2} {:>11.2} {:>11.2}", at(50), at(99), at(100));
}

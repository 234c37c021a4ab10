//! How late faults strike that have an `after`: a thousand are armed at once, while other clients keep the server busy.
//!
//! The server's own records tell when a fault was armed and when it struck; the clients, when they saw the reset.

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
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

const TIMERS: u32 = 1_000;
const AFTER: Duration = Duration::from_secs(2);
/// The timers are armed over this time, and are due over as long.
const SPREAD: Duration = Duration::from_millis(1_500);
/// Clients that do nothing but ask.
const BUSY: usize = 16;

const ATTEMPT: &[u8] = b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n";
const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n";

pub(crate) fn run() {
    println!("{TIMERS} timers of {AFTER:?} armed at once      p50 ms      p99 ms      max ms");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        tell("nothing else to do", measure(0).await);
        tell("under load", measure(BUSY).await);
    });
}

/// Lateness as the server's records and as the clients show it, and requests of the load in a second.
struct Figures {
    struck: Vec<Duration>,
    seen: Vec<Duration>,
    load: f64,
}

async fn measure(busy: usize) -> Figures {
    let rule = json!([{"fault": "connection-reset", "phase": "handshake", "who": "timed",
        "after": format!("{}ms", AFTER.as_millis())}]);
    let (timed, load) = (Actor::new("timed"), Actor::new("busy"));
    let mock = MockServer::builder(SystemId::Digitwin)
        .actors(vec![timed.clone(), load.clone()])
        .rules(read_rules(&rule).unwrap())
        .start()
        .await
        .unwrap();
    let struck = tokio::spawn(lateness(mock.journal().subscribe(), timed.clone()));
    let (mut asking, begun) = (JoinSet::new(), Instant::now());
    for _ in 0..busy {
        asking.spawn(keep_asking(mock.addr(&load), begun + SPREAD * 2 + AFTER));
    }
    let seen = attempts(mock.addr(&timed)).await;
    let asked: usize = asking.join_all().await.into_iter().sum();
    let load = f64::from(u32::try_from(asked).unwrap()) / begun.elapsed().as_secs_f64();
    Figures { struck: struck.await.unwrap(), seen, load }
}

/// Begins all attempts, evenly over the time; how late each reset was.
async fn attempts(addr: SocketAddr) -> Vec<Duration> {
    let mut attempts = JoinSet::new();
    let begun = tokio::time::Instant::now();
    for number in 0..TIMERS {
        attempts.spawn(async move {
            let mut client = TcpStream::connect(addr).await.unwrap();
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
async fn keep_asking(addr: SocketAddr, end: Instant) -> usize {
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

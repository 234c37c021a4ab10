//! What a mock gives back.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Heartbeat, MockServer};
use crate::contract::SystemId;
use crate::engine::conn::Conn;
use crate::journal::{Actor, Entry};

const HANDSHAKES: usize = 500;

/// Opens sessions over polling and leaves them alone.
async fn abandon(mock: &MockServer) -> Vec<Weak<Conn>> {
    let actor = Actor::new("client");
    let mut tcp = TcpStream::connect(mock.addr(&actor)).await.unwrap();
    let mut sessions = Vec::new();
    for _ in 0..HANDSHAKES {
        tcp.write_all(b"GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = [0; 1_024];
        let size = tcp.read(&mut answer).await.unwrap();
        assert!(answer[..size].starts_with(b"HTTP/1.1 200"));
        let newest = mock.house.shared.newest(&actor).expect("a session lives as long as its heartbeat");
        sessions.push(Arc::downgrade(&newest));
    }
    sessions
}

#[tokio::test]
async fn sessions_that_are_abandoned_leave_nothing_behind() {
    let heartbeat = Heartbeat { interval: Duration::from_millis(300), timeout: Duration::from_millis(300) };
    let mock = MockServer::builder(SystemId::EngineIo).heartbeat(heartbeat).start().await.unwrap();
    let mut records = mock.journal().subscribe();
    let sessions = abandon(&mock).await;
    let mut closed = 0;
    while closed < HANDSHAKES {
        closed += usize::from(matches!(records.recv().await.unwrap().entry, Entry::Closed(_)));
    }
    assert!(mock.house.shared.sessions().is_empty());
    // The last task lets go of its session right behind the record.
    tokio::task::yield_now().await;
    assert_eq!(sessions.iter().filter(|session| session.strong_count() > 0).count(), 0);
}

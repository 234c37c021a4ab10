//! A throwaway session before the first case: whatever a client's platform does once in a process (loading, compiling,
//! resolving) is done before anything is measured.
//!
//! Nothing that happens here is judged or reported.

use std::time::Duration;

use serde_json::{Map, Value};
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::journal::{Actor, Entry};
use sparring_mock_server::server::MockServer;
use sparring_mock_server::tokens::TokenSpec;
use tokio::time::timeout;

use super::adapter::{Adapter, SessionSetup};

/// Real time that a session may take to come up.
const PATIENCE: Duration = Duration::from_secs(2);

/// Lets a client connect once to every system that it knows. False if one of them did not come up: the adapter is then
/// in a state of its own, and should be started anew.
pub(super) async fn warm_up(adapter: &Adapter, speed: u32) -> bool {
    for system in adapter.hello().systems.iter().filter_map(|name| SystemId::from_name(name)) {
        let actor = Actor::new("warm-up");
        let Ok(server) = MockServer::builder(system).actors(vec![actor.clone()]).start().await else { return false };
        let connected = timeout(PATIENCE * speed, connect_once(adapter, system, &server, &actor)).await;
        server.shutdown().await;
        if !matches!(connected, Ok(Some(()))) {
            return false;
        }
    }
    true
}

/// Connects, waits until the server has said something of its own, and goes.
async fn connect_once(adapter: &Adapter, system: SystemId, server: &MockServer, actor: &Actor) -> Option<()> {
    let contract = system.contract();
    let kind = contract.tokens.keys().next_back()?;
    let spec = TokenSpec::read(&Value::from(kind.as_str()), contract).ok()??;
    let token = server.mint(&spec, None).value;
    let (url, options) = (server.url(actor), Map::new());
    let setup = SessionSetup { system: system.name(), url: &url, token: Some(&token), options: &options };
    let (session, _heard) = adapter.open(setup).await.ok()?;
    let mut journal = server.journal().subscribe();
    let answer = session.act("connect", &Map::new()).await.ok()?;
    let greets = |entry: &Entry| matches!(entry, Entry::Sent(message) if contract.events.sent.iter().any(|event| event.name == message.name));
    while let Some(record) = journal.recv().await {
        if greets(&record.entry) {
            break;
        }
    }
    answer.await.ok()?.ok()?;
    session.close().await.ok()?;
    Some(())
}

//! What the server remembers: its sessions, and the tokens that are no longer good.
//!
//! Writes to the journal where a key is set. Methods are asynchronous, since a store may stand on another machine.
//! Knows nothing of tokens or connections beyond their names.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use uuid::Uuid;

use crate::clock::ServerClock;
use crate::journal::{Actor, Entry, Journal, StoredEntry};

/// A session to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Whose traffic it belongs to.
    pub actor: Actor,
    /// On which of the actor's connections.
    pub connection: Option<u32>,
    /// The user.
    pub user_id: String,
    /// Whether that is a guest.
    pub guest: bool,
    /// The id of its socket.
    pub socket: String,
    /// How long it lives; none means as long as its connection.
    pub lifetime: Option<Duration>,
}

/// A session that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id: `sess_` and letters and digits.
    pub id: String,
    /// The user.
    pub user_id: String,
    /// Whether that is a guest.
    pub guest: bool,
    /// The id of its socket.
    pub socket: String,
    /// When it was made, by the server's clock.
    pub created: Duration,
    /// When it ends by itself, by the server's clock.
    pub expires: Option<Duration>,
}

impl Session {
    /// Its key in the store.
    pub fn key(&self) -> String {
        format!("session:{}", self.id)
    }
}

/// The sessions of one server.
#[derive(Debug)]
pub struct Store {
    clock: Arc<ServerClock>,
    journal: Arc<Journal>,
    backend: Backend,
}

/// Where the sessions are.
#[derive(Debug)]
enum Backend {
    /// In this process, by id.
    Memory(Mutex<BTreeMap<String, Session>>),
}

#[expect(clippy::unused_async, reason = "a store on another machine has to be waited for, and callers must be ready")]
impl Store {
    /// A store in this process.
    pub fn in_memory(clock: Arc<ServerClock>, journal: Arc<Journal>) -> Self {
        Self { clock, journal, backend: Backend::Memory(Mutex::default()) }
    }

    /// Makes a session with an id of its own.
    pub async fn create(&self, new: NewSession) -> Session {
        let created = self.clock.now();
        let session = Session {
            id: format!("sess_{}", Uuid::new_v4().simple()),
            user_id: new.user_id,
            guest: new.guest,
            socket: new.socket,
            created,
            expires: new.lifetime.map(|lifetime| created.saturating_add(lifetime)),
        };
        self.memory().insert(session.id.clone(), session.clone());
        self.journal.write(&new.actor, new.connection, None, Entry::Stored(stored(&session, new.lifetime)));
        session
    }

    /// The session of this id, unless it has ended.
    pub async fn get(&self, id: &str) -> Option<Session> {
        let now = self.clock.now();
        self.memory().get(id).filter(|session| session.expires.is_none_or(|end| now < end)).cloned()
    }

    /// Ends a session. False if there was none.
    pub async fn remove(&self, id: &str) -> bool {
        self.memory().remove(id).is_some()
    }

    /// Ends all sessions, as a restart does.
    pub async fn clear(&self) {
        self.memory().clear();
    }

    fn memory(&self) -> MutexGuard<'_, BTreeMap<String, Session>> {
        let Backend::Memory(sessions) = &self.backend;
        // Every change is one call, so that a panic elsewhere leaves nothing half-changed.
        sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stored(session: &Session, lifetime: Option<Duration>) -> StoredEntry {
    let created = u64::try_from(session.created.as_millis()).unwrap_or(u64::MAX);
    StoredEntry {
        key: session.key(),
        value: json!({
            "userId": session.user_id,
            "isGuest": session.guest,
            "socketId": session.socket,
            "createdAt": created,
        }),
        ttl_s: lifetime.map(|lifetime| lifetime.as_secs()),
    }
}

/// Tokens that are refused although they are genuine, until their entries expire.
#[derive(Debug)]
pub struct Blacklist {
    clock: Arc<ServerClock>,
    journal: Arc<Journal>,
    /// When each entry expires, by its key.
    entries: Mutex<BTreeMap<String, Duration>>,
    outage: watch::Sender<Option<Outage>>,
}

/// How a store fails that cannot be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// Whoever asks is told so.
    Refuse,
    /// Whoever asks waits for the end of the outage.
    Hang,
}

/// The store cannot be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the blacklist store cannot be reached")]
pub struct Unreachable;

/// Entries of a blacklist, expired ones included, at which the expired ones are swept out.
const CROWDED: usize = 1_024;

impl Blacklist {
    /// A list in this process.
    pub fn in_memory(clock: Arc<ServerClock>, journal: Arc<Journal>) -> Self {
        Self { clock, journal, entries: Mutex::default(), outage: watch::Sender::new(None) }
    }

    /// Puts a token on the list for a while: whole seconds, as its store has it, and one at least.
    pub fn put(&self, actor: &Actor, connection: Option<u32>, token: &str, lifetime: Duration) {
        let (now, seconds) = (self.clock.now(), lifetime.as_secs().max(1));
        let key = format!("blacklist:token:{token}");
        let mut entries = self.entries();
        if entries.len() >= CROWDED {
            entries.retain(|_, end| now < *end);
        }
        entries.insert(key.clone(), now.saturating_add(Duration::from_secs(seconds)));
        drop(entries);
        let entry = StoredEntry { key, value: json!("1"), ttl_s: Some(seconds) };
        self.journal.write(actor, connection, None, Entry::Stored(entry));
    }

    /// Whether a token is on the list; returns when the store answers.
    pub async fn contains(&self, token: &str) -> Result<bool, Unreachable> {
        let mut outage = self.outage.subscribe();
        // Never fails: the sender is in `self`.
        let state = outage.wait_for(|outage| *outage != Some(Outage::Hang)).await.map_err(|_| Unreachable)?;
        if state.is_some() {
            return Err(Unreachable);
        }
        let now = self.clock.now();
        Ok(self.entries().get(&format!("blacklist:token:{token}")).is_some_and(|end| now < *end))
    }

    /// Begins an outage of the store, or ends it.
    pub fn fail(&self, outage: Option<Outage>) {
        self.outage.send_replace(outage);
    }

    /// Takes all tokens off the list.
    pub fn clear(&self) {
        self.entries().clear();
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Duration>> {
        // As above.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (Arc<ServerClock>, Arc<Journal>, Store) {
        let (clock, journal) = (Arc::new(ServerClock::new()), Arc::new(Journal::default()));
        clock.freeze(Some(Duration::from_secs(1_735_689_600)));
        let store = Store::in_memory(Arc::clone(&clock), Arc::clone(&journal));
        (clock, journal, store)
    }

    fn guest() -> NewSession {
        NewSession {
            actor: Actor::new("client"),
            connection: Some(2),
            user_id: "guest_x".to_owned(),
            guest: true,
            socket: "abc".to_owned(),
            lifetime: Some(Duration::from_secs(3_600)),
        }
    }

    #[tokio::test]
    async fn sessions_have_ids_of_their_own() {
        let (_, _, store) = store();
        let (one, two) = (store.create(guest()).await, store.create(guest()).await);
        assert_ne!(one.id, two.id);
        let rest = one.id.strip_prefix("sess_").expect("the documented form");
        assert!(!rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric()), "{rest}");
        assert_eq!(store.get(&one.id).await, Some(one));
    }

    #[tokio::test]
    async fn sessions_end_by_the_servers_clock() {
        let (clock, _, store) = store();
        let session = store.create(guest()).await;
        let endless = store.create(NewSession { lifetime: None, ..guest() }).await;
        clock.advance(Duration::from_millis(3_599_999));
        assert!(store.get(&session.id).await.is_some());
        clock.advance(Duration::from_millis(1));
        assert!(store.get(&session.id).await.is_none());
        assert!(store.get(&endless.id).await.is_some());
    }

    #[tokio::test]
    async fn sessions_can_be_ended() {
        let (_, _, store) = store();
        let (one, two) = (store.create(guest()).await, store.create(guest()).await);
        assert!(store.remove(&one.id).await && !store.remove(&one.id).await);
        assert_eq!(store.get(&one.id).await, None);
        store.clear().await;
        assert_eq!(store.get(&two.id).await, None);
    }

    #[tokio::test]
    async fn a_session_is_written_down_when_it_is_made() {
        let (_, journal, store) = store();
        let session = store.create(guest()).await;
        let records = journal.since(0);
        assert_eq!((records.len(), records[0].connection), (1, Some(2)));
        let value =
            json!({"userId": "guest_x", "isGuest": true, "socketId": "abc", "createdAt": 1_735_689_600_000_u64});
        let expected = StoredEntry { key: format!("session:{}", session.id), value, ttl_s: Some(3_600) };
        assert_eq!(records[0].entry, Entry::Stored(expected));
    }
}

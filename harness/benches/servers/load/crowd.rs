//! All clients of one server, and what they do together.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

use super::client::Client;
use super::frame;
use super::{Dialect, LoadError, PATIENCE};

/// Handshakes under way at once.
const DIALLING: usize = 64;

/// Clients that are served by one wait.
const BATCH: usize = 1_024;

/// See the module. Dropping it resets its connections.
pub(crate) struct Crowd {
    dialect: &'static Dialect,
    epoll: Epoll,
    clients: Vec<Client>,
    dialled: usize,
    buffer: Box<[u8]>,
    events: Vec<EpollEvent>,
}

impl Crowd {
    /// Connects this many clients; returns when all have had their opening answered.
    pub(crate) fn open(addr: SocketAddr, dialect: &'static Dialect, count: usize) -> Result<Self, LoadError> {
        let mut crowd = Self::empty(dialect)?;
        let mut done = 0;
        while done < count {
            while crowd.clients.len() < count.min(done + DIALLING) {
                let slot = crowd.clients.len();
                let client = crowd.dial(addr, slot)?;
                crowd.clients.push(client);
            }
            crowd.turn(|_, client, buffer| {
                done += usize::from(client.open(buffer, dialect)?);
                Ok(())
            })?;
        }
        Ok(crowd)
    }

    /// Connects client after client for a while, each of which leaves when its opening has been answered; how many did.
    pub(crate) fn pass_through(addr: SocketAddr, dialect: &'static Dialect, time: Duration) -> Result<u64, LoadError> {
        let mut crowd = Self::empty(dialect)?;
        for slot in 0..DIALLING {
            let client = crowd.dial(addr, slot)?;
            crowd.clients.push(client);
        }
        let (mut done, mut under_way, end) = (0, DIALLING, Instant::now() + time);
        while under_way > 0 {
            let mut leaving = Vec::with_capacity(DIALLING);
            crowd.turn(|slot, client, buffer| {
                if client.open(buffer, dialect)? {
                    leaving.push(slot);
                }
                Ok(())
            })?;
            done += leaving.len() as u64;
            if Instant::now() >= end {
                under_way -= leaving.len();
                continue;
            }
            for slot in leaving {
                // The one before ends as a client does that closes its socket.
                crowd.clients[slot] = crowd.dial(addr, slot)?;
            }
        }
        Ok(done)
    }

    fn empty(dialect: &'static Dialect) -> Result<Self, LoadError> {
        Ok(Self {
            dialect,
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            clients: Vec::new(),
            dialled: 0,
            buffer: vec![0; 256 * 1_024].into_boxed_slice(),
            events: vec![EpollEvent::empty(); BATCH],
        })
    }

    /// A client for a slot.
    fn dial(&mut self, addr: SocketAddr, slot: usize) -> Result<Client, LoadError> {
        self.dialled += 1;
        let client = Client::dial(addr, self.dialled, self.dialect)?;
        self.epoll.add(&client, EpollEvent::new(EpollFlags::EPOLLIN, slot as u64))?;
        Ok(client)
    }

    /// Waits until any client can read, and lets each that can do so once.
    fn turn(
        &mut self,
        mut act: impl FnMut(usize, &mut Client, &mut [u8]) -> Result<(), LoadError>,
    ) -> Result<(), LoadError> {
        let patience = u16::try_from(PATIENCE.as_millis()).unwrap_or(u16::MAX);
        let ready = self.epoll.wait(&mut self.events, patience)?;
        if ready == 0 {
            return Err(LoadError::Silent);
        }
        for event in &self.events[..ready] {
            let ordinal = usize::try_from(event.data()).unwrap_or_default();
            if let Some(client) = self.clients.get_mut(ordinal) {
                act(ordinal, client, &mut self.buffer)?;
            }
        }
        Ok(())
    }

    /// Lets go of all clients but so many.
    pub(crate) fn shrink(&mut self, count: usize) {
        self.clients.drain(count..).for_each(Client::reset);
    }

    /// Each client keeps so many messages under way and says the next as one comes back; how many have come back.
    pub(crate) fn round_trips(&mut self, in_flight: usize, time: Duration) -> Result<u64, LoadError> {
        let dialect = self.dialect;
        let one = frame::text(dialect.echo);
        let many = one.repeat(in_flight);
        for client in &mut self.clients {
            client.say(&many)?;
        }
        let mut outstanding = self.clients.len() * in_flight;
        let (mut done, end) = (0, Instant::now() + time);
        let mut over = false;
        while outstanding > 0 {
            self.turn(|_, client, buffer| {
                let count = client.count(dialect.echoed, buffer, dialect)?;
                done += count as u64;
                if over {
                    outstanding = outstanding.saturating_sub(count);
                    return Ok(());
                }
                client.say(&many[..count * one.len()])
            })?;
            over = Instant::now() >= end;
        }
        Ok(done)
    }

    /// The first client speaks to all and keeps so many messages under way, each until everybody has heard it; how many
    /// were heard, by all together.
    pub(crate) fn fan_out(&mut self, outstanding: usize, time: Duration) -> Result<u64, LoadError> {
        let dialect = self.dialect;
        let everybody = self.clients.len();
        let one = frame::text(dialect.spread);
        self.clients[0].say(&one.repeat(outstanding))?;
        let (mut said, mut complete, mut delivered) = (outstanding as u64, 0, 0);
        let mut heard = vec![0; everybody];
        // By message, how many have heard it; only so many are under way.
        let mut reached = vec![0; outstanding];
        let end = Instant::now() + time;
        while complete < said {
            let before = complete;
            self.turn(|ordinal, client, buffer| {
                for _ in 0..client.count(dialect.heard, buffer, dialect)? {
                    let message = heard[ordinal] % outstanding;
                    heard[ordinal] += 1;
                    delivered += 1;
                    reached[message] += 1;
                    if reached[message] == everybody {
                        reached[message] = 0;
                        complete += 1;
                    }
                }
                Ok(())
            })?;
            if complete > before && Instant::now() < end {
                let more = complete - before;
                self.clients[0].say(&one.repeat(usize::try_from(more).unwrap_or_default()))?;
                said += more;
            }
        }
        Ok(delivered)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

//! The control API: rules, connections, tokens, clock and journal of a mock over HTTP, on a port of its own.
//!
//! `api` holds the routes, one file for each kind of thing; `routes` puts them together and makes the OpenAPI document
//! from them. `guard` decides who may ask, `listen` bounds how many, `problem` says what is wrong. Everything is done by
//! the same calls that Rust code has; nothing here knows a protocol.
//!
//! | what | limit | beyond it |
//! | --- | --- | --- |
//! | connections | 256 | they wait in the kernel |
//! | time for the head of a request, also between two | 30 s | the connection ends |
//! | body | 1 MiB, 30 s | `413`, `400` |
//! | rules in force | 1,000 | `409` |
//! | clients that follow the journal | 32 | `503` |
//! | a client that follows and does not read | what the journal keeps | it is told how many records it has lost |

mod api;
mod feed;
mod guard;
mod input;
mod listen;
mod problem;
mod routes;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::journal::{Moment, Sight};
use crate::metrics::{Limits, Watch};
use crate::server::House;

/// How the control API is set up.
///
/// ```
/// # use sparring_mock_server::{contract::SystemId, control, server::MockServer};
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let mock = MockServer::builder(SystemId::Digitwin).control(control::Setting::default()).start().await?;
/// let url = mock.control().expect("the builder was told of it").url();
/// assert!(url.starts_with("http://127.0.0.1:"));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Setting {
    /// Where it listens: by default on a free port of 127.0.0.1.
    pub listen: SocketAddr,
    /// Names by which it may be asked for, besides `localhost` and the address itself.
    pub hosts: Vec<String>,
    /// The token that every request has to bear. Without one, it is needed and made up only where others than this
    /// machine can reach the address.
    pub token: Option<String>,
    /// Makes what `GET /faults` answers, if that is not to be the catalogue of this crate.
    pub faults: Option<fn() -> Value>,
    /// Limits of the figures, if not those of the system.
    pub limits: Option<Limits>,
}

impl Default for Setting {
    fn default() -> Self {
        Self { listen: (Ipv4Addr::LOCALHOST, 0).into(), hosts: Vec::new(), token: None, faults: None, limits: None }
    }
}

/// The control API of a mock that is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    addr: SocketAddr,
    token: Option<String>,
}

impl Control {
    /// Its address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its address as it is written in front of a path. A server that listens on all addresses is named by the local one.
    pub fn url(&self) -> String {
        let mut addr = self.addr;
        if addr.ip().is_unspecified() {
            addr.set_ip(if addr.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
        }
        format!("http://{addr}")
    }

    /// The token that requests have to bear, if they have to.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }
}

/// An address that has been taken and is not served yet.
#[derive(Debug)]
pub(crate) struct Reserved {
    listener: TcpListener,
    control: Control,
    setting: Setting,
}

/// Takes the address, so that whatever is wrong with it is known before anything starts.
pub(crate) async fn reserve(setting: Setting) -> io::Result<Reserved> {
    let listener = TcpListener::bind(setting.listen).await?;
    let addr = listener.local_addr()?;
    let token = setting.token.clone().or_else(|| (!is_local(addr.ip())).then(random_token));
    Ok(Reserved { listener, control: Control { addr, token }, setting })
}

/// Serves it until the mock ends.
pub(crate) fn serve(reserved: Reserved, house: &Arc<House>) -> Control {
    let Reserved { listener, control, setting } = reserved;
    let contract = house.shared.contract;
    let watch = Arc::new(Watch::new(contract, setting.limits.unwrap_or_else(|| Limits::of(contract))));
    let eye = Arc::clone(&watch);
    // A mock has one control API, and nobody else observes.
    let _ = house.shared.journal.observe(move |sight| match sight {
        Sight::Record(record) => eye.see(record),
        Sight::Cleared => eye.begin_again(),
    });
    let desk = Arc::new(Desk {
        house: Arc::clone(house),
        watch,
        token: control.token.clone(),
        hosts: setting.hosts,
        make_faults: setting.faults.unwrap_or(api::server::own_faults),
        faults: OnceLock::new(),
        document: OnceLock::new(),
        began: Moment::now(),
        followers: Arc::new(Semaphore::new(feed::FOLLOWERS)),
    });
    house.shared.spawn_lasting(listen::accept(listener, desk));
    control
}

/// What all routes share.
struct Desk {
    house: Arc<House>,
    watch: Arc<Watch>,
    token: Option<String>,
    hosts: Vec<String>,
    make_faults: fn() -> Value,
    /// Made when they are asked for: most mocks never are, and start the sooner.
    faults: OnceLock<Bytes>,
    document: OnceLock<Bytes>,
    began: Moment,
    /// Places for those who follow the journal.
    followers: Arc<Semaphore>,
}

fn is_local(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// A token that nobody guesses: 128 random bits.
fn random_token() -> String {
    uuid::Uuid::new_v4().simple().to_string() + &uuid::Uuid::new_v4().simple().to_string()[..8]
}

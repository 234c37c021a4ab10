//! One TCP address that can be closed and opened again without losing its port.
//!
//! A second socket, bound to the same port but never listening, keeps the port while it is closed. Knows nothing of what
//! is done with accepted connections.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::crew::Crew;
use super::socket::Socket;
use super::{Link, Stream};

/// A TCP address that accepts connections while it is open, and refuses them while it is closed.
///
/// Dropping it ends the connections that the layer above has dropped already and that are still here: those dropped
/// while stalled, and those whose last bytes are on their way.
pub struct Listener {
    addr: SocketAddr,
    door: Mutex<Door>,
    accepted: AtomicU64,
    crew: Arc<Crew>,
    /// Keeps the port ours. Never listens.
    _keeper: TcpSocket,
}

struct Door {
    open: Option<TcpListener>,
    /// Whoever waits for a connection.
    waiting: Option<Waker>,
}

impl Listener {
    /// Takes the address and opens it. Port 0 means any free port. Must be called within a tokio runtime.
    pub fn bind(addr: SocketAddr) -> io::Result<Self> {
        let keeper = keeper(addr)?;
        let addr = keeper.local_addr()?;
        let door = Mutex::new(Door { open: Some(listening(addr)?), waiting: None });
        Ok(Self { addr, door, accepted: AtomicU64::new(0), crew: Arc::new(Crew::new()), _keeper: keeper })
    }

    /// The address, with the port that was found.
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// The next connection; waits while closed. One task accepts at a time: of several, only the last is woken.
    pub async fn accept(&self) -> (Stream, Arc<Link>) {
        loop {
            match std::future::poll_fn(|cx| self.poll_accept(cx)).await {
                Ok((socket, peer)) => return self.admit(socket, peer),
                // The peer gave up before we came.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                // Out of file descriptors or memory: it passes, and trying again at once would not help.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Shuts the port: from now on the kernel refuses. Connections that were not accepted yet are reset.
    pub fn close(&self) {
        self.door().open = None;
    }

    /// Opens the port again. Must be called within a tokio runtime.
    pub fn open(&self) -> io::Result<()> {
        let mut door = self.door();
        if door.open.is_none() {
            door.open = Some(listening(self.addr)?);
            if let Some(waiting) = door.waiting.take() {
                waiting.wake();
            }
        }
        Ok(())
    }

    fn poll_accept(&self, cx: &Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let mut door = self.door();
        let mut cx = Context::from_waker(cx.waker());
        if let Some(listener) = &door.open
            && let Poll::Ready(outcome) = listener.poll_accept(&mut cx)
        {
            return Poll::Ready(outcome);
        }
        door.waiting = Some(cx.waker().clone());
        Poll::Pending
    }

    fn admit(&self, socket: TcpStream, peer: SocketAddr) -> (Stream, Arc<Link>) {
        // Fails only if the peer has reset already, which reading will tell.
        let _ = socket.set_nodelay(true);
        let id = self.accepted.fetch_add(1, Ordering::Relaxed) + 1;
        let link = Arc::new(Link::new(id, peer, Socket::new(socket), Arc::clone(&self.crew)));
        (Stream::new(Arc::clone(&link)), link)
    }

    fn door(&self) -> MutexGuard<'_, Door> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.crew.dismiss();
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("addr", &self.addr).finish_non_exhaustive()
    }
}

/// A bound socket that does not listen. Sharing is allowed only after it has the port for itself: so an address in use
/// is an error, and a stranger's server cannot slip in beside ours.
fn keeper(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = new_socket(addr)?;
    // Connections of an earlier process may still linger on the port.
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.set_reuseaddr(false)?;
    socket.set_reuseport(true)?;
    Ok(socket)
}

/// A listening socket on the keeper's port.
fn listening(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = new_socket(addr)?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

fn new_socket(addr: SocketAddr) -> io::Result<TcpSocket> {
    if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }
}

/// Connections that the kernel accepts ahead of us.
const BACKLOG: u32 = 4096;

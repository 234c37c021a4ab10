//! One client: how it connects, and the frames that it has heard.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, SockRef, Socket, Type};

use super::frame::{self, Heard};
use super::{Dialect, LoadError, Step};

/// See the module.
pub(super) struct Client {
    socket: TcpStream,
    /// The beginning of what has not come as a whole.
    rest: Vec<u8>,
    /// Whether the upgrade has been answered.
    upgraded: bool,
    /// How much of the opening is done.
    opened: usize,
}

impl Client {
    /// Connects and asks for the upgrade.
    pub(super) fn dial(addr: SocketAddr, ordinal: usize, dialect: &Dialect) -> Result<Self, LoadError> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        // Many connections from one address would search long for a free port; and an address without a port must not
        // reserve one before it is known where to.
        setsockopt(&socket, sockopt::IpBindAddressNoPort, &true)?;
        socket.bind(&SocketAddr::from((own_address(ordinal), 0)).into())?;
        socket.connect(&addr.into())?;
        socket.set_tcp_nodelay(true)?;
        let mut client = Self { socket: socket.into(), rest: Vec::new(), upgraded: false, opened: 0 };
        client.say(request(addr, dialect.target).as_bytes())?;
        Ok(client)
    }

    /// Ends with a reset, so that nothing lingers on our ports.
    pub(super) fn reset(self) {
        // Fails only on a connection that is gone.
        let _ = SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
    }

    /// Writes what is encoded already.
    pub(super) fn say(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        Ok(self.socket.write_all(bytes)?)
    }

    /// Goes on with the opening by one read; whether that was the last of it.
    pub(super) fn open(&mut self, buffer: &mut [u8], dialect: &Dialect) -> Result<bool, LoadError> {
        if self.is_open(dialect) {
            self.count("", buffer, dialect)?;
            return Ok(false);
        }
        let filled = self.read(buffer)?;
        let mut bytes = &buffer[..filled];
        if !self.upgraded {
            let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
                self.rest = bytes.to_vec();
                return Ok(false);
            };
            if !bytes.starts_with(b"HTTP/1.1 101") {
                return Err(LoadError::Refused(String::from_utf8_lossy(bytes).into_owned()));
            }
            self.upgraded = true;
            bytes = &bytes[head + 4..];
        }
        while let Some(heard) = self.wanted(dialect)? {
            match self.take(&mut bytes)? {
                Some(text) if text.starts_with(heard.as_bytes()) => self.opened += 1,
                Some(text) => self.answer(text, dialect)?,
                None => break,
            }
        }
        self.rest = bytes.to_vec();
        Ok(self.is_open(dialect))
    }

    fn is_open(&self, dialect: &Dialect) -> bool {
        self.upgraded && self.opened == dialect.opening.len()
    }

    /// Says what the opening has to say next; returns what is to be heard then.
    fn wanted(&mut self, dialect: &Dialect) -> Result<Option<&'static str>, LoadError> {
        while let Some(Step::Say(text)) = dialect.opening.get(self.opened) {
            self.say(&frame::text(text))?;
            self.opened += 1;
        }
        Ok(match dialect.opening.get(self.opened) {
            Some(Step::Hear(text)) => Some(text),
            _ => None,
        })
    }

    /// By one read, how many messages have come that begin so.
    pub(super) fn count(&mut self, wanted: &str, buffer: &mut [u8], dialect: &Dialect) -> Result<usize, LoadError> {
        let filled = self.read(buffer)?;
        let mut bytes = &buffer[..filled];
        let mut count = 0;
        while let Some(text) = self.take(&mut bytes)? {
            count += usize::from(text.starts_with(wanted.as_bytes()));
            self.answer(text, dialect)?;
        }
        self.rest.extend_from_slice(bytes);
        Ok(count)
    }

    /// The next message, if it is there as a whole. Answers pings on the way.
    fn take<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<&'a [u8]>, LoadError> {
        loop {
            match frame::take(bytes) {
                Some(Heard::Text(text)) => return Ok(Some(text)),
                Some(Heard::Ping(payload)) => self.say(&frame::pong(payload))?,
                Some(Heard::Close) => return Err(LoadError::Dropped),
                Some(Heard::Other) => {}
                None => return Ok(None),
            }
        }
    }

    /// Answers a heartbeat.
    fn answer(&mut self, text: &[u8], dialect: &Dialect) -> Result<(), LoadError> {
        match dialect.heartbeat {
            Some((beat, answer)) if text == beat.as_bytes() => self.say(&frame::text(answer)),
            _ => Ok(()),
        }
    }

    /// Reads once, behind what was left over; how much of the buffer is filled.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, LoadError> {
        let kept = self.rest.len();
        buffer[..kept].copy_from_slice(&self.rest);
        self.rest.clear();
        match self.socket.read(&mut buffer[kept..])? {
            0 => Err(LoadError::Dropped),
            read => Ok(kept + read),
        }
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// One of many addresses of this machine.
fn own_address(ordinal: usize) -> Ipv4Addr {
    let last = u8::try_from(ordinal % 250).unwrap_or_default();
    Ipv4Addr::new(127, 0, 1, 1 + last)
}

fn request(addr: SocketAddr, target: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: {addr}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

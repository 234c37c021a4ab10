//! Tests of the wire through real sockets on the loopback, and what they share.

mod faults;
mod injection;
mod listening;
mod protocols;
mod shaping;
mod taps;
mod tls;

use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// Both ends of a connection.
struct Pair {
    listener: Listener,
    stream: Stream,
    link: Arc<Link>,
    peer: TcpStream,
}

async fn pair() -> Pair {
    let listener = Listener::bind(anywhere()).unwrap();
    let (accepted, peer) = tokio::join!(listener.accept(), TcpStream::connect(listener.local_addr()));
    let (stream, link) = accepted;
    Pair { listener, stream, link, peer: peer.unwrap() }
}

fn anywhere() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// What the peer's kernel has, without waiting: nothing at all is `WouldBlock`.
fn look(peer: &TcpStream) -> Result<Vec<u8>, io::ErrorKind> {
    let mut buf = vec![0; 65_536];
    let size = (&*SockRef::from(peer)).read(&mut buf).map_err(|error| error.kind())?;
    buf.truncate(size);
    Ok(buf)
}

/// What comes next in one read.
async fn read_once(stream: &mut (impl AsyncReadExt + Unpin)) -> Vec<u8> {
    let mut buf = vec![0; 65_536];
    let size = soon(stream.read(&mut buf)).await.unwrap();
    buf.truncate(size);
    buf
}

/// The next bytes, as many as `expected` has.
async fn expect_bytes(stream: &mut (impl AsyncReadExt + Unpin), expected: impl AsRef<[u8]>) {
    let expected = expected.as_ref();
    let mut buf = vec![0; expected.len()];
    soon(stream.read_exact(&mut buf)).await.unwrap();
    assert!(buf == expected, "got {}, expected {}", show(&buf), show(expected));
}

/// All bytes up to the end of the stream.
async fn expect_end(stream: &mut (impl AsyncReadExt + Unpin), expected: impl AsRef<[u8]>) {
    let mut buf = Vec::new();
    soon(stream.read_to_end(&mut buf)).await.unwrap();
    assert!(buf == expected.as_ref(), "got {}, expected {}", show(&buf), show(expected.as_ref()));
}

fn show(bytes: &[u8]) -> String {
    format!("{} bytes \"{}\"", bytes.len(), bytes[..bytes.len().min(200)].escape_ascii())
}

/// Bounds what would else hang.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it comes within 20 s")
}

/// Answers every byte with itself until the end.
async fn echo(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin) {
    let mut buf = vec![0; 8192];
    while let Ok(size @ 1..) = stream.read(&mut buf).await {
        if stream.write_all(&buf[..size]).await.is_err() {
            break;
        }
    }
}

/// Bytes in which every displacement shows.
fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|index| u8::try_from(index % 251).unwrap()).collect()
}

/// Notes all it sees; for each frame in turn it gives the passage that it was told, and `Pass` after those.
#[derive(Default)]
struct Notes {
    outgoing: Mutex<Vec<Frame>>,
    incoming: Mutex<Vec<Frame>>,
    ends: Mutex<Vec<End>>,
    passages: Mutex<Vec<Passage>>,
}

impl Notes {
    fn telling(passages: impl IntoIterator<Item = Passage>) -> Arc<Self> {
        let mut passages: Vec<_> = passages.into_iter().collect();
        passages.reverse();
        Arc::new(Self { passages: Mutex::new(passages), ..Self::default() })
    }

    fn note(&self, notes: &Mutex<Vec<Frame>>, frame: &Frame) -> Passage {
        notes.lock().unwrap().push(frame.clone());
        self.passages.lock().unwrap().pop().unwrap_or(Passage::Pass)
    }

    fn outgoing_texts(&self) -> Vec<String> {
        texts(&self.outgoing.lock().unwrap())
    }

    fn incoming_texts(&self) -> Vec<String> {
        texts(&self.incoming.lock().unwrap())
    }
}

fn texts(frames: &[Frame]) -> Vec<String> {
    frames.iter().map(|frame| String::from_utf8_lossy(&frame.payload).into_owned()).collect()
}

impl Tap for Notes {
    fn outgoing(&self, frame: &Frame) -> Passage {
        self.note(&self.outgoing, frame)
    }

    fn incoming(&self, frame: &Frame) -> Passage {
        self.note(&self.incoming, frame)
    }

    fn ended(&self, end: End) {
        self.ends.lock().unwrap().push(end);
    }
}

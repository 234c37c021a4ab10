//! A WebSocket client of bare frames: what it sends and reads is bytes, legal or not.

use std::time::Duration;

use sparring_mock_server::wire::{Frame, FrameReader, Opcode, Piece};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{QUIET, World, actor};

/// Far more than anything here takes.
const LONG: Duration = Duration::from_secs(20);

/// A key as good as any.
pub(crate) const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// What a client reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A whole frame, as its bytes.
    Frame(Frame, Vec<u8>),
    /// The end of the stream.
    End,
    /// A reset.
    Reset,
}

/// A connection whose upgrade has been answered.
pub(crate) struct Wire {
    tcp: TcpStream,
    frames: FrameReader,
    /// A frame that is too large to come as a whole: its head, and its payload so far.
    large: Option<(Frame, Vec<u8>, Vec<u8>)>,
    /// The head of the answer to the upgrade.
    pub(crate) head: String,
}

/// The head of a request for a WebSocket.
pub(crate) fn request(path: &str, fields: &[(&str, &str)]) -> String {
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let fields = fields.concat();
    format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{fields}\r\n"
    )
}

impl Wire {
    pub(crate) async fn open(world: &World, path: &str) -> Self {
        let wire = Self::asked(world, &request(path, &[])).await;
        assert!(wire.head.starts_with("HTTP/1.1 101 "), "{}", wire.head);
        wire
    }

    /// Sends a request, and reads the head of its answer.
    pub(crate) async fn asked(world: &World, request: &str) -> Self {
        let mut tcp = TcpStream::connect(world.mock.addr(&actor())).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        tcp.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = tokio::time::timeout(LONG, tcp.read_u8()).await.expect("a head").unwrap();
            head.push(byte);
        }
        Self { tcp, frames: FrameReader::default(), large: None, head: String::from_utf8(head).unwrap() }
    }

    /// Sends bytes as they stand. Fails silently when the other side has ended, which reading will tell.
    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        let _ = self.tcp.write_all(bytes).await;
    }

    /// Sends a frame, masked as a client's has to be.
    pub(crate) async fn send(&mut self, frame: Frame) {
        self.raw(&frame.masked(MASK).to_bytes()).await;
    }

    pub(crate) async fn text(&mut self, text: &str) {
        self.send(Frame::text(text)).await;
    }

    /// The next frame, or the end.
    pub(crate) async fn next(&mut self) -> Seen {
        tokio::time::timeout(LONG, self.read()).await.expect("a frame or an end")
    }

    /// The text of the next frame, which is one of a whole text message.
    pub(crate) async fn next_text(&mut self) -> String {
        match self.next().await {
            Seen::Frame(frame, _) if frame.opcode == Opcode::Text && frame.fin => {
                String::from_utf8(frame.payload.to_vec()).unwrap()
            }
            other => panic!("{other:?}"),
        }
    }

    /// The bytes that come until nothing comes for a while, whatever they are, and whether the stream is still open then.
    pub(crate) async fn rest(&mut self) -> (Vec<u8>, bool) {
        let mut bytes = self.frames.rest().to_vec();
        let mut portion = [0; 4_096];
        loop {
            match tokio::time::timeout(QUIET, self.tcp.read(&mut portion)).await {
                Ok(Ok(count @ 1..)) => bytes.extend(&portion[..count]),
                Ok(_) => return (bytes, false),
                Err(_) => return (bytes, true),
            }
        }
    }

    /// Nothing comes for so long.
    pub(crate) async fn is_quiet(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.read()).await.is_err()
    }

    async fn read(&mut self) -> Seen {
        loop {
            match self.frames.next_piece() {
                Some(Piece::Whole(frame, raw)) => return Seen::Frame(frame, raw.to_vec()),
                Some(Piece::Head(frame, raw)) => {
                    self.large = Some((frame, raw.to_vec(), Vec::new()));
                    continue;
                }
                Some(Piece::Rest(piece)) => {
                    let (frame, mut raw, mut payload) = self.large.take().expect("behind its head");
                    payload.extend(&piece);
                    if payload.len() as u64 == frame.length {
                        raw.extend(&payload);
                        return Seen::Frame(Frame { payload: payload.into(), ..frame }, raw);
                    }
                    self.large = Some((frame, raw, payload));
                    continue;
                }
                None => {}
            }
            let mut portion = [0; 4_096];
            match self.tcp.read(&mut portion).await {
                Ok(0) => return Seen::End,
                Ok(count) => self.frames.push(&portion[..count]),
                Err(_) => return Seen::Reset,
            }
        }
    }
}

/// A frame as a server sends it.
pub(crate) fn seen(frame: &Frame) -> Seen {
    Seen::Frame(frame.clone(), frame.to_bytes().to_vec())
}

/// A close frame as a server sends it.
pub(crate) fn closing(code: u16, reason: &str) -> Seen {
    seen(&Frame::close(Some(code), reason))
}

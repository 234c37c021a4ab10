//! Messages there and back over many connections, one at a time and many at once.
//!
//! The figure that counts is the server's processor time for a message: what is observed depends on the client too.

use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::echo::{Kind, REQUEST, Server};
use crate::median;

const CONNECTIONS: usize = 64;
const ROUNDS: usize = 12;
const PAYLOAD: usize = 32;

/// A way to load the servers.
struct Load {
    name: &'static str,
    /// Messages that are on their way at once on a connection.
    at_once: usize,
    /// Times that those go there and back in a round.
    times: usize,
}

const LOADS: [Load; 2] =
    [Load { name: "one at a time", at_once: 1, times: 600 }, Load { name: "16 at once", at_once: 16, times: 150 }];

/// A server with its clients.
struct Side {
    server: Server,
    clients: Vec<TcpStream>,
}

/// What a round has shown.
struct Figures {
    /// Messages in a second.
    rate: f64,
    /// Microseconds of the server's thread for a message.
    cpu: f64,
}

pub(crate) fn run() {
    println!("echo over {CONNECTIONS} WebSockets            bare        wire   wire/bare");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut sides = [Side::open(Kind::Bare).await, Side::open(Kind::Wire).await];
        for load in &LOADS {
            compare(&mut sides, load).await;
        }
    });
}

async fn compare(sides: &mut [Side; 2], load: &Load) {
    let (mut bare, mut wire) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        // Whoever comes first has the caches against it, so they take turns.
        let figures = if round % 2 == 0 {
            let first = sides[0].round(load).await;
            (first, sides[1].round(load).await)
        } else {
            let first = sides[1].round(load).await;
            (sides[0].round(load).await, first)
        };
        // The first warms up.
        if round > 0 {
            bare.push(figures.0);
            wire.push(figures.1);
        }
    }
    tell(&format!("{}, messages/s", load.name), &bare, &wire, |figures| figures.rate);
    tell(&format!("{}, server us/message", load.name), &bare, &wire, |figures| figures.cpu);
}

/// The ratio is that of the rounds, each against its neighbour, and not that of the medians.
fn tell(name: &str, bare: &[Figures], wire: &[Figures], figure: impl Fn(&Figures) -> f64) {
    let all = |side: &[Figures]| median(side.iter().map(&figure).collect());
    let ratio = median(bare.iter().zip(wire).map(|(bare, wire)| figure(wire) / figure(bare)).collect());
    println!("  {name:<32}{:>11.2} {:>11.2} {ratio:>11.3}", all(bare), all(wire));
}

impl Side {
    async fn open(kind: Kind) -> Self {
        let server = Server::start(kind);
        let mut clients = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut client = TcpStream::connect(server.addr).await.unwrap();
            client.set_nodelay(true).unwrap();
            client.write_all(REQUEST).await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await.unwrap());
            }
            clients.push(client);
        }
        Self { server, clients }
    }

    async fn round(&mut self, load: &Load) -> Figures {
        let (begun, before) = (Instant::now(), self.server.cpu());
        let mut busy = tokio::task::JoinSet::new();
        for client in self.clients.drain(..) {
            busy.spawn(exchange(client, load.at_once, load.times));
        }
        self.clients = busy.join_all().await;
        let messages = f64::from(u32::try_from(CONNECTIONS * load.at_once * load.times).unwrap());
        let cpu = self.server.cpu().saturating_sub(before);
        Figures { rate: messages / begun.elapsed().as_secs_f64(), cpu: cpu.as_secs_f64() * 1e6 / messages }
    }
}

/// Sends messages and reads them back, so many times.
async fn exchange(mut client: TcpStream, at_once: usize, times: usize) -> TcpStream {
    let (sent, expected) = (masked().repeat(at_once), plain().repeat(at_once));
    let mut got = vec![0; expected.len()];
    for _ in 0..times {
        client.write_all(&sent).await.unwrap();
        client.read_exact(&mut got).await.unwrap();
        assert!(got == expected, "an echo that is none");
    }
    client
}

/// A text frame of a client, with a masking key that hides nothing.
fn masked() -> Vec<u8> {
    [&[0x81, 0x80 | u8::try_from(PAYLOAD).unwrap(), 0, 0, 0, 0][..], &[b'x'; PAYLOAD]].concat()
}

/// The same frame of a server.
fn plain() -> Vec<u8> {
    [&[0x81, u8::try_from(PAYLOAD).unwrap()][..], &[b'x'; PAYLOAD]].concat()
}

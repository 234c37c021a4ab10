//! Memory of an idle connection: how much a process grows by many of them, a new process for each figure.
//!
//! The client's ends are in the same process on both sides, and are bare sockets of the kernel.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use crate::echo::{Kind, REQUEST, Server};
use crate::median;

const CONNECTIONS: u32 = 4_000;
const ROUNDS: usize = 3;

pub(crate) fn run() {
    println!("memory                                      bare        wire   wire-bare");
    let (bare, wire) = (measure(Kind::Bare), measure(Kind::Wire));
    let name = format!("KiB for each of {CONNECTIONS} idle");
    println!("  {name:<32}{bare:>11.2} {wire:>11.2} {:>+11.2}", wire - bare);
}

fn measure(kind: Kind) -> f64 {
    let figure = |_| {
        let told = Command::new(std::env::current_exe().unwrap()).args(["memory", "of", kind.name()]).output().unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        String::from_utf8(told.stdout).unwrap().trim().parse().unwrap()
    };
    median((0..ROUNDS).map(figure).collect())
}

/// Tells the figure of this process, in KiB.
pub(crate) fn tell(kind: Kind) {
    let server = Server::start(kind);
    // What the first ones bring about stays out.
    let _warm: Vec<_> = (0..100).map(|_| open(&server)).collect();
    let before = resident();
    let _idle: Vec<_> = (0..CONNECTIONS).map(|_| open(&server)).collect();
    println!("{}", (resident() - before) / f64::from(CONNECTIONS));
}

fn open(server: &Server) -> TcpStream {
    let mut client = TcpStream::connect(server.addr).unwrap();
    client.write_all(REQUEST).unwrap();
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    // A message there and back shows that the upgrade is through.
    client.write_all(&[0x81, 0x81, 0, 0, 0, 0, b'x']).unwrap();
    let mut echo = [0; 3];
    client.read_exact(&mut echo).unwrap();
    client
}

/// KiB of memory that are this process's own.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

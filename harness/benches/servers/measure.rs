//! What is measured, and one reading of each against a running server.
//!
//! Two processes on two busy cores cannot be compared by what was seen alone: the load may be what limits. So each
//! reading has the server's CPU time for one operation too, which tells what one core could do.

use std::io::Write;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::contender::{Contender, FAMILIES, Family};
use crate::effort::Effort;
use crate::load::{Crowd, Dialect};
use crate::machine::Cores;
use crate::server::Server;

/// An error of any of the parts: all of them end the run.
pub(crate) type Error = Box<dyn std::error::Error>;

/// The measures, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Measure {
    /// TCP, upgrade, the protocol's own opening, and the end.
    Handshake,
    /// Echoes to 64 clients, each with one under way.
    RoundTrip,
    /// The same with eight under way.
    RoundTrips,
    /// A message to a thousand clients, one at a time.
    FanOut,
    /// The same with four under way.
    FanOuts,
    /// Memory of a connection that does nothing.
    Idle,
    /// From the start of the process to the first upgrade answered.
    Start,
}

impl Measure {
    /// All of them.
    pub(crate) const ALL: [Self; 7] =
        [Self::Handshake, Self::RoundTrip, Self::RoundTrips, Self::FanOut, Self::FanOuts, Self::Idle, Self::Start];

    /// Its name in the table, with the unit of its cost.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Handshake => "handshake, us",
            Self::RoundTrip => "round trip, us",
            Self::RoundTrips => "round trip, 8 in flight, us",
            Self::FanOut => "fan-out to 1 000, us",
            Self::FanOuts => "fan-out, 4 outstanding, us",
            Self::Idle => "idle connection, KiB",
            Self::Start => "start, ms",
        }
    }
}

/// What one measurement has given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// What one operation costs the server, in the measure's unit: less is better.
    pub(crate) cost: f64,
    /// How many were seen in a second, where that is counted.
    pub(crate) rate: Option<f64>,
}

/// Clients that echo.
const TALKING: usize = 64;

/// Clients that hear what is sent to everybody.
const LISTENING: usize = 1_000;

/// Clients before the first reading of memory: what is there once for all must not count for each.
const EARLY: usize = 200;

/// How long a profiler has.
const PROFILED: Duration = Duration::from_secs(10);

/// Nobody takes part.
pub(crate) const NOBODY: &str = "nobody is left to be measured: --only takes Socket.IO or WebSocket";

/// All measures of work, one after the other.
pub(crate) fn work(
    server: &Server,
    dialect: &'static Dialect,
    effort: &Effort,
) -> Result<Vec<(Measure, Reading)>, Error> {
    let handshake = handshakes(server, dialect, effort.handshakes)?;
    let mut crowd = Crowd::open(server.addr, dialect, LISTENING)?;
    server.settle()?;
    let time = effort.messages;
    let fan_out = spent(server, || crowd.fan_out(1, time).map_err(Into::into))?;
    let fan_outs = spent(server, || crowd.fan_out(4, time).map_err(Into::into))?;
    crowd.shrink(TALKING);
    server.settle()?;
    let round_trip = spent(server, || crowd.round_trips(1, time).map_err(Into::into))?;
    let round_trips = spent(server, || crowd.round_trips(8, time).map_err(Into::into))?;
    drop(crowd);
    server.settle()?;
    Ok(vec![
        (Measure::Handshake, handshake),
        (Measure::RoundTrip, round_trip),
        (Measure::RoundTrips, round_trips),
        (Measure::FanOut, fan_out),
        (Measure::FanOuts, fan_outs),
    ])
}

/// Work that the mock can be kept at.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Work {
    /// Clients that come and go.
    Handshakes,
    /// 64 echoes, one each under way.
    RoundTrip,
    /// The same, eight each.
    RoundTrips,
    /// To a thousand, one at a time.
    FanOut,
    /// The same, four at a time.
    FanOuts,
}

/// Keeps the mock at one kind of work for a while, and says which process it is.
pub(crate) fn profile(work: Work, only: Option<&str>) -> Result<(), Error> {
    let family = FAMILIES.iter().find(|family| family.is(only)).ok_or(NOBODY)?;
    let cores = Cores::claim()?;
    let server = Server::start(family.contenders[0].command()?, cores)?;
    let out = &mut std::io::stdout().lock();
    writeln!(out, "process {}", server.id())?;
    let reading = match work {
        Work::Handshakes => handshakes(&server, family.dialect, PROFILED)?,
        Work::RoundTrip | Work::RoundTrips => {
            let in_flight = if matches!(work, Work::RoundTrip) { 1 } else { 8 };
            let mut crowd = Crowd::open(server.addr, family.dialect, TALKING)?;
            spent(&server, || crowd.round_trips(in_flight, PROFILED).map_err(Into::into))?
        }
        Work::FanOut | Work::FanOuts => {
            let outstanding = if matches!(work, Work::FanOut) { 1 } else { 4 };
            let mut crowd = Crowd::open(server.addr, family.dialect, LISTENING)?;
            spent(&server, || crowd.fan_out(outstanding, PROFILED).map_err(Into::into))?
        }
    };
    writeln!(out, "{:.2} us, {:.0}/s", reading.cost, reading.rate.unwrap_or_default())?;
    Ok(())
}

/// Handshakes of clients that come and go: the end of a connection costs something, too.
fn handshakes(server: &Server, dialect: &'static Dialect, time: Duration) -> Result<Reading, Error> {
    let (cpu_before, began) = (server.cpu()?, Instant::now());
    let count = Crowd::pass_through(server.addr, dialect, time)?;
    let wall = began.elapsed();
    server.settle()?;
    Ok(reading(server.cpu()?.saturating_sub(cpu_before), wall, count))
}

/// What an activity costs the server; it tells how many operations it was.
fn spent(server: &Server, act: impl FnOnce() -> Result<u64, Error>) -> Result<Reading, Error> {
    let (cpu_before, began) = (server.cpu()?, Instant::now());
    let count = act()?;
    let wall = began.elapsed();
    Ok(reading(server.cpu()?.saturating_sub(cpu_before), wall, count))
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few seconds are far below 2^53")]
fn reading(cpu: Duration, wall: Duration, count: u64) -> Reading {
    let count = count as f64;
    Reading { cost: cpu.as_secs_f64() * 1e6 / count, rate: Some(count / wall.as_secs_f64()) }
}

/// What idle connections weigh in a server that has done nothing else.
#[expect(clippy::cast_precision_loss, reason = "sizes of memory are far below 2^53")]
pub(crate) fn weigh(family: &Family, contender: &Contender, count: usize, cores: Cores) -> Result<Reading, Error> {
    let server = Server::start(contender.command()?, cores)?;
    let early = Crowd::open(server.addr, family.dialect, EARLY)?;
    server.settle()?;
    let before = server.memory()?;
    let crowd = Crowd::open(server.addr, family.dialect, count)?;
    server.settle()?;
    let grown = server.memory()?.saturating_sub(before);
    drop((early, crowd));
    Ok(Reading { cost: grown as f64 / 1_024.0 / count as f64, rate: None })
}

/// How long a server takes from its start to the first upgrade that it has answered.
pub(crate) fn start(family: &Family, contender: &Contender, cores: Cores) -> Result<Reading, Error> {
    let command = contender.command()?;
    let began = Instant::now();
    let server = Server::start(command, cores)?;
    Crowd::open(server.addr, family.dialect, 1)?;
    Ok(Reading { cost: began.elapsed().as_secs_f64() * 1e3, rate: None })
}

//! A server as a process: started on its core, asked what it has used, killed at the end.
//!
//! Knows nothing of what is spoken. A server takes a free port and says in its first line where it is.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::time::ClockId;
use nix::unistd::Pid;

use crate::machine::Cores;

/// Why a server is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    /// It did not start.
    #[error("cannot start {command}: {source}")]
    Start {
        /// How it was to be started.
        command: String,
        /// What the system says.
        source: io::Error,
    },
    /// It said nothing of use.
    #[error("{command} did not say where it listens, but {line:?}")]
    Silent {
        /// How it was started.
        command: String,
        /// What it said.
        line: String,
    },
    /// Its figures cannot be read.
    #[error("cannot read the figures of a server: {0}")]
    Figures(#[from] io::Error),
}

/// A running server; dropping it kills it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    clock: ClockId,
    /// Where it listens.
    pub(crate) addr: SocketAddr,
}

impl Server {
    /// Starts one; returns when it has said where it listens.
    pub(crate) fn start(mut command: Command, cores: Cores) -> Result<Self, ServerError> {
        let described = format!("{command:?}");
        let failed = |source| ServerError::Start { command: described.clone(), source };
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = cores.on_server_core(|| command.spawn()).map_err(io::Error::from).flatten().map_err(failed)?;
        let mut line = String::new();
        if let Some(out) = &mut child.stdout {
            BufReader::with_capacity(256, out).read_line(&mut line).map_err(failed)?;
        }
        let clock = ClockId::pid_cpu_clock_id(pid(&child)).map_err(|errno| failed(errno.into()))?;
        let Some(addr) = address(&line) else {
            end(&mut child);
            return Err(ServerError::Silent { command: described, line });
        };
        Ok(Self { child, clock, addr })
    }

    /// The id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// CPU time that all its threads have used.
    pub(crate) fn cpu(&self) -> Result<Duration, ServerError> {
        Ok(self.clock.now().map_err(io::Error::from)?.into())
    }

    /// Memory that it holds, in bytes.
    pub(crate) fn memory(&self) -> Result<u64, ServerError> {
        let text = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let kib = text.lines().find_map(|line| line.strip_prefix("Rss:")?.trim().strip_suffix(" kB")?.parse().ok());
        let kib: u64 = kib.ok_or_else(|| io::Error::other("smaps_rollup without Rss"))?;
        Ok(kib * 1_024)
    }

    /// Waits until it has nothing left to do, or at least does not come to an end of it.
    pub(crate) fn settle(&self) -> Result<(), ServerError> {
        let mut before = self.cpu()?;
        for _ in 0..LONGEST_SETTLING {
            std::thread::sleep(BREATH);
            let now = self.cpu()?;
            if now.saturating_sub(before) < BREATH / 50 {
                break;
            }
            before = now;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    // Fails only if it has ended already.
    let _ = kill(pid(child), Signal::SIGKILL);
    let _ = child.wait();
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).expect("the kernel's process ids are positive i32"))
}

/// The address in a line such as `Echo server on http://127.0.0.1:40123`.
fn address(line: &str) -> Option<SocketAddr> {
    line.split_whitespace().find_map(|word| word.rsplit('/').next()?.parse().ok())
}

const BREATH: Duration = Duration::from_millis(20);
const LONGEST_SETTLING: usize = 150;

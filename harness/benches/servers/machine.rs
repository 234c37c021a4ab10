//! What the machine lends: a core for the servers, another for the load, and open files.

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;

/// The cores of both sides. On a machine with one core they share it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cores {
    /// Where servers run.
    pub(crate) server: usize,
    /// Where the load is made.
    pub(crate) load: usize,
}

impl Cores {
    /// The first and the last that this process may use; it moves to the last.
    pub(crate) fn claim() -> Result<Self, Errno> {
        let allowed = sched_getaffinity(myself())?;
        let mut cores = (0..CpuSet::count()).filter(|core| allowed.is_set(*core).unwrap_or_default());
        let server = cores.next().ok_or(Errno::EINVAL)?;
        let cores = Self { server, load: cores.next_back().unwrap_or(server) };
        pin(cores.load)?;
        Ok(cores)
    }

    /// Does something on the servers' core: a process that is started there stays there.
    pub(crate) fn on_server_core<T>(self, act: impl FnOnce() -> T) -> Result<T, Errno> {
        pin(self.server)?;
        let result = act();
        pin(self.load)?;
        Ok(result)
    }
}

/// Raises the limit of open files as far as it goes, for the servers too, and tells it.
pub(crate) fn open_files() -> Result<usize, Errno> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    Ok(usize::try_from(most).unwrap_or(usize::MAX))
}

fn pin(core: usize) -> Result<(), Errno> {
    let mut set = CpuSet::new();
    set.set(core)?;
    sched_setaffinity(myself(), &set)
}

/// To these calls, the thread that makes them.
fn myself() -> Pid {
    Pid::from_raw(0)
}

//! Warp: the whole run under one clock that goes N times fast.
//!
//! A small parent on the real clock starts the program again under libfaketime and watches it. Parent and child hold a
//! socket, the child's standard input: the child says on it that it lives, the parent's end of it says that the child
//! has to stop. Knows nothing of scenarios.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// Marks the child, and tells it how fast its clock goes.
const SPEED_VARIABLE: &str = "SPARRING_WARP_SPEED";
/// How often the child says that it lives, in real time.
const BEAT: Duration = Duration::from_millis(500);
/// How long the parent waits for a sign of life.
const PATIENCE: Duration = Duration::from_secs(60);

/// How to get what is missing.
pub const HOW_TO_ADD: &str =
    "install Debian's package faketime (apt-get install faketime), or your system's libfaketime";

/// Where this process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On the real clock.
    Outside,
    /// Under a clock that goes this fast.
    Inside(u32),
}

/// Where this process stands.
pub fn place() -> Place {
    let speed = std::env::var(SPEED_VARIABLE).ok().and_then(|speed| speed.parse().ok());
    speed.map_or(Place::Outside, Place::Inside)
}

/// Whether a faster clock can be had: libfaketime's launcher is found and works.
pub fn available() -> bool {
    let probe = faketime(2).arg("true").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    probe.is_ok_and(|status| status.success())
}

/// The launcher. `-m` takes the library for programs with several threads; the clock starts once for all of them.
fn faketime(speed: u32) -> Command {
    let mut command = Command::new("faketime");
    command.arg("-m").arg("-f").arg(format!("+0 x{speed}"));
    // Files keep their real times: npm, Node and editors compare them.
    command.env("NO_FAKE_STAT", "1");
    command
}

/// How the child ended.
#[derive(Debug)]
pub enum WarpEnd {
    /// By itself.
    Exited(ExitStatus),
    /// It gave no sign of life and was killed.
    Hung,
}

/// Runs this program again with the same arguments, its clock `speed` times fast, and waits for it. Ctrl-C and requests
/// to terminate are passed on.
///
/// # Errors
/// When the program cannot be started again.
pub fn run_again(speed: u32) -> io::Result<WarpEnd> {
    let (ours, theirs) = UnixStream::pair()?;
    let mut child = faketime(speed)
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env(SPEED_VARIABLE, speed.to_string())
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        // Ctrl-C reaches the parent alone, which passes it on; the launcher would die of it and leave the child.
        .process_group(0)
        .spawn()?;
    pass_on_signals(ours.try_clone()?)?;
    ours.set_read_timeout(Some(PATIENCE))?;
    if watch(&ours) {
        return child.wait().map(WarpEnd::Exited);
    }
    kill(&mut child);
    Ok(WarpEnd::Hung)
}

/// Tells the child to stop, by ending its standard input, when this process is told so. The child writes its reports
/// and ends.
fn pass_on_signals(socket: UnixStream) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            // Where signals cannot be watched they end this process, and the child sees its standard input end.
            if let Ok(()) = super::stop_requested().await {
                let _ = socket.shutdown(std::net::Shutdown::Write);
            }
            // Stay, so that a second signal does not end the parent before the child.
            std::future::pending::<()>().await;
        });
    });
    Ok(())
}

/// Reads signs of life until the child closes its end (true) or is silent for too long (false).
fn watch(mut socket: &UnixStream) -> bool {
    let mut beats = [0_u8; 64];
    loop {
        match socket.read(&mut beats) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }
}

fn kill(child: &mut Child) {
    if let Ok(group) = i32::try_from(child.id()) {
        let _ = nix::sys::signal::killpg(nix::unistd::Pid::from_raw(group), nix::sys::signal::Signal::SIGKILL);
    }
    let _ = child.wait();
}

/// The child's side: says that it lives until the process ends, and calls `stop` when the parent asks or is gone.
///
/// # Errors
/// When standard input is not the parent's socket.
pub fn stay_in_touch(speed: u32, stop: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut voice = socket.try_clone()?;
    tokio::spawn(async move {
        while voice.write_all(b".").is_ok() {
            tokio::time::sleep(BEAT * speed).await;
        }
    });
    let mut ear = socket;
    std::thread::spawn(move || {
        let mut nothing = [0_u8; 1];
        // Returns when the parent has closed its end, whether on purpose or by dying.
        while matches!(ear.read(&mut nothing), Ok(1..)) {}
        stop();
    });
    Ok(())
}

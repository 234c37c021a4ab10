//! Runs the real binary with a clean environment, and reads what it left.

use std::io::{Write as _, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Once;

use serde_json::Value;

/// The repository's top.
pub(crate) fn top() -> PathBuf {
    let harness = Path::new(env!("CARGO_MANIFEST_DIR"));
    harness.parent().expect("the harness is a folder of the repository").to_owned()
}

/// The program under test, to be run at the repository's top.
pub(crate) fn sparring(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sparring"));
    command.args(arguments).current_dir(top()).env("NO_COLOR", "1").env_remove("RUST_BACKTRACE").stdin(Stdio::null());
    command
}

/// What a command printed and how it ended, for assertions that show all of it.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str]) -> Ran {
    finish(&mut sparring(arguments))
}

/// Runs a prepared command to its end.
pub(crate) fn finish(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().expect("the program under test was built");
    Ran {
        code: status.code().expect("the program was not killed"),
        out: String::from_utf8_lossy(&stdout).into_owned(),
        err: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

/// Whether the Node client can run: `make setup` prepares it where there is Node. Says so once where it cannot.
pub(crate) fn node_is_ready() -> bool {
    static SAID: Once = Once::new();
    let ready = top().join("harness/clients/node/node_modules").is_dir();
    if !ready {
        SAID.call_once(|| say("left out: client node (run `make setup` on a machine with Node.js)"));
    }
    ready
}

/// Says something that is not to be lost in the capture of what tests print.
pub(crate) fn say(line: &str) {
    let _ = writeln!(stderr(), "{line}");
}

/// A file of results.
pub(crate) fn results(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("the run has written its results");
    serde_json::from_str(&text).expect("results are JSON")
}

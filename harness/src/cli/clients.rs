//! Which adapter a client's name stands for, and how it is started.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::exit::Failure;
use crate::plan::Expectations;
use crate::run::adapter::Launch;

/// The client that is compiled in.
pub(super) const BUILT_IN: &str = "built-in";
/// Where the shipped clients are, from a checkout's top.
const SHIPPED: &str = "harness/clients";
/// What the built-in client is known to fail: its list is compiled in with it.
const BUILT_IN_EXPECTATIONS: &str = include_str!("../../clients/rust/known-failing.yaml");

/// A client that was asked for.
#[derive(Debug, Clone)]
pub(super) struct Client {
    /// How its adapter is started.
    pub(super) launch: Launch,
    /// What it is known to fail.
    pub(super) expectations: Expectations,
    /// The words of the command line that chose it.
    pub(super) options: Vec<String>,
    /// What has to be installed for it, where it says so.
    pub(super) needs: Option<String>,
}

/// A flag and its value as words of a command line.
fn chosen_by(flag: &str, value: &str) -> Vec<String> {
    vec![flag.to_owned(), value.to_owned()]
}

/// `adapter.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    name: String,
    command: Vec<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "for people: a run installs nothing")]
    setup: Vec<String>,
    #[serde(default)]
    needs: Option<String>,
}

/// The clients of these names, folders and commands; the built-in one if there are none.
pub(super) fn resolve(names: &[String], commands: &[String], speed: u32) -> Result<Vec<Client>, Failure> {
    let mut clients = Vec::new();
    for name in names {
        clients.push(if name == BUILT_IN { built_in(speed)? } else { from_folder(name, speed)? });
    }
    for command in commands {
        clients.push(from_command(command, speed)?);
    }
    if clients.is_empty() {
        clients.push(built_in(speed)?);
    }
    distinct(&clients)?;
    Ok(clients)
}

fn distinct(clients: &[Client]) -> Result<(), Failure> {
    for (index, client) in clients.iter().enumerate() {
        if clients[..index].iter().any(|other| other.launch.name == client.launch.name) {
            return Err(Failure::usage(format!("client `{}` was given twice", client.launch.name)));
        }
    }
    Ok(())
}

fn built_in(speed: u32) -> Result<Client, Failure> {
    let program = std::env::current_exe().map_err(Failure::could_not_run)?;
    let command = vec![program.to_string_lossy().into_owned(), "adapter".into(), "run".into(), BUILT_IN.into()];
    let directory = std::env::current_dir().map_err(Failure::could_not_run)?;
    let expectations = Expectations::read(BUILT_IN_EXPECTATIONS).map_err(Failure::usage)?;
    let options = chosen_by("--client", BUILT_IN);
    Ok(Client {
        launch: Launch { name: BUILT_IN.to_owned(), command, directory, speed },
        expectations,
        options,
        needs: None,
    })
}

/// `COMMAND` or `NAME=COMMAND`.
fn from_command(text: &str, speed: u32) -> Result<Client, Failure> {
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let (name, command) = match text.split_once('=') {
        Some((name, command)) if is_name(name) => (Some(name.to_owned()), command),
        _ => (None, text),
    };
    let words = shlex::split(command).filter(|words| !words.is_empty());
    let command = words.ok_or_else(|| Failure::usage(format!("`{command}` is no command")))?;
    let name = name.unwrap_or_else(|| name_of(&command));
    let directory = std::env::current_dir().map_err(Failure::could_not_run)?;
    let options = chosen_by("--adapter", text);
    let launch = Launch { name, command, directory, speed };
    Ok(Client { launch, expectations: Expectations::default(), options, needs: None })
}

/// The name of a command's script, `my-adapter` of `node my-adapter.mjs`; of its program, if there is no script.
fn name_of(command: &[String]) -> String {
    let is_script = |word: &&String| !word.starts_with('-') && Path::new(word).extension().is_some();
    let named = command.iter().skip(1).find(is_script).unwrap_or(&command[0]);
    Path::new(named).file_stem().map_or_else(|| named.clone(), |stem| stem.to_string_lossy().into_owned())
}

fn from_folder(name: &str, speed: u32) -> Result<Client, Failure> {
    let folder = find(name)?;
    let manifest = read_manifest(&folder.join("adapter.toml"))?;
    let list = folder.join("known-failing.yaml");
    let expectations = match std::fs::read_to_string(&list) {
        Ok(text) => {
            Expectations::read(&text).map_err(|error| Failure::usage(format!("{}: {error}", list.display())))?
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Expectations::default(),
        Err(error) => return Err(Failure::usage(format!("{}: {error}", list.display()))),
    };
    if manifest.command.is_empty() {
        return Err(Failure::usage(format!("{}: `command` is empty", folder.join("adapter.toml").display())));
    }
    Ok(Client {
        launch: Launch { name: manifest.name, command: manifest.command, directory: folder, speed },
        expectations,
        options: chosen_by("--client", name),
        needs: manifest.needs,
    })
}

fn find(name: &str) -> Result<PathBuf, Failure> {
    let places = [PathBuf::from(name), Path::new(SHIPPED).join(name)];
    let found = places.iter().find(|folder| folder.join("adapter.toml").is_file());
    let missing = || {
        Failure::usage(format!(
            "there is no client `{name}`: expected {BUILT_IN}, a folder with an adapter.toml, or a name below {SHIPPED}"
        ))
    };
    found.ok_or_else(missing)?.canonicalize().map_err(Failure::usage)
}

fn read_manifest(path: &Path) -> Result<Manifest, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::usage(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    toml::from_str(&text).map_err(|error| wrong(&error))
}

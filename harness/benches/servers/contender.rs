//! Who is compared, how each is started, and what is said to it. All of it is data.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bare::Bare;
use crate::load::{Dialect, Step};
use crate::measure::Measure;

/// A protocol with everybody who serves it, the mock first.
#[derive(Debug)]
pub(crate) struct Family {
    /// Its name.
    pub(crate) name: &'static str,
    /// How it is spoken.
    pub(crate) dialect: &'static Dialect,
    /// Who serves it.
    pub(crate) contenders: &'static [Contender],
}

/// A server.
#[derive(Debug)]
pub(crate) struct Contender {
    /// Its name.
    pub(crate) name: &'static str,
    /// How it is started.
    pub(crate) start: Start,
    /// What is to be reached against it, or, with the mock, at all.
    pub(crate) aims: &'static [Aim],
}

/// What is to be reached.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Aim {
    /// A ratio of this or more.
    AtLeast(Measure, f64),
    /// A ratio of this or less.
    AtMost(Measure, f64),
    /// A cost below this.
    Within(Measure, f64),
}

impl Aim {
    /// What it is about.
    pub(crate) fn measure(self) -> Measure {
        match self {
            Self::AtLeast(measure, _) | Self::AtMost(measure, _) | Self::Within(measure, _) => measure,
        }
    }
}

/// How a server is started.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start {
    /// The mock, as this system.
    Mock(&'static str),
    /// A program for Node.js in `benches/node`.
    Node(&'static str),
    /// One of the bare servers in this program.
    Bare(Bare),
}

/// Everything that is compared.
pub(crate) const FAMILIES: [Family; 2] = [
    Family {
        name: "Socket.IO",
        dialect: &SOCKET_IO,
        contenders: &[
            Contender { name: "sparring", start: Start::Mock("socket.io"), aims: &AT_ALL },
            Contender { name: "socket.io (Node)", start: Start::Node("socket-io.mjs"), aims: &BESIDE_SOCKET_IO },
        ],
    },
    Family {
        name: "WebSocket",
        dialect: &WEBSOCKET,
        contenders: &[
            Contender { name: "sparring", start: Start::Mock("websocket"), aims: &AT_ALL },
            Contender { name: "axum", start: Start::Bare(Bare::Axum), aims: &BESIDE_BARE },
            Contender { name: "tungstenite", start: Start::Bare(Bare::Tungstenite), aims: &BESIDE_BARE },
            Contender { name: "ws (Node)", start: Start::Node("ws.mjs"), aims: &[] },
        ],
    },
];

const AT_ALL: [Aim; 1] = [Aim::Within(Measure::Start, 20.0)];

const BESIDE_SOCKET_IO: [Aim; 6] = [
    Aim::AtLeast(Measure::Handshake, 2.5),
    Aim::AtLeast(Measure::RoundTrip, 1.4),
    Aim::AtLeast(Measure::RoundTrips, 1.4),
    Aim::AtLeast(Measure::FanOut, 1.4),
    Aim::AtLeast(Measure::FanOuts, 3.0),
    Aim::AtMost(Measure::Idle, 1.25),
];

const BESIDE_BARE: [Aim; 5] = [
    Aim::AtLeast(Measure::Handshake, 0.8),
    Aim::AtLeast(Measure::RoundTrip, 0.8),
    Aim::AtLeast(Measure::RoundTrips, 0.8),
    Aim::AtLeast(Measure::FanOut, 0.8),
    Aim::AtLeast(Measure::FanOuts, 0.8),
];

const SOCKET_IO: Dialect = Dialect {
    target: "/socket.io/?EIO=4&transport=websocket",
    opening: &[Step::Hear("0"), Step::Say("40"), Step::Hear("40")],
    heartbeat: Some(("2", "3")),
    echo: r#"42["message","0123456789abcdef0123456789abcdef"]"#,
    echoed: r#"42["message"#,
    spread: r#"42["broadcast","0123456789abcdef0123456789abcdef"]"#,
    heard: r#"42["broadcast""#,
};

const WEBSOCKET: Dialect = Dialect {
    target: "/",
    opening: &[],
    heartbeat: None,
    echo: r#"{"type":"message","text":"0123456789abcdef0123456789abcdef"}"#,
    echoed: r#"{"type":"message""#,
    spread: r#"{"type":"broadcast","text":"0123456789abcdef0123456789abcdef"}"#,
    heard: r#"{"type":"broadcast""#,
};

impl Family {
    /// Whether it is the one of this name, if only one is meant.
    pub(crate) fn is(&self, only: Option<&str>) -> bool {
        only.is_none_or(|only| only.eq_ignore_ascii_case(self.name))
    }
}

impl Contender {
    /// Why it has to stay out, if it does.
    pub(crate) fn hindrance(&self) -> Option<&'static str> {
        let Start::Node(_) = self.start else { return None };
        let ready = node_folder().join("node_modules").is_dir();
        (!ready).then_some("needs Node.js 20 or newer; `make bench` then installs what it needs")
    }

    /// The command that starts it on a free port.
    pub(crate) fn command(&self) -> std::io::Result<Command> {
        let mut command;
        match self.start {
            Start::Mock(system) => {
                command = Command::new(env!("CARGO_BIN_EXE_sparring"));
                command.args(["serve", system, "--quiet"]);
            }
            Start::Node(program) => {
                command = Command::new("node");
                command.arg(node_folder().join(program));
            }
            Start::Bare(bare) => {
                command = Command::new(std::env::current_exe()?);
                command.args(["--bare", bare.name()]);
            }
        }
        Ok(command)
    }
}

fn node_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/node")
}

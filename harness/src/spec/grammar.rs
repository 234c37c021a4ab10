//! The keys of a scenario file and what each is for: the tables behind the reader and the JSON Schema.
//!
//! Observations and their fields stand in [`super::observations`].

/// A key and what it means.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keyword {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
}

const fn key(name: &'static str, about: &'static str) -> Keyword {
    Keyword { name, about }
}

pub(super) const FILE: [Keyword; 7] = [
    key("title", "One sentence without a full stop."),
    key("tags", "Words for filters."),
    key("given", "The setting."),
    key("axes", "Name to a list of scalars, or to a map of label to value; one case for each combination."),
    key("limit", "Document time after which a case that still waits has ended; default 5m plus all for and wait."),
    key("steps", "What is done and checked, in order; at least one check."),
    key("note", "Free text."),
];

pub(super) const GIVEN: [Keyword; 7] = [
    key("token", "Token of the only client, which is named `client`."),
    key("clients", "Sessions of the client under test, by name."),
    key("probes", "Built-in peers, by name."),
    key("server", "Fault rules, in force before the first byte."),
    key("clock", "The server's wall clock."),
    key("switches", "A documented alternative of a reading, by the name of its switch."),
    key("data", "What the server holds at the start."),
];

pub(super) const CLIENT: [Keyword; 4] = [
    key("token", "Its token; none if absent."),
    key("user", "The user that the token speaks of."),
    key("count", "Makes so many actors: name/1, name/2 and so on."),
    key("options", "Options for the adapter."),
];

pub(super) const PROBE: [Keyword; 6] = [
    CLIENT[0],
    CLIENT[1],
    CLIENT[2],
    key("origin", "Origin header."),
    key("headers", "Further headers."),
    key("transports", "Transports in the order in which they are tried; default the document's."),
];

/// The six verbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VerbName {
    Client,
    Probe,
    Server,
    Expect,
    Never,
    Wait,
}

impl VerbName {
    pub(super) const ALL: [Self; 6] = [Self::Client, Self::Probe, Self::Server, Self::Expect, Self::Never, Self::Wait];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Probe => "probe",
            Self::Server => "server",
            Self::Expect => "expect",
            Self::Never => "never",
            Self::Wait => "wait",
        }
    }

    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Client => "An action of the client under test; done when its request has been written.",
            Self::Probe => "An action of a built-in peer; done when its request has been written.",
            Self::Server => "A live action of the mock; done when it has been applied.",
            Self::Expect => "A check that something happens: one observation, or any_of.",
            Self::Never => "A check that something does not happen.",
            Self::Wait => "Time passes; for requirements about time alone, never for readiness.",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.name() == name)
    }

    /// The modifiers that it takes.
    pub(super) fn modifiers(self) -> impl Iterator<Item = &'static Modifier> {
        MODIFIERS.iter().filter(move |modifier| modifier.on.contains(&self))
    }
}

/// A key beside the verb.
#[derive(Debug)]
pub(super) struct Modifier {
    pub(super) name: &'static str,
    pub(super) on: &'static [VerbName],
    pub(super) about: &'static str,
}

const ACTIONS: &[VerbName] = &[VerbName::Client, VerbName::Probe, VerbName::Server];
const CHECKS: &[VerbName] = &[VerbName::Expect, VerbName::Never];
const EXPECT: &[VerbName] = &[VerbName::Expect];
const ALL_BUT_WAIT: &[VerbName] =
    &[VerbName::Client, VerbName::Probe, VerbName::Server, VerbName::Expect, VerbName::Never];
const NAMING: &[VerbName] = &[VerbName::Client, VerbName::Probe, VerbName::Server, VerbName::Expect];
const TIMED: &[VerbName] = &[VerbName::Expect, VerbName::Never, VerbName::Wait];

const fn modifier(name: &'static str, on: &'static [VerbName], about: &'static str) -> Modifier {
    Modifier { name, on, about }
}

pub(super) static MODIFIERS: [Modifier; 17] = [
    modifier("who", ALL_BUT_WAIT, "Actor, list of actors or counted name; needed where there are several."),
    modifier("with", ACTIONS, "Arguments, a map."),
    modifier("as", NAMING, "Names the record, one for each actor."),
    modifier("where", EXPECT, "Further fields that select the record."),
    modifier("since", TIMED, "The named record that times count from; default the step before."),
    modifier("within", EXPECT, "At most this long after the reference."),
    modifier("after", EXPECT, "This long after the reference: a duration range."),
    modifier("for", CHECKS, "Window, from the reference; on expect with times."),
    modifier(
        "until",
        CHECKS,
        "The window ends at the record of the named step, which may follow; on expect with times.",
    ),
    modifier("times", EXPECT, "How many records; with for or until a number range."),
    modifier("optional", EXPECT, "Whether the step is skipped if the next record does not fit."),
    modifier("unordered", EXPECT, "Whether the search begins at the actor's last action and leaves the cursor alone."),
    modifier("eventually", EXPECT, "Of a state: passes over the states before the fitting one."),
    modifier("req", CHECKS, "Requirement ids."),
    modifier("level", CHECKS, "Level of a check without req: must, the default, or should."),
    modifier("deviation", CHECKS, "Contradiction id under which a failure is a deviation."),
    modifier("note", &VerbName::ALL, "Free text."),
];

/// What an argument of an action holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Argument {
    /// Any JSON.
    Any,
    /// A map of names to scalars or tokens.
    Map,
    /// Text.
    Text,
    /// True or false.
    Flag,
    /// A whole number.
    Number,
    /// A duration.
    Duration,
    /// A moment in RFC 3339.
    Moment,
    /// The name of an event or message.
    Event,
    /// The name of an endpoint.
    Endpoint,
    /// `polling` or `websocket`.
    Transport,
    /// A list of those.
    Transports,
    /// A fault id.
    Fault,
    /// Fault rules.
    Rules,
    /// Bytes in hexadecimal.
    Hex,
}

/// An action of the probe or of the mock.
#[derive(Debug, Clone, Copy)]
pub(super) struct ActionShape {
    pub(super) name: &'static str,
    /// Its arguments by name.
    pub(super) arguments: &'static [(&'static str, Argument)],
    /// The arguments of which exactly one has to be given; empty if all may be left out.
    pub(super) one_of: &'static [&'static str],
    /// Whether it concerns the server as a whole, so that it needs no actor.
    pub(super) global: bool,
    pub(super) about: &'static str,
}

const fn action(
    name: &'static str,
    arguments: &'static [(&'static str, Argument)],
    one_of: &'static [&'static str],
    about: &'static str,
) -> ActionShape {
    ActionShape { name, arguments, one_of, global: false, about }
}

const fn global(shape: ActionShape) -> ActionShape {
    ActionShape { global: true, ..shape }
}

pub(super) const SERVER_ACTIONS: [ActionShape; 15] = [
    action(
        "emit",
        &[("event", Argument::Event), ("data", Argument::Any), ("room", Argument::Text)],
        &["event"],
        "Sends an event, to a room if one is given.",
    ),
    action("disconnect", &[("transport", Argument::Flag)], &[], "Ends the session, and its transport if asked to."),
    action("close", &[("code", Argument::Number), ("reason", Argument::Text)], &[], "Closes by the protocol."),
    action("cut", &[], &[], "Ends the stream without a word."),
    action("reset", &[], &[], "Resets the connection."),
    action("stall", &[], &[], "Neither reads nor writes from now on."),
    action("resume", &[], &[], "Ends a stall."),
    action("raw", &[("text", Argument::Text), ("hex", Argument::Hex)], &["text", "hex"], "Writes this as it stands."),
    action("revoke", &[], &[], "Revokes the session."),
    global(action("advance", &[("by", Argument::Duration)], &["by"], "Moves the server's wall clock ahead.")),
    global(action(
        "freeze",
        &[("at", Argument::Moment)],
        &[],
        "Stops the server's wall clock, now if nothing is given.",
    )),
    global(action("thaw", &[], &[], "Lets the server's wall clock run again.")),
    global(action(
        "restart",
        &[("down", Argument::Duration), ("keep_sessions", Argument::Flag)],
        &[],
        "Restarts the server.",
    )),
    global(action("arm", &[("rules", Argument::Rules)], &["rules"], "Puts further rules in force.")),
    global(action("disarm", &[("fault", Argument::Fault)], &["fault"], "Takes the rules of a fault out of force.")),
];

const REQUEST_HEAD: [(&str, Argument); 2] = [("query", Argument::Map), ("headers", Argument::Map)];

pub(super) const PROBE_ACTIONS: [ActionShape; 11] = [
    action(
        "connect",
        &[("auth", Argument::Any), REQUEST_HEAD[0], REQUEST_HEAD[1], ("transports", Argument::Transports)],
        &[],
        "Connects as the document's client does.",
    ),
    action("disconnect", &[], &[], "Disconnects by the protocol."),
    action(
        "send",
        &[("event", Argument::Event), ("data", Argument::Any), ("ack", Argument::Flag)],
        &["event"],
        "Sends an event or message.",
    ),
    action(
        "handshake",
        &[("transport", Argument::Transport), REQUEST_HEAD[0], REQUEST_HEAD[1]],
        &[],
        "Opens the transport and goes no further.",
    ),
    action("upgrade", &REQUEST_HEAD, &[], "Asks for a WebSocket upgrade and goes no further."),
    action("raw_connect", &REQUEST_HEAD, &[], "Opens a connection on which nothing is sent by itself."),
    action(
        "raw_send",
        &[("text", Argument::Text), ("hex", Argument::Hex)],
        &["text", "hex"],
        "Writes this as it stands.",
    ),
    action("ignore_pings", &[], &[], "Answers no heartbeat from now on."),
    action("delay_pongs", &[("by", Argument::Duration)], &["by"], "Answers heartbeats this much later from now on."),
    action("reset", &[], &[], "Resets the connection."),
    action(
        "request",
        &[
            ("endpoint", Argument::Endpoint),
            ("path", Argument::Text),
            ("method", Argument::Text),
            REQUEST_HEAD[0],
            REQUEST_HEAD[1],
            ("body", Argument::Any),
        ],
        &["endpoint", "path"],
        "Sends a plain HTTP request.",
    ),
];

/// The packets of the wire, in capitals.
pub(super) const PACKETS: [&str; 8] =
    ["OPEN", "CLOSE", "UPGRADE", "NOOP", "CONNECT", "DISCONNECT", "CONNECT_ERROR", "ACK"];

/// Requests that are no endpoint of the document.
pub(super) const PROTOCOL_REQUESTS: [&str; 3] = ["polling", "upgrade", "preflight"];

/// The answer to an attempt over polling.
pub(super) const HANDSHAKE: &str = "handshake";

/// Transports by name.
pub(super) const TRANSPORTS: [&str; 2] = ["polling", "websocket"];

/// The patterns that are maps of one key.
pub(super) const OPERATORS: [Keyword; 7] = [
    key("$type", "A value of this JSON type."),
    key("$match", "A string in which the regular expression is found."),
    key("$range", "A number in the range."),
    key("$not", "What the pattern does not match, an absent value included."),
    key("$any_of", "What one of the patterns matches."),
    key("$exact", "A map with these keys and no others."),
    key("$absent", "A field that is not there."),
];

/// Stands in arguments for a token that is minted when the step is taken.
pub(super) const MINTED: &str = "$token";

/// The most actors that one counted name makes.
pub(super) const MAX_COUNT: u64 = 10_000;

//! Live actions as people write them: the `server` steps of scenarios and the commands of the console.
//!
//! Reads them; what they do is said in `server`.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::fields::{Fields, missing};
use crate::script::{Fault, Rule, read_rules};
use crate::values::{FieldError, from_hex};

/// Something to be done to a server that is up. Unless it says otherwise, it concerns an actor's newest connection.
#[derive(Debug, Clone, PartialEq)]
pub enum LiveAction {
    /// Sends an event.
    Emit {
        /// Its name.
        event: String,
        /// Its argument; none means no argument.
        data: Option<Value>,
        /// To everybody in this room, instead of one connection.
        room: Option<String>,
    },
    /// Sends a Socket.IO `DISCONNECT`.
    Disconnect {
        /// Whether the transport ends too.
        transport: bool,
    },
    /// Closes by the transport's own close.
    Close {
        /// Close code, if one is to be given.
        code: Option<u16>,
        /// Close reason.
        reason: String,
    },
    /// Ends the TCP stream.
    Cut,
    /// Resets the TCP connection.
    Reset,
    /// Reads nothing and sends nothing from now on.
    Stall,
    /// Ends a stall.
    Resume,
    /// Sends a text frame or packet as it stands.
    RawText {
        /// The text.
        text: String,
    },
    /// Sends a ping control frame, where a WebSocket carries the connection.
    Ping {
        /// Its payload.
        payload: Vec<u8>,
    },
    /// Sends bytes beneath all framing.
    RawBytes {
        /// The bytes.
        bytes: Bytes,
    },
    /// Takes the session away while its token stays good.
    Revoke,
    /// Sets the server's clock forward.
    Advance {
        /// How far.
        by: Duration,
    },
    /// Makes the server's clock stand still.
    Freeze {
        /// At this time since the Unix epoch; none means the present one.
        at: Option<Duration>,
    },
    /// Lets the server's clock run again.
    Thaw,
    /// Ends the server's process, as it were, and starts it again.
    Restart {
        /// How long the ports stay closed.
        down: Duration,
        /// Whether sessions outlive it.
        keep_sessions: bool,
    },
    /// Arms rules.
    Arm {
        /// The rules.
        rules: Vec<Rule>,
    },
    /// Disarms all rules of a fault.
    Disarm {
        /// The fault's id.
        fault: String,
    },
}

/// The names of all live actions.
pub const LIVE_ACTIONS: [&str; 16] = [
    "emit",
    "disconnect",
    "close",
    "cut",
    "reset",
    "stall",
    "resume",
    "raw",
    "ping",
    "revoke",
    "advance",
    "freeze",
    "thaw",
    "restart",
    "arm",
    "disarm",
];

impl LiveAction {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Emit { .. } => "emit",
            Self::Disconnect { .. } => "disconnect",
            Self::Close { .. } => "close",
            Self::Cut => "cut",
            Self::Reset => "reset",
            Self::Stall => "stall",
            Self::Resume => "resume",
            Self::RawText { .. } | Self::RawBytes { .. } => "raw",
            Self::Ping { .. } => "ping",
            Self::Revoke => "revoke",
            Self::Advance { .. } => "advance",
            Self::Freeze { .. } => "freeze",
            Self::Thaw => "thaw",
            Self::Restart { .. } => "restart",
            Self::Arm { .. } => "arm",
            Self::Disarm { .. } => "disarm",
        }
    }

    /// Whether the action of this name concerns the whole server and not one actor's connection.
    pub fn is_global(name: &str) -> bool {
        matches!(name, "advance" | "freeze" | "thaw" | "restart" | "arm" | "disarm")
    }

    /// Reads an action and its arguments; all that is wrong with it at once.
    pub fn read(name: &str, args: &Map<String, Value>) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::new(args);
        let Some(known) = arguments(name) else {
            return Err(vec![FieldError::unknown("", name, "a live action", LIVE_ACTIONS)]);
        };
        fields.refuse_unknown(&format!("an argument of {name}"), known);
        let action = build(name, &mut fields);
        let errors = fields.into_errors();
        action.filter(|_| errors.is_empty()).ok_or(errors)
    }
}

/// The arguments that an action takes; none if there is no such action.
fn arguments(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "emit" => &["event", "data", "room"],
        "disconnect" => &["transport"],
        "close" => &["code", "reason"],
        "raw" => &["text", "hex"],
        "ping" => &["payload"],
        "advance" => &["by"],
        "freeze" => &["at"],
        "restart" => &["down", "keep_sessions"],
        "arm" => &["rules"],
        "disarm" => &["fault"],
        "cut" | "reset" | "stall" | "resume" | "revoke" | "thaw" => &[],
        _ => return None,
    })
}

/// Builds it from its fields, which keep the errors.
fn build(name: &str, fields: &mut Fields<'_>) -> Option<LiveAction> {
    Some(match name {
        "emit" => return emit(fields),
        "disconnect" => LiveAction::Disconnect { transport: flag(fields, "transport") },
        "close" => close(fields),
        "cut" => LiveAction::Cut,
        "reset" => LiveAction::Reset,
        "stall" => LiveAction::Stall,
        "resume" => LiveAction::Resume,
        "raw" => return raw(fields),
        "ping" => ping(fields),
        "revoke" => LiveAction::Revoke,
        "advance" => LiveAction::Advance { by: required_duration(fields, "by")? },
        "freeze" => {
            LiveAction::Freeze { at: fields.take("at", "a time as in RFC 3339, such as 2024-12-07T05:00:00Z", moment) }
        }
        "thaw" => LiveAction::Thaw,
        "restart" => {
            let keep_sessions = flag(fields, "keep_sessions");
            LiveAction::Restart { down: required_duration(fields, "down")?, keep_sessions }
        }
        "arm" => return arm(fields),
        "disarm" => return disarm(fields),
        _ => return None,
    })
}

fn emit(fields: &mut Fields<'_>) -> Option<LiveAction> {
    let room = fields.text("room", "the name of a room");
    let data = fields.get("data").filter(|data| !data.is_null()).cloned();
    let event = required(fields, "event", "the name of an event")?;
    Some(LiveAction::Emit { event, data, room })
}

fn close(fields: &mut Fields<'_>) -> LiveAction {
    let code = fields.take("code", "a close code, such as 1001 or 4008", |value| u16::try_from(value.as_u64()?).ok());
    let reason = fields.take("reason", "a text", |value| value.as_str().map(str::to_owned)).unwrap_or_default();
    LiveAction::Close { code, reason }
}

fn raw(fields: &mut Fields<'_>) -> Option<LiveAction> {
    let text = fields.take("text", "a text", |value| value.as_str().map(str::to_owned));
    let bytes =
        fields.take("hex", "bytes in hexadecimal, such as 8180", |value| from_hex(value.as_str()?).map(Bytes::from));
    match (fields.get("text").is_some(), fields.get("hex").is_some()) {
        (true, false) => text.map(|text| LiveAction::RawText { text }),
        (false, true) => bytes.map(|bytes| LiveAction::RawBytes { bytes }),
        _ => {
            fields.refuse(missing("text", "either `text` or `hex`"));
            None
        }
    }
}

fn ping(fields: &mut Fields<'_>) -> LiveAction {
    let expected = "a text of at most 125 bytes, or as many bytes in hexadecimal such as 0x00ff";
    let payload = fields.take("payload", expected, |value| {
        let text = value.as_str()?;
        let bytes = text.strip_prefix("0x").map_or_else(|| Some(text.as_bytes().to_vec()), from_hex)?;
        (bytes.len() <= 125).then_some(bytes)
    });
    LiveAction::Ping { payload: payload.unwrap_or_default() }
}

fn arm(fields: &mut Fields<'_>) -> Option<LiveAction> {
    let Some(rules) = fields.get("rules") else {
        fields.refuse(missing("rules", "a list of rules"));
        return None;
    };
    match read_rules(rules) {
        Ok(rules) => Some(LiveAction::Arm { rules }),
        Err(errors) => {
            for error in errors {
                fields.refuse(error.under("rules"));
            }
            None
        }
    }
}

fn disarm(fields: &mut Fields<'_>) -> Option<LiveAction> {
    let fault = required(fields, "fault", "the id of a fault")?;
    if Fault::describe(&fault).is_none() {
        fields.refuse(FieldError::unknown("fault", &fault, "a fault", Fault::ids()));
    }
    Some(LiveAction::Disarm { fault })
}

fn flag(fields: &mut Fields<'_>, name: &str) -> bool {
    fields.take(name, "true or false", Value::as_bool).unwrap_or_default()
}

fn required(fields: &mut Fields<'_>, name: &str, expected: &str) -> Option<String> {
    if fields.get(name).is_none() {
        fields.refuse(missing(name, expected));
    }
    fields.text(name, expected)
}

fn required_duration(fields: &mut Fields<'_>, name: &str) -> Option<Duration> {
    if fields.get(name).is_none() {
        fields.refuse(missing(name, "a duration with a unit, such as 250ms, 1.5s, 2m or 1h"));
    }
    fields.duration(name)
}

fn moment(value: &Value) -> Option<Duration> {
    let moment = OffsetDateTime::parse(value.as_str()?, &Rfc3339).ok()?;
    Duration::try_from(moment - OffsetDateTime::UNIX_EPOCH).ok()
}

//! The kinds of value that parameters have: reading, writing back, and what to say when the value is wrong.
//!
//! Knows nothing of the faults that use them.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::define::{ParamInfo, Presence};
use crate::fields::{Fields, missing};
use crate::values::{FieldError, ValueError, format_duration, from_hex, parse_duration};

/// The largest count: enough for any test, and no way to exhaust the machine.
const MOST: u32 = 1_000;

/// The largest number of bytes: one that no test waits for.
const MOST_BYTES: u64 = 1 << 30;

/// What may stand in a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A duration with a unit.
    Duration,
    /// A whole number from 1 to 1000.
    Count,
    /// A number of bytes from 1 to 1073741824.
    Bytes,
    /// A close code.
    Code,
    /// Bytes, as a text or in hexadecimal.
    Octets,
    /// An HTTP status.
    Status,
    /// `true` or `false`.
    Flag,
    /// A text.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of some of these words.
    Choices(&'static [&'static str]),
    /// A list of names.
    Names,
    /// A map of header fields.
    Headers,
    /// A map with any values.
    Members,
    /// Any value; null means that there is none.
    Payload,
    /// A moment, RFC 3339.
    Time,
}

impl Kind {
    /// The word for it in lists of parameters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Duration => "duration",
            Self::Count => "count",
            Self::Bytes => "bytes",
            Self::Code => "code",
            Self::Octets => "octets",
            Self::Status => "status",
            Self::Flag => "flag",
            Self::Text => "text",
            Self::Choice(_) => "choice",
            Self::Choices(_) => "choices",
            Self::Names => "names",
            Self::Headers => "headers",
            Self::Members => "members",
            Self::Payload => "payload",
            Self::Time => "time",
        }
    }

    /// What an error says was expected.
    pub fn expected(self) -> String {
        match self {
            Self::Duration => ValueError::Duration.to_string(),
            Self::Count => format!("a whole number from 1 to {MOST}"),
            Self::Bytes => format!("a number of bytes from 1 to {MOST_BYTES}"),
            Self::Code => "a close code from 0 to 65535".to_owned(),
            Self::Octets => "a text, or bytes in hexadecimal such as 0x00ff".to_owned(),
            Self::Status => "an HTTP status from 200 to 599".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Text => "a text".to_owned(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Choices(words) => format!("a list of one or more of {}", words.join(", ")),
            Self::Names => "a list of names".to_owned(),
            Self::Headers => "a map of header fields and their texts".to_owned(),
            Self::Members => "a map".to_owned(),
            Self::Payload => "any value".to_owned(),
            Self::Time => "a moment such as 2025-01-01T00:00:00Z".to_owned(),
        }
    }

    /// JSON Schema of such a value.
    pub fn schema(self) -> Value {
        match self {
            Self::Duration => json!({"type": "string", "pattern": r"^\d+(\.\d{1,9})?(ms|s|m|h)$"}),
            Self::Count => json!({"type": "integer", "minimum": 1, "maximum": MOST}),
            Self::Bytes => json!({"type": "integer", "minimum": 1, "maximum": MOST_BYTES}),
            Self::Code => json!({"type": "integer", "minimum": 0, "maximum": 65_535}),
            Self::Octets => json!({"type": "string", "pattern": "^(?!0x)|^0x([0-9A-Fa-f]{2})*$"}),
            Self::Status => json!({"type": "integer", "minimum": 200, "maximum": 599}),
            Self::Flag => json!({"type": "boolean"}),
            Self::Text => json!({"type": "string"}),
            Self::Choice(words) => json!({"enum": words}),
            Self::Choices(words) => {
                json!({"type": "array", "items": {"enum": words}, "minItems": 1, "uniqueItems": true})
            }
            Self::Names => json!({"type": "array", "items": {"type": "string"}}),
            Self::Headers => json!({"type": "object", "additionalProperties": {"type": "string"}}),
            Self::Members => json!({"type": "object"}),
            Self::Payload => json!({}),
            Self::Time => json!({"type": "string", "format": "date-time"}),
        }
    }
}

/// A type that parameters have.
pub(super) trait Param: Sized + PartialEq {
    /// What may stand there.
    const KIND: Kind;
    /// What it means that the key is missing, where that means something.
    fn absent() -> Option<Self> {
        None
    }
    /// Reads the value; none if it is of another kind.
    fn read(value: &Value) -> Option<Self>;
    /// The value as it would be written; none if the key would be left out.
    fn written(&self) -> Option<Value>;
}

/// Describes the parameter of this name.
pub(super) fn info<T: Param>(name: &'static str, doc: &'static str, default: Option<&T>) -> ParamInfo {
    let presence = match default.and_then(Param::written) {
        Some(value) => Presence::Default(value),
        None if default.is_some() || T::absent().is_some() => Presence::Optional,
        None => Presence::Required,
    };
    ParamInfo { name, doc, kind: T::KIND, presence }
}

/// Takes the parameter of this name; none if it is wrong, or missing without default.
pub(super) fn take<T: Param>(fields: &mut Fields<'_>, name: &str, default: Option<T>) -> Option<T> {
    let Some(value) = fields.get(name) else {
        let usual = default.or_else(T::absent);
        if usual.is_none() {
            fields.refuse(missing(name, T::KIND.expected()));
        }
        return usual;
    };
    let taken = T::read(value);
    if taken.is_none() {
        fields.refuse(wrong(name, value, T::KIND));
    }
    taken
}

fn wrong(name: &str, value: &Value, kind: Kind) -> FieldError {
    match (kind, value.as_str()) {
        (Kind::Duration, Some(text)) if parse_duration(text) == Err(ValueError::TooLong) => {
            FieldError::new(name, value, ValueError::TooLong.to_string())
        }
        (Kind::Choice(words), Some(text)) => FieldError::unknown(name, text, "one of", words.iter().copied()),
        _ => FieldError::new(name, value, kind.expected()),
    }
}

/// Writes the parameter into the map, unless it is what its absence means.
pub(super) fn write<T: Param>(map: &mut Map<String, Value>, name: &str, value: &T, default: Option<T>) {
    if default.or_else(T::absent).as_ref() != Some(value)
        && let Some(written) = value.written()
    {
        map.insert(name.to_owned(), written);
    }
}

/// A duration as it reads back, to the nanosecond.
pub(in crate::script) fn exact(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    if nanos.is_multiple_of(1_000_000) {
        return format_duration(duration);
    }
    let digits = format!("{}.{:06}", nanos / 1_000_000, nanos % 1_000_000);
    format!("{}ms", digits.trim_end_matches('0'))
}

impl<T: Param> Param for Option<T> {
    const KIND: Kind = T::KIND;

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn read(value: &Value) -> Option<Self> {
        T::read(value).map(Some)
    }

    fn written(&self) -> Option<Value> {
        self.as_ref().and_then(Param::written)
    }
}

impl Param for Duration {
    const KIND: Kind = Kind::Duration;

    fn read(value: &Value) -> Option<Self> {
        parse_duration(value.as_str()?).ok()
    }

    fn written(&self) -> Option<Value> {
        Some(json!(exact(*self)))
    }
}

impl Param for NonZeroU32 {
    const KIND: Kind = Kind::Count;

    fn read(value: &Value) -> Option<Self> {
        let number = u32::try_from(value.as_u64()?).ok()?;
        Self::new(number).filter(|_| number <= MOST)
    }

    fn written(&self) -> Option<Value> {
        Some(json!(self))
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub NonZeroU64);

impl Param for Bytes {
    const KIND: Kind = Kind::Bytes;

    fn read(value: &Value) -> Option<Self> {
        let number = value.as_u64().filter(|number| *number <= MOST_BYTES)?;
        NonZeroU64::new(number).map(Self)
    }

    fn written(&self) -> Option<Value> {
        Some(json!(self.0))
    }
}

/// A close code, legal or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(pub u16);

impl Param for Code {
    const KIND: Kind = Kind::Code;

    fn read(value: &Value) -> Option<Self> {
        u16::try_from(value.as_u64()?).ok().map(Self)
    }

    fn written(&self) -> Option<Value> {
        Some(json!(self.0))
    }
}

/// Bytes that are written as a text, or in hexadecimal behind `0x`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Octets(pub Vec<u8>);

impl Param for Octets {
    const KIND: Kind = Kind::Octets;

    fn read(value: &Value) -> Option<Self> {
        let text = value.as_str()?;
        text.strip_prefix("0x").map_or_else(|| Some(text.as_bytes().to_vec()), from_hex).map(Self)
    }

    fn written(&self) -> Option<Value> {
        let text = std::str::from_utf8(&self.0).ok().filter(|text| !text.starts_with("0x"));
        let hex = || self.0.iter().fold("0x".to_owned(), |text, byte| format!("{text}{byte:02x}"));
        Some(json!(text.map_or_else(hex, str::to_owned)))
    }
}

impl Param for StatusCode {
    const KIND: Kind = Kind::Status;

    fn read(value: &Value) -> Option<Self> {
        let number = u16::try_from(value.as_u64()?).ok()?;
        (200..600).contains(&number).then(|| Self::from_u16(number).ok())?
    }

    fn written(&self) -> Option<Value> {
        Some(json!(self.as_u16()))
    }
}

impl Param for bool {
    const KIND: Kind = Kind::Flag;

    fn read(value: &Value) -> Option<Self> {
        value.as_bool()
    }

    fn written(&self) -> Option<Value> {
        Some(json!(self))
    }
}

impl Param for String {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }

    fn written(&self) -> Option<Value> {
        Some(json!(self))
    }
}

impl Param for Vec<String> {
    const KIND: Kind = Kind::Names;

    fn read(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(String::read).collect()
    }

    fn written(&self) -> Option<Value> {
        Some(json!(self))
    }
}

impl Param for HeaderMap {
    const KIND: Kind = Kind::Headers;

    fn read(value: &Value) -> Option<Self> {
        let field = |(name, text): (&String, &Value)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(text.as_str()?).ok()?))
        };
        value.as_object()?.iter().map(field).collect()
    }

    fn written(&self) -> Option<Value> {
        let text = |value: &HeaderValue| json!(String::from_utf8_lossy(value.as_bytes()));
        let members: Map<String, Value> = self.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        Some(Value::Object(members))
    }
}

impl Param for HeaderValue {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value) -> Option<Self> {
        Self::from_str(value.as_str()?).ok()
    }

    fn written(&self) -> Option<Value> {
        Some(json!(String::from_utf8_lossy(self.as_bytes())))
    }
}

impl Param for Map<String, Value> {
    const KIND: Kind = Kind::Members;

    fn read(value: &Value) -> Option<Self> {
        value.as_object().cloned()
    }

    fn written(&self) -> Option<Value> {
        Some(Value::Object(self.clone()))
    }
}

/// What a message carries.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    /// No argument at all.
    Nothing,
    /// This value.
    Json(Value),
}

impl Payload {
    /// The value, if there is one.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Self::Nothing => None,
            Self::Json(value) => Some(value),
        }
    }
}

impl Param for Payload {
    const KIND: Kind = Kind::Payload;

    fn read(value: &Value) -> Option<Self> {
        Some(if value.is_null() { Self::Nothing } else { Self::Json(value.clone()) })
    }

    fn written(&self) -> Option<Value> {
        Some(self.value().cloned().unwrap_or(Value::Null))
    }
}

/// A moment of the server's clock, as time since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WallTime(pub Duration);

impl Param for WallTime {
    const KIND: Kind = Kind::Time;

    fn read(value: &Value) -> Option<Self> {
        let moment = OffsetDateTime::parse(value.as_str()?, &Rfc3339).ok()?;
        Duration::try_from(moment - OffsetDateTime::UNIX_EPOCH).ok().map(Self)
    }

    fn written(&self) -> Option<Value> {
        let moment = OffsetDateTime::UNIX_EPOCH.checked_add(time::Duration::try_from(self.0).ok()?)?;
        moment.format(&Rfc3339).ok().map(Value::String)
    }
}

/// Defines a choice between words: an enum whose variants are written so.
macro_rules! choice {
    ($(#[doc = $doc:literal])+ pub enum $name:ident { $($(#[doc = $text:literal])+ $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[doc = $text])+ $variant,)+
        }

        impl $name {
            /// All, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl $crate::script::fault::param::Param for $name {
            const KIND: $crate::script::fault::Kind = $crate::script::fault::Kind::Choice(&[$($word),+]);

            fn read(value: &serde_json::Value) -> Option<Self> {
                Self::ALL.iter().copied().find(|choice| value.as_str() == Some(choice.name()))
            }

            fn written(&self) -> Option<serde_json::Value> {
                Some(self.name().into())
            }
        }
    };
}

pub(super) use choice;

//! The scalar forms that scenario files, scripts and the command line share: durations with units and ranges.
//!
//! Grammar: scenario language, section 3. Knows nothing of files, lines or rules.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;

/// Why a value was not taken: the words an error message needs, and the place inside the data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: found {found}, expected {expected}{}", hint(.suggestion.as_deref()))]
pub struct FieldError {
    /// Dotted path of the field inside the data that was read, for instance `when.token`.
    pub path: String,
    /// The wrong value as it would be written.
    pub found: String,
    /// What would have been right.
    pub expected: String,
    /// A close name that exists, if there is one.
    pub suggestion: Option<String>,
}

fn hint(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

impl FieldError {
    /// An error about the value at `path`.
    pub fn new(path: impl Into<String>, found: &Value, expected: impl Into<String>) -> Self {
        Self { path: path.into(), found: shown(found), expected: expected.into(), suggestion: None }
    }

    /// An error about a name that is none of `known`, with the closest of them as suggestion.
    pub fn unknown<'a>(
        path: impl Into<String>,
        found: &str,
        what: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        Self {
            path: path.into(),
            found: format!("`{}`", shortened(found)),
            expected: format!("{what}: {}", known.join(", ")),
            suggestion: closest(found, known),
        }
    }

    /// The same error, deeper inside the data.
    #[must_use]
    pub fn under(mut self, parent: &str) -> Self {
        self.path = match (parent, self.path.as_str()) {
            ("", _) => self.path,
            (_, "") => parent.to_owned(),
            (_, path) if path.starts_with('[') => format!("{parent}{path}"),
            (_, path) => format!("{parent}.{path}"),
        };
        self
    }
}

/// A value as it stands in an error message, shortened where it is long.
pub fn shown(value: &Value) -> String {
    format!("`{}`", shortened(&value.to_string()))
}

fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(80) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// The name in `known` that is closest to `name`, if one is close enough to have been meant.
pub fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let most = |candidate: &str| (candidate.len() / 3).max(1);
    let length = name.chars().count();
    known
        .into_iter()
        // The distance is no less than this; and to find it takes time and memory by both lengths.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= most(candidate))
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= most(candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.to_owned())
}

/// Why a scalar is not of its form. `Display` says what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Not a number followed by one of the four units.
    #[error("a duration with a unit, such as 250ms, 1.5s, 2m or 1h")]
    Duration,
    /// Longer than anything can wait: its nanoseconds do not fit into 64 bits.
    #[error("a duration of at most 5124095h, which is 584 years")]
    TooLong,
    /// Not `3`, `1-2` or `4+`.
    #[error("a number range, such as 3, 1-2 or 4+")]
    NumberRange,
    /// Not `9s-11s`, `60s+` or a single duration.
    #[error("a duration range, such as 9s-11s or 60s+, or a single duration")]
    DurationRange,
}

/// Reads a duration such as `250ms`, `1.5s`, `2m` or `1h`.
pub fn parse_duration(text: &str) -> Result<Duration, ValueError> {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).ok_or(ValueError::Duration)?;
    let (number, unit) = text.split_at(split);
    let nanos_per_unit: u64 = match unit {
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return Err(ValueError::Duration),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return Err(ValueError::Duration);
    }
    decimal_times(whole, fraction, nanos_per_unit).map(Duration::from_nanos).ok_or(ValueError::TooLong)
}

/// A decimal number, in digits on both sides of its point, times a factor, without the detour over floating point; none
/// if it is too large.
fn decimal_times(whole: &str, fraction: &str, factor: u64) -> Option<u64> {
    let scale = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let fraction = u128::from(fraction.parse::<u64>().ok()?) * u128::from(factor) / u128::from(scale);
    whole.parse::<u64>().ok()?.checked_mul(factor)?.checked_add(u64::try_from(fraction).ok()?)
}

/// Writes a duration in the largest unit that keeps it short: `250ms`, `1.5s`, `2m`, `1h`.
pub fn format_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0..1_000 => format!("{millis}ms"),
        _ if millis.is_multiple_of(3_600_000) => format!("{}h", millis / 3_600_000),
        _ if millis >= 120_000 && millis.is_multiple_of(60_000) => format!("{}m", millis / 60_000),
        _ if millis.is_multiple_of(1_000) => format!("{}s", millis / 1_000),
        _ => {
            let text = format!("{}.{:03}", millis / 1_000, millis % 1_000);
            format!("{}s", text.trim_end_matches('0'))
        }
    }
}

/// A set of whole numbers without gaps: `3`, `1-2` or `4+`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NumberRange {
    /// Smallest number inside.
    pub min: u64,
    /// Largest number inside; none means without end.
    pub max: Option<u64>,
}

impl NumberRange {
    /// Just this number.
    pub const fn exactly(number: u64) -> Self {
        Self { min: number, max: Some(number) }
    }

    /// Whether the number is inside.
    pub fn contains(self, number: u64) -> bool {
        number >= self.min && self.max.is_none_or(|max| number <= max)
    }
}

impl FromStr for NumberRange {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let number = |part: &str| part.parse::<u64>().map_err(|_| ValueError::NumberRange);
        if let Some(min) = text.strip_suffix('+') {
            return Ok(Self { min: number(min)?, max: None });
        }
        let (min, max) = text.split_once('-').unwrap_or((text, text));
        let range = Self { min: number(min)?, max: Some(number(max)?) };
        if range.max.is_some_and(|max| max < range.min) { Err(ValueError::NumberRange) } else { Ok(range) }
    }
}

impl fmt::Display for NumberRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.max {
            None => write!(f, "{}+", self.min),
            Some(max) if max == self.min => write!(f, "{max}"),
            Some(max) => write!(f, "{}-{max}", self.min),
        }
    }
}

/// A span of durations as it was written: a written range, or a nominal value that takes the catalogue's tolerance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DurationRange {
    /// `10s`: the document's value, to be widened by the catalogue's tolerance.
    Nominal(Duration),
    /// `9s-11s`.
    Between(Duration, Duration),
    /// `60s+`.
    AtLeast(Duration),
}

impl FromStr for DurationRange {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let duration = |part: &str| {
            parse_duration(part).map_err(|error| match error {
                ValueError::TooLong => error,
                _ => ValueError::DurationRange,
            })
        };
        if let Some(min) = text.strip_suffix('+') {
            return duration(min).map(Self::AtLeast);
        }
        match text.split_once('-') {
            None => duration(text).map(Self::Nominal),
            Some((min, max)) => match (duration(min)?, duration(max)?) {
                (min, max) if min <= max => Ok(Self::Between(min, max)),
                _ => Err(ValueError::DurationRange),
            },
        }
    }
}

impl fmt::Display for DurationRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nominal(value) => f.write_str(&format_duration(*value)),
            Self::Between(min, max) => write!(f, "{}-{}", format_duration(*min), format_duration(*max)),
            Self::AtLeast(min) => write!(f, "{}+", format_duration(*min)),
        }
    }
}

/// Reads bytes in hexadecimal; spaces between them mean nothing.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()));
    let digits: Vec<u8> = digits.collect::<Option<_>>()?;
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("250ms", Some(250))]
    #[case("1.5s", Some(1_500))]
    #[case("2m", Some(120_000))]
    #[case("1h", Some(3_600_000))]
    #[case("10", None)]
    #[case("10 s", None)]
    #[case("-1s", None)]
    #[case("1e3s", None)]
    #[case(".5s", None)]
    #[case("s", None)]
    fn durations(#[case] text: &str, #[case] millis: Option<u64>) {
        assert_eq!(parse_duration(text).ok(), millis.map(Duration::from_millis));
    }

    #[rstest]
    #[case("5124095h", None)]
    #[case("5124096h", Some(ValueError::TooLong))]
    #[case("99999999999999999999ms", Some(ValueError::TooLong))]
    #[case("5124095.999999999h", Some(ValueError::TooLong))]
    #[case("99999999999999999999", Some(ValueError::Duration))]
    #[case("99999999999999999999y", Some(ValueError::Duration))]
    fn a_duration_that_is_too_long_says_so(#[case] text: &str, #[case] error: Option<ValueError>) {
        assert_eq!(parse_duration(text).err(), error);
        assert_eq!(format!("0ms-{text}").parse::<DurationRange>().is_err(), error.is_some());
    }

    #[rstest]
    #[case("3", Some((3, Some(3))))]
    #[case("1-2", Some((1, Some(2))))]
    #[case("4+", Some((4, None)))]
    #[case("2-1", None)]
    #[case("-1", None)]
    #[case("+", None)]
    fn number_ranges(#[case] text: &str, #[case] expected: Option<(u64, Option<u64>)>) {
        assert_eq!(text.parse::<NumberRange>().ok().map(|range| (range.min, range.max)), expected);
    }

    #[rstest]
    #[case("10s")]
    #[case("9s-11s")]
    #[case("60s+")]
    #[case("250ms-1.5s")]
    fn duration_ranges_print_as_written(#[case] text: &str) {
        assert_eq!(text.parse::<DurationRange>().map(|range| range.to_string()), Ok(text.to_owned()));
    }

    #[test]
    fn a_reversed_range_is_refused() {
        assert_eq!("11s-9s".parse::<DurationRange>(), Err(ValueError::DurationRange));
    }

    #[test]
    fn a_close_name_is_suggested() {
        assert_eq!(closest("silent-aut", ["silent-auth", "latency"]), Some("silent-auth".to_owned()));
        assert_eq!(closest("wombat", ["silent-auth", "latency"]), None);
        assert_eq!(closest("silent-authhhh", ["silent-auth"]), Some("silent-auth".to_owned()));
        assert_eq!(closest("silent-authhhhh", ["silent-auth"]), None);
    }

    #[test]
    fn a_long_name_is_compared_with_nothing_and_shown_in_short() {
        let long = "silent-auth".repeat(1_000_000);
        let error = FieldError::unknown("fault", &long, "one of", ["silent-auth"]);
        assert_eq!((error.found.chars().count(), error.suggestion), (83, None));
    }
}

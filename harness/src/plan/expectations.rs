//! What a client is known to fail: `known-failing.yaml` beside its adapter, strict both ways.
//!
//! Only `fail` and `deviation` can be excused. An entry that passes, matches nothing or has expired fails the run.

use globset::{Glob, GlobMatcher};
use serde::{Deserialize, Deserializer};
use time::Date;
use time::format_description::FormatItem;
use time::macros::format_description;

use crate::judge::CaseOutcome;

/// A client's list.
#[derive(Debug, Clone, Default)]
pub struct Expectations {
    entries: Vec<(Entry, GlobMatcher)>,
}

/// One excuse.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Pattern over case ids.
    pub pattern: String,
    /// Why the client fails it.
    pub reason: String,
    /// Where that is being dealt with.
    #[serde(default)]
    pub issue: Option<String>,
    /// Version of the client or of its library to which it is limited; `4.8` stands for all of `4.8.*`.
    #[serde(default)]
    pub version: Option<String>,
    /// Operating system to which it is limited (`linux`, `macos`, `windows`).
    #[serde(default)]
    pub os: Option<String>,
    /// Last day on which it holds, `2027-01-31`.
    #[serde(default, deserialize_with = "day")]
    pub until: Option<Date>,
}

const DAY: &[FormatItem<'_>] = format_description!("[year]-[month]-[day]");

fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let wrong = |_| serde::de::Error::custom(format!("`until`: found `{text}`, expected a day such as 2027-01-31"));
    Date::parse(&text, DAY).map(Some).map_err(wrong)
}

/// Why a list cannot be used. `Display` names line and column where they are known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExpectationsError(String);

/// Whether an outcome was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected<'a> {
    /// It is as it should be.
    Yes,
    /// It failed and stands in the list.
    Excused(&'a Entry),
    /// It failed and does not stand in the list.
    No,
    /// It stands in the list and passed.
    Unexcused(&'a Entry),
}

impl Expectations {
    /// Reads a list; an empty file is an empty list.
    pub fn read(text: &str) -> Result<Self, ExpectationsError> {
        let entries: Option<Vec<Entry>> =
            serde_saphyr::from_str(text).map_err(|error| ExpectationsError(error.to_string()))?;
        let entries = entries.unwrap_or_default().into_iter().map(compile).collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }

    /// The entries that hold for one of these versions, or for all.
    #[must_use]
    pub fn for_versions(mut self, versions: &[&str]) -> Self {
        let is = |wanted: &str, version: &str| {
            version.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.entries.retain(|(entry, _)| {
            entry.version.as_deref().is_none_or(|wanted| versions.iter().any(|version| is(wanted, version)))
        });
        self
    }

    /// The entry for a case on this system and this day.
    pub fn entry(&self, id: &str, today: Date) -> Option<&Entry> {
        let holds = |entry: &Entry| {
            entry.os.as_deref().is_none_or(|os| os == std::env::consts::OS)
                && entry.until.is_none_or(|until| today <= until)
        };
        self.entries.iter().find(|(entry, pattern)| pattern.is_match(id) && holds(entry)).map(|(entry, _)| entry)
    }

    /// What to make of a case's outcome.
    pub fn judge(&self, id: &str, outcome: CaseOutcome, today: Date) -> Expected<'_> {
        match (self.entry(id, today), outcome) {
            (Some(entry), CaseOutcome::Fail | CaseOutcome::Deviation) => Expected::Excused(entry),
            (Some(entry), CaseOutcome::Pass) => Expected::Unexcused(entry),
            (_, CaseOutcome::Pass | CaseOutcome::NotObservable | CaseOutcome::Unsupported) => Expected::Yes,
            _ => Expected::No,
        }
    }

    /// What is wrong with entries that excuse nothing any longer: they match none of these cases, or their day is over.
    pub fn stale(&self, ids: &[&str], today: Date) -> Vec<String> {
        let stale = |(entry, pattern): &(Entry, GlobMatcher)| match &entry.until {
            Some(until) if today > *until => Some(format!("`{}` held until {until}", entry.pattern)),
            _ if ids.iter().any(|id| pattern.is_match(id)) => None,
            _ => Some(format!("`{}` matches no case", entry.pattern)),
        };
        self.entries.iter().filter_map(stale).collect()
    }
}

fn compile(entry: Entry) -> Result<(Entry, GlobMatcher), ExpectationsError> {
    // Brackets stand for axes in ids, never for a class of characters.
    let pattern = entry.pattern.replace('[', "\\[").replace(']', "\\]");
    let glob =
        Glob::new(&pattern).map_err(|error| ExpectationsError(format!("`{}`: {}", entry.pattern, error.kind())))?;
    if entry.reason.trim().is_empty() {
        return Err(ExpectationsError(format!("`{}` has no reason", entry.pattern)));
    }
    Ok((entry, glob.compile_matcher()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use time::macros::date;

    const LIST: &str = "
- pattern: digitwin/states/*[cut]
  reason: it cannot tell
- pattern: digitwin/old
  reason: was so once
  until: 2026-01-31
";

    #[rstest]
    #[case::excused("digitwin/states/loss[cut]", CaseOutcome::Fail, "excused")]
    #[case::other_axis("digitwin/states/loss[reset]", CaseOutcome::Fail, "no")]
    #[case::passes("digitwin/states/loss[cut]", CaseOutcome::Pass, "unexcused")]
    #[case::not_the_clients_fault("digitwin/states/loss[cut]", CaseOutcome::Crash, "no")]
    #[case::harness("digitwin/states/loss[cut]", CaseOutcome::HarnessError, "no")]
    #[case::expired("digitwin/old", CaseOutcome::Fail, "no")]
    #[case::plain_pass("digitwin/other", CaseOutcome::Pass, "yes")]
    #[case::deviation("digitwin/other", CaseOutcome::Deviation, "no")]
    #[case::unsupported("digitwin/other", CaseOutcome::Unsupported, "yes")]
    #[case::inconclusive("digitwin/other", CaseOutcome::Inconclusive, "no")]
    fn outcomes(#[case] id: &str, #[case] outcome: CaseOutcome, #[case] expected: &str) {
        let list = Expectations::read(LIST).expect("a well-formed list");
        let found = match list.judge(id, outcome, date!(2026 - 06 - 01)) {
            Expected::Yes => "yes",
            Expected::Excused(_) => "excused",
            Expected::No => "no",
            Expected::Unexcused(_) => "unexcused",
        };
        assert_eq!(found, expected);
    }

    #[rstest]
    #[case("- pattern: x\n", "reason")]
    #[case("- pattern: x\n  reason: ' '\n", "has no reason")]
    #[case("- pattern: x\n  reason: y\n  resaon: z\n", "resaon")]
    #[case("- pattern: x\n  reason: y\n  until: 2026-02-30\n", "found `2026-02-30`, expected a day such as 2027-01-31")]
    #[case("- pattern: x\n  reason: y\n  until: 2026-1-5\n", "found `2026-1-5`, expected a day")]
    #[case("- pattern: x\n  reason: y\n  until: soon\n", "line 3")]
    #[case("- pattern: x\n  reason: y\n  until: soon\n", "column 10")]
    fn wrong_lists(#[case] text: &str, #[case] word: &str) {
        let error = Expectations::read(text).expect_err("the list is wrong").to_string();
        assert!(error.contains(word), "{error}");
    }

    #[rstest]
    #[case("4.8", 1)]
    #[case("4.8.4", 1)]
    #[case("4.8.40", 0)]
    #[case("4.80", 0)]
    #[case("0.1", 1)]
    fn entries_may_be_limited_to_a_version(#[case] version: &str, #[case] left: usize) {
        let text = format!("- {{pattern: x, reason: y, version: '{version}'}}");
        let list = Expectations::read(&text).expect("a well-formed list");
        assert_eq!(list.for_versions(&["0.1.0", "4.8.4"]).entries.len(), left);
    }

    #[test]
    fn an_empty_list_is_a_list() {
        for text in ["", "# nothing yet\n", "[]\n"] {
            assert!(Expectations::read(text).expect("empty").entries.is_empty());
        }
    }
}

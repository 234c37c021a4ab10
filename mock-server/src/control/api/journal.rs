//! The journal from any offset: a page of it, all of it so far, or as it grows.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::header::ACCEPT;
use http::{HeaderMap, StatusCode, Uri};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::super::Desk;
use super::super::feed::{self, FOLLOWERS, Format};
use super::super::input::{Query, answer, typed};
use super::super::problem::Problem;
use crate::journal::{CAPACITY, CAPACITY_BYTES, Page};
use crate::values::FieldError;

/// Records of a page, unless it is told otherwise.
const PAGE: u64 = 1_000;

/// A piece of the journal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JournalPage {
    /// The records, oldest first.
    #[schema(value_type = Vec<Object>)]
    records: Vec<Box<RawValue>>,
    /// Offsets that were asked for and are no longer kept; null if there are none.
    #[schema(value_type = Option<Gap>)]
    gap: Option<Value>,
    /// Where to read on.
    next: u64,
    /// The offset behind the newest record.
    end: u64,
}

/// Records that are no longer kept.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it only names a value in the OpenAPI document")]
pub(crate) struct Gap {
    /// The first of them.
    from: u64,
    /// The last of them.
    to: u64,
    /// How many they are.
    lost: u64,
}

/// What was seen and done, from an offset on.
///
/// As `application/json` one page; as `application/x-ndjson` all so far, or with `follow` without end; as
/// `text/event-stream` without end, the offset as event id, so that a client which reconnects goes on where it was. A
/// journal keeps the newest 100,000 records and 64 MiB; what had to make room is told as a gap.
#[utoipa::path(get, path = "/journal", operation_id = "read_journal", tag = "journal",
    params(("from" = Option<u64>, Query, description = "The first offset: 0 unless told otherwise"),
        ("limit" = Option<u64>, Query, description = "Most records of a page, from 1 to 10000: 1000 unless told otherwise"),
        ("follow" = Option<bool>, Query, description = "Whether to wait for records to come"),
        ("Last-Event-ID" = Option<u64>, Header, description = "Go on behind this offset")),
    responses((status = OK, content((JournalPage = "application/json"), (String = "application/x-ndjson"), (String = "text/event-stream"))),
        (status = NOT_ACCEPTABLE, body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, description = "Too many follow it already", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn read(State(desk): State<Arc<Desk>>, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    let journal = &desk.house.shared.journal;
    let format = wanted(&headers)?;
    let Asked { from, limit, follow } = asked(&uri, &headers, format, journal.next())?;
    let Some(format) = format else {
        let page = journal.read(from, usize::try_from(limit).unwrap_or(usize::MAX));
        return Ok(answer(StatusCode::OK, &written(&page, journal.next())));
    };
    let body = if follow {
        let place = Arc::clone(&desk.followers).try_acquire_owned();
        let place = place.map_err(|_| Problem::busy(format!("{FOLLOWERS} clients follow the journal already")))?;
        feed::follow(journal, from, format, place)
    } else {
        feed::so_far(journal, from, format)
    };
    Ok(typed(StatusCode::OK, format.media_type(), body))
}

fn written(page: &Page, end: u64) -> JournalPage {
    let record = |record: &Arc<crate::journal::Record>| RawValue::from_string(feed::json(record)).ok();
    JournalPage {
        records: page.records.iter().filter_map(record).collect(),
        gap: page.gap.as_ref().map(feed::gap_as_json),
        next: page.next,
        end,
    }
}

/// What is asked of the journal.
struct Asked {
    from: u64,
    limit: u64,
    follow: bool,
}

fn asked(uri: &Uri, headers: &HeaderMap, format: Option<Format>, end: u64) -> Result<Asked, Problem> {
    let number = |value: &Value| value.as_str()?.parse::<u64>().ok();
    Query::of(uri).read(&["from", "limit", "follow"], |fields| {
        let from = fields.take("from", "an offset, a whole number from 0", number).unwrap_or_default();
        let limit = fields.take("limit", "a whole number from 1 to 10000", |value| {
            number(value).filter(|limit| (1..=10_000).contains(limit))
        });
        let follow = fields.take("follow", "true or false", |value| match value.as_str()? {
            "" | "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        });
        if let Some(value) = fields.get("follow").filter(|_| format.is_none() && follow == Some(true)) {
            let expected = "no `follow` for a page: ask for application/x-ndjson or text/event-stream";
            fields.refuse(FieldError::new("follow", value, expected));
        }
        let follow = follow.unwrap_or(format == Some(Format::Events));
        Asked { from: resumed(headers, end).unwrap_or(from), limit: limit.unwrap_or(PAGE), follow }
    })
}

/// Where a client goes on that has been here before. An offset that is yet to come is one of an earlier server.
fn resumed(headers: &HeaderMap, end: u64) -> Option<u64> {
    let last: u64 = headers.get("last-event-id")?.to_str().ok()?.parse().ok()?;
    Some(if last < end { last + 1 } else { 0 })
}

/// The format that the client likes best: none for a page in JSON.
fn wanted(headers: &HeaderMap) -> Result<Option<Format>, Problem> {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",");
    if accepted.trim().is_empty() {
        return Ok(None);
    }
    let best = accepted.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let format = match parts.next()?.to_ascii_lowercase().as_str() {
            "*/*" | "application/*" | "application/json" => None,
            "application/x-ndjson" | "application/jsonl" => Some(Format::Lines),
            "text/event-stream" | "text/*" => Some(Format::Events),
            _ => return None,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
        (weight > 0.0).then_some((weight, format))
    });
    // Of two that are liked as much, the first.
    let best = best.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, format)| format).ok_or_else(Problem::not_acceptable)
}

/// The bounds of a journal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Bounds {
    /// Offset of the oldest record that is kept.
    from: u64,
    /// The offset behind the newest record.
    end: u64,
    /// How many records were dropped because there was no room.
    dropped: u64,
    /// How many records are kept at most.
    capacity: usize,
    /// How many bytes they weigh at most, roughly.
    capacity_bytes: usize,
}

impl Bounds {
    pub(super) fn of(desk: &Desk) -> Self {
        let journal = &desk.house.shared.journal;
        Self {
            from: journal.oldest(),
            end: journal.next(),
            dropped: journal.dropped(),
            capacity: CAPACITY,
            capacity_bytes: CAPACITY_BYTES,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("", Ok(None))]
    #[case("*/*", Ok(None))]
    #[case("application/json", Ok(None))]
    #[case("application/x-ndjson", Ok(Some(Format::Lines)))]
    #[case("text/event-stream", Ok(Some(Format::Events)))]
    #[case("text/html, Text/Event-Stream;q=0.5, */*;q=0.1", Ok(Some(Format::Events)))]
    #[case("application/x-ndjson, application/json", Ok(Some(Format::Lines)))]
    #[case("application/x-ndjson;q=0, application/json;q=0.2", Ok(None))]
    #[case("text/html", Err(406))]
    fn formats(#[case] accept: &str, #[case] expected: Result<Option<Format>, u16>) {
        let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().expect("a value"))]);
        assert_eq!(wanted(&headers).map_err(|problem| problem.status()), expected);
    }

    #[rstest]
    #[case("4", Some(5))]
    #[case("9", Some(10))]
    #[case("10", Some(0))]
    #[case("x", None)]
    fn clients_go_on_where_they_were(#[case] id: &str, #[case] from: Option<u64>) {
        let headers = HeaderMap::from_iter([("last-event-id".parse().expect("a name"), id.parse().expect("a value"))]);
        assert_eq!(resumed(&headers, 10), from);
    }
}

//! The journal as a stream of bytes: NDJSON or server-sent events, from any offset.
//!
//! Whoever follows has a place in the journal and no queue of its own: who reads too slowly finds that records have made
//! room, and is told how many it has lost. So nobody who follows can hold up the mock or fill its memory.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;

use crate::journal::{Journal, Page, Record};

/// Clients that may follow the journal at once.
pub(super) const FOLLOWERS: usize = 32;

/// Records that are written at once.
const BATCH: usize = 256;

/// After this time without a record, a client that follows server-sent events gets a comment, so that nothing between it
/// and the server takes the connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How records are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// One JSON value in a line.
    Lines,
    /// Server-sent events, the offset as id.
    Events,
}

impl Format {
    /// Its media type.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Lines => "application/x-ndjson",
            Self::Events => "text/event-stream",
        }
    }

    /// What says that nothing has come: a comment, or an empty line.
    fn nothing(self) -> &'static [u8] {
        match self {
            Self::Lines => b"\n",
            Self::Events => b": nothing new\n\n",
        }
    }

    fn write(self, page: &Page) -> Bytes {
        let mut text = String::new();
        if let Some(gap) = &page.gap {
            self.write_gap(&mut text, gap);
        }
        page.records.iter().for_each(|record| self.write_record(&mut text, record));
        text.into()
    }

    fn write_record(self, text: &mut String, record: &Record) {
        let json = json(record);
        let _ = match self {
            Self::Lines => writeln!(text, "{json}"),
            Self::Events => write!(text, "id: {}\nevent: record\ndata: {json}\n\n", record.seq),
        };
    }

    /// A gap has the id of its last offset: who resumes there has been told of it.
    fn write_gap(self, text: &mut String, gap: &Range<u64>) {
        let json = gap_as_json(gap);
        let _ = match self {
            Self::Lines => writeln!(text, "{}", json!({"gap": json})),
            Self::Events => write!(text, "id: {}\nevent: gap\ndata: {json}\n\n", gap.end - 1),
        };
    }
}

/// A record in JSON.
pub(super) fn json(record: &Record) -> String {
    serde_json::to_string(record).expect("a record's maps have keys that are texts")
}

/// Offsets that are no longer kept, in JSON.
pub(super) fn gap_as_json(gap: &Range<u64>) -> serde_json::Value {
    json!({"from": gap.start, "to": gap.end - 1, "lost": gap.end - gap.start})
}

/// All records from an offset to the present end.
pub(super) fn so_far(journal: &Arc<Journal>, from: u64, format: Format) -> Body {
    let end = journal.next();
    let state = (Arc::clone(journal), from);
    Body::from_stream(stream::unfold(state, move |(journal, next)| async move {
        if next >= end {
            return None;
        }
        let left = usize::try_from(end - next).unwrap_or(usize::MAX);
        let page = journal.read(next, left.min(BATCH));
        Some((Ok::<_, std::convert::Infallible>(format.write(&page)), (journal, page.next)))
    }))
}

/// All records from an offset on, those to come as well. The place is held until the client goes.
pub(super) fn follow(journal: &Arc<Journal>, from: u64, format: Format, place: OwnedSemaphorePermit) -> Body {
    let state = (Arc::clone(journal), from, place);
    Body::from_stream(stream::unfold(state, move |(journal, next, place)| async move {
        let (text, next) = match tokio::time::timeout(KEEP_ALIVE, journal.reached(next)).await {
            Ok(()) => {
                let page = journal.read(next, BATCH);
                (format.write(&page), page.next)
            }
            Err(_) => (Bytes::from_static(format.nothing()), next),
        };
        Some((Ok::<_, std::convert::Infallible>(text), (journal, next, place)))
    }))
}

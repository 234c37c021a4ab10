//! Offsets, bounds and gaps of the journal.

use std::sync::Arc;

use rstest::rstest;
use serde_json::json;

use super::*;

fn log(journal: &Journal, message: &str) -> Arc<Record> {
    let entry = LogEntry { level: LogLevel::Info, message: message.to_owned(), fields: serde_json::Map::new() };
    journal.write(&Actor::new("client"), None, None, Entry::Log(entry))
}

fn written(count: usize) -> Journal {
    let journal = Journal::default();
    (0..count).for_each(|_| drop(log(&journal, "")));
    journal
}

fn offsets(page: &Page) -> Vec<u64> {
    page.records.iter().map(|record| record.seq).collect()
}

#[rstest]
#[case(0, 10, vec![0, 1, 2, 3], 4)]
#[case(1, 2, vec![1, 2], 3)]
#[case(4, 10, vec![], 4)]
#[case(9, 10, vec![], 4)]
#[case(0, 0, vec![], 0)]
fn pages_begin_at_any_offset(#[case] from: u64, #[case] limit: usize, #[case] found: Vec<u64>, #[case] next: u64) {
    let page = written(4).read(from, limit);
    assert_eq!((offsets(&page), page.next, page.gap), (found, next, None));
}

#[test]
fn the_oldest_records_make_room_and_the_gap_is_told() {
    let journal = written(CAPACITY + 3);
    assert_eq!((journal.oldest(), journal.next(), journal.dropped()), (3, CAPACITY as u64 + 3, 3));
    let page = journal.read(1, 2);
    assert_eq!((offsets(&page), page.gap, page.next), (vec![3, 4], Some(1..3), 5));
}

#[test]
fn heavy_records_make_room_as_well() {
    let journal = Journal::default();
    let megabyte = "a".repeat(1 << 20);
    (0..100).for_each(|_| drop(log(&journal, &megabyte)));
    let kept = journal.since(0).len();
    assert!((32..=64).contains(&kept), "{kept}");
    let heavier_than_all = "a".repeat(CAPACITY_BYTES + 1);
    assert_eq!(log(&journal, &heavier_than_all).seq, 100);
    assert_eq!(offsets(&journal.read(0, 9)), [100]);
}

#[test]
fn what_is_nested_weighs_too() {
    let message = |data| Entry::Sent(Message { data: Some(data), ..Message::default() }.into());
    let (flat, deep) = (message(json!(1)), message(json!({"a": [{"b": "c".repeat(1_000)}]})));
    assert!(deep.weight() > flat.weight() + 1_000, "{} {}", deep.weight(), flat.weight());
}

#[test]
fn offsets_go_on_when_it_is_cleared() {
    let journal = written(3);
    journal.clear();
    assert_eq!((journal.oldest(), journal.next(), journal.dropped()), (3, 3, 0));
    assert_eq!(log(&journal, "").seq, 3);
    assert_eq!(journal.read(1, 9).gap, Some(1..3));
}

#[tokio::test]
async fn who_waits_for_an_offset_wakes_when_it_is_written() {
    let journal = written(2);
    journal.reached(1).await;
    let mut waits = Box::pin(journal.reached(2));
    assert!(futures_util::poll!(&mut waits).is_pending());
    log(&journal, "");
    waits.await;
}

#[test]
fn there_is_one_observer() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let journal = written(1);
    let notes = Arc::clone(&seen);
    assert!(journal.observe(move |sight| {
        let seq = if let Sight::Record(record) = sight { Some(record.seq) } else { None };
        notes.lock().unwrap_or_else(PoisonError::into_inner).push(seq);
    }));
    assert!(!journal.observe(|_| {}));
    log(&journal, "");
    journal.clear();
    assert_eq!(*seen.lock().unwrap_or_else(PoisonError::into_inner), [Some(1), None]);
}

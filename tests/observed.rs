//! What the official clients report when they meet each fault: pinned in a data file, which `sparring faults` prints.
//!
//! `UPDATE_OBSERVED=1 cargo test -p sparring --test tests observed` renews the file. A new fault needs a row in
//! `tests/observed/table.yaml`, or the reason why no client sees it.

mod clients;
mod table;

use std::collections::BTreeSet;
use std::sync::Arc;

use sparring::report::faults::observed::{Meeting, Observation, Observed};
use sparring_mock_server::script::Fault;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::support::{say, top};
use clients::Clients;
use table::{Entry, Row};

/// The data file.
const FILE: &str = "harness/src/report/faults/observed.yaml";
/// What it says of itself.
const HEAD: &str = "\
# What official clients report when they meet each fault; `sparring faults ID` prints it.
# Made by the test `observed` from tests/observed/table.yaml; UPDATE_OBSERVED=1 renews it. Review it as a snapshot.
";
/// Meetings at once: most of their time is waiting.
const MANY: usize = 24;
/// Meetings at once of those that went another way than written.
const FEW: usize = 4;

#[test]
fn every_fault_is_observed_or_has_a_reason() {
    let table = table::read();
    let known: BTreeSet<&str> = table.iter().map(|entry| entry.fault.as_str()).collect();
    let catalogue: BTreeSet<&str> = Fault::ids().collect();
    assert_eq!(known.len(), table.len(), "a fault stands in the table twice");
    assert_eq!(&known - &catalogue, BTreeSet::new(), "the table has faults that do not exist");
    assert_eq!(&catalogue - &known, BTreeSet::new(), "give these a row in the table, or the reason why none sees them");
    let bare = |entry: &&Entry| entry.rows.is_empty() != entry.unseen.is_some();
    assert_eq!(table.iter().find(bare).map(|entry| &entry.fault), None, "either rows or a reason");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_clients_report_what_is_written() {
    if !top().join("tests/observed/node_modules").is_dir() {
        say("left out: what official clients report (run `make setup` on a machine with Node.js)");
        return;
    }
    let clients = Arc::new(Clients::start().await);
    let mut observed = observe(&clients, table::read(), MANY).await;
    if std::env::var_os("UPDATE_OBSERVED").is_some() {
        let text = serde_saphyr::to_string(&observed).expect("observations are plain data");
        std::fs::write(top().join(FILE), format!("{HEAD}{text}")).expect("the data file can be written");
        assert_eq!(clients.objections(), Vec::<String>::new());
        return;
    }
    let written = Observed::built_in();
    // On a busy machine a client may be cut short: whoever reports something else meets the fault again, less disturbed.
    let differs =
        |entry: &Entry| written.of(&entry.fault) != observed.faults.iter().find(|seen| seen.fault == entry.fault);
    let again: Vec<Entry> = table::read().into_iter().filter(differs).collect();
    for entry in &again {
        say(&format!("{}: not as written; it is met again", entry.fault));
    }
    for seen in observe(&clients, again, FEW).await.faults {
        observed.faults.iter_mut().filter(|first| first.fault == seen.fault).for_each(|first| first.clone_from(&seen));
    }
    assert_eq!(clients.objections(), Vec::<String>::new());
    let differing = observed.faults.iter().filter_map(|meeting| difference(meeting, written.of(&meeting.fault)));
    let differing: Vec<String> = differing.collect();
    assert!(differing.is_empty(), "renew {FILE} with UPDATE_OBSERVED=1 if this is right:\n{}", differing.join("\n"));
    assert_eq!(&observed, written, "other versions, or another order");
}

/// What was written and what was seen, where they are not the same.
fn difference(seen: &Meeting, written: Option<&Meeting>) -> Option<String> {
    let show = |meeting: &Meeting| serde_saphyr::to_string(meeting).expect("observations are plain data");
    let known = written.map_or_else(|| "nothing\n".to_owned(), show);
    (Some(seen) != written).then(|| format!("written:\n{known}seen:\n{}", show(seen)))
}

/// Lets all meet, so many at once.
async fn observe(clients: &Arc<Clients>, table: Vec<Entry>, at_once: usize) -> Observed {
    let turns = Arc::new(Semaphore::new(at_once));
    let mut meetings = JoinSet::new();
    for (place, entry) in table.into_iter().enumerate() {
        let (clients, turns) = (Arc::clone(clients), Arc::clone(&turns));
        meetings.spawn(async move { (place, meet(&clients, entry, &turns).await) });
    }
    let mut faults = meetings.join_all().await;
    faults.sort_by_key(|(place, _)| *place);
    Observed { clients: clients.versions.clone(), faults: faults.into_iter().map(|(_, meeting)| meeting).collect() }
}

/// Lets all rows of an entry meet the fault.
async fn meet(clients: &Arc<Clients>, entry: Entry, turns: &Arc<Semaphore>) -> Meeting {
    let mut rows = JoinSet::new();
    for (place, row) in entry.rows.into_iter().enumerate() {
        let (clients, turns) = (Arc::clone(clients), Arc::clone(turns));
        rows.spawn(async move {
            let _turn = turns.acquire().await.expect("nobody closes it");
            (place, observation(&clients, row).await)
        });
    }
    let mut seen = rows.join_all().await;
    seen.sort_by_key(|(place, _)| *place);
    let seen = seen.into_iter().map(|(_, seen)| seen).collect();
    Meeting { fault: entry.fault, seen, unseen: entry.unseen }
}

/// One client meets the fault once, on a mock of its own.
async fn observation(clients: &Clients, row: Row) -> Observation {
    let mock = row.mock().start().await.unwrap_or_else(|error| panic!("{}: {error}", row.rule));
    let reports = clients.meet(row.job(&mock)).await;
    clients.object(&row.rule, &mock);
    mock.shutdown().await;
    let (setup, note) = (row.setup(), row.note);
    Observation { client: row.client, system: row.system, rule: row.rule, setup, reports, note }
}

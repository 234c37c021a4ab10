//! A runner in miniature: feeds a trace on-line with arbitrary delays, and does what the matcher says.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::judge::{Due, Matcher};
use crate::spec::model::Lane;

/// Watches a case: each record arrives late by up to the grace, each lane in its own order.
pub(super) fn watch(fixture: &Fixture, seed: u64) -> Judgement {
    let mut matcher = Matcher::new(&fixture.scenario, &fixture.setting);
    let (mut arrivals, actions) = arrivals(&fixture.trace, seed);
    let mut now = start();
    loop {
        let wake = match matcher.due(now) {
            Due::Finished => return matcher.finish(now),
            Due::Act(step) => {
                let done = actions.iter().filter(|record| record.what == What::Acted { step });
                done.for_each(|record| matcher.feed(record.clone()));
                continue;
            }
            Due::Wake(at) => {
                assert!(at > now, "asked to be woken in the past");
                at
            }
            Due::Records => fixture.end,
        };
        let arrival = arrivals.first().map(|(at, _)| *at);
        let next = arrival.map_or(wake, |arrival| arrival.min(wake));
        if next > fixture.end {
            for (_, record) in arrivals {
                matcher.feed(record);
            }
            return matcher.finish(fixture.end);
        }
        if next == now && arrival != Some(now) {
            return matcher.finish(fixture.end);
        }
        now = next;
        while arrivals.first().is_some_and(|(at, _)| *at <= now) {
            matcher.feed(arrivals.remove(0).1);
        }
    }
}

/// When each record arrives, and the actions, which the runner makes itself.
fn arrivals(trace: &[Record], seed: u64) -> (Vec<(Moment, Record)>, Vec<Record>) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut newest: BTreeMap<(String, Option<Lane>), Moment> = BTreeMap::new();
    let mut arrivals = Vec::new();
    let mut actions = Vec::new();
    for record in trace {
        let lane = match &record.what {
            What::Acted { .. } => {
                actions.push(record.clone());
                continue;
            }
            What::Observed(observed) => Some(observed.lane()),
            What::Unsupported { .. } => None,
        };
        let delay = GRACE.mul_f64(random.random_range(0.0..=1.0));
        let newest = newest.entry((record.actor.name().to_owned(), lane)).or_insert(start());
        *newest = (*newest).max(record.at + delay);
        arrivals.push((*newest, record.clone()));
    }
    arrivals.sort_by_key(|(at, _)| *at);
    (arrivals, actions)
}

//! Messages that rules hold back, to leave with or behind others.
//!
//! Knows nothing of who sends them, nor of time.

use super::parcel::Parcel;
use crate::script::fault::EventReorder;

/// Messages that wait for one; when there are more, they wait no longer.
const MOST: usize = 1_024;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    /// For `event-reorder`: by rule.
    reordered: Vec<(EventReorder, Vec<(String, Parcel)>)>,
    /// For `packet-coalesce`: the message for which all others wait.
    last: Option<String>,
    /// Those that do.
    coalesced: Vec<Parcel>,
}

impl Shelf {
    /// Takes all down; nothing waits any more.
    pub(super) fn clear(&mut self) -> Vec<Parcel> {
        let reordered = std::mem::take(&mut self.reordered).into_iter().flat_map(|(_, held)| held);
        let mut all: Vec<Parcel> = reordered.map(|(_, parcel)| parcel).collect();
        all.extend(self.let_go());
        all
    }

    /// Puts a message aside; once all that the rule names are there, they leave in its order.
    pub(super) fn reorder(&mut self, fault: &EventReorder, name: &str, parcel: Parcel) -> Vec<Parcel> {
        let position = self.reordered.iter().position(|(known, _)| known == fault).unwrap_or_else(|| {
            self.reordered.push((fault.clone(), Vec::new()));
            self.reordered.len() - 1
        });
        let held = &mut self.reordered[position].1;
        held.push((name.to_owned(), parcel));
        let complete = fault.order.iter().all(|wanted| held.iter().any(|(name, _)| name == wanted));
        let complete = complete || held.len() >= MOST;
        if !complete {
            return Vec::new();
        }
        let (fault, mut held) = self.reordered.swap_remove(position);
        held.sort_by_key(|(name, _)| fault.order.iter().position(|wanted| wanted == name));
        held.into_iter().map(|(_, parcel)| parcel).collect()
    }

    /// From now on messages wait until this one has come.
    pub(super) fn wait_for(&mut self, last: Option<String>) {
        self.last = last;
    }

    /// Whether messages wait for one to leave with it.
    pub(super) fn is_waiting(&self) -> bool {
        self.last.is_some()
    }

    /// Puts messages aside that wait for the last one; then all leave together.
    pub(super) fn coalesce(&mut self, parcels: Vec<Parcel>) -> Vec<Parcel> {
        let Some(last) = &self.last else { return parcels };
        let complete = parcels.iter().any(|parcel| parcel.packet.is_named(last)) || self.coalesced.len() >= MOST;
        self.coalesced.extend(parcels);
        if complete { self.let_go() } else { Vec::new() }
    }

    /// Nobody waits for the last one any more.
    pub(super) fn let_go(&mut self) -> Vec<Parcel> {
        self.last = None;
        std::mem::take(&mut self.coalesced)
    }
}

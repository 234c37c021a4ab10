//! A limit to the bytes that reach the peer, over however many connections.
//!
//! It lets exactly so many pass and then none; what becomes of the connections is for whoever waits for that. Knows
//! nothing of sockets.

use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// So many bytes, shared by all connections that are given a clone of it.
#[derive(Debug, Clone)]
pub struct Limit(Arc<Quota>);

#[derive(Debug)]
struct Quota {
    left: Mutex<u64>,
    reached: CancellationToken,
}

impl Limit {
    /// Lets so many bytes pass.
    pub fn new(bytes: u64) -> Self {
        Self(Arc::new(Quota { left: Mutex::new(bytes), reached: CancellationToken::new() }))
    }

    /// Resolves when they have passed.
    pub async fn reached(&self) {
        self.0.reached.cancelled().await;
    }

    /// Lets `write` write as many bytes as are left, of so many; it says how many those were. None are written if none
    /// are left.
    pub(super) fn spend<T>(&self, wanted: usize, write: impl FnOnce(usize) -> (T, usize)) -> Option<T> {
        // Held during the write: else two connections could both pass the last bytes.
        let mut left = self.0.left.lock().unwrap_or_else(PoisonError::into_inner);
        let granted = wanted.min(usize::try_from(*left).unwrap_or(usize::MAX));
        if granted == 0 {
            return None;
        }
        let (outcome, written) = write(granted);
        *left -= written as u64;
        if *left == 0 {
            self.0.reached.cancel();
        }
        Some(outcome)
    }
}

/// Whether they are the same limit, not only equal ones.
impl PartialEq for Limit {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Limit {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_so_many_pass() {
        let limit = Limit::new(10);
        let spend = |wanted, written: fn(usize) -> usize| limit.spend(wanted, |granted| (granted, written(granted)));
        assert_eq!(spend(6, |granted| granted), Some(6));
        assert_eq!(spend(6, |_| 1), Some(4));
        assert_eq!(spend(6, |_| 0), Some(3));
        assert!(!limit.0.reached.is_cancelled());
        assert_eq!(spend(3, |granted| granted), Some(3));
        assert!(limit.0.reached.is_cancelled());
        assert_eq!(spend(1, |granted| granted), None);
    }
}

//! Where a connection is that nobody taps: whether its frames have begun, and whether one is on its way.
//!
//! Looks at every byte that passes and keeps none. A peer that sends frames before the answer to its upgrade is not
//! understood. Knows nothing of what becomes of the bytes.

use super::boundary::Boundary;
use super::upgrade::Upgrade;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Flow {
    pub(super) upgrade: Upgrade,
    pub(super) outward: Boundary,
    pub(super) inward: Boundary,
}

impl Flow {
    /// Takes what has been written to the peer.
    pub(super) fn wrote(&mut self, bytes: &[u8]) {
        let http = self.upgrade.take(bytes);
        self.outward.pass(&bytes[http..]);
    }

    /// Takes what the layer above has been given.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        if self.upgrade.is_done() {
            self.inward.pass(bytes);
        }
    }
}

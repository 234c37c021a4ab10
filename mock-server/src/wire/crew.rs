//! Those who drive connections on which the layer above cannot be relied on: it may be busy, or gone.
//!
//! A connection has a driver while bytes wait to leave it, and after the layer above has dropped it as long as the peer
//! must not see its end, or its last bytes are on their way. All drivers go when the listener does. Knows nothing of
//! what is carried.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::runtime::{EnterGuard, Handle};
use tokio::task::JoinSet;

use super::Link;

/// The drivers of a listener's connections.
pub(super) struct Crew {
    runtime: Handle,
    /// None once the listener is gone.
    drivers: Mutex<Option<JoinSet<()>>>,
}

impl Crew {
    /// A crew on the present runtime. Must be called within one.
    pub(super) fn new() -> Self {
        Self { runtime: Handle::current(), drivers: Mutex::new(Some(JoinSet::new())) }
    }

    /// Lets timers be made by whoever calls, from wherever.
    pub(super) fn enter(&self) -> EnterGuard<'_> {
        self.runtime.enter()
    }

    /// Gives a connection a driver. Without a listener nobody drives any more.
    pub(super) fn drive(&self, link: &Arc<Link>) {
        let driver = Driver(Arc::clone(link));
        let mut drivers = self.drivers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(drivers) = drivers.as_mut() {
            while drivers.try_join_next().is_some() {}
            drivers.spawn_on(driver, &self.runtime);
        } else {
            // In this order: what the driver leaves behind may use the crew.
            std::mem::drop(drivers);
            std::mem::drop(driver);
        }
    }

    /// Ends all drivers.
    pub(super) fn dismiss(&self) {
        let drivers = self.drivers.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Not under the lock, as above.
        drop(drivers);
    }
}

/// Drives one connection.
struct Driver(Arc<Link>);

impl Future for Driver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.driver.register(cx.waker());
        self.0.poll_drive()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.undriven();
    }
}

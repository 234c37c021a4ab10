//! Where connections go that the layer above has dropped, but whose end the peer must not see yet.
//!
//! Either the connection was stalled, and then not even its end may escape; or its last bytes are still on their way.
//! All of it goes when the listener does. Knows nothing of what is carried.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::stream::Course;

/// See the module.
#[derive(Default)]
pub(super) struct Graveyard {
    tasks: Mutex<JoinSet<()>>,
}

impl Graveyard {
    /// Keeps a connection until it has sent what it has to, or for good. Without a runtime to drive it, it just ends.
    pub(super) fn bury(&self, course: Course) {
        let remains = Remains(course);
        let Ok(runtime) = Handle::try_current() else { return };
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(remains, &runtime);
    }
}

/// A connection without a layer above.
struct Remains(Course);

impl Future for Remains {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_remains(cx)
    }
}

impl Drop for Remains {
    fn drop(&mut self) {
        self.0.close_mailbox();
    }
}

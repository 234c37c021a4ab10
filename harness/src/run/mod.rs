//! Running planned cases: the only stage with I/O.
//!
//! [`run`] is the entry: it starts what is planned, lets cases overlap and tells everything as events.

pub mod adapter;
mod case;
mod fleet;
pub mod lateness;
mod recorder;
mod schedule;
mod warm_up;
pub mod warp;

pub use fleet::Fleet;
pub use schedule::{Crew, Options, client_info, run};

/// Returns when this process is asked to stop: by Ctrl-C or a request to terminate.
///
/// # Errors
/// When signals cannot be watched.
pub async fn stop_requested() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

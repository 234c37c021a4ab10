//! Measures whether this process's own timers fire late, so that no client is blamed for a busy machine.
//!
//! Knows nothing of clients or sessions.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::reporter::now;
use super::rpc::Output;

const PERIOD: Duration = Duration::from_millis(20);
const ALLOWED: Duration = Duration::from_millis(5);

/// Watches for ever. Under a clock that runs `speed` times fast, what the platform needs costs `speed` times as much.
pub(super) async fn watch(speed: f64, output: Output) {
    let (period, allowed) = (PERIOD.mul_f64(speed), ALLOWED.mul_f64(speed));
    loop {
        let due = Instant::now() + period;
        tokio::time::sleep_until(due).await;
        let by = due.elapsed();
        if by > allowed {
            output.notify("late", &json!({"at": now(), "by": by.as_secs_f64() * 1_000.0}));
        }
    }
}

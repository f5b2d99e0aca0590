//! The only place that reads clocks. State machines take times as arguments.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Milliseconds of wall-clock time since 1970, as Kafka counts record timestamps.
pub(crate) fn wall_ms() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

/// A monotone millisecond counter for deadlines; it does not jump when the wall clock is set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Monotonic {
    start: Instant,
}

impl Monotonic {
    /// Starts counting at zero now.
    pub(crate) fn new() -> Self {
        Self { start: Instant::now() }
    }

    /// Milliseconds since the start.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The instant at which the counter shows `at_ms`.
    pub(crate) fn instant(&self, at_ms: u64) -> Instant {
        self.start + std::time::Duration::from_millis(at_ms)
    }
}

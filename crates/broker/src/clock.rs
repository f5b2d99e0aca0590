//! The only place that reads clocks. State machines take times as arguments.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// What long waits end on: how long clients let a fetch wait unless they are told otherwise, so that each of them loses
/// part of its first wait at most.
const BEAT: Duration = Duration::from_millis(500);

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
        self.start + Duration::from_millis(at_ms)
    }

    /// When a wait that began at `from` and may last as long as `longest` ends: on the last beat in it if it is as long
    /// as one, so that all who wait for nothing wake up together.
    pub(crate) fn end_of_wait(&self, from: Instant, longest: Duration) -> Instant {
        let latest = from + longest;
        if longest < BEAT {
            return latest;
        }
        let beyond = (latest - self.start).as_nanos() % BEAT.as_nanos();
        latest - Duration::from_nanos(u64::try_from(beyond).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When a wait ends, from where it begins and how long it may last; all in milliseconds since the start.
    fn end(from_ms: u64, longest_ms: u64) -> u128 {
        let clock = Monotonic::new();
        let end = clock.end_of_wait(clock.instant(from_ms), Duration::from_millis(longest_ms));
        (end - clock.start).as_millis()
    }

    #[test]
    fn long_waits_end_together_and_none_is_longer_than_it_may_be() {
        let begun_apart = [1_000, 1_001, 1_250, 1_499].map(|from_ms| end(from_ms, 500));
        assert_eq!(begun_apart, [1_500; 4]);
        assert_eq!(end(1_500, 500), 2_000, "the next one is whole");
        assert_eq!(end(1_001, 1_000), 2_000);
        assert_eq!(end(1_001, 5_000), 6_000);
    }

    #[test]
    fn a_wait_shorter_than_a_beat_lasts_as_long_as_it_may() {
        assert_eq!(end(1_495, 10), 1_505);
        assert_eq!(end(1_001, 499), 1_500);
        assert_eq!(end(1_000, 0), 1_000);
        assert_eq!(end(0, 0), 0);
    }
}

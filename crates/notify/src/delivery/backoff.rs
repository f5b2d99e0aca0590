//! How long to wait before the next attempt: exponential back-off with full jitter, never before the target asked.

use bellwether_model::{EventTime, Millis};

use crate::random::Roll;

/// Bounds of the attempts of one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryOptions {
    /// Most attempts, the first included.
    pub attempts_max: u32,
    /// No attempt begins later than this after the first.
    pub total: Millis,
    /// Ceiling of the wait after the first attempt; it doubles from attempt to attempt.
    pub base: Millis,
    /// Highest ceiling.
    pub ceiling_max: Millis,
    /// Longest wait that a target can ask for.
    pub retry_after_max: Millis,
}

/// Shortest wait: full jitter alone could come back at once and hammer a target that is down.
const WAIT_MIN: Millis = Millis::seconds(1);

impl Default for RetryOptions {
    /// A target may be down for a day, which is half of a level's 48 hours; the number of attempts only guards
    /// against settings that would make them too dense.
    fn default() -> Self {
        Self {
            attempts_max: 60,
            total: Millis::hours(24),
            base: Millis::seconds(5),
            ceiling_max: Millis::hours(1),
            retry_after_max: Millis::hours(6),
        }
    }
}

impl RetryOptions {
    /// When to make the attempt after `attempt`; `None` when the bounds allow none.
    pub fn next_attempt(
        &self,
        attempt: u32,
        since: EventTime,
        now: EventTime,
        retry_after: Option<Millis>,
        roll: Roll,
    ) -> Option<EventTime> {
        if attempt >= self.attempts_max {
            return None;
        }
        let jittered = Millis::from_ms(roll.below(self.ceiling(attempt).ms().saturating_add(1)));
        let asked = retry_after.unwrap_or(Millis::ZERO).min(self.retry_after_max);
        let at = now.plus(jittered.max(asked).max(WAIT_MIN));
        (at <= since.plus(self.total)).then_some(at)
    }

    /// Highest wait after an attempt.
    fn ceiling(&self, attempt: u32) -> Millis {
        let doublings = attempt.saturating_sub(1).min(40);
        (self.base * (1_i64 << doublings)).min(self.ceiling_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: EventTime = EventTime::from_ms(1_000_000_000);
    const HIGHEST: Roll = Roll(u32::MAX);

    fn wait(attempt: u32, retry_after: Option<Millis>, roll: Roll) -> Option<Millis> {
        RetryOptions::default().next_attempt(attempt, NOW, NOW, retry_after, roll).map(|at| at.since(NOW))
    }

    #[test]
    fn the_ceiling_doubles_up_to_its_maximum() {
        let waits: Vec<_> =
            (1..=12).map(|attempt| wait(attempt, None, HIGHEST).unwrap().ms() / 1000).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]);
    }

    #[test]
    fn jitter_takes_the_whole_range_above_one_second() {
        assert_eq!(wait(10, None, Roll(0)), Some(Millis::seconds(1)));
        assert_eq!(wait(10, None, Roll(1 << 31)), Some(Millis::seconds(1280)));
    }

    #[test]
    fn a_target_that_asks_for_time_gets_it_within_reason() {
        assert_eq!(wait(1, Some(Millis::seconds(120)), HIGHEST), Some(Millis::seconds(120)));
        assert_eq!(wait(1, Some(Millis::seconds(2)), HIGHEST), Some(Millis::seconds(5)));
        assert_eq!(wait(1, Some(Millis::days(30)), HIGHEST), Some(Millis::hours(6)));
    }

    #[test]
    fn attempts_and_time_are_bounded() {
        let options = RetryOptions::default();
        assert_eq!(wait(options.attempts_max, None, HIGHEST), None);
        let late = NOW.plus(options.total).minus(Millis::seconds(1));
        assert_eq!(options.next_attempt(3, NOW, late, None, Roll(0)), Some(NOW.plus(options.total)));
        assert_eq!(options.next_attempt(3, NOW, late, Some(Millis::seconds(2)), Roll(0)), None);
    }
}

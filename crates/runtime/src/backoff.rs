//! Waiting between attempts: doubling, capped, counted. No chance in it: members of one role fail at different
//! moments anyway, and a simulated run must repeat.

use std::time::Duration;

/// First wait: a leader election is often over by then.
const FIRST: Duration = Duration::from_millis(50);
/// Longest wait: a recovered broker is noticed within it.
const LONGEST: Duration = Duration::from_secs(5);
/// Attempts before giving up, about two minutes in all: longer than a broker's restart, shorter than an operator's
/// patience with a process that says nothing; the orchestrator restarts it then.
pub(crate) const MAX_ATTEMPTS: u32 = 30;

/// Counts failures in a row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// It worked.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Failures in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// It failed once more: how long to wait, or `None` when it was tried often enough.
    pub(crate) fn failed(&mut self) -> Option<Duration> {
        let wait = FIRST.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures += 1;
        (self.failures < MAX_ATTEMPTS).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_end() {
        let mut backoff = Backoff::default();
        let waits: Vec<Duration> = std::iter::from_fn(|| backoff.failed()).collect();
        assert_eq!(waits[..3], [50, 100, 200].map(Duration::from_millis));
        assert!(waits.iter().all(|wait| *wait <= LONGEST));
        assert_eq!(waits.len(), 29);
        assert!(waits.iter().sum::<Duration>() > Duration::from_secs(90));
        backoff.reset();
        assert_eq!(backoff.failed(), Some(FIRST));
    }
}

//! How many records of one partition may go to the dead-letter topic before the partition is halted.
//!
//! A few unreadable records are the producer's trouble; many in a row are ours (a bad deploy, a wrong topic), and
//! diverting everything would empty the log into the dead-letter topic. Pure: it is told outcomes and answers.

use std::collections::VecDeque;

use crate::fold::Stage;

/// Bounds on dead letters per input partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeadLetterLimits {
    /// Failures without a success between them.
    pub max_run: u32,
    /// Failures among the last `window` records.
    pub max_in_window: u32,
    /// Records the ratio is judged over.
    pub window: u32,
    /// Panics among the last `window` records.
    pub max_panics: u32,
}

impl Default for DeadLetterLimits {
    fn default() -> Self {
        Self {
            // Fewer than the hundred after which the breaker must have tripped; more than one producer's hiccup.
            max_run: 50,
            // One in ten: at the one in a hundred that a healthy system may see, ten times as many would be needed.
            max_in_window: 100,
            window: 1_000,
            // Each panic costs a reload of the unit's state, and is a bug of ours rather than the producer's.
            max_panics: 10,
        }
    }
}

/// Which bound was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exceeded {
    /// Too many in a row.
    Run(u32),
    /// Too many among the last records.
    Ratio {
        /// Failures.
        failures: u32,
        /// Among so many records.
        records: u32,
    },
    /// Too many panics among the last records.
    Panics(u32),
}

impl std::fmt::Display for Exceeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Run(run) => write!(f, "{run} records in a row could not be folded"),
            Self::Ratio { failures, records } => {
                write!(f, "{failures} of the last {records} records could not be folded")
            }
            Self::Panics(panics) => write!(f, "the fold panicked on {panics} of the last records"),
        }
    }
}

/// The outcomes of one partition's last records.
#[derive(Debug, Clone)]
pub(crate) struct DeadLetterGauge {
    limits: DeadLetterLimits,
    /// Outcomes below this offset were counted: a batch folded again after an abort does not count twice.
    counted_to: i64,
    seen: u64,
    run: u32,
    /// Ordinals of the failures inside the window, oldest first, and whether each was a panic. Bounded by
    /// `max_in_window`, because one more halts.
    failures: VecDeque<(u64, bool)>,
}

impl DeadLetterGauge {
    pub(crate) fn new(limits: DeadLetterLimits) -> Self {
        Self { limits, counted_to: 0, seen: 0, run: 0, failures: VecDeque::new() }
    }

    /// A record was folded.
    pub(crate) fn folded(&mut self, offset: i64) {
        if self.counts(offset) {
            self.seen += 1;
            self.run = 0;
        }
    }

    /// A record failed. `Err` means that it must not be diverted: the partition halts in front of it.
    pub(crate) fn failed(&mut self, offset: i64, stage: Stage) -> Result<(), Exceeded> {
        if !self.counts(offset) {
            return Ok(());
        }
        self.seen += 1;
        self.run += 1;
        let oldest = self.seen.saturating_sub(u64::from(self.limits.window));
        while self.failures.front().is_some_and(|(ordinal, _)| *ordinal <= oldest) {
            self.failures.pop_front();
        }
        self.failures.push_back((self.seen, stage == Stage::Panic));

        let failures = u32::try_from(self.failures.len()).unwrap_or(u32::MAX);
        let panics = self.failures.iter().filter(|(_, panicked)| *panicked).count();
        let panics = u32::try_from(panics).unwrap_or(u32::MAX);
        if panics > self.limits.max_panics {
            return Err(Exceeded::Panics(panics));
        }
        if self.run > self.limits.max_run {
            return Err(Exceeded::Run(self.run));
        }
        if failures > self.limits.max_in_window {
            let records = u32::try_from(self.seen.min(u64::from(self.limits.window))).unwrap_or(u32::MAX);
            return Err(Exceeded::Ratio { failures, records });
        }
        Ok(())
    }

    fn counts(&mut self, offset: i64) -> bool {
        let new = offset >= self.counted_to;
        self.counted_to = self.counted_to.max(offset + 1);
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of the first outcome that halts, counted from 1.
    fn halts_at(outcomes: impl Iterator<Item = Option<Stage>>) -> Option<(usize, Exceeded)> {
        let mut gauge = DeadLetterGauge::new(DeadLetterLimits::default());
        for (index, outcome) in outcomes.enumerate() {
            let offset = i64::try_from(index).unwrap();
            match outcome {
                None => gauge.folded(offset),
                Some(stage) => {
                    if let Err(exceeded) = gauge.failed(offset, stage) {
                        return Some((index + 1, exceeded));
                    }
                }
            }
        }
        None
    }

    #[test]
    fn one_bad_record_in_a_hundred_never_halts() {
        assert_eq!(halts_at((0..100_000).map(|n| (n % 100 == 0).then_some(Stage::Decode))), None);
    }

    #[test]
    fn a_run_of_bad_records_halts_within_a_hundred() {
        assert_eq!(halts_at((0..1_000).map(|_| Some(Stage::Decode))), Some((51, Exceeded::Run(51))));
    }

    #[test]
    fn one_bad_record_in_five_halts_by_ratio() {
        let halted = halts_at((0..10_000).map(|n| (n % 5 == 0).then_some(Stage::Validate)));
        assert_eq!(halted, Some((501, Exceeded::Ratio { failures: 101, records: 501 })));
    }

    #[test]
    fn failures_older_than_the_window_are_forgotten() {
        // Forty failures, a window of good records, forty more, over and over: never more than forty inside.
        let outcomes = (0..20_000).map(|n| (n % 1_040 < 40).then_some(Stage::Apply));
        assert_eq!(halts_at(outcomes), None);
    }

    #[test]
    fn panics_have_the_tighter_bound() {
        let halted = halts_at((0..1_000).map(|n| (n % 20 == 0).then_some(Stage::Panic)));
        assert_eq!(halted, Some((201, Exceeded::Panics(11))));
    }

    #[test]
    fn a_batch_folded_again_does_not_count_twice() {
        let mut gauge = DeadLetterGauge::new(DeadLetterLimits::default());
        for _ in 0..5 {
            for offset in 0..40 {
                assert_eq!(gauge.failed(offset, Stage::Decode), Ok(()));
            }
        }
        assert_eq!(gauge.run, 40);
    }
}

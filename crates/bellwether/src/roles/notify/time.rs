//! The time of deliveries: the machine's where the log is live, the log's where time is warped (R15).

use std::sync::Arc;

use bellwether_model::{EventTime, Millis};
use bellwether_notify::Options;
use bellwether_notify::clock::{Clock, LogicalClock, SystemClock};

use crate::topic_set::TimeMode;

/// How old a step may be under warped time: older than any topic set. A quarter passes in seconds there, several
/// functions are read one after the other, and nobody was away.
const WARPED_AGE_MAX: Millis = Millis::days(10_000);

/// Which time it is.
#[derive(Debug, Clone)]
pub(super) enum Time {
    /// The machine's.
    Machine,
    /// That of the last step or receipt.
    Logical(Arc<LogicalClock>),
}

impl Time {
    pub(super) fn of(mode: TimeMode) -> Self {
        match mode {
            TimeMode::Live => Self::Machine,
            TimeMode::Warped => Self::Logical(Arc::new(LogicalClock::new())),
        }
    }

    /// The clock of the service.
    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        match self {
            Self::Machine => Arc::new(SystemClock),
            Self::Logical(clock) => Arc::<LogicalClock>::clone(clock),
        }
    }

    /// Settings of the service.
    pub(super) fn options(&self) -> Options {
        match self {
            Self::Machine => Options::default(),
            Self::Logical(_) => Options { step_age_max: WARPED_AGE_MAX, ..Options::default() },
        }
    }

    /// The log has come to an instant.
    pub(super) fn passes(&self, at: EventTime) {
        match self {
            Self::Machine => {}
            Self::Logical(clock) => clock.advance(at),
        }
    }
}

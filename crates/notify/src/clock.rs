//! The clock of deliveries: when an attempt is made and when the next one is due.
//!
//! Escalation clocks are not its business: a step says when it fired. Tests hold time still or let it jump.

use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bellwether_model::{EventTime, Millis};
use tokio::sync::watch;

use crate::future::BoxFuture;

/// Tells the time and waits for it.
pub trait Clock: Send + Sync + std::fmt::Debug + 'static {
    /// The present instant.
    fn now(&self) -> EventTime;

    /// Ready when the clock shows `at` or later.
    fn sleep_until(&self, at: EventTime) -> BoxFuture<'_, ()>;
}

/// Longest single wait of the machine's clock: after it the wall clock is looked at again, so that a machine that
/// was suspended or set right does not oversleep for hours.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> EventTime {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        EventTime::from_ms(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
    }

    fn sleep_until(&self, at: EventTime) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                let left = duration(at.since(self.now()));
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(WAIT_MAX)).await;
            }
        })
    }
}

/// The runtime's clock, counted from a given instant; under a paused runtime it moves as the test lets it.
#[derive(Debug, Clone, Copy)]
pub struct RuntimeClock {
    began: tokio::time::Instant,
    at: EventTime,
}

impl RuntimeClock {
    /// A clock that shows `at` now.
    pub fn starting(at: EventTime) -> Self {
        Self { began: tokio::time::Instant::now(), at }
    }
}

impl Clock for RuntimeClock {
    fn now(&self) -> EventTime {
        let elapsed = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.at.plus(Millis::from_ms(elapsed))
    }

    fn sleep_until(&self, at: EventTime) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let left = duration(at.since(self.now()));
            if !left.is_zero() {
                tokio::time::sleep(left).await;
            }
        })
    }
}

/// A clock that stands still until somebody waits, and then jumps to the instant waited for.
#[derive(Debug)]
pub struct JumpingClock(Mutex<EventTime>);

impl JumpingClock {
    /// A clock that shows `at`.
    pub fn starting(at: EventTime) -> Self {
        Self(Mutex::new(at))
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> EventTime {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn sleep_until(&self, at: EventTime) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // Whoever else is ready goes first, as they would while real time passes.
            tokio::task::yield_now().await;
            let mut shown = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *shown = at.max(*shown);
        })
    }
}

/// The time that the log tells: it stands where the last event put it, and goes on with the next.
///
/// Under warped time (R15) there is no other: whoever waits, waits for the log to pass the instant, however long that
/// takes. A retry that is due after the last event is never made; the next start takes it up.
#[derive(Debug)]
pub struct LogicalClock(watch::Sender<EventTime>);

impl LogicalClock {
    /// A clock that shows the first instant there is.
    pub fn new() -> Self {
        Self(watch::Sender::new(EventTime::MIN))
    }

    /// The log has come to an instant. Time never goes back: an earlier one changes nothing.
    pub fn advance(&self, at: EventTime) {
        self.0.send_if_modified(|shown| {
            let later = at > *shown;
            *shown = at.max(*shown);
            later
        });
    }
}

impl Default for LogicalClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for LogicalClock {
    fn now(&self) -> EventTime {
        *self.0.borrow()
    }

    fn sleep_until(&self, at: EventTime) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let mut shown = self.0.subscribe();
            if shown.wait_for(|shown| *shown >= at).await.is_err() {
                // The sender is this clock, which is borrowed here.
                std::future::pending::<()>().await;
            }
        })
    }
}

/// The time in front of us; none for spans that look back.
pub(crate) fn duration(span: Millis) -> Duration {
    Duration::from_millis(u64::try_from(span.ms()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn time_that_the_log_tells_passes_with_it_and_never_goes_back() {
        let clock = std::sync::Arc::new(LogicalClock::new());
        let at = EventTime::from_ms;
        clock.advance(at(1_000));
        clock.advance(at(500));
        assert_eq!(clock.now(), at(1_000));
        clock.sleep_until(at(1_000)).await;

        let waiting = tokio::spawn({
            let clock = std::sync::Arc::clone(&clock);
            async move {
                clock.sleep_until(at(3_000)).await;
                clock.now()
            }
        });
        clock.advance(at(2_999));
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        clock.advance(at(5_000));
        assert_eq!(waiting.await.expect("it woke"), at(5_000));
    }
}

//! The wall clock of the receiver, injected so that tests hold it still.
//!
//! It judges replay windows of signatures and nothing else; event time always comes from the payload.

use std::time::{SystemTime, UNIX_EPOCH};

use bellwether_model::EventTime;

/// Tells the present instant.
pub trait Clock: Send + Sync + std::fmt::Debug + 'static {
    /// Now, in milliseconds.
    fn now(&self) -> EventTime;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> EventTime {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        EventTime::from_ms(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands still.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(pub EventTime);

impl Clock for FixedClock {
    fn now(&self) -> EventTime {
        self.0
    }
}

//! The owner's clock, injected: the only place of the runtime where time comes from.
//!
//! Two readings: the wall clock, which a fold is told and which may jump, and a monotonic one for the loop's own
//! intervals (back-off, snapshots, rate limits), which may not. Waiting goes through it too, so that a test on a
//! [`ManualClock`] never waits.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The owner's clock.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Unix milliseconds; may jump.
    fn now_ms(&self) -> i64;

    /// Time since an arbitrary start; never goes back.
    fn elapsed(&self) -> Duration;

    /// The same in whole milliseconds.
    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Waits.
    fn wait(&self, duration: Duration);

    /// False where time comes as records only (R15): folds are then never told the clock.
    fn tells_folds(&self) -> bool {
        true
    }
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// Starts counting now.
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the adapter the ban on the machine's clock points to"
    )]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the adapter the ban on the machine's clock points to"
    )]
    fn now_ms(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
        }
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    #[allow(clippy::disallowed_methods, reason = "this is the adapter the ban on sleeping points to")]
    fn wait(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// A clock that moves when told; waiting moves it.
#[derive(Debug)]
pub struct ManualClock {
    now_ms: AtomicI64,
    elapsed_ms: AtomicU64,
}

impl ManualClock {
    /// Stands at `now_ms`.
    pub fn new(now_ms: i64) -> Self {
        Self { now_ms: AtomicI64::new(now_ms), elapsed_ms: AtomicU64::new(0) }
    }

    /// Moves both readings forward.
    pub fn advance(&self, duration: Duration) {
        let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.now_ms.fetch_add(i64::try_from(ms).unwrap_or(i64::MAX), Ordering::SeqCst);
        self.elapsed_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Moves the wall clock only, back or forth, as an administrator would.
    pub fn jump_to(&self, now_ms: i64) {
        self.now_ms.store(now_ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.elapsed_ms.load(Ordering::SeqCst))
    }

    fn wait(&self, duration: Duration) {
        self.advance(duration);
    }
}

/// A clock for the loop's intervals alone: folds are never told it, because their time comes as records (R15).
#[derive(Debug, Default)]
pub struct NoClock<C>(pub C);

impl<C: Clock> Clock for NoClock<C> {
    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn wait(&self, duration: Duration) {
        self.0.wait(duration);
    }

    fn tells_folds(&self) -> bool {
        false
    }
}

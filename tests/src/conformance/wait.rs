//! Waiting for what is expected, never for a while: every wait has a deadline and says what it waited for.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;

/// The longest any expected thing may take, on a busy two-core machine, with Kafka's own timers of up to 10 s.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// The bound of one blocking call of the client.
pub const CALL: Duration = Duration::from_secs(20);
/// One turn of a polling loop.
pub const TURN: Duration = Duration::from_millis(10);
/// Between two looks at something that cannot be polled.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A point in time by which something must have happened.
#[derive(Debug)]
pub struct Deadline {
    at: Instant,
    what: String,
}

impl Deadline {
    /// Within [`PATIENCE`] from now.
    pub fn new(what: impl Into<String>) -> Self {
        Self { at: Instant::now() + PATIENCE, what: what.into() }
    }

    /// Fails once the deadline has passed, with what is seen so far.
    pub fn check(&self, seen: impl FnOnce() -> String) -> anyhow::Result<()> {
        if Instant::now() < self.at {
            return Ok(());
        }
        bail!("not within {} s: {}; seen: {}", PATIENCE.as_secs(), self.what, seen())
    }
}

/// Looks again and again until there is something, or the deadline has passed.
pub fn eventually<T>(
    what: impl Into<String>,
    mut look: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let deadline = Deadline::new(what);
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        deadline.check(|| "nothing".to_owned())?;
        pause();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "between two looks, under a deadline: a spin would starve the broker"
)]
fn pause() {
    thread::sleep(LOOK_EVERY);
}

//! How far one input has been fetched, and whether the log has more of it at present.
//!
//! The log's stable end counts markers and aborted records, which are never delivered; a fetched offset alone would
//! stay below it for ever. Where the two differ for a while, a reader outside the group tells whether anything
//! readable lies between.

use std::time::Duration;

use bellwether_log::{EventLog, Result, TopicPartition};

/// Shortest time between two looks at the end of one input: a handful of requests a second while something is held
/// back, and no wait worth noticing.
const LOOK_EVERY_MS: u64 = 50;
/// Longest wait of the reader that looks behind markers; at the end of the log it answers empty.
const PROBE_WAIT: Duration = Duration::from_millis(20);

/// One input as far as it is known.
#[derive(Debug, Clone)]
pub(crate) struct Frontier {
    /// Offset of the next record the member may bring.
    fetched: i64,
    /// Nothing readable lies between `fetched` and this.
    passed: i64,
    /// The stable end at the last look, when that was, and how far was fetched then.
    look: Option<Look>,
}

#[derive(Debug, Clone, Copy)]
struct Look {
    stable_end: i64,
    at: u64,
    fetched: i64,
}

impl Frontier {
    /// Delivery starts at `next_offset`.
    pub(crate) fn new(next_offset: i64) -> Self {
        Self { fetched: next_offset, passed: next_offset, look: None }
    }

    /// Offset of the next record the member may bring.
    pub(crate) fn fetched(&self) -> i64 {
        self.fetched
    }

    /// A record was brought; false when it had been brought before.
    pub(crate) fn bring(&mut self, offset: i64) -> bool {
        let new = offset >= self.fetched;
        if new {
            self.fetched = offset + 1;
        }
        new
    }

    /// True when everything readable below `offset` has been brought.
    pub(crate) fn has_passed(&self, offset: i64) -> bool {
        self.fetched.max(self.passed) >= offset
    }

    /// True when a look young enough found nothing more than has been brought.
    pub(crate) fn is_exhausted(&self, elapsed_ms: u64) -> bool {
        self.look.is_some_and(|look| !is_stale(look, elapsed_ms) && self.has_passed(look.stable_end))
    }

    /// Looks at the end of the log, unless the last look is young enough. What was not fetched between two looks,
    /// although the log had it, is looked at for markers.
    pub(crate) fn look(&mut self, log: &dyn EventLog, at: &TopicPartition, elapsed_ms: u64) -> Result<()> {
        let last = self.look;
        if last.is_some_and(|look| !is_stale(look, elapsed_ms)) {
            return Ok(());
        }
        let stable_end = log.bounds(at)?.stable_end;
        let stuck =
            last.is_some_and(|look| look.fetched == self.fetched && !self.has_passed(look.stable_end));
        if stuck {
            self.probe(log, at)?;
        }
        self.look = Some(Look { stable_end, at: elapsed_ms, fetched: self.fetched });
        Ok(())
    }

    fn probe(&mut self, log: &dyn EventLog, at: &TopicPartition) -> Result<()> {
        let mut reader = log.read(at, self.fetched.max(self.passed))?;
        if reader.next(PROBE_WAIT)?.is_empty() {
            self.passed = self.passed.max(reader.next_offset());
        }
        Ok(())
    }
}

fn is_stale(look: Look, elapsed_ms: u64) -> bool {
    elapsed_ms.saturating_sub(look.at) >= LOOK_EVERY_MS
}

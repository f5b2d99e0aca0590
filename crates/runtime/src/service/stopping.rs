//! The graceful end: snapshots so that the next owner replays nothing, and a farewell to the group so that it need
//! not wait for the session to end.

use std::time::Duration;

use super::Service;
use crate::error::{Error, chain};
use crate::failpoint::Failpoint;
use crate::fold::UnitId;

/// Longest wait for one report of the helper before the time is looked at again.
const REPORT_WAIT: Duration = Duration::from_millis(50);

impl Service {
    /// Stops. Nothing is under way between two rounds, so there is no batch to finish.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        self.failpoint(Failpoint::Stopping)?;
        let started_ms = self.clock.elapsed_ms();
        // A fifth of the time is left for the farewell.
        let budget_ms = u64::try_from(self.options.bounds.stop.as_millis()).unwrap_or(u64::MAX) / 5 * 4;
        // What is under way is older than what follows, and a busy unit would be left out.
        self.await_snapshots(started_ms, budget_ms);
        let ids: Vec<UnitId> = self.units.keys().copied().collect();
        for id in ids {
            if self.has_spent(started_ms, budget_ms) {
                tracing::warn!(role = self.options.role, unit = %id, "no time left for snapshots");
                break;
            }
            self.shelve(id)?;
        }
        self.await_snapshots(started_ms, budget_ms);
        self.units.clear();
        self.publish_status(true);
        if let Some(member) = self.member.take()
            && let Err(source) = member.leave()
        {
            // The group finds out by itself when the session ends.
            tracing::warn!(role = self.options.role, error = %chain(&source), "group was not told of the farewell");
        }
        tracing::info!(role = self.options.role, "stopped");
        Ok(())
    }

    fn await_snapshots(&mut self, started_ms: u64, budget_ms: u64) {
        while let Some(worker) = &mut self.worker {
            let under_way = worker.wait(REPORT_WAIT);
            self.take_reports();
            if !under_way || self.has_spent(started_ms, budget_ms) {
                return;
            }
        }
    }

    fn has_spent(&self, started_ms: u64, budget_ms: u64) -> bool {
        self.clock.elapsed_ms().saturating_sub(started_ms) >= budget_ms
    }
}

//! Takes snapshots of live units: after a commit, one per round, off to the helper (RT-4).

use super::Service;
use crate::error::Error;
use crate::failpoint::Failpoint;
use crate::fold::UnitId;
use crate::guard::{Panicked, guarded};
use crate::metric_definitions::{OUTCOME, ROLE, SNAPSHOT_AGE_SECONDS, SNAPSHOT_SECONDS, SNAPSHOTS};
use crate::snapshot::{Header, InputPosition, SkippedRecord, Snapshot};
use crate::unit::{Phase, Unit};

impl Service {
    /// Takes the snapshot that is most overdue, if any; true when one was taken.
    pub(super) fn take_snapshot(&mut self) -> Result<bool, Error> {
        let Some(worker) = &self.worker else { return Ok(false) };
        let elapsed_ms = self.clock.elapsed_ms();
        let bounds = self.options.bounds;
        let every_ms = u64::try_from(bounds.snapshot_every.as_millis()).unwrap_or(u64::MAX);
        let age = |unit: &Unit| elapsed_ms.saturating_sub(unit.shelf.taken_at);
        let changed = || {
            let live = |unit: &&Unit| matches!(unit.phase, Phase::Live(_)) && has_changed(unit);
            self.units.values().filter(live)
        };
        let due = |unit: &&Unit| {
            unit.shelf.forced || unit.shelf.records >= bounds.snapshot_records || age(unit) >= every_ms
        };
        let oldest_ms = changed().map(age).max().unwrap_or(0);
        let role = self.options.role.clone();
        metrics::gauge!(SNAPSHOT_AGE_SECONDS, ROLE => role).set(oldest_ms as f64 / 1_000.0);
        let free = changed().filter(due).filter(|unit| !worker.is_publishing(unit.id));
        let Some(id) = free.max_by_key(|unit| age(unit)).map(|unit| unit.id) else { return Ok(false) };
        self.shelve(id)?;
        Ok(true)
    }

    /// Takes a snapshot of a live unit with changes and hands it over.
    pub(super) fn shelve(&mut self, id: UnitId) -> Result<(), Error> {
        let started = self.clock.elapsed();
        let elapsed_ms = self.clock.elapsed_ms();
        let role = self.options.role.clone();
        let (Some(unit), true) = (self.units.get_mut(&id), self.worker.is_some()) else { return Ok(()) };
        if !has_changed(unit) {
            return Ok(());
        }
        let taken = match &unit.phase {
            Phase::Live(live) => guarded(|| (live.fold.snapshot(), live.fold.state_hash())),
            Phase::Waiting | Phase::Restoring(_) | Phase::Settling | Phase::Halted(_) => return Ok(()),
        };
        // The next one is due an interval from now even if this one fails: a fold that cannot be written must not
        // be asked in every round.
        unit.shelf.taken_at = elapsed_ms;
        unit.shelf.forced = false;
        let (payload, hash) = match taken {
            Ok(taken) => taken,
            Err(Panicked(message)) => {
                tracing::error!(role, unit = %id, message, "fold panicked while its snapshot was taken");
                metrics::counter!(SNAPSHOTS, ROLE => role, OUTCOME => "failed").increment(1);
                return Ok(());
            }
        };
        unit.shelf.records = 0;
        let header = Header {
            engine: self.factory.engine().to_owned(),
            unit: id.0,
            partitions: self.options.partitions,
            inputs: unit.positions().map(|position| InputPosition::from(&position)).collect(),
            state_hash: hash.to_string(),
            logical_ms: unit.logical_ms,
            skipped: skipped(unit),
        };
        let took = self.clock.elapsed().saturating_sub(started);
        metrics::histogram!(SNAPSHOT_SECONDS, ROLE => role.clone()).record(took);

        self.failpoint(Failpoint::BeforeSnapshot)?;
        let accepted =
            self.worker.as_mut().is_some_and(|worker| worker.publish(Snapshot { header, payload }));
        if !accepted {
            metrics::counter!(SNAPSHOTS, ROLE => role, OUTCOME => "busy").increment(1);
        }
        self.failpoint(Failpoint::AfterSnapshot)
    }
}

fn has_changed(unit: &Unit) -> bool {
    (unit.shelf.records > 0 || unit.shelf.forced) && unit.last_commit_ms.is_some()
}

fn skipped(unit: &Unit) -> Vec<SkippedRecord> {
    let skip = |((at, offset), cause): (&(bellwether_log::TopicPartition, i64), &String)| SkippedRecord {
        topic: at.topic.clone(),
        partition: at.partition,
        offset: *offset,
        cause: cause.clone(),
    };
    unit.skips.iter().map(skip).collect()
}

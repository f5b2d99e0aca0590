//! Units back to life: restore slices, broadcast topics, the snapshot helper's reports.

use super::Service;
use crate::error::{Error, chain};
use crate::failpoint::Failpoint;
use crate::fold::UnitId;
use crate::frontier::Frontier;
use crate::guard::{Panicked, drop_guarded, guarded};
use crate::lanes::Lanes;
use crate::metric_definitions::{
    BROADCAST_FAILURES, OUTCOME, REPLAYED_RECORDS, RESTORE_SECONDS, ROLE, SNAPSHOT_BYTES, SNAPSHOTS,
};
use crate::pulse::Pulse;
use crate::restore::{Cause, Progress, Restored, Surroundings};
use crate::snapshot::worker::Report;
use crate::unit::{Live, Phase, Shelf};

/// Units given a slice of restore work per round; a slice may wait for the log, and live units must not.
const SLICES_PER_ROUND: usize = 2;

impl Service {
    /// Takes in what the snapshot helper has done.
    pub(super) fn take_reports(&mut self) -> bool {
        let Some(worker) = self.worker.as_mut() else { return false };
        let reports = worker.reports();
        let worked = !reports.is_empty();
        let role = &self.options.role;
        for report in reports {
            match report {
                Report::Published { unit, outcome: Ok((name, bytes)) } => {
                    tracing::info!(role, %unit, name, bytes, "snapshot published");
                    metrics::counter!(SNAPSHOTS, ROLE => role.clone(), OUTCOME => "published").increment(1);
                    metrics::histogram!(SNAPSHOT_BYTES, ROLE => role.clone()).record(bytes as f64);
                }
                Report::Published { unit, outcome: Err(error) } => {
                    tracing::error!(role, %unit, error = %chain(&error), "snapshot not published");
                    metrics::counter!(SNAPSHOTS, ROLE => role.clone(), OUTCOME => "failed").increment(1);
                }
                Report::Loaded { unit, ticket, outcome } => {
                    let unit = self.units.get_mut(&unit);
                    if let Some(Phase::Restoring(restoration)) = unit.map(|unit| &mut unit.phase) {
                        restoration.answer(ticket, outcome);
                    }
                }
            }
        }
        worked
    }

    /// Reads the broadcast topics and shows live units what is new; less often while there is nothing to fold.
    pub(super) fn poll_broadcast(&mut self, worked: bool) -> Result<bool, Error> {
        let elapsed_ms = self.clock.elapsed_ms();
        let busy = worked || self.has_work();
        let worked = match self.broadcast.poll(self.log.as_ref(), elapsed_ms, busy) {
            Ok(worked) => worked,
            Err(source) => {
                self.tolerate("reading a broadcast topic", source)?;
                return Ok(false);
            }
        };
        let mut torn: Vec<(UnitId, Panicked)> = Vec::new();
        for unit in self.units.values_mut() {
            let Phase::Live(live) = &mut unit.phase else { continue };
            for record in self.broadcast.advance(&mut live.observed) {
                match guarded(|| live.fold.observe(record)) {
                    Ok(Ok(())) => {}
                    Ok(Err(poison)) => {
                        let role = self.options.role.clone();
                        metrics::counter!(BROADCAST_FAILURES, ROLE => role).increment(1);
                        let (at, offset) = (&record.from, record.offset);
                        tracing::warn!(unit = %unit.id, %at, offset, %poison, "broadcast record not observed");
                    }
                    Err(panicked) => {
                        torn.push((unit.id, panicked));
                        break;
                    }
                }
            }
        }
        for (id, panicked) in torn {
            self.panicked_outside(id, &panicked)?;
        }
        Ok(worked)
    }

    /// Gives the next units under restore a slice each; true when any got on.
    pub(super) fn restore_some(&mut self) -> Result<bool, Error> {
        let restoring: Vec<UnitId> = self
            .units
            .values()
            .filter(|unit| matches!(unit.phase, Phase::Restoring(_)))
            .map(|unit| unit.id)
            .collect();
        let (mut worked, mut slices) = (false, 0);
        for id in restoring {
            match self.restore_slice(id)? {
                Progress::Working => {
                    worked = true;
                    slices += 1;
                    self.failpoint(Failpoint::Restoring)?;
                }
                Progress::Waiting => {}
                Progress::Done(restored) => {
                    self.failpoint(Failpoint::BeforeLive)?;
                    self.go_live(id, *restored);
                    worked = true;
                }
                Progress::Halted(cause) => {
                    self.halt(id, cause)?;
                    worked = true;
                }
                Progress::Fenced => {
                    self.fenced_since.get_or_insert(self.clock.elapsed_ms());
                    if let Some(unit) = self.units.get_mut(&id) {
                        drop_guarded(std::mem::replace(&mut unit.phase, Phase::Waiting));
                    }
                }
            }
            if slices >= SLICES_PER_ROUND {
                break;
            }
        }
        self.eager |= worked;
        Ok(worked)
    }

    fn restore_slice(&mut self, id: UnitId) -> Result<Progress, Error> {
        let elapsed_ms = self.clock.elapsed_ms();
        let (Some(unit), Some(member)) = (self.units.get_mut(&id), self.member.as_mut()) else {
            return Ok(Progress::Waiting);
        };
        let inputs = unit.partitions();
        let Phase::Restoring(restoration) = &mut unit.phase else { return Ok(Progress::Waiting) };
        let mut around = Surroundings {
            unit: id,
            inputs: &inputs,
            log: self.log.as_ref(),
            member: member.as_mut(),
            factory: self.factory.as_ref(),
            worker: self.worker.as_mut(),
            broadcast: &self.broadcast,
            options: &self.options,
            elapsed_ms,
        };
        restoration.advance(&mut around)
    }

    fn go_live(&mut self, id: UnitId, restored: Restored) {
        let elapsed_ms = self.clock.elapsed_ms();
        let Some(unit) = self.units.get_mut(&id) else { return };
        let Phase::Restoring(restoration) = &unit.phase else { return };
        let (cause, took_ms) = (restoration.cause, elapsed_ms.saturating_sub(restoration.started_at));
        let role = &self.options.role;
        metrics::histogram!(RESTORE_SECONDS, ROLE => role.clone()).record(took_ms as f64 / 1_000.0);
        metrics::counter!(REPLAYED_RECORDS, ROLE => role.clone()).increment(restored.replayed);
        tracing::info!(role, unit = %id, ?cause, took_ms, replayed = restored.replayed, "unit live");

        let at_hand = restored.quarantine.as_ref().map(|held| (&held.record.from, held.record.offset + 1));
        for (lane, input) in unit.inputs.iter_mut().enumerate() {
            input.committed = restored.committed[lane];
            input.base = restored.next_offsets[lane];
            input.next_offset = input.base;
            let brought = at_hand.filter(|(from, _)| *from == &input.partition).map(|(_, next)| next);
            input.frontier = Frontier::new(brought.unwrap_or(input.base));
            input.paused = false;
        }
        if cause == Cause::Assigned {
            unit.pulse = Pulse::started(restored.logical_ms);
        }
        unit.logical_ms = restored.logical_ms;
        unit.skips = restored.skips;
        unit.own_tick = None;
        unit.shelf =
            Shelf { records: restored.replayed, taken_at: elapsed_ms, forced: restored.irreplaceable };
        unit.phase = Phase::Live(Box::new(Live {
            fold: restored.fold,
            lanes: Lanes::new(unit.inputs.len()),
            arrivals: 0,
            observed: restored.observed,
            gate: None,
            quarantine: restored.quarantine,
        }));
    }
}

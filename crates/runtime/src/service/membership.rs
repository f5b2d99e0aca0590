//! Polls the group: assignments make units, revocations take them away, records go into their lanes.

use std::time::Duration;

use bellwether_log::{Assignment, ErrorClass, Polled, Record, TopicPartition};

use super::Service;
use crate::error::{Error, chain};
use crate::failpoint::Failpoint;
use crate::fold::{OrderKey, UnitId};
use crate::guard::{Panicked, drop_guarded, guarded};
use crate::options::InputOrder;
use crate::restore::Restoration;
use crate::unit::{Phase, Skips, Unit};

/// Wait of a poll while something else is waited for too: the helper's answer, a transaction of somebody else.
const SHORT_POLL: Duration = Duration::from_millis(10);

impl Service {
    /// One poll; true when it brought anything.
    pub(super) fn poll(&mut self) -> Result<bool, Error> {
        let timeout = self.poll_timeout();
        self.eager = false;
        let Some(member) = self.member.as_mut() else { return Ok(false) };
        let polled = match member.poll(timeout) {
            Ok(polled) => polled,
            Err(source) => return self.poll_refused(source).map(|()| false),
        };
        self.poll_backoff.reset();
        self.idle = false;
        match polled {
            Polled::Assigned(assignments) => {
                self.token = None;
                self.fenced_since = None;
                self.assigned(assignments);
                Ok(true)
            }
            Polled::Revoked { partitions, lost } => {
                self.token = None;
                self.fenced_since = None;
                self.revoked(&partitions, lost)?;
                Ok(true)
            }
            Polled::Batch { records, token } => {
                self.token = Some(token);
                self.failpoint(Failpoint::Polled)?;
                self.enqueue(records)?;
                Ok(true)
            }
            Polled::Idle { token } => {
                self.token = Some(token);
                self.idle = true;
                Ok(false)
            }
        }
    }

    /// How long the next poll may wait: not at all while there is work, and never past a deadline.
    fn poll_timeout(&self) -> Duration {
        if self.eager {
            return Duration::ZERO;
        }
        let mut timeout = self.options.bounds.wait(self.quiet);
        let (now_ms, elapsed_ms) = (self.clock.now_ms(), self.clock.elapsed_ms());
        for unit in self.units.values() {
            match &unit.phase {
                Phase::Restoring(_) => timeout = timeout.min(SHORT_POLL),
                Phase::Live(live) => {
                    if !live.lanes.is_empty() || live.gate.is_some() {
                        timeout = timeout.min(SHORT_POLL);
                    }
                    let due_ms = guarded(|| live.fold.next_due_ms()).ok().flatten();
                    let wait_ms = unit.pulse.wait_ms(due_ms, now_ms, elapsed_ms);
                    if let (Some(wait_ms), true) = (wait_ms, self.clock.tells_folds()) {
                        // A clock call that waits for something else must not make this a busy loop.
                        timeout = timeout.min(Duration::from_millis(wait_ms).max(SHORT_POLL));
                    }
                }
                Phase::Waiting | Phase::Settling | Phase::Halted(_) => {}
            }
        }
        timeout
    }

    /// True while a live unit has records to fold or a deadline that has come.
    pub(super) fn has_work(&self) -> bool {
        let now_ms = self.clock.now_ms();
        self.units.values().any(|unit| {
            let Phase::Live(live) = &unit.phase else { return false };
            let due_ms = || guarded(|| live.fold.next_due_ms()).ok().flatten();
            !live.lanes.is_empty() || due_ms().is_some_and(|due_ms| due_ms <= now_ms)
        })
    }

    fn poll_refused(&mut self, source: bellwether_log::Error) -> Result<(), Error> {
        let class = source.class();
        let attempts = self.poll_backoff.failures() + 1;
        let wait = match class {
            ErrorClass::Fatal => None,
            ErrorClass::Fenced => {
                self.fenced_off();
                self.poll_backoff.failed()
            }
            ErrorClass::Transient | ErrorClass::Aborted | ErrorClass::Indefinite => {
                self.poll_backoff.failed()
            }
        };
        let Some(wait) = wait else {
            let doing = format!("polling group {}", self.options.group);
            return Err(Error::Log { doing, attempts, class, source });
        };
        tracing::warn!(role = self.options.role, attempts, error = %chain(&source), "poll failed, waiting");
        self.wait(wait);
        Ok(())
    }

    /// Another owner has taken over: every state goes, and the group says how to go on.
    pub(super) fn fenced_off(&mut self) {
        self.token = None;
        self.fenced_since.get_or_insert(self.clock.elapsed_ms());
        for unit in self.units.values_mut() {
            drop_guarded(std::mem::replace(&mut unit.phase, Phase::Waiting));
        }
    }

    fn assigned(&mut self, assignments: Vec<Assignment>) {
        let elapsed_ms = self.clock.elapsed_ms();
        let mut changed: Vec<UnitId> = Vec::new();
        for Assignment { partition, committed } in assignments {
            let id = UnitId(partition.partition);
            let unit = self
                .units
                .entry(id)
                .or_insert_with(|| Unit::new(id, &self.options.inputs, self.options.limits));
            let Some(input) = unit.inputs.iter_mut().find(|input| input.partition == partition) else {
                tracing::error!(%partition, "assigned a partition of a topic that is no input");
                continue;
            };
            input.assigned = true;
            input.committed = committed;
            changed.push(id);
        }
        changed.sort();
        changed.dedup();
        for id in changed {
            let Some(unit) = self.units.get_mut(&id).filter(|unit| unit.is_assigned()) else { continue };
            let committed = unit.committed();
            let phase = match self.halted.get(&id) {
                Some((at, cause)) if *at == committed => {
                    tracing::error!(role = self.options.role, unit = %id, %cause, "unit stays halted");
                    Phase::Halted(cause.clone())
                }
                _ => {
                    self.halted.remove(&id);
                    self.tickets += 1;
                    Phase::Restoring(Box::new(Restoration::assigned(self.tickets, elapsed_ms, committed)))
                }
            };
            tracing::info!(role = self.options.role, unit = %id, "unit assigned");
            drop_guarded(std::mem::replace(&mut unit.phase, phase));
        }
        self.eager = true;
    }

    fn revoked(&mut self, partitions: &[TopicPartition], lost: bool) -> Result<(), Error> {
        let mut changed: Vec<UnitId> = partitions.iter().map(|at| UnitId(at.partition)).collect();
        changed.sort();
        changed.dedup();
        for id in changed {
            if !lost {
                // The next owner finds the state where it was left. Memory equals the commit here (RT-2).
                self.shelve(id)?;
            }
            let Some(unit) = self.units.get_mut(&id) else { continue };
            for input in &mut unit.inputs {
                input.assigned &= !partitions.contains(&input.partition);
            }
            drop_guarded(std::mem::replace(&mut unit.phase, Phase::Waiting));
            let left: Vec<TopicPartition> = unit
                .inputs
                .iter()
                .filter(|input| input.assigned)
                .map(|input| input.partition.clone())
                .collect();
            tracing::info!(role = self.options.role, unit = %id, lost, "unit revoked");
            if left.is_empty() {
                self.units.remove(&id);
            } else {
                self.pause(&left)?;
            }
        }
        Ok(())
    }

    /// Stops delivery of partitions; one that is not ours any more needs no stopping.
    pub(super) fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), Error> {
        for partition in partitions {
            let Some(member) = self.member.as_mut() else { return Ok(()) };
            if let Err(source) = member.pause(partition) {
                // What is delivered without a live unit is dropped, so a pause that failed costs only traffic.
                self.tolerate(&format!("pausing {partition}"), source)?;
            }
        }
        Ok(())
    }

    /// Puts records into the lanes of their units. What belongs to no live unit was fetched before a pause and is
    /// read again later.
    fn enqueue(&mut self, records: Vec<Record>) -> Result<(), Error> {
        let mut full: Vec<TopicPartition> = Vec::new();
        let mut torn: Vec<(UnitId, Panicked)> = Vec::new();
        for record in records {
            let id = UnitId(record.from.partition);
            let Some(unit) = self.units.get_mut(&id) else { continue };
            let Phase::Live(live) = &mut unit.phase else { continue };
            let Some(lane) = unit.inputs.iter().position(|input| input.partition == record.from) else {
                continue;
            };
            let input = &mut unit.inputs[lane];
            if input.paused || !input.frontier.bring(record.offset) {
                continue;
            }
            let key = match self.options.order {
                InputOrder::Arrival => {
                    live.arrivals += 1;
                    OrderKey { at_ms: live.arrivals, tie: Vec::new() }
                }
                InputOrder::Merge => match guarded(|| live.fold.order_key(&record)) {
                    Ok(key) => key,
                    Err(panicked) => {
                        torn.push((id, panicked));
                        continue;
                    }
                },
            };
            live.lanes.push(lane, key, record);
            let (held, bytes) = live.lanes.held(lane);
            if held >= self.options.bounds.held_records || bytes >= self.options.bounds.held_bytes {
                input.paused = true;
                full.push(input.partition.clone());
            }
        }
        for (id, panicked) in torn {
            self.panicked_outside(id, &panicked)?;
        }
        self.pause(&full)
    }

    /// Resumes partitions whose lanes have half emptied.
    pub(super) fn resume_drained(&mut self) -> Result<(), Error> {
        let bounds = self.options.bounds;
        let mut drained: Vec<(UnitId, usize, TopicPartition, i64)> = Vec::new();
        for unit in self.units.values() {
            let Phase::Live(live) = &unit.phase else { continue };
            for (lane, input) in unit.inputs.iter().enumerate().filter(|(_, input)| input.paused) {
                let (held, bytes) = live.lanes.held(lane);
                if held <= bounds.held_records / 2 && bytes <= bounds.held_bytes / 2 {
                    drained.push((unit.id, lane, input.partition.clone(), input.frontier.fetched()));
                }
            }
        }
        for (id, lane, partition, from) in drained {
            let Some(member) = self.member.as_mut() else { return Ok(()) };
            match member.start(&partition, from) {
                Ok(()) => {
                    self.side_backoff.reset();
                    if let Some(unit) = self.units.get_mut(&id) {
                        unit.inputs[lane].paused = false;
                    }
                }
                Err(source) => self.tolerate(&format!("resuming {partition}"), source)?,
            }
        }
        Ok(())
    }

    /// Drops a unit's state and restores it from what is committed.
    pub(super) fn reload(
        &mut self,
        id: UnitId,
        quarantine: Option<crate::unit::Quarantine>,
    ) -> Result<(), Error> {
        let elapsed_ms = self.clock.elapsed_ms();
        let Some(unit) = self.units.get_mut(&id) else { return Ok(()) };
        self.tickets += 1;
        let skips: Skips = unit.skips.clone();
        let restoration = Restoration::reload(self.tickets, elapsed_ms, skips, quarantine);
        drop_guarded(std::mem::replace(&mut unit.phase, Phase::Restoring(Box::new(restoration))));
        unit.own_tick = None;
        self.eager = true;
        let partitions = unit.partitions();
        self.pause(&partitions)
    }
}

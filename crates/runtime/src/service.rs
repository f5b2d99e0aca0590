//! The loop of one member: poll, order, fold, commit; restore and snapshot around it.
//!
//! Runs on the thread that calls [`Service::run`], or step by step under a simulator. Everything it may not know
//! by itself is injected: the log, the fold, the clock, the object store, the failpoints.
//!
//! - `setup`: options against topics, joining the group.
//! - `membership`: polls, assignments, revocations, records into lanes.
//! - `restoring`: units back to life, broadcast topics, the helper's reports.
//! - `folding` and `clocking`: what a batch consists of.
//! - `committing`: the transaction and every way it can end.
//! - `shelving`: snapshots. `stopping`: the graceful end.

mod batch;
mod clocking;
mod committing;
mod folding;
mod membership;
mod restoring;
mod setup;
mod shelving;
mod stopping;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bellwether_log::{ErrorClass, EventLog, FencingToken, Member};

use crate::backoff::Backoff;
use crate::broadcast::Broadcast;
use crate::clock::Clock;
use crate::error::{Error, chain};
use crate::failpoint::{Failpoint, Failpoints};
use crate::fold::{FoldFactory, UnitId};
use crate::metric_definitions::{ROLE, UNITS_HALTED, UNITS_LIVE, UNITS_RESTORING};
use crate::options::Options;
use crate::snapshot::worker::Worker;
use crate::status::{HaltCause, Status};
use crate::unit::{Phase, Unit};

/// Longest a wait goes on without a look at the stop flag.
const STOP_LOOK: Duration = Duration::from_millis(100);
/// Longest a fenced member keeps partitions without hearing from the group: six sessions.
const FENCED_FOR_GOOD_MS: u64 = 60_000;
/// Time between two publications of the status while nothing changes but positions.
const STATUS_EVERY_MS: u64 = 100;

/// Stops a service and looks at it, from any thread.
#[derive(Debug, Clone)]
pub struct Handle {
    stop: Arc<AtomicBool>,
    status: Arc<Status>,
}

impl Handle {
    /// Asks for a graceful stop: the batch is finished, snapshots are taken, the group is left.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// The shared picture.
    pub fn status(&self) -> &Status {
        &self.status
    }
}

/// What one round of the loop came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Something was folded, committed, assigned or restored.
    Worked,
    /// There was nothing to do.
    Idle,
    /// The service has stopped gracefully; further steps do nothing.
    Stopped,
}

/// One member of one role.
pub struct Service {
    log: Arc<dyn EventLog>,
    factory: Arc<dyn FoldFactory>,
    clock: Arc<dyn Clock>,
    options: Options,
    failpoints: Box<dyn Failpoints>,
    /// `None` after a graceful stop.
    member: Option<Box<dyn Member>>,
    /// Present with snapshot restore.
    worker: Option<Worker>,
    broadcast: Broadcast,
    units: BTreeMap<UnitId, Unit>,
    /// Units halted by their records, and where: a new assignment at the same place halts them again.
    halted: BTreeMap<UnitId, (Vec<Option<i64>>, HaltCause)>,
    /// Token of the last batch or idle poll since the assignment changed.
    token: Option<FencingToken>,
    fenced_since: Option<u64>,
    /// The last poll brought nothing.
    idle: bool,
    /// The next poll should not wait.
    eager: bool,
    /// Rounds in a row in which there was nothing to do.
    quiet: u32,
    tickets: u64,
    /// Which unit is folded first; moves on every round, so that none starves.
    turn: usize,
    poll_backoff: Backoff,
    side_backoff: Backoff,
    /// Commits in a row that did not happen.
    rounds: Backoff,
    status_at: Option<u64>,
    handle: Handle,
    #[cfg(test)]
    sabotage: Option<tests::Sabotage>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("role", &self.options.role)
            .field("units", &self.units)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// Switches a safety feature off.
    #[cfg(test)]
    fn sabotage(&mut self, sabotage: tests::Sabotage) {
        self.sabotage = Some(sabotage);
        if let (tests::Sabotage::SnapshotBeforeCommit, Some(worker)) = (sabotage, &mut self.worker) {
            worker.trust();
        }
    }

    /// Stops and looks at the service, from any thread.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Rounds until a graceful stop or an error.
    pub fn run(mut self) -> Result<(), Error> {
        while self.step()? != Step::Stopped {}
        Ok(())
    }

    /// One round: a poll, a slice of restore work, at most one transaction, at most one snapshot.
    pub fn step(&mut self) -> Result<Step, Error> {
        if self.member.is_none() {
            return Ok(Step::Stopped);
        }
        if self.is_stopping() {
            self.finish()?;
            return Ok(Step::Stopped);
        }
        let mut worked = self.poll()?;
        worked |= self.take_reports();
        worked |= self.poll_broadcast(worked)?;
        worked |= self.restore_some()?;
        worked |= self.cycle()?;
        self.resume_drained()?;
        worked |= self.take_snapshot()?;
        self.check_fence()?;
        self.publish_status(worked);
        self.quiet = if worked { 0 } else { self.quiet.saturating_add(1) };
        Ok(if worked { Step::Worked } else { Step::Idle })
    }

    /// One batch, folded and committed; true when there was anything to commit.
    fn cycle(&mut self) -> Result<bool, Error> {
        let Some(token) = self.token else { return Ok(false) };
        let mut batch = self.fold_batch()?;
        self.tell_clock(&mut batch)?;
        if batch.touched.is_empty() {
            return Ok(false);
        }
        self.failpoint(Failpoint::Folded)?;
        self.commit(batch, token)?;
        Ok(true)
    }

    fn is_stopping(&self) -> bool {
        self.handle.stop.load(Ordering::SeqCst)
    }

    fn failpoint(&mut self, at: Failpoint) -> Result<(), Error> {
        if self.failpoints.crashes_at(at) { Err(Error::Crashed { at }) } else { Ok(()) }
    }

    /// Waits, but not past a request to stop.
    fn wait(&self, duration: Duration) {
        let mut left = duration;
        while !left.is_zero() && !self.is_stopping() {
            let slice = left.min(STOP_LOOK);
            self.clock.wait(slice);
            left = left.saturating_sub(slice);
        }
    }

    /// Deals with a refusal of the log beside polls and commits: waits if it may pass, ends if it may not.
    fn tolerate(&mut self, doing: &str, source: bellwether_log::Error) -> Result<(), Error> {
        let class = source.class();
        let attempts = self.side_backoff.failures() + 1;
        let wait = match class {
            // The group will say so at the next poll.
            ErrorClass::Fenced => return Ok(()),
            ErrorClass::Fatal => None,
            ErrorClass::Transient | ErrorClass::Aborted | ErrorClass::Indefinite => {
                self.side_backoff.failed()
            }
        };
        let Some(wait) = wait else {
            return Err(Error::Log { doing: doing.to_owned(), attempts, class, source });
        };
        tracing::warn!(role = self.options.role, doing, attempts, error = %chain(&source), "log refused, waiting");
        self.wait(wait);
        Ok(())
    }

    fn check_fence(&mut self) -> Result<(), Error> {
        let Some(since) = self.fenced_since else { return Ok(()) };
        let held: usize =
            self.units.values().map(|unit| unit.inputs.iter().filter(|input| input.assigned).count()).sum();
        let silent_ms = self.clock.elapsed_ms().saturating_sub(since);
        if held > 0 && silent_ms >= FENCED_FOR_GOOD_MS {
            return Err(Error::FencedForGood { partitions: held, seconds: silent_ms / 1_000 });
        }
        Ok(())
    }

    fn publish_status(&mut self, worked: bool) {
        let elapsed_ms = self.clock.elapsed_ms();
        let rested = self.status_at.is_none_or(|at| elapsed_ms.saturating_sub(at) >= STATUS_EVERY_MS);
        if !rested && !worked {
            return;
        }
        self.status_at = Some(elapsed_ms);
        let now_ms = self.clock.now_ms();
        let (mut live, mut restoring, mut halted) = (0_u32, 0_u32, 0_u32);
        for unit in self.units.values() {
            match unit.phase {
                Phase::Live(_) => live += 1,
                Phase::Waiting | Phase::Restoring(_) | Phase::Settling => restoring += 1,
                Phase::Halted(_) => halted += 1,
            }
        }
        let role = &self.options.role;
        metrics::gauge!(UNITS_LIVE, ROLE => role.clone()).set(live);
        metrics::gauge!(UNITS_RESTORING, ROLE => role.clone()).set(restoring);
        metrics::gauge!(UNITS_HALTED, ROLE => role.clone()).set(halted);
        let idle = self.idle;
        let units = self.units.iter().map(|(id, unit)| (*id, unit.status(now_ms, idle))).collect();
        self.handle.status.publish(units, now_ms);
    }
}

//! Folds what the lanes let go, unit by unit, into one batch.
//!
//! A record is folded, or diverted with its cause, or its partition halts in front of it; a panic ends the unit's
//! part of the batch in front of the record, whose turn comes after a restore (RT-5).

use std::time::Duration;

use bellwether_log::{EventLog, Record};

use super::Service;
use super::batch::{After, Batch};
use crate::clock::Clock;
use crate::dead_letter::dead_letter;
use crate::error::Error;
use crate::fold::{Poison, Stage, UnitId};
use crate::guard::{Panicked, drop_guarded, guarded};
use crate::lanes::{EmptyLane, Next};
use crate::metric_definitions::{FOLD_SECONDS, ROLE};
use crate::options::{InputOrder, Options};
use crate::status::HaltCause;
use crate::unit::{Live, Phase, Quarantine, Unit};

/// Panics outside of records after which a unit halts: the second may be chance, the fourth is not.
const MAX_PANICS: u32 = 3;

impl Service {
    /// Folds until the batch is full or nothing more may be folded.
    pub(super) fn fold_batch(&mut self) -> Result<Batch, Error> {
        let mut batch = Batch::default();
        let started = self.clock.elapsed();
        let elapsed_ms = self.clock.elapsed_ms();
        let live: Vec<UnitId> = self
            .units
            .values()
            .filter(|unit| matches!(&unit.phase, Phase::Live(live) if live.has_work()))
            .map(|unit| unit.id)
            .collect();
        self.turn = self.turn.wrapping_add(1);
        let first = self.turn.checked_rem(live.len()).unwrap_or(0);
        for id in live[first..].iter().chain(&live[..first]) {
            if batch.is_full(&self.options.bounds) {
                // What is left is folded next, without a wait in between.
                self.eager = true;
                break;
            }
            let Some(unit) = self.units.get_mut(id) else { continue };
            let until =
                Until { clock: self.clock.as_ref(), elapsed: started + self.options.bounds.batch_time };
            let folded = fold_unit(unit, self.log.as_ref(), &self.options, elapsed_ms, &until, &mut batch);
            self.eager |= batch.is_full(&self.options.bounds);
            match folded {
                Ok(()) => self.side_backoff.reset(),
                Err(source) => self.tolerate("looking at the end of an input", source)?,
            }
        }
        if batch.records > 0 {
            let took = self.clock.elapsed().saturating_sub(started);
            let role = self.options.role.clone();
            metrics::histogram!(FOLD_SECONDS, ROLE => role).record(took);
        }
        Ok(batch)
    }

    /// A call into the fold panicked and no record is to blame: its state goes, and with it the unit if that
    /// happens time and again.
    pub(super) fn panicked_outside(&mut self, id: UnitId, panicked: &Panicked) -> Result<(), Error> {
        match note_panic(self.units.get_mut(&id), panicked) {
            After::Halt(cause) => self.halt(id, cause),
            After::Reload | After::Quarantine(_) => self.reload(id, None),
        }
    }

    /// Stops a unit until somebody acts.
    pub(super) fn halt(&mut self, id: UnitId, cause: HaltCause) -> Result<(), Error> {
        let Some(unit) = self.units.get_mut(&id) else { return Ok(()) };
        tracing::error!(role = self.options.role, unit = %id, %cause, "unit halted");
        if matches!(cause, HaltCause::DeadLetters { .. } | HaltCause::Panics { .. }) {
            self.halted.insert(id, (unit.committed(), cause.clone()));
        }
        drop_guarded(std::mem::replace(&mut unit.phase, Phase::Halted(cause)));
        let partitions = unit.partitions();
        self.pause(&partitions)
    }
}

/// Counts a panic outside of a record and decides what it leads to.
pub(super) fn note_panic(unit: Option<&mut Unit>, Panicked(message): &Panicked) -> After {
    let Some(unit) = unit else { return After::Reload };
    unit.panics += 1;
    tracing::error!(unit = %unit.id, message, times = unit.panics, "fold panicked outside of a record");
    if unit.panics > MAX_PANICS {
        After::Halt(HaltCause::Panics { times: unit.panics, message: message.clone() })
    } else {
        After::Reload
    }
}

/// When a batch must end.
struct Until<'a> {
    clock: &'a dyn Clock,
    elapsed: Duration,
}

impl Until<'_> {
    fn is_over(&self) -> bool {
        self.clock.elapsed() >= self.elapsed
    }
}

impl Live {
    fn has_work(&self) -> bool {
        self.quarantine.is_some() || !self.lanes.is_empty()
    }
}

/// Folds one unit's part. An error is one of looking at the ends of inputs; what was folded before it stands.
fn fold_unit(
    unit: &mut Unit,
    log: &dyn EventLog,
    options: &Options,
    elapsed_ms: u64,
    until: &Until<'_>,
    batch: &mut Batch,
) -> bellwether_log::Result<()> {
    if let Some(after) = pass_over(unit, options, batch) {
        settle(unit, after, batch);
        return Ok(());
    }
    while !batch.is_full(&options.bounds) {
        let Phase::Live(live) = &mut unit.phase else { return Ok(()) };
        let empty = match (options.order, unit.inputs.len()) {
            (InputOrder::Arrival, _) | (InputOrder::Merge, 1) => EmptyLane::Ignored,
            (InputOrder::Merge, _) => match guarded(|| live.fold.holds_until_marks()) {
                Ok(true) => EmptyLane::HoldsUntilMark,
                Ok(false) => EmptyLane::HoldsUntilExhausted,
                Err(panicked) => {
                    let after = note_panic(Some(unit), &panicked);
                    settle(unit, after, batch);
                    return Ok(());
                }
            },
        };
        let inputs = &unit.inputs;
        match live.lanes.next(empty, |lane| inputs[lane].frontier.is_exhausted(elapsed_ms)) {
            Next::Take(lane) => {
                let Some(record) = live.lanes.pop(lane) else { return Ok(()) };
                if let Some(after) = fold_record(unit, lane, record, options, batch) {
                    settle(unit, after, batch);
                    return Ok(());
                }
                batch.is_overdue = until.is_over();
            }
            Next::BlockedBy(lane) => {
                let input = &mut unit.inputs[lane];
                input.frontier.look(log, &input.partition, elapsed_ms)?;
                if empty == EmptyLane::HoldsUntilMark || !input.frontier.is_exhausted(elapsed_ms) {
                    return Ok(());
                }
            }
            Next::Nothing => return Ok(()),
        }
    }
    Ok(())
}

/// Folds one record; what becomes of the unit, if it cannot go on.
fn fold_record(
    unit: &mut Unit,
    lane: usize,
    record: Record,
    options: &Options,
    batch: &mut Batch,
) -> Option<After> {
    let Phase::Live(live) = &mut unit.phase else { return None };
    let input = &mut unit.inputs[lane];
    let said = batch.out.len();
    match guarded(|| live.fold.apply(&record, &mut batch.out)) {
        Ok(Ok(())) => input.gauge.folded(record.offset),
        Ok(Err(poison)) => {
            batch.out.truncate(said);
            if let Err(exceeded) = input.gauge.failed(record.offset, poison.stage) {
                let at = record.from.clone();
                let cause = HaltCause::DeadLetters { exceeded, at, next_offset: record.offset };
                return Some(After::Halt(cause));
            }
            divert(unit.id, &record, &poison, options, batch);
        }
        Err(Panicked(cause)) => {
            batch.out.truncate(said);
            let (at, offset) = (&record.from, record.offset);
            tracing::error!(unit = %unit.id, %at, offset, cause, "fold panicked on a record");
            return Some(After::Quarantine(Quarantine { record, cause }));
        }
    }
    passed(unit, lane, &record, batch);
    None
}

/// Diverts the record that made the fold panic, on the state restored to just before it.
fn pass_over(unit: &mut Unit, options: &Options, batch: &mut Batch) -> Option<After> {
    let Phase::Live(live) = &mut unit.phase else { return None };
    let Quarantine { record, cause } = live.quarantine.take()?;
    let lane = unit.inputs.iter().position(|input| input.partition == record.from)?;
    if let Err(exceeded) = unit.inputs[lane].gauge.failed(record.offset, Stage::Panic) {
        let at = record.from.clone();
        return Some(After::Halt(HaltCause::DeadLetters { exceeded, at, next_offset: record.offset }));
    }
    let said = batch.out.len();
    if let Err(Panicked(message)) = guarded(|| live.fold.skipped(&record, &cause, &mut batch.out)) {
        batch.out.truncate(said);
        let message = format!("while passing over {} offset {}: {message}", record.from, record.offset);
        return Some(After::Halt(HaltCause::Panics { times: 1, message }));
    }
    divert(unit.id, &record, &Poison::new(Stage::Panic, cause.clone()), options, batch);
    unit.skip(record.from.clone(), record.offset, cause);
    // A replay should not have to find out again.
    unit.shelf.forced = true;
    passed(unit, lane, &record, batch);
    None
}

fn divert(id: UnitId, record: &Record, poison: &Poison, options: &Options, batch: &mut Batch) {
    let (at, offset) = (&record.from, record.offset);
    tracing::warn!(unit = %id, %at, offset, %poison, "record diverted to the dead-letter topic");
    batch.out.push(dead_letter(&options.dead_letters, &options.role, id, record, poison));
    *batch.letters.entry(poison.stage).or_default() += 1;
}

fn passed(unit: &mut Unit, lane: usize, record: &Record, batch: &mut Batch) {
    unit.inputs[lane].next_offset = record.offset + 1;
    unit.logical_ms = unit.logical_ms.max(Some(record.timestamp_ms));
    unit.shelf.records += 1;
    batch.records += 1;
    batch.touched.insert(unit.id);
}

/// The unit's state is no good any more; what it did before stands, and what becomes of it follows the commit.
pub(super) fn settle(unit: &mut Unit, after: After, batch: &mut Batch) {
    drop_guarded(std::mem::replace(&mut unit.phase, Phase::Settling));
    batch.touched.insert(unit.id);
    batch.after.insert(unit.id, after);
}

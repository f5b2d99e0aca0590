//! Reads the inputs of a unit from where its state is to where the group is, and folds them without effects.
//!
//! Several inputs are merged: by the fold's own order where the live unit merges them too, else by record time, then
//! topic name. That need not be the order they were first folded in; the state must not depend on it, which is an
//! invariant of [`crate::Fold`].

use std::time::Duration;

use bellwether_log::{PartitionReader, Record};

use super::origin::{State, resume_at};
use super::{Restored, Surroundings, Trouble};
use crate::fold::{Fold, OrderKey, Outputs};
use crate::guard::guarded;
use crate::lanes::{EmptyLane, Lanes, Next};
use crate::options::InputOrder;
use crate::status::HaltCause;
use crate::unit::Skips;

/// Records folded per slice: a few milliseconds, so that the loop polls in between.
const SLICE_RECORDS: u64 = 5_000;
/// Longest wait of one read; what is read is known to exist.
const READ_WAIT: Duration = Duration::from_millis(50);

/// A replay under way.
pub(super) struct Replay {
    state: State,
    next_offsets: Vec<i64>,
    sources: Vec<Source>,
    lanes: Lanes,
    order: InputOrder,
    irreplaceable: bool,
    folded: u64,
}

struct Source {
    input: usize,
    reader: Box<dyn PartitionReader>,
    target: i64,
    done: bool,
}

/// What a slice came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replayed {
    Working,
    Waiting,
    Done,
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay").field("next_offsets", &self.next_offsets).finish_non_exhaustive()
    }
}

impl Replay {
    /// Checks that the log still has what is needed, and opens the readers.
    pub(super) fn begin(state: State, around: &Surroundings<'_>) -> Result<Self, Trouble> {
        let mut replay = Self {
            next_offsets: Vec::with_capacity(around.inputs.len()),
            sources: Vec::new(),
            lanes: Lanes::new(around.inputs.len()),
            order: around.options.order,
            irreplaceable: state.resumed,
            folded: 0,
            state,
        };
        for (input, partition) in around.inputs.iter().enumerate() {
            let bounds = around.log.bounds(partition)?;
            let committed = replay.state.committed[input];
            let next_offset = resume_at(partition, committed, bounds, around.options.lost_positions)
                .map_err(Trouble::Halt)?;
            replay.next_offsets.push(next_offset);
            let Some(target) = committed else {
                replay.irreplaceable |= bounds.start > 0;
                continue;
            };
            let from = replay.state.from[input].unwrap_or(0);
            if from >= target {
                continue;
            }
            if from < bounds.start {
                return Err(Trouble::Halt(HaltCause::StateLost {
                    at: partition.clone(),
                    log_start: bounds.start,
                    needed: from,
                    rejected: replay.state.rejected.clone(),
                }));
            }
            let reader = around.log.read(partition, from)?;
            replay.sources.push(Source { input, reader, target, done: false });
        }
        Ok(replay)
    }

    /// Offsets still to pass, an upper bound on records.
    pub(super) fn remaining(&self) -> u64 {
        let left = |source: &Source| u64::try_from(source.target - source.reader.next_offset()).unwrap_or(0);
        self.sources.iter().map(left).sum()
    }

    /// Records folded.
    pub(super) fn folded(&self) -> u64 {
        self.folded
    }

    /// Reads and folds some more.
    pub(super) fn slice(&mut self, skips: &Skips) -> Result<Replayed, Trouble> {
        let read = self.read()?;
        let before = self.folded;
        while self.folded - before < SLICE_RECORDS {
            let exhausted =
                |lane: usize| !self.sources.iter().any(|source| source.input == lane && !source.done);
            match self.lanes.next(EmptyLane::HoldsUntilExhausted, exhausted) {
                Next::Take(lane) => {
                    let Some(record) = self.lanes.pop(lane) else { break };
                    self.fold(&record, skips)?;
                }
                Next::BlockedBy(_) => break,
                Next::Nothing if self.sources.iter().all(|source| source.done) => return Ok(Replayed::Done),
                Next::Nothing => break,
            }
        }
        Ok(if read || self.folded > before { Replayed::Working } else { Replayed::Waiting })
    }

    /// The state at the committed positions.
    pub(super) fn finish(self) -> Restored {
        Restored {
            fold: self.state.fold,
            committed: self.state.committed,
            next_offsets: self.next_offsets,
            logical_ms: self.state.logical_ms,
            observed: self.state.observed,
            skips: Skips::new(),
            quarantine: None,
            irreplaceable: self.irreplaceable,
            replayed: self.folded,
        }
    }

    /// Fills the lanes that have run empty; true when something came or a source ended.
    fn read(&mut self) -> Result<bool, Trouble> {
        let mut news = false;
        for source in &mut self.sources {
            if source.done || self.lanes.held(source.input).0 > 0 {
                continue;
            }
            for record in source.reader.next(READ_WAIT)? {
                news = true;
                if record.offset >= source.target {
                    source.done = true;
                    break;
                }
                let key = key(self.state.fold.as_ref(), self.order, &record)?;
                self.lanes.push(source.input, key, record);
            }
            if source.reader.next_offset() >= source.target {
                source.done = true;
            }
            news |= source.done;
        }
        Ok(news)
    }

    fn fold(&mut self, record: &Record, skips: &Skips) -> Result<(), Trouble> {
        let mut out = Outputs::suppressed();
        let fold = self.state.fold.as_mut();
        let skipped = if skips.is_empty() { None } else { skips.get(&(record.from.clone(), record.offset)) };
        match skipped {
            Some(cause) => guarded(|| fold.skipped(record, cause, &mut out)).map_err(|panic| {
                let at = record.from.clone();
                let message = format!("while passing over {at} offset {}: {}", record.offset, panic.0);
                Trouble::Halt(HaltCause::Panics { times: 1, message })
            })?,
            // A refused record was diverted when it was live; the state is as before it.
            None => {
                drop(guarded(|| fold.apply(record, &mut out)).map_err(|panic| panicked_on(record, panic))?)
            }
        }
        self.folded += 1;
        self.state.logical_ms = self.state.logical_ms.max(Some(record.timestamp_ms));
        Ok(())
    }
}

fn key(fold: &dyn Fold, order: InputOrder, record: &Record) -> Result<OrderKey, Trouble> {
    match order {
        InputOrder::Merge => guarded(|| fold.order_key(record)).map_err(|panic| panicked_on(record, panic)),
        InputOrder::Arrival => Ok(OrderKey { at_ms: record.timestamp_ms, tie: Vec::new() }),
    }
}

fn panicked_on(record: &Record, panic: crate::guard::Panicked) -> Trouble {
    Trouble::PanickedOn { at: record.from.clone(), offset: record.offset, panic }
}

//! Loads a unit's state from its changelog: the compacted topic the fold writes in the transactions that move its
//! positions.
//!
//! It is read to the end it had after the committed positions were known. Whatever the last owner committed lies
//! before that end; what a zombie may still append there is aborted and never shown.

use std::time::Duration;

use bellwether_log::{PartitionReader, TopicPartition};

use super::origin::{created, observe_all, resume_at};
use super::{Restored, Surroundings, Trouble};
use crate::fold::Fold;
use crate::guard::guarded;
use crate::options::LostPositions;
use crate::status::HaltCause;
use crate::unit::Skips;

/// Longest wait of one read; at the stable end it may wait for a transaction to be decided.
const READ_WAIT: Duration = Duration::from_millis(50);

/// A load under way.
pub(super) struct ChangelogLoad {
    at: TopicPartition,
    reader: Box<dyn PartitionReader>,
    end: i64,
    fold: Box<dyn Fold>,
    observed: Vec<i64>,
    committed: Vec<Option<i64>>,
    loaded: u64,
    logical_ms: Option<i64>,
}

impl std::fmt::Debug for ChangelogLoad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangelogLoad").field("at", &self.at).field("end", &self.end).finish_non_exhaustive()
    }
}

impl ChangelogLoad {
    /// Notes the end, opens the reader, makes a fresh fold.
    pub(super) fn begin(
        at: TopicPartition,
        committed: Vec<Option<i64>>,
        around: &Surroundings<'_>,
    ) -> Result<Self, Trouble> {
        let bounds = around.log.bounds(&at)?;
        let reader = around.log.read(&at, bounds.start)?;
        let mut fold = created(around)?;
        let observed = observe_all(fold.as_mut(), around)?;
        Ok(Self { at, reader, end: bounds.end, fold, observed, committed, loaded: 0, logical_ms: None })
    }

    /// Loads some more; true when the end is reached.
    pub(super) fn slice(&mut self) -> Result<bool, Trouble> {
        if self.reader.next_offset() >= self.end {
            return Ok(true);
        }
        for record in self.reader.next(READ_WAIT)? {
            let fold = self.fold.as_mut();
            let cause = match guarded(|| fold.load_changelog(&record)) {
                Ok(Ok(())) => None,
                Ok(Err(poison)) => Some(poison.to_string()),
                Err(panic) => Some(panic.0),
            };
            if let Some(cause) = cause {
                let at = self.at.clone();
                return Err(Trouble::Halt(HaltCause::Changelog { at, offset: record.offset, cause }));
            }
            self.loaded += 1;
            self.logical_ms = self.logical_ms.max(Some(record.timestamp_ms));
        }
        Ok(self.reader.next_offset() >= self.end)
    }

    /// The state, and where its inputs go on.
    pub(super) fn finish(self, around: &Surroundings<'_>) -> Result<Restored, Trouble> {
        let lost = self.committed.iter().all(Option::is_none) && self.loaded > 0;
        if lost && around.options.lost_positions == LostPositions::Refuse {
            let evidence = format!("changelog {} with {} records", self.at, self.loaded);
            return Err(Trouble::Halt(HaltCause::PositionsLost { evidence }));
        }
        let mut next_offsets = Vec::with_capacity(around.inputs.len());
        for (partition, committed) in around.inputs.iter().zip(&self.committed) {
            let bounds = around.log.bounds(partition)?;
            let next_offset = resume_at(partition, *committed, bounds, around.options.lost_positions);
            next_offsets.push(next_offset.map_err(Trouble::Halt)?);
        }
        Ok(Restored {
            fold: self.fold,
            committed: self.committed,
            next_offsets,
            logical_ms: self.logical_ms,
            observed: self.observed,
            skips: Skips::new(),
            quarantine: None,
            irreplaceable: false,
            replayed: self.loaded,
        })
    }
}

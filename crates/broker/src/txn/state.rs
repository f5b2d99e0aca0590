//! The state machine of one transactional id. Pure: requests in, decisions out; the coordinator journals them and
//! writes markers.
//!
//! Invariants: only the current (producer id, epoch) changes anything; once decided, a transaction ends that
//! way and no other; the epoch in its markers is never below any its records carry.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::ResponseError;

use crate::journal::{OffsetRow, OffsetRows, PartitionRef, TransactionPhase, TransactionRow};
use crate::log::batch::Ending;

/// A producer as it names itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProducerKey {
    pub(crate) id: i64,
    pub(crate) epoch: i16,
}

/// What belongs to an open transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) partitions: BTreeSet<PartitionRef>,
    /// Groups whose offsets may be committed with it.
    pub(crate) groups: BTreeSet<String>,
    pub(crate) offsets: BTreeMap<String, BTreeMap<PartitionRef, OffsetRow>>,
}

impl Contents {
    /// The offsets as the journal takes them.
    pub(crate) fn offset_rows(&self) -> Vec<OffsetRows> {
        let rows = |(group, rows): (&String, &BTreeMap<PartitionRef, OffsetRow>)| OffsetRows {
            group: group.clone(),
            rows: rows.values().cloned().collect(),
        };
        self.offsets.iter().map(rows).collect()
    }
}

/// Where the current transaction stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// None yet.
    Empty,
    /// Open since a time of the monotone clock.
    Ongoing { since: u64, contents: Contents },
    /// Its records are being forced to the disk before the decision; nothing may be added.
    Preparing { contents: Contents },
    /// Decided and journaled; markers are missing.
    Decided { ending: Ending, partitions: Vec<PartitionRef>, offsets: Vec<OffsetRows> },
    /// Over.
    Ended { ending: Ending },
}

/// One transactional id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Transaction {
    pub(crate) producer: ProducerKey,
    /// The epoch before the last bump a producer asked for, so that its retry is recognised; -1 for none.
    pub(crate) last_epoch: i16,
    pub(crate) timeout_ms: i32,
    pub(crate) phase: Phase,
    /// Wall-clock time of the last change.
    pub(crate) changed_at: i64,
}

/// What to do about a producer that (re)initialises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seating {
    /// Give this id and epoch; `None` as id asks for a fresh one with epoch 0.
    Seat { id: Option<i64>, epoch: i16, last_epoch: i16 },
    /// The answer to an earlier request got lost: repeat it.
    Repeat,
    /// Abort the open transaction under a bumped epoch first.
    AbortFirst,
}

/// What to do about a request to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndStep {
    /// It has ended that way already.
    AlreadyEnded,
    /// Decide it.
    Decide,
}

impl Transaction {
    pub(crate) fn from_row(row: &TransactionRow, now: u64) -> Self {
        let phase = match &row.phase {
            TransactionPhase::Empty => Phase::Empty,
            TransactionPhase::Ongoing => Phase::Ongoing { since: now, contents: Contents::default() },
            TransactionPhase::Decided { ending, partitions, offsets } => {
                Phase::Decided { ending: *ending, partitions: partitions.clone(), offsets: offsets.clone() }
            }
            TransactionPhase::Ended { ending } => Phase::Ended { ending: *ending },
        };
        Self {
            producer: ProducerKey { id: row.producer_id, epoch: row.epoch },
            last_epoch: row.last_epoch,
            timeout_ms: row.timeout_ms,
            phase,
            changed_at: row.changed_at,
        }
    }

    /// Refuses everybody but the current producer.
    pub(crate) fn check(&self, producer: ProducerKey) -> Result<(), ResponseError> {
        if producer.id != self.producer.id {
            return Err(ResponseError::InvalidProducerIdMapping);
        }
        if producer.epoch != self.producer.epoch {
            return Err(ResponseError::ProducerFenced);
        }
        Ok(())
    }

    /// Judges a producer that initialises; `known` is what it believes to be, when it does.
    pub(crate) fn seat(&self, known: Option<ProducerKey>) -> Result<Seating, ResponseError> {
        let current = self.producer;
        let expected = match known {
            Some(known) if known.id != current.id => return Err(ResponseError::ProducerFenced),
            Some(known) if known.epoch == current.epoch => Some(known.epoch),
            Some(known) if known.epoch == self.last_epoch && self.last_epoch >= 0 => {
                return Ok(Seating::Repeat);
            }
            Some(_) => return Err(ResponseError::ProducerFenced),
            None => None,
        };
        match self.phase {
            Phase::Preparing { .. } | Phase::Decided { .. } => Err(ResponseError::ConcurrentTransactions),
            Phase::Ongoing { .. } => Ok(Seating::AbortFirst),
            Phase::Empty | Phase::Ended { .. } => Ok(match bump(current.epoch) {
                Some(epoch) => {
                    Seating::Seat { id: Some(current.id), epoch, last_epoch: expected.unwrap_or(-1) }
                }
                None => Seating::Seat { id: None, epoch: 0, last_epoch: -1 },
            }),
        }
    }

    /// The open transaction's contents, to add to; `None` when one has to begin first.
    pub(crate) fn open(&mut self, producer: ProducerKey) -> Result<Option<&mut Contents>, ResponseError> {
        self.check(producer)?;
        match &mut self.phase {
            Phase::Ongoing { contents, .. } => Ok(Some(contents)),
            Phase::Empty | Phase::Ended { .. } => Ok(None),
            Phase::Preparing { .. } | Phase::Decided { .. } => Err(ResponseError::ConcurrentTransactions),
        }
    }

    /// Checks a write to a partition.
    pub(crate) fn check_write(&self, producer: ProducerKey, at: &PartitionRef) -> Result<(), ResponseError> {
        self.check(producer)?;
        match &self.phase {
            Phase::Ongoing { contents, .. } if contents.partitions.contains(at) => Ok(()),
            Phase::Empty
            | Phase::Ongoing { .. }
            | Phase::Preparing { .. }
            | Phase::Decided { .. }
            | Phase::Ended { .. } => Err(ResponseError::InvalidTxnState),
        }
    }

    /// Judges a request to end.
    pub(crate) fn end(&self, producer: ProducerKey, ending: Ending) -> Result<EndStep, ResponseError> {
        self.check(producer)?;
        match &self.phase {
            Phase::Ongoing { .. } => Ok(EndStep::Decide),
            Phase::Ended { ending: past } if *past == ending => Ok(EndStep::AlreadyEnded),
            Phase::Empty | Phase::Ended { .. } => Err(ResponseError::InvalidTxnState),
            Phase::Preparing { .. } | Phase::Decided { .. } => Err(ResponseError::ConcurrentTransactions),
        }
    }

    /// When the open transaction has to be aborted.
    pub(crate) fn deadline(&self) -> Option<u64> {
        match self.phase {
            Phase::Ongoing { since, .. } => Some(since + u64::try_from(self.timeout_ms).unwrap_or(0)),
            Phase::Empty | Phase::Preparing { .. } | Phase::Decided { .. } | Phase::Ended { .. } => None,
        }
    }

    /// True while offsets for a partition are neither committed nor dropped.
    pub(crate) fn holds_offset(&self, group: &str, at: &PartitionRef) -> bool {
        match &self.phase {
            Phase::Ongoing { contents, .. } | Phase::Preparing { contents } => {
                contents.offsets.get(group).is_some_and(|rows| rows.contains_key(at))
            }
            Phase::Decided { offsets, .. } => {
                offsets.iter().any(|rows| rows.group == group && rows.rows.iter().any(|row| row.at == *at))
            }
            Phase::Empty | Phase::Ended { .. } => false,
        }
    }

    /// Nothing is open: the id can be forgotten when it is old.
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Empty | Phase::Ended { .. })
    }
}

/// The next epoch for a new producer; `None` when a fresh producer id is needed. The last epoch is kept for fencing.
fn bump(epoch: i16) -> Option<i16> {
    if epoch >= i16::MAX - 1 { None } else { Some(epoch + 1) }
}

/// The epoch that fences the current producer.
pub(crate) fn fencing_epoch(epoch: i16) -> i16 {
    epoch.saturating_add(1)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

//! What readiness and metrics may know about a running service. Written by the loop, read by anybody.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bellwether_log::Position;

use crate::fold::UnitId;

/// Why a unit was halted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HaltCause {
    /// Too many records of one of its partitions cannot be folded.
    #[error(
        "{exceeded}, so {at} is held at offset {next_offset}: mend the fold or the producer and restart; nothing \
         behind this offset was consumed"
    )]
    DeadLetters {
        /// Which bound was passed.
        exceeded: crate::limits::Exceeded,
        /// Partition.
        at: bellwether_log::TopicPartition,
        /// Offset of the record it stands in front of.
        next_offset: i64,
    },
    /// The fold panics where no record is to blame.
    #[error("the fold panicked {times} times outside of a record, the last time: {message}")]
    Panics {
        /// How often without progress.
        times: u32,
        /// Last message.
        message: String,
    },
    /// Neither snapshots nor the log hold the state at the committed positions.
    #[error(
        "no state for the committed positions: {at} begins at offset {log_start}, the replay would have to begin at \
         {needed}, and no older snapshot is good ({rejected}); bring back a snapshot or the log's tail, or delete \
         the group's positions to start over"
    )]
    StateLost {
        /// Partition with the gap.
        at: bellwether_log::TopicPartition,
        /// First offset the log still has.
        log_start: i64,
        /// Offset needed.
        needed: i64,
        /// Why snapshots were refused.
        rejected: String,
    },
    /// The log ends before the committed positions.
    #[error(
        "{at} ends at offset {log_end} and the group committed {committed}: the topic was made anew or lost \
         records; restore it, or give the new topic set its own epoch and group"
    )]
    LogBehind {
        /// Partition.
        at: bellwether_log::TopicPartition,
        /// End of the log.
        log_end: i64,
        /// Committed position.
        committed: i64,
    },
    /// The log no longer has the records behind the committed positions.
    #[error(
        "{at} begins at offset {log_start} and the group committed {committed}: records in between expired unread; \
         set `lost-positions = \"resume\"` to go on without them"
    )]
    Expired {
        /// Partition.
        at: bellwether_log::TopicPartition,
        /// First offset the log still has.
        log_start: i64,
        /// Committed position.
        committed: i64,
    },
    /// There is state, but the group has no positions.
    #[error(
        "the group has no committed positions although {evidence} exists: they expired or the group was renamed; \
         set `lost-positions = \"resume\"` to go on from that state"
    )]
    PositionsLost {
        /// What shows that it once had.
        evidence: String,
    },
    /// A record of the changelog cannot be loaded.
    #[error("changelog {at} offset {offset} cannot be loaded: {cause}")]
    Changelog {
        /// Partition.
        at: bellwether_log::TopicPartition,
        /// Offset.
        offset: i64,
        /// Why.
        cause: String,
    },
}

/// What a unit is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitHealth {
    /// Some of its partitions are not assigned yet.
    Waiting,
    /// Its state is being brought back.
    Restoring {
        /// Records still to replay, where known.
        remaining: Option<u64>,
    },
    /// It folds and commits.
    Live,
    /// It stands still until somebody acts.
    Halted(HaltCause),
}

/// One unit as last seen by the loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitStatus {
    /// What it is doing.
    pub health: UnitHealth,
    /// Positions committed, of all its inputs.
    pub next_offsets: Vec<Position>,
    /// Age of the last record folded while more is waiting; 0 when nothing is.
    pub lag_ms: u64,
    /// The owner's clock at the last commit, Unix milliseconds.
    pub last_commit_ms: Option<i64>,
}

/// The shared picture of one service.
#[derive(Debug, Default)]
pub struct Status {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    units: BTreeMap<UnitId, UnitStatus>,
    last_loop_ms: Option<i64>,
}

impl Status {
    /// All units of this member, by number.
    pub fn units(&self) -> BTreeMap<UnitId, UnitStatus> {
        self.lock().units.clone()
    }

    /// The owner's clock when the loop last came round, Unix milliseconds: liveness.
    pub fn last_loop_ms(&self) -> Option<i64> {
        self.lock().last_loop_ms
    }

    /// True unless this member holds units and none of them is live. A member without units is ready: its
    /// partitions are with others.
    pub fn is_ready(&self) -> bool {
        let inner = self.lock();
        inner.units.is_empty() || inner.units.values().any(|unit| unit.health == UnitHealth::Live)
    }

    /// Units that stand still until somebody acts, with the reason.
    pub fn halted(&self) -> Vec<(UnitId, HaltCause)> {
        let inner = self.lock();
        inner
            .units
            .iter()
            .filter_map(|(id, unit)| match &unit.health {
                UnitHealth::Halted(cause) => Some((*id, cause.clone())),
                UnitHealth::Waiting | UnitHealth::Restoring { .. } | UnitHealth::Live => None,
            })
            .collect()
    }

    pub(crate) fn publish(&self, units: BTreeMap<UnitId, UnitStatus>, now_ms: i64) {
        let mut inner = self.lock();
        inner.units = units;
        inner.last_loop_ms = Some(now_ms);
    }

    /// The picture is replaced whole, so a poisoned lock still holds a consistent one.
    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

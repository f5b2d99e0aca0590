//! One batch under way: what it will append, who took part, and what becomes of them afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::fold::{Outputs, Stage, UnitId};
use crate::options::LoopBounds;
use crate::pulse::Beat;
use crate::status::HaltCause;
use crate::unit::Quarantine;

/// One batch. Nothing of it has happened until its transaction is committed.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) out: Outputs,
    /// Units that consumed or spoke: the transaction carries their positions (RT-1).
    pub(super) touched: BTreeSet<UnitId>,
    /// Units told the clock, and which outputs they answered with.
    pub(super) told: BTreeMap<UnitId, (Beat, Range<usize>)>,
    /// What becomes of units whose state is gone, once their last effects are committed.
    pub(super) after: BTreeMap<UnitId, After>,
    /// Records folded.
    pub(super) records: u64,
    /// Records diverted, by what they failed at.
    pub(super) letters: BTreeMap<Stage, u64>,
    /// Its time is up.
    pub(super) is_overdue: bool,
}

/// What becomes of a unit after the transaction.
#[derive(Debug)]
pub(super) enum After {
    /// It is restored and passes a record over.
    Quarantine(Quarantine),
    /// It is restored.
    Reload,
    /// It stands still.
    Halt(HaltCause),
}

impl Batch {
    /// True when the transaction should be sent before more is folded.
    pub(super) fn is_full(&self, bounds: &LoopBounds) -> bool {
        self.is_overdue
            || self.records >= bounds.batch_records as u64
            || self.out.bytes() >= bounds.transaction_bytes
    }
}

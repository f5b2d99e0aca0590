//! One unit as its owner holds it: inputs, positions, what it is doing, and its fold while it is live.
//!
//! Data and small questions only; what is done with a unit is in [`crate::service`], how it comes back to life in
//! [`crate::restore`].

use std::collections::BTreeMap;

use bellwether_log::{Position, Record, TopicPartition};

use crate::fold::{Fold, UnitId};
use crate::frontier::Frontier;
use crate::lanes::Lanes;
use crate::limits::{DeadLetterGauge, DeadLetterLimits};
use crate::pulse::Pulse;
use crate::restore::Restoration;
use crate::status::{HaltCause, UnitHealth, UnitStatus};

/// Records passed over that a unit remembers: a replay crosses at most what lies behind the oldest kept snapshot,
/// and ten panics in a thousand records halt it.
const MAX_SKIPS: usize = 1_000;

/// Records passed over, and why.
pub(crate) type Skips = BTreeMap<(TopicPartition, i64), String>;

/// A record that made the fold panic, to be passed over once its unit is restored to just before it.
#[derive(Debug, Clone)]
pub(crate) struct Quarantine {
    pub(crate) record: Record,
    pub(crate) cause: String,
}

/// One unit.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) id: UnitId,
    pub(crate) inputs: Vec<Input>,
    pub(crate) phase: Phase,
    pub(crate) pulse: Pulse,
    /// Input and offset of the last tick the unit appended to itself.
    pub(crate) own_tick: Option<(usize, i64)>,
    /// Latest record time folded.
    pub(crate) logical_ms: Option<i64>,
    pub(crate) last_commit_ms: Option<i64>,
    pub(crate) skips: Skips,
    /// Panics outside of records since something last worked.
    pub(crate) panics: u32,
    pub(crate) shelf: Shelf,
}

/// One input of a unit.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) partition: TopicPartition,
    pub(crate) assigned: bool,
    /// Committed position of the group; `None` when it has none.
    pub(crate) committed: Option<i64>,
    /// Where the fold was at the last commit, or as it went live.
    pub(crate) base: i64,
    /// Offset of the next record to fold.
    pub(crate) next_offset: i64,
    pub(crate) frontier: Frontier,
    pub(crate) gauge: DeadLetterGauge,
    /// Held back because its lane is full.
    pub(crate) paused: bool,
}

/// When the next snapshot is due.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shelf {
    /// Records folded since the last one.
    pub(crate) records: u64,
    /// Monotonic time of the last one, or of going live.
    pub(crate) taken_at: u64,
    /// Due at once: something happened that a replay should not cross.
    pub(crate) forced: bool,
}

/// What a unit is doing.
#[derive(Debug)]
pub(crate) enum Phase {
    /// Some of its partitions are missing, or it was fenced off and the group has not said how to go on.
    Waiting,
    /// Its state is being brought back.
    Restoring(Box<Restoration>),
    /// It folds.
    Live(Box<Live>),
    /// Its state is gone, its last effects are in the transaction under way.
    Settling,
    /// It stands still.
    Halted(HaltCause),
}

/// A live unit's moving parts.
pub(crate) struct Live {
    pub(crate) fold: Box<dyn Fold>,
    pub(crate) lanes: Lanes,
    /// Records that came so far; the order of inputs that are not merged.
    pub(crate) arrivals: i64,
    /// Its place in the broadcast topics.
    pub(crate) observed: Vec<i64>,
    /// What the clock waits for.
    pub(crate) gate: Option<Gate>,
    /// To be passed over first.
    pub(crate) quarantine: Option<Quarantine>,
}

/// Ends that the inputs had at an instant, all of it to be folded before the clock is told that instant.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    pub(crate) now_ms: i64,
    pub(crate) ends: Vec<i64>,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("lanes", &self.lanes).finish_non_exhaustive()
    }
}

impl Unit {
    /// A unit none of whose partitions is assigned.
    pub(crate) fn new(id: UnitId, topics: &[String], limits: DeadLetterLimits) -> Self {
        let input = |topic: &String| Input {
            partition: TopicPartition::new(topic.clone(), id.0),
            assigned: false,
            committed: None,
            base: 0,
            next_offset: 0,
            frontier: Frontier::new(0),
            gauge: DeadLetterGauge::new(limits),
            paused: false,
        };
        Self {
            id,
            inputs: topics.iter().map(input).collect(),
            phase: Phase::Waiting,
            pulse: Pulse::default(),
            own_tick: None,
            logical_ms: None,
            last_commit_ms: None,
            skips: Skips::new(),
            panics: 0,
            shelf: Shelf::default(),
        }
    }

    pub(crate) fn is_assigned(&self) -> bool {
        self.inputs.iter().all(|input| input.assigned)
    }

    pub(crate) fn partitions(&self) -> Vec<TopicPartition> {
        self.inputs.iter().map(|input| input.partition.clone()).collect()
    }

    pub(crate) fn committed(&self) -> Vec<Option<i64>> {
        self.inputs.iter().map(|input| input.committed).collect()
    }

    /// Where the fold is, in every input.
    pub(crate) fn positions(&self) -> impl Iterator<Item = Position> + '_ {
        self.inputs
            .iter()
            .map(|input| Position { partition: input.partition.clone(), next_offset: input.next_offset })
    }

    /// Where the fold was at the last commit, or as it went live.
    pub(crate) fn bases(&self) -> impl Iterator<Item = Position> + '_ {
        self.inputs
            .iter()
            .map(|input| Position { partition: input.partition.clone(), next_offset: input.base })
    }

    /// True while the unit's last tick has not been read back.
    pub(crate) fn has_unread_tick(&self) -> bool {
        self.own_tick.is_some_and(|(input, offset)| self.inputs[input].next_offset <= offset)
    }

    /// Remembers a record as passed over, and forgets the oldest beyond the bound.
    pub(crate) fn skip(&mut self, at: TopicPartition, offset: i64, cause: String) {
        self.skips.insert((at, offset), cause);
        while self.skips.len() > MAX_SKIPS {
            self.skips.pop_first();
        }
    }

    pub(crate) fn status(&self, now_ms: i64, idle: bool) -> UnitStatus {
        let health = match &self.phase {
            Phase::Waiting => UnitHealth::Waiting,
            Phase::Restoring(restoration) => UnitHealth::Restoring { remaining: restoration.remaining() },
            Phase::Live(_) => UnitHealth::Live,
            Phase::Settling => UnitHealth::Restoring { remaining: None },
            Phase::Halted(cause) => UnitHealth::Halted(cause.clone()),
        };
        let behind = match &self.phase {
            Phase::Live(live) => !idle || !live.lanes.is_empty(),
            Phase::Waiting | Phase::Restoring(_) | Phase::Settling | Phase::Halted(_) => true,
        };
        let age = self.logical_ms.map_or(0, |logical| now_ms.saturating_sub(logical));
        let committed = |input: &Input| {
            let next_offset = input.committed?;
            Some(Position { partition: input.partition.clone(), next_offset })
        };
        UnitStatus {
            health,
            next_offsets: self.inputs.iter().filter_map(committed).collect(),
            lag_ms: if behind { u64::try_from(age).unwrap_or(0) } else { 0 },
            last_commit_ms: self.last_commit_ms,
        }
    }
}

//! What a restore is given, what it yields, and why a slice of it may not come through.

use bellwether_log::{EventLog, Member, TopicPartition};

use crate::broadcast::Broadcast;
use crate::error::Error;
use crate::fold::{Fold, FoldFactory, UnitId};
use crate::guard::Panicked;
use crate::options::Options;
use crate::snapshot::worker::Worker;
use crate::status::HaltCause;
use crate::unit::{Quarantine, Skips};

/// A unit's state at its committed positions.
pub(crate) struct Restored {
    pub(crate) fold: Box<dyn Fold>,
    pub(crate) committed: Vec<Option<i64>>,
    /// Where each input goes on.
    pub(crate) next_offsets: Vec<i64>,
    pub(crate) logical_ms: Option<i64>,
    pub(crate) observed: Vec<i64>,
    pub(crate) skips: Skips,
    pub(crate) quarantine: Option<Quarantine>,
    /// Its past is not in the log any more: a snapshot is due as soon as something is committed.
    pub(crate) irreplaceable: bool,
    pub(crate) replayed: u64,
}

impl std::fmt::Debug for Restored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Restored").field("next_offsets", &self.next_offsets).finish_non_exhaustive()
    }
}

/// What a slice of a restore came to.
#[derive(Debug)]
pub(crate) enum Progress {
    /// There is more to do at once.
    Working,
    /// Something else must happen first.
    Waiting,
    /// The unit can go live.
    Done(Box<Restored>),
    /// The unit cannot be restored until somebody acts.
    Halted(HaltCause),
    /// The partitions are not ours any more; the group will say so.
    Fenced,
}

/// Why a slice did not come through.
pub(crate) enum Trouble {
    /// The log refused.
    Log(bellwether_log::Error),
    /// The snapshot store failed and may answer later.
    Store(crate::snapshot::ObjectsError),
    /// The fold panicked on a record of the replay.
    PanickedOn { at: TopicPartition, offset: i64, panic: Panicked },
    /// The unit must halt.
    Halt(HaltCause),
    /// The service must end.
    Fatal(Error),
}

impl From<bellwether_log::Error> for Trouble {
    fn from(error: bellwether_log::Error) -> Self {
        Self::Log(error)
    }
}

/// What a restore works with.
pub(crate) struct Surroundings<'a> {
    pub(crate) unit: UnitId,
    pub(crate) inputs: &'a [TopicPartition],
    pub(crate) log: &'a dyn EventLog,
    pub(crate) member: &'a mut dyn Member,
    pub(crate) factory: &'a dyn FoldFactory,
    pub(crate) worker: Option<&'a mut Worker>,
    pub(crate) broadcast: &'a Broadcast,
    pub(crate) options: &'a Options,
    pub(crate) elapsed_ms: u64,
}

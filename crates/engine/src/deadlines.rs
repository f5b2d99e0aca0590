//! Deadlines: what must be looked at when time passes, whether or not anything else happens.
//!
//! Ordered by instant, then by kind, then by what it is about, so that a run of deadlines is the same everywhere.
//! A deadline is only a reason to look: whoever set it checks the state again when it comes.

use std::collections::BTreeSet;

use bellwether_model::EventTime;
use bellwether_model::{BlockerId, DependencyId, KeyResultId, SprintId, SquadId};
use serde::{Deserialize, Serialize};

use crate::instance::InstanceKey;

/// A reason to look at an instant. The order of the variants is the order within one instant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Deadline {
    /// A reference version becomes effective or ends.
    Reference,
    /// An update window of a key result closes.
    UpdateWindow(KeyResultId),
    /// A dependency is due.
    Dependency(DependencyId),
    /// A blocker has been open for its allowed time.
    Blocker(BlockerId),
    /// The grace period of a closed sprint ends.
    Grace(SprintId),
    /// A sprint is assessed once everything of an instant, or of the hour that ends, is known.
    Sprint(SprintId),
    /// A squad's load changed within the hour that ends: it is published once.
    Load(SquadId),
    /// A local day begins in a zone: rolling windows move.
    Midnight(String),
    /// Mid-cycle, a week end, or the end of a key result's quarter.
    KeyResult(KeyResultId),
    /// An instance's condition has been false for its clear-after time.
    Clear(InstanceKey),
}

/// All pending deadlines.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Deadlines(BTreeSet<(EventTime, Deadline)>);

impl Deadlines {
    /// Sets a deadline. Setting it twice is setting it once.
    pub(crate) fn set(&mut self, at: EventTime, deadline: Deadline) {
        self.0.insert((at, deadline));
    }

    /// Takes a deadline back.
    pub(crate) fn cancel(&mut self, at: EventTime, deadline: Deadline) {
        self.0.remove(&(at, deadline));
    }

    /// The first instant at which something is due.
    pub(crate) fn next(&self) -> Option<EventTime> {
        self.0.first().map(|(at, _)| *at)
    }

    /// Takes the first deadline at or before an instant.
    pub(crate) fn take_through(&mut self, through: EventTime) -> Option<(EventTime, Deadline)> {
        (self.next()? <= through).then(|| self.0.pop_first()).flatten()
    }
}

//! Sprints as snapshots hold them: in order, without indexes and ledgers, which are derived.

use std::collections::BTreeMap;

use bellwether_model::{EventTime, ExceptionId, SprintId};
use serde::{Deserialize, Serialize};

use super::exception::Exception;
use super::tickets::Tickets;
use super::{Sprint, Sprints};
use crate::order::Why;

/// The written form.
#[derive(Serialize, Deserialize)]
pub(super) struct Written {
    sprints: BTreeMap<SprintId, Sprint>,
    tickets: Tickets,
    exceptions: BTreeMap<ExceptionId, Exception>,
    /// Sprints to assess, and why.
    looks: BTreeMap<SprintId, Why>,
    #[serde(default)]
    pruned: Option<EventTime>,
}

impl From<Sprints> for Written {
    fn from(all: Sprints) -> Self {
        let looks =
            all.sprints.iter().filter_map(|(id, sprint)| Some((id.clone(), sprint.look?.0))).collect();
        Self {
            sprints: all.sprints.into_iter().collect(),
            tickets: all.tickets,
            exceptions: all.exceptions,
            looks,
            pruned: all.pruned,
        }
    }
}

impl From<Written> for Sprints {
    fn from(written: Written) -> Self {
        let Written { sprints, tickets, exceptions, looks, pruned } = written;
        let mut all = Self { tickets, exceptions, pruned, ..Self::default() };
        for (id, mut sprint) in sprints {
            // Its deadline is in the snapshot; when that is not known, so the next look sets one of its own.
            sprint.look = looks.get(&id).map(|why| (*why, EventTime::MAX));
            let squad = sprint.squad.clone();
            all.sprints.insert(id.clone(), sprint);
            all.judge_in(&id, squad);
        }
        all
    }
}

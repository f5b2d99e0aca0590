//! A squad's closed sprints in series order, for key results and rules.
//!
//! A sprint is in the series while it is closed, by its last revision, at its last close; a re-opened one is out until it
//! closes again (R25). A provisional one keeps its place and has no data (R24). A removed one stays.

use bellwether_model::{EventTime, Ratio, SprintId, SquadId};

use super::outcome::Outcome;
use super::{Sprint, Sprints};
use crate::order::Order;

/// One closed sprint of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Closed<'a> {
    /// Sprint.
    pub(crate) sprint: &'a SprintId,
    /// Its last close.
    pub(crate) closed_at: EventTime,
    /// The event that told of the close.
    pub(crate) event: &'a Order,
    /// What it came to; `None` for no data.
    outcome: Option<&'a Outcome>,
}

impl Closed<'_> {
    /// O1.1; `None` for no data.
    pub(crate) fn commit_reliability(&self) -> Option<Ratio> {
        self.outcome?.commit_reliability()
    }

    /// O1.2.
    pub(crate) fn scope_change(&self) -> Option<Ratio> {
        self.outcome?.scope_change()
    }

    /// O1.3.
    pub(crate) fn interrupt_share(&self) -> Option<Ratio> {
        self.outcome?.interrupt_share()
    }
}

impl Sprints {
    /// The closed sprints of a squad, by their last close, then by id.
    pub(crate) fn series(&self, squad: &SquadId) -> Vec<Closed<'_>> {
        let theirs = self.of_squad.get(squad).into_iter().flatten();
        let mut series: Vec<Closed<'_>> = theirs.filter_map(|id| closed(id, self.sprints.get(id)?)).collect();
        series.sort_by(|a, b| (a.closed_at, a.sprint).cmp(&(b.closed_at, b.sprint)));
        series
    }
}

fn closed<'a>(id: &'a SprintId, sprint: &'a Sprint) -> Option<Closed<'a>> {
    if !sprint.in_series {
        return None;
    }
    let outcome = sprint.outcomes.last()?;
    let close = sprint.life.closes.last().filter(|close| Some(close.at) == outcome.closed_at)?;
    let outcome = (!outcome.provisional).then_some(outcome);
    Some(Closed { sprint: id, closed_at: close.at, event: &close.event, outcome })
}

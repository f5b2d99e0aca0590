//! Cycles become the events of a sprint's life.
//!
//! Linear tells nobody when a cycle begins: whoever sees a cycle after `startsAt` knows it. The event of the begin
//! therefore carries only what every payload that shows a cycle knows, so that all of them give the same event.

use bellwether_model::EventTime;
use bellwether_wire::instant::timestamp;
use bellwether_wire::{Event, pb};

use super::wire::Cycle;
use crate::ids;

/// A cycle with the team it is of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfTeam<'a> {
    pub(crate) source: &'a str,
    pub(crate) cycle: &'a Cycle,
    pub(crate) team: &'a str,
    pub(crate) basis: pb::Basis,
}

/// The team of a cycle that says it.
pub(crate) fn team(cycle: &Cycle) -> Option<&str> {
    cycle.team_id.as_deref().or_else(|| cycle.team.as_ref()?.id.as_deref())
}

fn number_name(cycle: &Cycle) -> String {
    cycle.number.map(|number| format!("Cycle {number}")).unwrap_or_default()
}

impl OfTeam<'_> {
    fn sprint(&self) -> Option<String> {
        self.cycle.id.as_deref().map(|id| ids::global(self.source, id))
    }

    /// The plan of a cycle, as of an instant.
    pub(crate) fn planned(&self, at: EventTime) -> Option<Event> {
        let (sprint, cycle) = (self.sprint()?, self.cycle);
        let name = cycle.name.clone().unwrap_or_else(|| number_name(cycle));
        let goal = cycle.description.clone().unwrap_or_default();
        let content = ids::digest(&[&name, &goal, &format!("{:?}/{:?}", cycle.starts_at, cycle.ends_at)]);
        let id = format!("cycle/{}/planned/{}/{content}", cycle.id.as_deref()?, at.ms());
        let message = pb::SprintPlanned {
            sprint: sprint.clone(),
            squad: String::new(),
            board: self.team.to_owned(),
            name,
            goal,
            planned_start: cycle.starts_at.map(timestamp),
            planned_end: cycle.ends_at.map(timestamp),
            at: Some(timestamp(at)),
            actor: None,
            basis: self.basis.into(),
        };
        Some(Event::new(self.source, id, at, message).about(sprint))
    }

    /// The begin of a cycle, when it has begun by an instant.
    pub(crate) fn activated(&self, by: EventTime) -> Option<Event> {
        let (sprint, cycle) = (self.sprint()?, self.cycle);
        let at = cycle.starts_at.filter(|at| *at <= by)?;
        let id = format!("cycle/{}/activated/{}", cycle.id.as_deref()?, at.ms());
        let message = pb::SprintActivated {
            sprint: sprint.clone(),
            squad: String::new(),
            board: self.team.to_owned(),
            name: number_name(cycle),
            goal: String::new(),
            planned_start: Some(timestamp(at)),
            planned_end: None,
            at: Some(timestamp(at)),
            actor: None,
            basis: self.basis.into(),
        };
        Some(Event::new(self.source, id, at, message).about(sprint))
    }

    /// The end of a cycle, when it has ended by an instant: at its completion, else by itself at `endsAt`.
    pub(crate) fn closed(&self, by: EventTime) -> Option<Event> {
        let (sprint, cycle) = (self.sprint()?, self.cycle);
        let at = cycle.completed_at.or(cycle.ends_at).filter(|at| *at <= by)?;
        let id = format!("cycle/{}/closed/{}", cycle.id.as_deref()?, at.ms());
        let message = pb::SprintClosed {
            sprint: sprint.clone(),
            squad: String::new(),
            board: self.team.to_owned(),
            name: cycle.name.clone().unwrap_or_else(|| number_name(cycle)),
            goal: cycle.description.clone().unwrap_or_default(),
            planned_start: cycle.starts_at.map(timestamp),
            planned_end: cycle.ends_at.map(timestamp),
            at: Some(timestamp(at)),
            actor: None,
            basis: self.basis.into(),
        };
        Some(Event::new(self.source, id, at, message).about(sprint))
    }
}

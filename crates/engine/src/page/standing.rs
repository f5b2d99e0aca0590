//! What reference data says of one person now, taken once for as long as it stays the same.

use std::sync::Arc;

use bellwether_model::{EventTime, PersonId, SquadId, Zone};

use crate::context::Context;

/// A person in the organisation, as of one epoch of the reference data.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standing {
    /// The epoch of the reference data it is of.
    pub epoch: u64,
    /// Nothing said here was different since this instant.
    pub since: EventTime,
    /// Zone.
    pub zone: Zone,
    /// Weekend days of the calendar, Monday first.
    pub weekend: [bool; 7],
    /// Squads, in order of id; rules about the person alone are judged in the first.
    pub squads: Arc<[SquadId]>,
    /// True when this partition judges the person.
    pub judged_here: bool,
    /// Pseudonym on shared topics.
    pub pseudonym: Arc<str>,
}

impl Standing {
    /// A person now.
    pub(crate) fn of(context: &Context<'_>, person: &PersonId) -> Self {
        let (reference, now) = (context.reference, context.now);
        let squads: Arc<[SquadId]> = reference.squads_of(person, now).cloned().collect();
        let judged_here = match squads.first() {
            Some(home) => context.owns(home),
            None => context.options.ownership.owns(person.as_str()),
        };
        Self {
            epoch: reference.epoch(),
            since: now,
            zone: reference.zone_of(person, now),
            weekend: reference.calendar_of(person, now).weekend,
            squads,
            judged_here,
            pseudonym: context.pseudonym(person).into(),
        }
    }

    /// The squad that rules about the person alone are judged in.
    pub(crate) fn home(&self) -> Option<&SquadId> {
        self.squads.first()
    }

    /// R32: somebody in several squads counts in the service's squad where they belong to it, else in all of theirs.
    pub(crate) fn counts_in(
        &self,
        context: &Context<'_>,
        person: &PersonId,
        at: EventTime,
        service: &str,
    ) -> Option<SquadId> {
        let reference = context.reference;
        if self.covers(at, context.now) && self.squads.len() < 2 {
            return None;
        }
        let mut squads = reference.squads_of(person, at);
        let (first, second) = (squads.next()?, squads.next()?);
        let (_, system) = reference.system_of_service(service, at)?;
        let mut theirs = [first, second].into_iter().chain(squads);
        theirs.any(|squad| *squad == system.squad).then(|| system.squad.clone())
    }

    /// True when what is said here was so at an instant; what will be so at one to come is not said here.
    pub(crate) fn covers(&self, at: EventTime, now: EventTime) -> bool {
        self.since <= at && at <= now
    }
}

//! Changes of incidents that make the next notification a page of its own (R30): kept for squads that hear of the incident
//! later, whoever knew of it then.

use std::collections::BTreeMap;

use bellwether_model::EventTime;
use bellwether_wire::envelope::Event;
use bellwether_wire::{Payload, pb};
use serde::{Deserialize, Serialize};

use crate::fact::Fact;

/// Breaks of chains by incident, in the order they came.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Breaks(BTreeMap<String, Vec<Fact>>);

impl Breaks {
    /// Keeps a change of an incident if it breaks chains. One that waited for its squad comes a second time.
    pub(super) fn keep(&mut self, fact: &Fact) {
        let Payload::IncidentChanged(message) = &fact.event.payload else { return };
        if breaks_chains(message.change()) && !self.contains(&fact.event) {
            self.0.entry(message.incident.clone()).or_default().push(fact.clone());
        }
    }

    /// What broke the chains of an incident.
    pub(super) fn of(&self, incident: &str) -> &[Fact] {
        self.0.get(incident).map_or(&[], Vec::as_slice)
    }

    /// True for a change that is kept.
    pub(super) fn contains(&self, event: &Event) -> bool {
        let Payload::IncidentChanged(message) = &event.payload else { return false };
        self.of(&message.incident).iter().any(|change| change.event.id == event.id)
    }

    /// Forgets changes before an instant.
    pub(super) fn forget_before(&mut self, first: EventTime) {
        self.0.retain(|_, changes| {
            changes.retain(|change| change.event.time >= first);
            !changes.is_empty()
        });
    }
}

/// True for what makes the next notification of an incident a new interruption (R30).
pub(crate) fn breaks_chains(change: pb::IncidentChange) -> bool {
    matches!(
        change,
        pb::IncidentChange::Unacknowledged | pb::IncidentChange::Escalated | pb::IncidentChange::Reassigned
    )
}

//! Which identities an event mentions, and which of them it cannot be routed without.

use bellwether_wire::{Payload, pb};

/// Identities an event mentions.
pub(super) fn of(payload: &Payload) -> Vec<&pb::Identity> {
    let mut found: Vec<Option<&pb::Identity>> = Vec::new();
    match payload {
        Payload::PageNotified(m) => found.push(m.responder.as_ref()),
        Payload::ShiftScheduled(m) => found.push(m.responder.as_ref()),
        Payload::TicketChanged(m) => {
            found.push(actor(m.actor.as_ref()));
            found.push(m.assignee.as_ref());
        }
        Payload::TicketRemoved(m) => found.push(actor(m.actor.as_ref())),
        Payload::IncidentChanged(m) => found.push(actor(m.actor.as_ref())),
        Payload::CheckInFiled(m) => found.push(actor(m.actor.as_ref())),
        Payload::ReadingRecorded(m) => found.push(actor(m.actor.as_ref())),
        Payload::SurveyClosed(m) => found.push(actor(m.actor.as_ref())),
        Payload::DependencyAgreed(m) => found.push(actor(m.actor.as_ref())),
        Payload::DependencyRescheduled(m) => found.push(actor(m.actor.as_ref())),
        Payload::DependencyDelivered(m) => found.push(actor(m.actor.as_ref())),
        Payload::DependencyCancelled(m) => found.push(actor(m.actor.as_ref())),
        Payload::BlockerRaised(m) => found.push(actor(m.actor.as_ref())),
        Payload::BlockerCleared(m) => found.push(actor(m.actor.as_ref())),
        Payload::ScopeExceptionFiled(m) => found.extend([m.filed_by.as_ref(), m.signed_by.as_ref()]),
        Payload::ScopeExceptionSigned(m) => {
            found.extend([m.filed_by.as_ref(), m.signed_by.as_ref(), actor(m.actor.as_ref())]);
        }
        Payload::OwnerAssigned(m) => found.push(actor(m.actor.as_ref())),
        Payload::InterventionRecorded(m) => found.extend([actor(m.actor.as_ref()), m.approver.as_ref()]),
        Payload::LeaverRecorded(m) => found.push(m.person.as_ref()),
        _ => {}
    }
    found.into_iter().flatten().filter(|identity| !identity.external_id.is_empty()).collect()
}

/// True when an event says nothing until this identity is known.
pub(super) fn is_needed(payload: &Payload, identity: &pb::Identity) -> bool {
    match payload {
        Payload::PageNotified(m) => m.responder.as_ref() == Some(identity),
        Payload::ShiftScheduled(m) => m.responder.as_ref() == Some(identity),
        Payload::CheckInFiled(m) => actor(m.actor.as_ref()) == Some(identity),
        _ => false,
    }
}

fn actor(actor: Option<&pb::Actor>) -> Option<&pb::Identity> {
    actor?.identity.as_ref()
}

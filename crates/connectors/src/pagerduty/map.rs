//! Pure parts of the mapping: one change or one notification in, one event out.
//!
//! Words differ from ours: *escalated* is the next target of the same policy, *delegated* another policy,
//! *reassigned* another user. A merge is a resolution with a reason and no recovery. Assigned is not notified: where
//! no notification log is to be had, assignment and acknowledgement stand in for it and say so in `basis`.

use std::collections::BTreeSet;

use bellwether_model::EventTime;
use bellwether_wire::ids::{HashKey, event_part};
use bellwether_wire::{Event, pb};
use serde_json::Value;

use super::wire::Reference;

/// How PagerDuty payloads become events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Services that only drills use: their incidents and pages are flagged as tests.
    pub test_services: BTreeSet<String>,
    /// Key of what stands for a user in ids of events: the deployment's id key, so that webhooks and imports agree.
    pub id_key: HashKey,
}

impl Mapping {
    /// What stands for a user in the id of something that has none of its own: the same each time, and no guess at who
    /// it is can be tested without the key, because ids of events travel to where people are pseudonyms (R60).
    pub(crate) fn stand_in(&self, of: &str, user: &str) -> String {
        event_part(&self.id_key, of, user)
    }

    /// The id of the proxy page of one user, told by something with an id.
    pub(crate) fn proxy_page_id(&self, told_by: &str, user: &str) -> String {
        format!("{told_by}/page/{}", self.stand_in(told_by, user))
    }
}

/// What is known of an incident when something happens to it.
#[derive(Debug, Clone, Default)]
pub(crate) struct IncidentState {
    pub(crate) incident: String,
    pub(crate) service: String,
    pub(crate) urgency: pb::Urgency,
    pub(crate) priority: String,
    pub(crate) test: bool,
}

/// The channel of a proxy: none is told. No assignment and no acknowledgement says how somebody was notified; `basis`
/// says that it is a proxy, and a proxy counts whatever its channel.
pub(crate) const PROXY_CHANNEL: pb::PageChannel = pb::PageChannel::Unspecified;

/// Where events come from and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) source: &'a str,
    /// Basis of everything but pages.
    pub(crate) basis: pb::Basis,
    /// True for an import.
    pub(crate) imported: bool,
}

/// The event that an incident changed.
pub(crate) fn incident_changed(
    origin: Origin<'_>,
    id: impl Into<String>,
    at: EventTime,
    state: &IncidentState,
    change: pb::IncidentChange,
    agent: Option<&Reference>,
    merged_into: Option<String>,
) -> Event {
    let automatic = !agent.is_some_and(Reference::is_user);
    let message = pb::IncidentChanged {
        incident: state.incident.clone(),
        change: change.into(),
        automatic,
        service: state.service.clone(),
        urgency: state.urgency.into(),
        priority: state.priority.clone(),
        actor: Some(actor(origin.source, agent)),
        test: state.test,
        merged_into: merged_into.unwrap_or_default(),
        basis: origin.basis.into(),
    };
    Event::new(origin.source, id, at, message).about(state.incident.clone())
}

/// The event that somebody was notified.
pub(crate) fn page_notified(
    origin: Origin<'_>,
    id: impl Into<String>,
    at: EventTime,
    state: &IncidentState,
    user: &str,
    channel: pb::PageChannel,
    basis: pb::Basis,
) -> Event {
    let message = pb::PageNotified {
        incident: state.incident.clone(),
        responder: Some(identity(origin.source, user)),
        channel: channel.into(),
        urgency: state.urgency.into(),
        service: state.service.clone(),
        system: String::new(),
        basis: basis.into(),
        test: state.test,
        imported: origin.imported,
    };
    Event::new(origin.source, id, at, message).about(state.incident.clone())
}

/// Somebody as PagerDuty knows them.
pub(crate) fn identity(source: &str, user: &str) -> pb::Identity {
    pb::Identity { source: source.to_owned(), external_id: user.to_owned() }
}

/// Who did it: a user is human; a service, an integration or nobody is automation.
pub(crate) fn actor(source: &str, agent: Option<&Reference>) -> pb::Actor {
    match agent {
        Some(agent) if agent.is_user() => pb::Actor {
            kind: pb::ActorKind::Human.into(),
            identity: agent.id.as_deref().map(|id| identity(source, id)),
        },
        // Version 1 and some version 2 entries leave the type of a user out.
        Some(agent) if agent.kind.is_none() && agent.id.is_some() => pb::Actor {
            kind: pb::ActorKind::Unknown.into(),
            identity: agent.id.as_deref().map(|id| identity(source, id)),
        },
        Some(_) | None => pb::Actor { kind: pb::ActorKind::Automation.into(), identity: None },
    }
}

/// Urgency from its word.
pub(crate) fn urgency(word: Option<&str>) -> pb::Urgency {
    match word {
        Some("high") => pb::Urgency::High,
        Some("low") => pb::Urgency::Low,
        Some(_) | None => pb::Urgency::Unspecified,
    }
}

/// Name of a priority.
pub(crate) fn priority(priority: Option<&Reference>) -> String {
    priority
        .and_then(|priority| priority.summary.clone().or_else(|| priority.name.clone()))
        .unwrap_or_default()
}

/// Channel of a notification from its word; `None` for a word nobody knows.
pub(crate) fn channel(word: &str) -> Option<pb::PageChannel> {
    let word = word.strip_suffix("_notification").unwrap_or(word);
    match word {
        "push" | "app" => Some(pb::PageChannel::Push),
        "phone" | "voice" => Some(pb::PageChannel::Phone),
        "sms" => Some(pb::PageChannel::Sms),
        "email" => Some(pb::PageChannel::Email),
        "slack" | "chat" | "microsoft_teams" | "whatsapp" => Some(pb::PageChannel::Chat),
        _ => None,
    }
}

/// How an incident was merged, from its resolve reason: `None` for not at all, else the target where it is told.
pub(crate) fn merged_into(resolve_reason: &Value) -> Option<Option<String>> {
    let target = |reason: &Value| reason.pointer("/incident/id").and_then(Value::as_str).map(str::to_owned);
    match resolve_reason {
        Value::String(word) if word == "merged" => Some(None),
        Value::Object(_) if resolve_reason["type"].as_str().is_some_and(|kind| kind.starts_with("merge")) => {
            Some(target(resolve_reason))
        }
        _ => None,
    }
}

/// The change an event type of a v3 webhook, or a log entry without its suffix, stands for.
pub(crate) fn change(word: &str) -> Option<pb::IncidentChange> {
    match word {
        "triggered" | "trigger" => Some(pb::IncidentChange::Opened),
        "acknowledged" | "acknowledge" => Some(pb::IncidentChange::Acknowledged),
        "unacknowledged" | "unacknowledge" => Some(pb::IncidentChange::Unacknowledged),
        "escalated" | "escalate" => Some(pb::IncidentChange::Escalated),
        "reassigned" | "delegated" | "assign" | "delegate" => Some(pb::IncidentChange::Reassigned),
        "reopened" | "reopen" => Some(pb::IncidentChange::Reopened),
        "resolved" | "resolve" => Some(pb::IncidentChange::Resolved),
        "priority_updated" | "priority_change" => Some(pb::IncidentChange::PriorityChanged),
        _ => None,
    }
}

/// True when the change interrupts whoever the incident is assigned to after it.
pub(crate) fn pages_assignees(change: pb::IncidentChange) -> bool {
    match change {
        pb::IncidentChange::Opened
        | pb::IncidentChange::Unacknowledged
        | pb::IncidentChange::Escalated
        | pb::IncidentChange::Reassigned
        | pb::IncidentChange::Reopened => true,
        pb::IncidentChange::Unspecified
        | pb::IncidentChange::Acknowledged
        | pb::IncidentChange::Resolved
        | pb::IncidentChange::Merged
        | pb::IncidentChange::PriorityChanged => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_is_told_in_two_ways_and_is_no_recovery() {
        let v3 = serde_json::json!({"type": "merge_resolve_reason", "incident": {"id": "PT4RGET"}});
        assert_eq!(merged_into(&v3), Some(Some("PT4RGET".to_owned())));
        assert_eq!(merged_into(&Value::from("merged")), Some(None));
        assert_eq!(merged_into(&Value::Null), None);
        assert_eq!(merged_into(&serde_json::json!({"type": "other"})), None);
    }

    #[test]
    fn r60_the_id_of_a_proxy_page_is_the_same_each_time_and_leaks_nobody_to_who_has_not_the_key() {
        let ours = Mapping { id_key: HashKey([7; 32]), ..Mapping::default() };
        let id = ours.proxy_page_id("R1", "PADA");
        assert_eq!(id, ours.proxy_page_id("R1", "PADA"));
        assert!(id.starts_with("R1/page/") && !id.contains("PADA"), "{id}");
        assert_ne!(id, ours.proxy_page_id("R1", "PBEN"), "another user");
        assert_ne!(id, Mapping::default().proxy_page_id("R1", "PADA"), "who tries users needs the key");
        assert!(
            !ours.proxy_page_id("R2", "PADA").ends_with(&id["R1/page/".len()..]),
            "nor can users be told apart by it"
        );
    }

    #[test]
    fn email_and_chat_are_told_apart_from_what_interrupts() {
        assert_eq!(channel("push_notification"), Some(pb::PageChannel::Push));
        assert_eq!(channel("email"), Some(pb::PageChannel::Email));
        assert_eq!(channel("pigeon"), None);
    }
}

//! Reads reference events into versions.

use std::collections::BTreeMap;

use bellwether_model::{EventTime, LocalDay, WorkCalendar, Zone};
use bellwether_wire::{Event, Payload, instant, pb};

use super::{Organisation, Person, Reference, Squad};
use crate::versions::{Version, Versions};

/// Bounds of a version as an event gives them: recorded, first instant, end.
struct Bounds {
    recorded: EventTime,
    from: EventTime,
    until: Option<EventTime>,
}

impl Bounds {
    fn version<T>(self, value: T) -> Version<T> {
        Version { recorded: self.recorded, from: self.from, until: self.until, value }
    }
}

/// The bounds of any reference message, which all carry the same two fields.
macro_rules! bounds {
    ($event:expr, $message:expr) => {
        Bounds {
            recorded: $event.time,
            from: instant::optional($message.effective_from.as_ref()).unwrap_or($event.time),
            until: instant::optional($message.effective_until.as_ref()),
        }
    };
}

pub(super) fn record(reference: &mut Reference, event: &Event) {
    match &event.payload {
        Payload::OrganisationRecorded(message) => {
            if let Some(organisation) = Organisation::read(message) {
                reference.organisation.record(bounds!(event, message).version(organisation));
            }
        }
        Payload::PersonRecorded(message) => {
            let zone = Zone::parse(&message.zone).ok();
            let person = Person { zone, calendar: message.calendar.clone() };
            let versions = reference.people.entry(message.person.as_str().into()).or_default();
            versions.record(bounds!(event, message).version(person));
        }
        Payload::SquadRecorded(message) => {
            let squad = Squad {
                em: message.em.clone(),
                parent: message.parent.clone(),
                function: message.function.clone(),
            };
            let versions = reference.squads.entry(message.squad.as_str().into()).or_default();
            versions.record(bounds!(event, message).version(squad));
        }
        Payload::KeyResultRecorded(message) => {
            let versions = reference.owners.entry(message.key_result.as_str().into()).or_default();
            versions.record(bounds!(event, message).version(message.owner.clone()));
        }
        Payload::CalendarRecorded(message) => {
            if let Some(calendar) = calendar(message) {
                let versions = reference.calendars.entry(message.calendar.clone()).or_default();
                versions.record(bounds!(event, message).version(calendar));
            }
        }
        Payload::EscalationPolicyRecorded(message) => {
            let versions = reference.policies.entry(message.escalation_policy.clone()).or_default();
            versions.record(bounds!(event, message).version(message.as_ref().into()));
        }
        Payload::ThresholdsRecorded(message) => {
            let versions = reference.threshold_sets.entry(message.thresholds.clone()).or_default();
            versions.record(bounds!(event, message).version(message.values.clone()));
        }
        Payload::Tombstone { type_name } => end(reference, event, type_name),
        // Every other payload of the catalogue says nothing that an escalation uses.
        _ => {}
    }
}

fn calendar(message: &pb::CalendarRecorded) -> Option<WorkCalendar> {
    let holidays =
        message.holidays.iter().map(|day| LocalDay::parse(day).ok()).collect::<Option<Vec<_>>>()?;
    WorkCalendar::from_iso(message.weekend_days.iter().copied(), holidays).ok()
}

/// Ends the datum that a tombstone names by its subject, or by its id where it has none.
fn end(reference: &mut Reference, event: &Event, type_name: &str) {
    let name = event.subject.as_deref().unwrap_or(&event.id.id);
    let at = event.time;
    match type_name {
        "bellwether.organisation.recorded.v1" => reference.organisation.end(at),
        "bellwether.person.recorded.v1" => end_one(&mut reference.people, name, at),
        "bellwether.squad.recorded.v1" => end_one(&mut reference.squads, name, at),
        "bellwether.key-result.recorded.v1" => end_one(&mut reference.owners, name, at),
        "bellwether.calendar.recorded.v1" => end_one(&mut reference.calendars, name, at),
        "bellwether.escalation-policy.recorded.v1" => end_one(&mut reference.policies, name, at),
        "bellwether.thresholds.recorded.v1" => end_one(&mut reference.threshold_sets, name, at),
        _ => {}
    }
}

fn end_one<K, T>(all: &mut BTreeMap<K, Versions<T>>, name: &str, at: EventTime)
where
    K: Ord + std::borrow::Borrow<str>,
{
    if let Some(versions) = all.get_mut(name) {
        versions.end(at);
    }
}

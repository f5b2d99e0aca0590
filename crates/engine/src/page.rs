//! Pages: one interruption of one person, and how many of them fell on whom.
//!
//! [`incident`] joins notifications into pages (R30), [`person`] counts them in local days (R31), [`shift`] knows who
//! was on call, [`population`] compares a squad (R32, R33). This file feeds them from facts and asks the page rules
//! to look. What it is not: a rule; those are in [`crate::rule`].

pub(crate) mod incident;
pub(crate) mod load;
pub(crate) mod person;
pub(crate) mod population;
pub(crate) mod shift;

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::EventTime;
use bellwether_model::{IncidentId, PersonId, SquadId};
use bellwether_wire::{Payload, pb};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::deadlines::Deadline;
use crate::fact::Fact;
use crate::rule;
use incident::{Incident, Notification};
use person::PersonPages;
use shift::Shifts;

/// Everything known about pages in one partition.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pages {
    incidents: BTreeMap<IncidentId, Incident>,
    people: BTreeMap<PersonId, PersonPages>,
    shifts: Shifts,
    /// The stream's first event of the page topic: rates need days before them (R34).
    first_event: Option<EventTime>,
    /// Load as last published, so that only changes are.
    published: BTreeMap<SquadId, u64>,
    /// Squads whose load will be looked at when the hour ends.
    load_pending: BTreeSet<SquadId>,
}

impl Pages {
    /// Folds a fact of the page topic.
    pub(crate) fn on_fact(&mut self, context: &mut Context<'_>, fact: &Fact) {
        let at = fact.event.time;
        self.first_event = Some(self.first_event.map_or(at, |first| first.min(at)));
        match &fact.event.payload {
            Payload::PageNotified(message) => self.notified(context, fact, message),
            Payload::IncidentChanged(message) => self.incident_changed(context, fact, message),
            Payload::ShiftScheduled(message) => {
                let person = fact.person(message.responder.as_ref());
                let changed = self.shifts.schedule(message, person);
                self.look_at_people(context, changed);
            }
            Payload::ShiftRemoved(message) => {
                let changed = self.shifts.remove(&message.shift);
                self.look_at_people(context, changed);
            }
            _ => {}
        }
    }

    /// A local day begins in a zone: rolling windows of everybody there move.
    pub(crate) fn on_midnight(&mut self, context: &mut Context<'_>, zone: &str) {
        let now = context.now;
        let there: BTreeSet<PersonId> = self
            .people
            .iter()
            .filter(|(person, _)| context.reference.zone_of(person, now).name() == zone)
            .map(|(person, _)| person.clone())
            .collect();
        for person in &there {
            if let Some(pages) = self.people.get_mut(person) {
                pages.prune(now);
            }
        }
        let any_left = there.iter().any(|person| self.has_pages(person) || rule::is_running(context, person));
        self.look_at_people(context, there);
        self.incidents.retain(|_, incident| !incident.is_over(now));
        if any_left {
            self.set_midnight(context, zone);
        }
    }

    /// The hour in which a squad's load changed has ended.
    pub(crate) fn on_load(&mut self, context: &mut Context<'_>, squad: &SquadId) {
        self.load_pending.remove(squad);
        load::publish_if_changed(self, context, squad);
    }

    /// Membership, zones, calendars or thresholds changed: everybody with pages is looked at again (R8).
    pub(crate) fn on_reference(&mut self, context: &mut Context<'_>) {
        let now = context.now;
        let people: BTreeSet<PersonId> = self.people.keys().cloned().collect();
        for person in &people {
            let zone = context.reference.zone_of(person, now);
            self.set_midnight(context, zone.name());
        }
        self.look_at_people(context, people);
    }

    /// Pages of a person.
    pub(crate) fn person(&self, person: &PersonId) -> Option<&PersonPages> {
        self.people.get(person)
    }

    /// Shifts.
    pub(crate) fn shifts(&self) -> &Shifts {
        &self.shifts
    }

    /// The stream's first event of the page topic.
    pub(crate) fn first_event(&self) -> Option<EventTime> {
        self.first_event
    }

    fn has_pages(&self, person: &PersonId) -> bool {
        self.people.get(person).is_some_and(|pages| !pages.is_empty())
    }

    fn notified(&mut self, context: &mut Context<'_>, fact: &Fact, message: &pb::PageNotified) {
        let interrupts = matches!(
            message.channel(),
            pb::PageChannel::Push | pb::PageChannel::Phone | pb::PageChannel::Sms
        );
        if message.test || !interrupts {
            return;
        }
        let Some(person) = fact.person(message.responder.as_ref()) else { return };
        let notification = Notification {
            at: fact.event.time,
            proxy: matches!(message.basis(), pb::Basis::Assignment | pb::Basis::Acknowledgement),
            service: message.service.as_str().into(),
            system: message.system.as_str().into(),
            event: (fact.event.id.source.as_str().into(), fact.event.id.id.as_str().into()),
        };
        let incident = IncidentId::from(message.incident.as_str());
        let touched = self.incidents.entry(incident.clone()).or_default().notify(person, notification);
        self.recount(context, &incident, touched);
    }

    fn incident_changed(&mut self, context: &mut Context<'_>, fact: &Fact, message: &pb::IncidentChanged) {
        let breaks = matches!(
            message.change(),
            pb::IncidentChange::Unacknowledged
                | pb::IncidentChange::Escalated
                | pb::IncidentChange::Reassigned
        );
        if message.test || !breaks {
            return;
        }
        let incident = IncidentId::from(message.incident.as_str());
        let touched = self.incidents.entry(incident.clone()).or_default().break_chain(fact.event.time);
        self.recount(context, &incident, touched);
    }

    /// Takes over the pages of an incident for the people it concerns, and lets the rules look at them.
    fn recount(&mut self, context: &mut Context<'_>, incident: &IncidentId, touched: BTreeSet<PersonId>) {
        let Some(known) = self.incidents.get(incident) else { return };
        for person in &touched {
            let pages = known.pages_of(person, context.thresholds().page_chain);
            let zone = context.reference.zone_of(person, context.now);
            let first = !self.people.contains_key(person);
            let of_person = self.people.entry(person.clone()).or_default();
            of_person.replace(context, person, incident, pages);
            if first {
                self.set_midnight(context, zone.name());
            }
        }
        self.look_at_people(context, touched);
    }

    /// Lets the page rules look at people, and at every squad of theirs judged here.
    fn look_at_people(&mut self, context: &mut Context<'_>, people: BTreeSet<PersonId>) {
        let now = context.now;
        let mut squads: BTreeSet<SquadId> = BTreeSet::new();
        for person in &people {
            rule::page_load::look(self, context, person);
            squads.extend(context.reference.squads_of(person, now).cloned());
        }
        for key in rule::concentration::running(context) {
            if people.iter().any(|person| key.subject.plain() == person.as_str()) {
                squads.insert(SquadId::from(key.scope.as_str()));
            }
        }
        for squad in squads.iter().filter(|squad| context.options.ownership.owns(squad.as_str())) {
            rule::concentration::look(self, context, squad);
            if !self.load_pending.contains(squad) {
                self.load_pending.insert(squad.clone());
                context.deadlines.set(next_hour(now), Deadline::Load(squad.clone()));
            }
        }
    }

    fn set_midnight(&self, context: &mut Context<'_>, zone: &str) {
        let Ok(parsed) = bellwether_model::Zone::parse(zone) else { return };
        let tomorrow = parsed.local_day(context.now).plus(1);
        context.deadlines.set(parsed.day_start(tomorrow), Deadline::Midnight(zone.to_owned()));
    }
}

/// The first full hour after an instant: load is published at most once an hour, so that a storm of pages stays cheap.
fn next_hour(now: EventTime) -> EventTime {
    const HOUR_MS: i64 = 3_600_000;
    EventTime::from_ms((now.ms().div_euclid(HOUR_MS) + 1) * HOUR_MS)
}

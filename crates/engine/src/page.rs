//! Pages: one interruption of one person, and how many of them fell on whom.
//!
//! [`incident`] joins notifications into pages (R30), [`person`] keeps them, [`today`] counts them in local days (R31),
//! [`shift`] knows who was on call, [`population`] compares a squad (R32, R33), [`load`] publishes it. This file feeds
//! them from facts and asks the page rules to look. What it is not: a rule; those are in [`crate::rule`].

#[cfg(test)]
mod forgetful;
pub(crate) mod incident;
mod incidents;
pub(crate) mod load;
mod people;
pub(crate) mod person;
pub(crate) mod population;
mod quarter;
pub(crate) mod shift;
pub(crate) mod standing;
pub(crate) mod today;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::EventTime;
use bellwether_model::{IncidentId, Millis, PersonId, SquadId};
use bellwether_wire::{Payload, pb};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::deadlines::Deadline;
use crate::fact::Fact;
use crate::id_map::IdMap;
use crate::instance::Subject;
use crate::routing::breaks_chains;
use crate::rule;
use incident::Notification;
use incidents::Incidents;
use people::People;
use person::{Now, PersonPages};
use quarter::Quarters;
use shift::Shifts;

/// A shift that ended so long ago is in no window, not even one of a late look.
const KEEP_SHIFTS: Millis = Millis::days(92);

const DAY_MS: i64 = 86_400_000;

/// Everything known about pages in one partition.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Pages {
    incidents: Incidents,
    people: People,
    shifts: Shifts,
    /// The stream's first event of the page topic: rates need days before them (R34).
    first_event: Option<EventTime>,
    /// The latest page; a source's clock may be ahead of ours.
    latest: Option<EventTime>,
    /// What was published of the load of each squad, and when it is looked at next.
    loads: BTreeMap<SquadId, load::Published>,
    /// UTC day on which the old was last looked for.
    pruned: Option<i64>,
    /// Zones whose next midnight is a deadline, and when that is.
    midnights: BTreeMap<String, EventTime>,
    /// Members of squads by their places in `people`, as of an epoch of the reference data.
    #[serde(skip)]
    rosters: (u64, IdMap<SquadId, Arc<[usize]>>),
    /// Pages of squads in the present quarter, counted as they come.
    #[serde(skip)]
    quarters: Quarters,
    /// True once everybody with a running instance has a place, whether or not they have pages: a restore forgets places.
    #[serde(skip)]
    placed: bool,
}

impl Pages {
    /// Folds a fact of the page topic; false for one that cannot change a page or who is eligible.
    pub(crate) fn on_fact(&mut self, context: &mut Context<'_>, fact: &Fact) -> bool {
        let at = fact.event.time;
        self.first_event = Some(self.first_event.map_or(at, |first| first.min(at)));
        self.prune(context.now);
        match &fact.event.payload {
            Payload::PageNotified(message) => self.notified(context, fact, message),
            Payload::IncidentChanged(message) => return self.incident_changed(context, fact, message),
            Payload::ShiftScheduled(message) => {
                let person = fact.person(message.responder.as_ref());
                let changed = self.shifts.schedule(message, person);
                for person in &changed {
                    // Their day decides when the shift makes them eligible, whether or not anybody is paged.
                    let zone = context.reference.zone_of(person, context.now);
                    self.set_midnight(context, zone.name());
                }
                self.look_at_people(context, changed);
            }
            Payload::ShiftRemoved(message) => {
                let changed = self.shifts.remove(&message.shift);
                self.look_at_people(context, changed);
            }
            _ => return false,
        }
        true
    }

    /// A local day begins in a zone: rolling windows of everybody there move.
    pub(crate) fn on_midnight(&mut self, context: &mut Context<'_>, zone: &str) {
        let now = context.now;
        self.midnights.remove(zone);
        let everybody = self.everybody(context);
        let mut there = Vec::new();
        let mut any_left = false;
        for place in everybody {
            let Some((person, pages)) = self.people.at(place) else { continue };
            if pages.standing(context, person).zone.name() != zone {
                continue;
            }
            pages.prune(now);
            if !pages.is_empty() || self.shifts.has(person) || rule::is_running(context, person) {
                any_left = true;
                there.push(person.clone());
            }
        }
        self.look_at_people(context, there);
        if any_left {
            self.set_midnight(context, zone);
        }
    }

    /// The load of a squad that changed is due.
    pub(crate) fn on_load(&mut self, context: &mut Context<'_>, squad: &SquadId) {
        load::publish_if_changed(self, context, squad);
    }

    /// Membership, zones, calendars or thresholds changed: everybody with pages is looked at again (R8).
    pub(crate) fn on_reference(&mut self, context: &mut Context<'_>) {
        let everybody = self.everybody(context);
        let mut with_pages = Vec::new();
        for place in everybody {
            let Some((person, pages)) = self.people.at(place) else { continue };
            if pages.is_empty() && !self.shifts.has(person) && !rule::is_running(context, person) {
                continue;
            }
            with_pages.push(person.clone());
            let zone = pages.standing(context, person).zone;
            self.set_midnight(context, zone.name());
        }
        self.look_at_people(context, with_pages);
        // A squad that somebody left, or whose services went elsewhere, is no squad of those people now.
        let squads: Vec<SquadId> = self.loads.keys().cloned().collect();
        for squad in squads {
            load::changed(self, context, &squad);
        }
    }

    /// Places of everybody who may have to be looked at, in order: with pages, with a shift, or with a running instance.
    fn everybody(&mut self, context: &Context<'_>) -> Vec<usize> {
        for person in self.shifts.people() {
            self.people.place(person);
        }
        if !self.placed {
            for engineer in context.instances.engineers() {
                self.people.place(&engineer);
            }
            self.placed = true;
        }
        self.people.places().map(|(_, place)| place).collect()
    }

    /// Forgets what is over, once a UTC day, whether or not anybody has pages.
    fn prune(&mut self, now: EventTime) {
        let today = now.ms().div_euclid(DAY_MS);
        if self.pruned < Some(today) {
            self.pruned = Some(today);
            self.incidents.prune(now);
            self.shifts.prune(now.minus(KEEP_SHIFTS));
        }
    }

    /// Pages of a person.
    pub(crate) fn person(&self, person: &PersonId) -> Option<&PersonPages> {
        self.people.get(person)
    }

    /// A person as of now; `None` for somebody of whom no page is known.
    pub(crate) fn now(&mut self, context: &Context<'_>, person: &PersonId) -> Option<Now<'_>> {
        let place = self.people.find(person)?;
        self.people.at(place).map(|(person, pages)| pages.now(context, person))
    }

    /// Shifts.
    pub(crate) fn shifts(&self) -> &Shifts {
        &self.shifts
    }

    /// The stream's first event of the page topic.
    pub(crate) fn first_event(&self) -> Option<EventTime> {
        self.first_event
    }

    /// Places of the members of a squad now, in order of id.
    fn roster(&mut self, context: &Context<'_>, squad: &SquadId) -> Arc<[usize]> {
        let epoch = context.reference.epoch();
        if self.rosters.0 != epoch {
            self.rosters = (epoch, IdMap::default());
        }
        if let Some(roster) = self.rosters.1.get(squad) {
            return roster.clone();
        }
        let members = context.reference.members_of(squad, context.now);
        let roster: Arc<[usize]> = members.map(|person| self.people.place(person)).collect();
        self.rosters.1.insert(squad.clone(), roster.clone());
        roster
    }

    fn notified(&mut self, context: &mut Context<'_>, fact: &Fact, message: &pb::PageNotified) {
        let proxy = matches!(message.basis(), pb::Basis::Assignment | pb::Basis::Acknowledgement);
        let interrupts = matches!(
            message.channel(),
            pb::PageChannel::Push | pb::PageChannel::Phone | pb::PageChannel::Sms
        );
        // A proxy stands for a notification of whatever channel.
        if message.test || !(interrupts || proxy) {
            return;
        }
        let Some(person) = fact.person(message.responder.as_ref()) else { return };
        let notification = Notification {
            at: fact.event.time,
            proxy,
            service: message.service.as_str().into(),
            system: message.system.as_str().into(),
            event: (fact.event.id.source.as_str().into(), fact.event.id.id.as_str().into()),
        };
        let incident = IncidentId::from(message.incident.as_str());
        let touched = self.incidents.change(&incident, |known| known.notify(person, notification));
        self.recount(context, &incident, touched);
    }

    fn incident_changed(
        &mut self,
        context: &mut Context<'_>,
        fact: &Fact,
        message: &pb::IncidentChanged,
    ) -> bool {
        if message.test || !breaks_chains(message.change()) {
            return false;
        }
        let incident = IncidentId::from(message.incident.as_str());
        let touched = self.incidents.change(&incident, |known| known.break_chain(fact.event.time));
        self.recount(context, &incident, touched);
        true
    }

    /// Takes over the pages of an incident for the people it concerns, and lets the rules look at them.
    fn recount(&mut self, context: &mut Context<'_>, incident: &IncidentId, touched: Vec<PersonId>) {
        let chain = context.thresholds().page_chain;
        let mut then: BTreeSet<SquadId> = BTreeSet::new();
        for person in &touched {
            let recount = self.incidents.change(incident, |known| known.recount(person, chain));
            let place = self.people.place(person);
            let Some((person, pages)) = self.people.at(place) else { continue };
            for at in &recount.removed {
                pages.remove(*at, incident);
            }
            if !recount.removed.is_empty() {
                self.quarters.clear();
            }
            for notification in recount.added {
                let at = notification.at;
                let standing = pages.standing(context, person);
                if !standing.covers(at, context.now) {
                    then.extend(context.reference.squads_of(person, at).cloned());
                }
                self.latest = self.latest.max(Some(notification.at));
                let page = pages.add(context, person, incident, notification).clone();
                let standing = pages.standing(context, person);
                self.quarters.count(context, standing, person, &page);
            }
            let zone = pages.standing(context, person).zone;
            self.set_midnight(context, zone.name());
        }
        self.look_at_people(context, touched);
        // A late page of somebody who has moved since is one of the squad they were in (R32).
        for squad in then.iter().filter(|squad| context.options.ownership.owns(squad.as_str())) {
            load::changed(self, context, squad);
        }
    }

    /// Lets the page rules look at people, in order, and at every squad of theirs judged here.
    fn look_at_people(&mut self, context: &mut Context<'_>, people: impl IntoIterator<Item = PersonId>) {
        let said = context.events.len();
        let mut squads: BTreeSet<SquadId> = BTreeSet::new();
        for person in people {
            rule::page_load::look(self, context, &person);
            match self.now(context, &person) {
                Some(now) => squads.extend(now.standing.squads.iter().cloned()),
                None => squads.extend(context.reference.squads_of(&person, context.now).cloned()),
            }
            let engineer = Subject::Engineer(person);
            let running = context.instances.of_subject(&engineer);
            squads.extend(running.filter_map(|key| key.scope.clone()).map(SquadId::from));
        }
        squads.retain(|squad| context.options.ownership.owns(squad.as_str()));
        for squad in &squads {
            rule::concentration::look(self, context, squad);
            load::changed(self, context, squad);
        }
        if context.events.len() > said {
            // Who reads of a trigger finds the load that it is about.
            for squad in &squads {
                load::look_now(self, context, squad);
            }
        }
    }

    fn set_midnight(&mut self, context: &mut Context<'_>, zone: &str) {
        if self.midnights.get(zone).is_some_and(|at| *at > context.now) {
            return;
        }
        let Ok(parsed) = bellwether_model::Zone::parse(zone) else { return };
        let tomorrow = parsed.local_day(context.now).plus(1);
        let at = parsed.day_start(tomorrow);
        self.midnights.insert(zone.to_owned(), at);
        context.deadlines.set(at, Deadline::Midnight(zone.to_owned()));
    }
}

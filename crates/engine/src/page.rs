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
use crate::intern::Texts;
use crate::ordered::Ordered;
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
    loads: Ordered<SquadId, load::Published>,
    /// UTC day on which the old was last looked for.
    pruned: Option<i64>,
    /// Zones whose next midnight is a deadline, and when that is.
    midnights: BTreeMap<String, EventTime>,
    #[serde(skip)]
    rosters: Option<Rosters>,
    /// Pages of squads in the present quarter, counted as they come.
    #[serde(skip)]
    quarters: Quarters,
    /// Services, systems and sources.
    #[serde(skip)]
    texts: Texts,
    /// True once everybody with a running instance has a place, whether or not they have pages: a restore forgets places.
    #[serde(skip)]
    placed: bool,
}

/// Members of squads by their places among people.
#[derive(Debug, Clone)]
struct Rosters {
    /// The epoch of the reference data they are of.
    epoch: u64,
    /// From this instant on they have been the same.
    since: EventTime,
    of_squad: IdMap<SquadId, Arc<[usize]>>,
}

/// What a member of a squad carries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownLoad<'a> {
    /// Who.
    pub(crate) person: &'a PersonId,
    /// Pages in the window.
    pub(crate) count: u32,
    /// True with a page or scheduled on-call time in the window (R32).
    pub(crate) is_eligible: bool,
    /// True for somebody in several squads: not every page counts in this one.
    pub(crate) in_several: bool,
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

    /// A local day begins in a zone: rolling windows of everybody there move. Returns the squads judged here whose windows
    /// those are.
    pub(crate) fn on_midnight(&mut self, context: &mut Context<'_>, zone: &str) -> BTreeSet<SquadId> {
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
        let squads = self.look_at_people(context, there);
        if any_left {
            self.set_midnight(context, zone);
        }
        squads
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
        self.on_coverage(context);
    }

    /// Who is trained for a system changed, or something else that the load of any squad may tell of.
    pub(crate) fn on_coverage(&mut self, context: &mut Context<'_>) {
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
        self.people.places().collect()
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

    /// What each member of a squad carries at the instant of the context, in order of id, where that is known without
    /// counting; `None` where anybody's is not: the window of that instant was not asked for, or a page lies after it.
    pub(crate) fn known_loads(&self, context: &Context<'_>, squad: &SquadId) -> Option<Vec<KnownLoad<'_>>> {
        let now = context.now;
        let Rosters { epoch, since, of_squad } = self.rosters.as_ref()?;
        let stands = *epoch == context.reference.epoch() && *since <= now;
        let is_complete = self.latest.is_none_or(|latest| latest <= now);
        let roster = of_squad.get(squad).filter(|_| stands && is_complete)?;
        let load = |place: &usize| {
            let (person, pages) = self.people.peek(*place)?;
            let (theirs, today) = pages.known_now(*epoch, now)?;
            let (count, (from, to)) = (today.window().total(), today.bounds());
            let is_eligible = count > 0 || self.shifts.overlaps(person, from, to);
            Some(KnownLoad { person, count, is_eligible, in_several: theirs.squads.len() > 1 })
        };
        roster.iter().map(load).collect()
    }

    /// Places of the members of a squad now, in order of id.
    fn roster(&mut self, context: &Context<'_>, squad: &SquadId) -> Arc<[usize]> {
        let epoch = context.reference.epoch();
        let known = self.rosters.take().filter(|rosters| rosters.epoch == epoch);
        let new = || Rosters { epoch, since: context.now, of_squad: IdMap::default() };
        let rosters = self.rosters.insert(known.unwrap_or_else(new));
        if let Some(roster) = rosters.of_squad.get(squad) {
            return roster.clone();
        }
        let members = context.reference.members_of(squad, context.now);
        let roster: Arc<[usize]> = members.map(|person| self.people.place(person)).collect();
        rosters.of_squad.insert(squad.clone(), roster.clone());
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
            service: self.texts.share(&message.service),
            system: self.texts.share(&message.system),
            event: (self.texts.share(&fact.event.id.source), fact.event.id.id.as_str().into()),
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
                if !pages.standing(context, person).covers(*at, context.now) {
                    then.extend(context.reference.squads_of(person, *at).cloned());
                }
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
        // A late page of somebody who has moved since is one of the squad they were in (R32), and so is one that is none
        // any more.
        for squad in then.iter().filter(|squad| context.options.ownership.owns(squad.as_str())) {
            load::changed(self, context, squad);
        }
    }

    /// Lets the page rules look at people, in order, and at every squad of theirs judged here, which it returns.
    fn look_at_people(
        &mut self,
        context: &mut Context<'_>,
        people: impl IntoIterator<Item = PersonId>,
    ) -> BTreeSet<SquadId> {
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
        squads
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

//! Routing: from events of the sources to facts of the squads' partitions.
//!
//! [`Router::route`] drops repeats, resolves identities, and says whom each event concerns. Few and cheap events
//! (reference, sprints, deliveries, OKR events, progress) go to every partition, so that each knows the whole picture;
//! the many (tickets, pages, incidents) go to the partitions of the squads concerned. What cannot be resolved yet is
//! kept, counted, and routed when the link arrives (R5).
//!
//! Invariants: the identity of a fact is that of its event; a fact goes to a partition again only when somebody joined
//! it since; the state does not depend on how inputs were interleaved.

mod identities;
mod kept;
mod mentions;

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{EventTime, Millis, PersonId, SquadId, Thresholds};
use bellwether_wire::envelope::Event;
use bellwether_wire::{Payload, catalogue, pb, topics};
use serde::{Deserialize, Serialize};

use crate::fact::{Fact, Resolved};
use crate::reference::Reference;
use crate::seen::{Seen, Sighting};
use identities::Identities;
pub use kept::{Kept, Reason};

/// How long pages are kept for squads that somebody joins later: a quarter, a window before it, and a horizon.
const KEEP_PAGES: Millis = Millis::days(130);

const DAY_MS: i64 = 86_400_000;

/// Where a fact goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// To every partition.
    Everywhere,
    /// To the partitions of its squads.
    Squads,
}

/// What routing an event gave.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Routed {
    /// Facts and where they go, in order.
    pub facts: Vec<(Target, Fact)>,
    /// Conflicting repeats: same identity, other content (R6).
    pub skipped: Vec<pb::FactSkipped>,
}

/// The fold of the router.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Router {
    reference: Reference,
    identities: Identities,
    seen: Seen,
    kept: Kept,
    sprint_squads: BTreeMap<String, SquadId>,
    ticket_squads: BTreeMap<String, BTreeSet<SquadId>>,
    linked_tickets: BTreeSet<String>,
    incident_squads: BTreeMap<String, (EventTime, BTreeSet<SquadId>)>,
    pages: BTreeMap<PersonId, Vec<Fact>>,
    /// Changes of an incident that make the next notification a page of its own, whoever knew of it then.
    #[serde(default)]
    breaks: BTreeMap<String, Vec<Fact>>,
    /// UTC day of arrival on which the old was last looked for.
    pruned: i64,
}

impl Default for Router {
    fn default() -> Self {
        Self::new()
    }
}

impl Router {
    /// A router that knows nothing yet.
    pub fn new() -> Self {
        Self {
            reference: Reference::new(Thresholds::default()),
            identities: Identities::default(),
            seen: Seen::default(),
            kept: Kept::default(),
            sprint_squads: BTreeMap::new(),
            ticket_squads: BTreeMap::new(),
            linked_tickets: BTreeSet::new(),
            incident_squads: BTreeMap::new(),
            pages: BTreeMap::new(),
            breaks: BTreeMap::new(),
            pruned: i64::MIN,
        }
    }

    /// Routes an event that arrived at logical time `now`.
    pub fn route(&mut self, event: &Event, now: EventTime) -> Routed {
        let mut routed = Routed::default();
        match self.seen.sight(&event.id, event.payload.encode().as_deref(), now) {
            Sighting::New => {}
            Sighting::Repeat => return routed,
            Sighting::Conflict => {
                routed.skipped.push(pb::FactSkipped {
                    fact: Some(pb::EventRef {
                        source: event.id.source.clone(),
                        id: event.id.id.clone(),
                        r#type: event.type_name().to_owned(),
                    }),
                    reason: "same source and id as an earlier event, other content".to_owned(),
                    partition: 0,
                    offset: 0,
                });
                return routed;
            }
        }
        if catalogue::home_topic(event.type_name()) == Some(topics::Topic::Reference) {
            self.learn(event, now, &mut routed);
        } else {
            self.send(event, now, &mut routed);
        }
        routed
    }

    /// What could not be routed yet, and why.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// The whole state; equal states have equal bytes.
    pub fn snapshot(&self) -> Vec<u8> {
        rmp_serde::to_vec_named(self).expect("the state has no unserialisable value")
    }

    /// Takes up where a snapshot left off.
    ///
    /// # Errors
    /// When the bytes are no snapshot of a router.
    pub fn restore(bytes: &[u8]) -> Result<Self, rmp_serde::decode::Error> {
        rmp_serde::from_slice(bytes)
    }

    /// Takes reference data in, passes it on, and routes what waited for it.
    fn learn(&mut self, event: &Event, now: EventTime, routed: &mut Routed) {
        self.reference.record(event, now);
        routed.facts.push((Target::Everywhere, Fact::new(event.clone())));
        match &event.payload {
            Payload::IdentityRecorded(message) => {
                self.identities.link(message);
                let waited = self.kept.take_for_identity(&message.source, &message.external_id);
                let incidents: BTreeSet<String> = waited.iter().filter_map(incident_of_page).collect();
                self.send_again(waited, now, routed);
                // What happened to their incidents meanwhile may have had no squad to go to; what of it cuts chains (R30) was
                // told with the pages.
                let mut waited = self.kept.take_for_incidents(&incidents);
                waited.retain(|event| !self.is_told(event));
                self.send_again(waited, now, routed);
            }
            Payload::SquadRecorded(_) | Payload::SystemRecorded(_) => {
                let waited = self.kept.take_without_squad();
                self.send_again(waited, now, routed);
            }
            Payload::MembershipRecorded(message) => {
                self.follow(&PersonId::from(message.person.as_str()), &message.squad, routed);
            }
            _ => {}
        }
    }

    fn send_again(&mut self, waited: Vec<Event>, now: EventTime, routed: &mut Routed) {
        for event in waited {
            self.send(&event, now, routed);
        }
    }

    fn send(&mut self, event: &Event, now: EventTime, routed: &mut Routed) {
        let mut fact = Fact::new(event.clone());
        for identity in mentions::of(&event.payload) {
            match self.identities.resolve(identity, event.time) {
                Some(person) => fact.resolved.push(Resolved {
                    source: identity.source.clone(),
                    external_id: identity.external_id.clone(),
                    person,
                }),
                None if mentions::is_needed(&event.payload, identity) => {
                    self.kept.keep(Reason::Identity(identity.clone().into()), event.clone());
                    return;
                }
                None => {}
            }
        }
        match &event.payload {
            Payload::PageNotified(message) => self.send_page(fact, message, now, routed),
            Payload::IncidentChanged(message) => self.send_incident(fact, message, routed),
            Payload::TicketChanged(message) => self.send_ticket(fact, message, routed),
            Payload::TicketRemoved(message) => {
                let squads = self.ticket_squads.remove(&message.ticket).unwrap_or_default();
                let target = self.ticket_target(&message.ticket, false);
                self.push(target, fact, squads, routed);
            }
            Payload::SprintPlanned(m) => self.send_sprint(fact, &m.sprint, &m.squad, &m.board, routed),
            Payload::SprintActivated(m) => self.send_sprint(fact, &m.sprint, &m.squad, &m.board, routed),
            Payload::SprintClosed(m) => self.send_sprint(fact, &m.sprint, &m.squad, &m.board, routed),
            Payload::SprintReopened(m) => self.send_sprint(fact, &m.sprint, &m.squad, &m.board, routed),
            Payload::SprintRemoved(m) => self.send_sprint(fact, &m.sprint, &m.squad, &m.board, routed),
            _ => routed.facts.push((Target::Everywhere, fact)),
        }
    }

    fn send_page(&mut self, fact: Fact, message: &pb::PageNotified, now: EventTime, routed: &mut Routed) {
        let Some(person) = fact.person(message.responder.as_ref()) else { return };
        let at = fact.event.time;
        let mut squads: BTreeSet<SquadId> = self.reference.squads_of(&person, at).cloned().collect();
        squads.extend(self.reference.squads_of(&person, now).cloned());
        squads.extend(self.service_squad(&message.service, at));
        if squads.is_empty() {
            // Nobody's member: judged under their own id, in one place.
            squads.insert(SquadId::from(person.as_str()));
        }
        let entry = self.incident_squads.entry(message.incident.clone());
        let (last, known) = entry.or_insert_with(|| (at, BTreeSet::new()));
        *last = at.max(*last);
        let joined: BTreeSet<SquadId> = squads.difference(known).cloned().collect();
        known.extend(squads);
        let squads = known.clone();
        self.tell_breaks(&message.incident, joined, routed);

        let mut kept = fact.clone();
        kept.squads = squads.iter().cloned().collect();
        self.pages.entry(person).or_default().push(kept);
        self.push(Target::Squads, fact, squads, routed);
        self.prune_pages(now);
    }

    /// Forgets pages and incidents that are too old to be sent again: once a day, because it walks all of them.
    fn prune_pages(&mut self, now: EventTime) {
        let today = now.ms().div_euclid(DAY_MS);
        if self.pruned >= today {
            return;
        }
        self.pruned = today;
        let midnight = EventTime::from_ms(today * DAY_MS);
        let is_kept = |last: EventTime| midnight.since(last) <= KEEP_PAGES;
        self.incident_squads.retain(|_, (last, _)| is_kept(*last));
        self.pages.retain(|_, theirs| {
            theirs.retain(|page| is_kept(page.event.time));
            !theirs.is_empty()
        });
        self.breaks.retain(|_, changes| {
            changes.retain(|change| is_kept(change.event.time));
            !changes.is_empty()
        });
    }

    /// Squads hear of an incident late: they are told what broke the chains of its notifications before (R30).
    fn tell_breaks(&self, incident: &str, joined: BTreeSet<SquadId>, routed: &mut Routed) {
        if joined.is_empty() {
            return;
        }
        for change in self.breaks.get(incident).into_iter().flatten() {
            self.push(Target::Squads, change.clone(), joined.clone(), routed);
        }
    }

    /// True for what [`Self::tell_breaks`] tells.
    fn is_told(&self, event: &Event) -> bool {
        let Payload::IncidentChanged(message) = &event.payload else { return false };
        let mut known = self.breaks.get(&message.incident).into_iter().flatten();
        known.any(|change| change.event.id == event.id)
    }

    fn send_incident(&mut self, fact: Fact, message: &pb::IncidentChanged, routed: &mut Routed) {
        let mut squads: BTreeSet<SquadId> =
            self.service_squad(&message.service, fact.event.time).into_iter().collect();
        if let Some((_, known)) = self.incident_squads.get(&message.incident) {
            squads.extend(known.iter().cloned());
        }
        if breaks_chains(message.change()) {
            let known = self.breaks.entry(message.incident.clone()).or_default();
            // One that waited for its squad comes a second time.
            if known.iter().all(|change| change.event.id != fact.event.id) {
                known.push(fact.clone());
            }
        }
        if squads.is_empty() {
            self.kept.keep(Reason::Squad(message.service.clone()), fact.event);
            return;
        }
        self.push(Target::Squads, fact, squads, routed);
    }

    fn send_ticket(&mut self, fact: Fact, message: &pb::TicketChanged, routed: &mut Routed) {
        let mut now: BTreeSet<SquadId> =
            self.squad_of(&message.squad, &message.board, fact.event.time).into_iter().collect();
        now.extend(self.sprint_squads.get(&message.sprint).cloned());
        let before = self.ticket_squads.get(&message.ticket).cloned().unwrap_or_default();
        if now.is_empty() && before.is_empty() {
            let waits_for = if message.board.is_empty() { &message.sprint } else { &message.board };
            self.kept.keep(Reason::Squad(waits_for.clone()), fact.event);
            return;
        }
        let squads = now.union(&before).cloned().collect();
        self.ticket_squads.insert(message.ticket.clone(), now);
        let target = self.ticket_target(&message.ticket, !message.blocked_by.is_empty());
        self.push(target, fact, squads, routed);
    }

    /// Tickets that are or were held up by others belong to everybody's picture of what a breach reaches.
    fn ticket_target(&mut self, ticket: &str, has_links: bool) -> Target {
        if has_links {
            self.linked_tickets.insert(ticket.to_owned());
        }
        if self.linked_tickets.contains(ticket) { Target::Everywhere } else { Target::Squads }
    }

    fn send_sprint(&mut self, mut fact: Fact, sprint: &str, squad: &str, board: &str, routed: &mut Routed) {
        if let Some(squad) = self.squad_of(squad, board, fact.event.time) {
            let first = self.sprint_squads.insert(sprint.to_owned(), squad.clone()).is_none();
            fact.squads = vec![squad];
            routed.facts.push((Target::Everywhere, fact));
            if first {
                let waited = self.kept.take_without_squad();
                for event in waited {
                    self.send(&event, event.time, routed);
                }
            }
            return;
        }
        fact.squads = self.sprint_squads.get(sprint).cloned().into_iter().collect();
        routed.facts.push((Target::Everywhere, fact));
    }

    /// Somebody joined a squad: their pages go where the squad is.
    fn follow(&mut self, person: &PersonId, squad: &str, routed: &mut Routed) {
        let squad = SquadId::from(squad);
        let mut theirs = self.pages.remove(person).unwrap_or_default();
        for page in theirs.iter_mut().filter(|page| !page.squads.contains(&squad)) {
            if let Payload::PageNotified(message) = &page.event.payload
                && let Some((_, known)) = self.incident_squads.get_mut(&message.incident)
                && known.insert(squad.clone())
            {
                let incident = message.incident.clone();
                self.tell_breaks(&incident, BTreeSet::from([squad.clone()]), routed);
            }
            page.squads.push(squad.clone());
            let mut fact = page.clone();
            fact.squads = vec![squad.clone()];
            routed.facts.push((Target::Squads, fact));
        }
        if !theirs.is_empty() {
            self.pages.insert(person.clone(), theirs);
        }
    }

    fn push(&self, target: Target, mut fact: Fact, squads: BTreeSet<SquadId>, routed: &mut Routed) {
        fact.squads = squads.into_iter().collect();
        routed.facts.push((target, fact));
    }

    fn service_squad(&self, service: &str, at: EventTime) -> Option<SquadId> {
        self.reference.system_of_service(service, at).map(|(_, system)| system.squad.clone())
    }

    /// The squad an event names, else the one whose board it names.
    fn squad_of(&self, squad: &str, board: &str, at: EventTime) -> Option<SquadId> {
        if !squad.is_empty() {
            return Some(SquadId::from(squad));
        }
        self.reference.squad_of_board(board, at).cloned()
    }
}

/// True for what makes the next notification of an incident a new interruption (R30).
pub(crate) fn breaks_chains(change: pb::IncidentChange) -> bool {
    matches!(
        change,
        pb::IncidentChange::Unacknowledged | pb::IncidentChange::Escalated | pb::IncidentChange::Reassigned
    )
}

/// The incident that a page is of.
fn incident_of_page(event: &Event) -> Option<String> {
    match &event.payload {
        Payload::PageNotified(message) => Some(message.incident.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(incident: &str, day: i64) -> Event {
        let message = pb::PageNotified {
            incident: incident.into(),
            responder: crate::world::person("ann"),
            channel: pb::PageChannel::Push.into(),
            ..Default::default()
        };
        Event::new("test://pages", incident, EventTime::from_ms(day * DAY_MS), message)
    }

    #[test]
    fn pages_and_incidents_too_old_to_be_sent_again_are_forgotten() {
        let ann = pb::PersonRecorded { person: "ann".into(), ..Default::default() };
        let mut router = Router::new();
        router.route(&Event::new("test://people", "ann", EventTime::from_ms(0), ann), EventTime::from_ms(0));
        for (incident, day) in [("first", 0), ("second", 100), ("third", 131)] {
            let event = page(incident, day);
            router.route(&event, event.time);
        }
        assert_eq!(router.incident_squads.keys().collect::<Vec<_>>(), ["second", "third"]);
        let left = router.pages.values().flatten().map(|page| page.event.id.id.as_str());
        assert_eq!(left.collect::<Vec<_>>(), ["second", "third"]);
    }

    #[test]
    fn r05_what_happened_to_an_incident_is_sent_once_its_responder_is_linked() {
        let mut router = Router::new();
        let mut route = |id: &str, second: i64, payload: Payload| {
            let event = Event::new("test://pages", id, EventTime::from_ms(second * 1000), payload);
            let facts = router.route(&event, event.time).facts;
            facts.into_iter().map(|(_, fact)| fact.event.id.id).collect::<Vec<_>>()
        };
        let ann = || Some(pb::Identity { source: "pagerduty://acme".into(), external_id: "P1".into() });
        let page = || pb::PageNotified {
            incident: "i".into(),
            responder: ann(),
            channel: pb::PageChannel::Push.into(),
            ..Default::default()
        };
        let escalated = |incident: &str| pb::IncidentChanged {
            incident: incident.into(),
            change: pb::IncidentChange::Escalated.into(),
            ..Default::default()
        };
        for (id, second, payload) in [
            ("first", 0, page().into()),
            ("opened", 0, pb::IncidentChanged { incident: "i".into(), ..Default::default() }.into()),
            ("escalated", 10, escalated("i").into()),
            ("of another", 11, escalated("other").into()),
            ("second", 20, page().into()),
        ] {
            assert!(route(id, second, payload).is_empty());
        }
        let link = pb::IdentityRecorded {
            source: "pagerduty://acme".into(),
            external_id: "P1".into(),
            person: "ann".into(),
            ..Default::default()
        };
        assert_eq!(route("link", 30, link.into()), ["link", "escalated", "first", "second", "opened"]);
    }
}

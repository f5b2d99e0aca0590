//! Routing: from events of the sources to facts of the squads' partitions.
//!
//! [`Router::route`] drops repeats, resolves identities, and says whom each event concerns. Few and cheap events
//! (reference, sprints, deliveries, OKR events, progress) go to every partition, so that each knows the whole picture;
//! the many (tickets, pages, incidents) go to the partitions of the squads concerned. What cannot be resolved yet is
//! kept, counted, and routed when the link arrives (R5).
//!
//! Invariants: the identity of a fact is that of its event; a fact goes to a partition again only when somebody joined
//! it since; the state does not depend on how inputs were interleaved.

mod breaks;
mod identities;
mod incidents;
mod kept;
mod mentions;
mod pages;
mod tickets;

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{EventTime, Millis, PersonId, SquadId, Thresholds};
use bellwether_wire::envelope::Event;
use bellwether_wire::{Payload, pb, topics};
use serde::{Deserialize, Serialize};

use crate::fact::{Fact, Resolved};
use crate::reference::Reference;
use crate::seen::{Seen, Sighting};
use breaks::Breaks;
pub(crate) use breaks::breaks_chains;
use identities::Identities;
use incidents::Incidents;
pub use kept::{Kept, Reason};
use pages::Pages;
use tickets::TicketSquads;

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
    ticket_squads: TicketSquads,
    linked_tickets: BTreeSet<String>,
    incident_squads: Incidents,
    pages: Pages,
    #[serde(default)]
    breaks: Breaks,
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
            ticket_squads: TicketSquads::default(),
            linked_tickets: BTreeSet::new(),
            incident_squads: Incidents::default(),
            pages: Pages::default(),
            breaks: Breaks::default(),
            pruned: i64::MIN,
        }
    }

    /// Routes an event that arrived at logical time `now`.
    pub fn route(&mut self, event: &Event, now: EventTime) -> Routed {
        let content = event.payload.encode();
        match self.sight(event, content.as_deref(), now) {
            Some(routed) => routed,
            None => self.route_new(event.clone(), now),
        }
    }

    /// The same for an event that nobody needs afterwards, with the protobuf form of its payload, which whoever read it has.
    pub fn route_read(&mut self, event: Event, content: Option<&[u8]>, now: EventTime) -> Routed {
        self.sight(&event, content, now).unwrap_or_else(|| self.route_new(event, now))
    }

    /// What a repeat leads to; `None` for an event that was not seen before.
    fn sight(&mut self, event: &Event, content: Option<&[u8]>, now: EventTime) -> Option<Routed> {
        let mut routed = Routed::default();
        match self.seen.sight(&event.id, content, now) {
            Sighting::New => return None,
            Sighting::Repeat => {}
            Sighting::Conflict => routed.skipped.push(pb::FactSkipped {
                fact: Some(pb::EventRef {
                    source: event.id.source.clone(),
                    id: event.id.id.clone(),
                    r#type: event.type_name().to_owned(),
                }),
                reason: "same source and id as an earlier event, other content".to_owned(),
                partition: 0,
                offset: 0,
            }),
        }
        Some(routed)
    }

    fn route_new(&mut self, event: Event, now: EventTime) -> Routed {
        let mut routed = Routed::default();
        if event.payload.home_topic() == Some(topics::Topic::Reference) {
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
    fn learn(&mut self, event: Event, now: EventTime, routed: &mut Routed) {
        self.reference.record(&event, now);
        routed.facts.push((Target::Everywhere, Fact::new(event.clone())));
        match &event.payload {
            Payload::IdentityRecorded(message) => {
                self.identities.link(message);
                let waited = self.kept.take_for_identity(&message.source, &message.external_id);
                let incidents: BTreeSet<String> = waited.iter().filter_map(incident_of_page).collect();
                for event in waited {
                    self.send(event, now, routed);
                }
                // What happened to their incidents meanwhile may have had no squad to go to; what of it cuts chains (R30) was
                // told with the pages.
                for event in self.kept.take_for_incidents(&incidents) {
                    if !self.breaks.contains(&event) {
                        self.send(event, now, routed);
                    }
                }
            }
            Payload::SquadRecorded(_) | Payload::SystemRecorded(_) => self.send_again(routed),
            Payload::MembershipRecorded(message) => {
                let squad = SquadId::from(message.squad.as_str());
                for page in self.pages.follow(&PersonId::from(message.person.as_str()), &squad) {
                    if let Some(incident) = incident_of_page(&page.event) {
                        self.join(&incident, page.event.time, vec![squad.clone()], routed);
                    }
                    routed.facts.push((Target::Squads, page));
                }
            }
            _ => {}
        }
    }

    /// Sends what waited for a squad and has one by now, in order: what is sent may be why something behind it has one too.
    /// Nobody's page waits, so that it does not matter when this is.
    fn send_again(&mut self, routed: &mut Routed) {
        let waits_for_squad = |reason: &Reason| matches!(reason, Reason::Squad(_));
        if !self.kept.iter().any(|(reason, event)| waits_for_squad(reason) && self.has_squad(event)) {
            return;
        }
        for (reason, event) in self.kept.take_all() {
            if waits_for_squad(&reason) && self.has_squad(&event) {
                let at = event.time;
                self.send(event, at, routed);
            } else {
                self.kept.keep(reason, event);
            }
        }
    }

    /// True when [`Self::send`] would not keep an event for want of a squad.
    fn has_squad(&self, event: &Event) -> bool {
        match &event.payload {
            Payload::IncidentChanged(message) => {
                self.incident_squads.known(&message.incident).is_some()
                    || self.service_squad(&message.service, event.time).is_some()
            }
            Payload::TicketChanged(message) => {
                self.sprint_squads.contains_key(&message.sprint)
                    || !self.ticket_squads.of(&message.ticket).is_empty()
                    || self.squad_of(&message.squad, &message.board, event.time).is_some()
            }
            _ => true,
        }
    }

    fn send(&mut self, event: Event, now: EventTime, routed: &mut Routed) {
        let mut resolved = Vec::new();
        for identity in mentions::of(&event.payload) {
            match self.identities.resolve(identity, event.time) {
                Some(person) => resolved.push(Resolved {
                    source: identity.source.clone(),
                    external_id: identity.external_id.clone(),
                    person,
                }),
                None if mentions::is_needed(&event.payload, identity) => {
                    let reason = Reason::Identity(identity.clone().into());
                    self.kept.keep(reason, event);
                    return;
                }
                None => {}
            }
        }
        let mut fact = Fact { event, squads: Vec::new(), resolved };
        if let Some((sprint, squad, board)) = of_sprint(&fact.event.payload) {
            let squad = self.squad_of(squad, board, fact.event.time);
            let sprint = sprint.to_owned();
            return self.send_sprint(&sprint, squad, fact, routed);
        }
        let target = match &fact.event.payload {
            Payload::PageNotified(message) => {
                let Some(squads) = self.squads_of_page(&fact, message, now) else { return };
                fact.squads = self.join(&message.incident, fact.event.time, squads, routed);
                self.pages.keep(&fact);
                self.prune_pages(now);
                Target::Squads
            }
            Payload::IncidentChanged(message) => {
                self.breaks.keep(&fact);
                let known = self.incident_squads.known(&message.incident).unwrap_or_default();
                let service = self.service_squad(&message.service, fact.event.time);
                let squads = in_order(known.iter().cloned().chain(service));
                if squads.is_empty() {
                    let reason = Reason::Squad(message.service.clone());
                    self.kept.keep(reason, fact.event);
                    return;
                }
                fact.squads = squads;
                Target::Squads
            }
            Payload::TicketChanged(message) => {
                let named = self.squad_of(&message.squad, &message.board, fact.event.time);
                let of_sprint = self.sprint_squads.get(&message.sprint).cloned();
                let squads = in_order(named.into_iter().chain(of_sprint));
                let Some(squads) = self.ticket_squads.exchange(&message.ticket, squads) else {
                    let waits_for = if message.board.is_empty() { &message.sprint } else { &message.board };
                    let reason = Reason::Squad(waits_for.clone());
                    self.kept.keep(reason, fact.event);
                    return;
                };
                let target = self.ticket_target(&message.ticket, !message.blocked_by.is_empty());
                fact.squads = squads;
                target
            }
            Payload::TicketRemoved(message) => {
                let squads = self.ticket_squads.remove(&message.ticket);
                let target = self.ticket_target(&message.ticket, false);
                fact.squads = squads;
                target
            }
            _ => Target::Everywhere,
        };
        routed.facts.push((target, fact));
    }

    /// The squads a page of somebody known concerns: theirs, and that of the service.
    fn squads_of_page(
        &self,
        fact: &Fact,
        message: &pb::PageNotified,
        now: EventTime,
    ) -> Option<Vec<SquadId>> {
        let person = fact.person(message.responder.as_ref())?;
        let at = fact.event.time;
        let then = self.reference.squads_of(&person, at);
        let present = self.reference.squads_of(&person, now);
        let service = self.service_squad(&message.service, at);
        let mut squads = in_order(then.chain(present).cloned().chain(service));
        if squads.is_empty() {
            // Nobody's member: judged under their own id, in one place.
            squads.push(SquadId::from(person.as_str()));
        }
        Some(squads)
    }

    /// Squads hear of an incident; all that did by now. Those that hear of it late are told what broke the chains of its
    /// notifications before (R30).
    fn join(
        &mut self,
        incident: &str,
        at: EventTime,
        squads: Vec<SquadId>,
        routed: &mut Routed,
    ) -> Vec<SquadId> {
        let known = self.incident_squads.known(incident).unwrap_or_default();
        let joined: Vec<SquadId> = squads.iter().filter(|squad| !known.contains(squad)).cloned().collect();
        if !joined.is_empty() {
            let told = |change: &Fact| (Target::Squads, Fact { squads: joined.clone(), ..change.clone() });
            routed.facts.extend(self.breaks.of(incident).iter().map(told));
        }
        self.incident_squads.add(incident, at, squads).to_vec()
    }

    /// Forgets pages and incidents that are too old to be sent again: once a day.
    fn prune_pages(&mut self, now: EventTime) {
        let today = now.ms().div_euclid(DAY_MS);
        if self.pruned >= today {
            return;
        }
        self.pruned = today;
        let first = EventTime::from_ms(today * DAY_MS).minus(KEEP_PAGES);
        self.incident_squads.forget_before(first);
        self.pages.forget_before(first);
        self.breaks.forget_before(first);
    }

    /// Tickets that are or were held up by others belong to everybody's picture of what a breach reaches.
    fn ticket_target(&mut self, ticket: &str, has_links: bool) -> Target {
        if has_links {
            self.linked_tickets.insert(ticket.to_owned());
        }
        if self.linked_tickets.contains(ticket) { Target::Everywhere } else { Target::Squads }
    }

    fn send_sprint(&mut self, sprint: &str, squad: Option<SquadId>, mut fact: Fact, routed: &mut Routed) {
        let Some(squad) = squad else {
            fact.squads = self.sprint_squads.get(sprint).cloned().into_iter().collect();
            routed.facts.push((Target::Everywhere, fact));
            return;
        };
        let first = self.sprint_squads.insert(sprint.to_owned(), squad.clone()).is_none();
        fact.squads = vec![squad];
        routed.facts.push((Target::Everywhere, fact));
        if first {
            self.send_again(routed);
        }
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

/// Sprint, squad and board of what happens to a sprint.
fn of_sprint(payload: &Payload) -> Option<(&str, &str, &str)> {
    match payload {
        Payload::SprintPlanned(m) => Some((&m.sprint, &m.squad, &m.board)),
        Payload::SprintActivated(m) => Some((&m.sprint, &m.squad, &m.board)),
        Payload::SprintClosed(m) => Some((&m.sprint, &m.squad, &m.board)),
        Payload::SprintReopened(m) => Some((&m.sprint, &m.squad, &m.board)),
        Payload::SprintRemoved(m) => Some((&m.sprint, &m.squad, &m.board)),
        _ => None,
    }
}

/// The incident that a page is of.
fn incident_of_page(event: &Event) -> Option<String> {
    match &event.payload {
        Payload::PageNotified(message) => Some(message.incident.clone()),
        _ => None,
    }
}

/// Squads, each once, in order.
fn in_order(squads: impl Iterator<Item = SquadId>) -> Vec<SquadId> {
    let mut squads: Vec<SquadId> = squads.collect();
    squads.sort_unstable();
    squads.dedup();
    squads
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
        let is_known = |incident| router.incident_squads.known(incident).is_some();
        assert_eq!(["first", "second", "third"].map(is_known), [false, true, true]);
        let left = router.pages.of(&PersonId::from("ann"));
        assert_eq!(
            left.iter().map(|page| page.event.id.id.as_str()).collect::<Vec<_>>(),
            ["second", "third"]
        );
    }

    #[test]
    fn what_waits_for_a_squad_goes_when_it_has_one_and_the_rest_waits_on_in_order() {
        let at = EventTime::from_ms(0);
        let ticket = |id: &str, ticket: &str, sprint: &str, board: &str| {
            let message = pb::TicketChanged {
                ticket: ticket.into(),
                sprint: sprint.into(),
                board: board.into(),
                ..Default::default()
            };
            Event::new("test://tickets", id, at, message)
        };
        let ids = |facts: Vec<(Target, Fact)>| {
            facts.into_iter().map(|(_, fact)| fact.event.id.id).collect::<Vec<String>>()
        };
        let mut router = Router::new();
        for waiting in [
            ticket("1", "t", "", "nobody's"),
            ticket("2", "u", "later", ""),
            ticket("3", "t", "now", ""),
            // Before the sprint was known its ticket was there, and comes with it.
            ticket("4", "t", "", "nobody's"),
        ] {
            assert_eq!(ids(router.route(&waiting, at).facts), Vec::<String>::new());
        }
        let activated = pb::SprintActivated { sprint: "now".into(), squad: "s".into(), ..Default::default() };
        let activated = Event::new("test://sprints", "5", at, activated);
        assert_eq!(ids(router.route(&activated, at).facts), ["5", "3", "4"]);
        let waiting: Vec<&str> = router.kept().iter().map(|(_, event)| event.id.id.as_str()).collect();
        assert_eq!(waiting, ["1", "2"]);
    }

    #[test]
    fn a_snapshot_is_the_state_and_the_same_for_equal_states() {
        let mut router = Router::new();
        let ann = pb::PersonRecorded { person: "ann".into(), ..Default::default() };
        router.route(&Event::new("test://people", "ann", EventTime::from_ms(0), ann), EventTime::from_ms(0));
        for n in 0..50 {
            let incident = page(&format!("incident-{}", n % 7), n);
            router.route(&incident, incident.time);
            let squad = format!("squad-{}", n % 3);
            let ticket = pb::TicketChanged { ticket: n.to_string(), squad, ..Default::default() };
            let ticket = Event::new("test://tickets", n.to_string(), incident.time, ticket);
            router.route(&ticket, ticket.time);
        }
        let snapshot = router.snapshot();
        let mut restored = Router::restore(&snapshot).expect("its own snapshot");
        assert!(restored.snapshot() == snapshot, "the same bytes");
        let later = page("later", 300);
        assert_eq!(restored.route(&later, later.time), router.route(&later, later.time));
        assert!(restored.snapshot() == router.snapshot(), "the same bytes");
        assert!(restored.incident_squads.known("incident-2").is_none(), "it was forgotten there too");
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

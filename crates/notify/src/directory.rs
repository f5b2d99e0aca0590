//! The read model of the reference topic: persons, squads, systems, roles. The only place of notify where names live.
//!
//! What it is: a fold of reference events (and, where the binary feeds them, of load and shift events), and lookups at
//! an instant. What it is not: readable by the renderer; [`crate::redaction`] asks it and passes on what may be shown.
//!
//! A tombstone of a person erases the name here, as compaction erases it from the topic: from then on it is neither
//! shown nor known to the scrubber. To end a person and still keep their name out of titles, record a version with
//! `effective_until` instead.

mod owners;
mod people;
mod roles;
mod scrub;
mod situation;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{EventTime, Zone};
use bellwether_wire::ids::{self, HashKey};
use bellwether_wire::{Event, Payload, instant, pb};

pub use people::Address;
pub(crate) use roles::home_squad;
use scrub::Handle;
pub(crate) use scrub::Scrubber;
pub use scrub::TAKEN_OUT;
use situation::Situation;
pub(crate) use situation::Slot;
use table::Table;

/// Persons and what surrounds them. Its `Debug` counts and shows no name.
pub struct Directory {
    key: HashKey,
    organisations: Table<pb::OrganisationRecorded>,
    persons: Table<pb::PersonRecorded>,
    identities: Table<pb::IdentityRecorded>,
    squads: Table<pb::SquadRecorded>,
    memberships: Table<pb::MembershipRecorded>,
    systems: Table<pb::SystemRecorded>,
    coverage: Table<pb::CoverageRecorded>,
    rotations: Table<pb::RotationRecorded>,
    key_results: Table<pb::KeyResultRecorded>,
    commitments: Table<pb::CustomerCommitmentRecorded>,
    cost_models: Table<pb::CostModelRecorded>,
    owners: owners::Owners,
    /// Person ids by pseudonym.
    pseudonyms: BTreeMap<String, String>,
    scrubber: Scrubber,
    situation: Situation,
}

/// The bounds that every reference message carries.
macro_rules! bounds {
    ($message:expr) => {
        (
            instant::optional($message.effective_from.as_ref()),
            instant::optional($message.effective_until.as_ref()),
        )
    };
}

impl Directory {
    /// An empty directory; `key` is the key of the pseudonyms on shared topics.
    pub fn new(key: HashKey) -> Self {
        Self {
            key,
            organisations: Table::default(),
            persons: Table::default(),
            identities: Table::default(),
            squads: Table::default(),
            memberships: Table::default(),
            systems: Table::default(),
            coverage: Table::default(),
            rotations: Table::default(),
            key_results: Table::default(),
            commitments: Table::default(),
            cost_models: Table::default(),
            owners: owners::Owners::default(),
            pseudonyms: BTreeMap::new(),
            scrubber: Scrubber::default(),
            situation: Situation::default(),
        }
    }

    /// Takes an event of the reference topic; also `load.assessed` and `key-result.assessed` (topic `key-result`), `shift.scheduled` and
    /// `shift.removed` (`page`), and `owner.assigned` (`command`). Any other event changes nothing.
    pub fn apply(&mut self, event: &Event) {
        let at = event.time;
        match &event.payload {
            Payload::OrganisationRecorded(it) => {
                self.organisations.record(&it.organisation, at, bounds!(it), it.as_ref().clone());
            }
            Payload::PersonRecorded(it) => {
                self.learn_person(it);
                self.persons.record(&it.person, at, bounds!(it), it.as_ref().clone());
            }
            Payload::IdentityRecorded(it) => {
                self.scrubber.learn(&it.person, Handle::Id(&it.external_id));
                let id = pair("", &it.source, &it.external_id);
                self.identities.record(&id, at, bounds!(it), it.as_ref().clone());
            }
            Payload::SquadRecorded(it) => {
                self.squads.record(&it.squad, at, bounds!(it), it.as_ref().clone());
            }
            Payload::MembershipRecorded(it) => {
                let id = pair(&it.membership, &it.person, &it.squad);
                self.memberships.record(&id, at, bounds!(it), it.as_ref().clone());
            }
            Payload::SystemRecorded(it) => {
                self.systems.record(&it.system, at, bounds!(it), it.as_ref().clone());
            }
            Payload::CoverageRecorded(it) => {
                let id = pair("", &it.system, &it.person);
                self.coverage.record(&id, at, bounds!(it), it.as_ref().clone());
            }
            Payload::RotationRecorded(it) => {
                self.rotations.record(&it.rotation, at, bounds!(it), it.as_ref().clone());
            }
            Payload::KeyResultRecorded(it) => {
                self.key_results.record(&it.key_result, at, bounds!(it), it.as_ref().clone());
            }
            Payload::CustomerCommitmentRecorded(it) => {
                let id = &it.customer_commitment;
                self.commitments.record(id, at, bounds!(it), it.as_ref().clone());
            }
            Payload::CostModelRecorded(it) => {
                self.cost_models.record(&it.cost_model, at, bounds!(it), it.as_ref().clone());
            }
            Payload::OwnerAssigned(it) => self.owners.assign(it, at),
            Payload::Tombstone { type_name } => {
                self.end(type_name, event.subject.as_deref().unwrap_or(&event.id.id));
            }
            // Load and shifts where they are fed; everything else is no business of deliveries.
            _ => self.situation.apply(event),
        }
    }

    /// Forgets what a tombstone names by its subject.
    fn end(&mut self, type_name: &str, name: &str) {
        match type_name {
            "bellwether.organisation.recorded.v1" => self.organisations.remove(name),
            "bellwether.person.recorded.v1" => {
                self.persons.remove(name);
                self.identities.retain(|identity| identity.person != name);
                self.scrubber.forget(name);
                self.pseudonyms.remove(&ids::pseudonym(&self.key, name));
            }
            "bellwether.identity.recorded.v1" => self.identities.remove(name),
            "bellwether.squad.recorded.v1" => self.squads.remove(name),
            "bellwether.membership.recorded.v1" => self.memberships.remove(name),
            "bellwether.system.recorded.v1" => self.systems.remove(name),
            "bellwether.coverage.recorded.v1" => self.coverage.remove(name),
            "bellwether.rotation.recorded.v1" => self.rotations.remove(name),
            "bellwether.key-result.recorded.v1" => self.key_results.remove(name),
            "bellwether.customer-commitment.recorded.v1" => self.commitments.remove(name),
            "bellwether.cost-model.recorded.v1" => self.cost_models.remove(name),
            _ => {}
        }
    }

    /// The organisation's zone; UTC where none is recorded.
    pub(crate) fn zone(&self, at: EventTime) -> Zone {
        let zone =
            |(_, organisation): (&str, &pb::OrganisationRecorded)| Zone::parse(&organisation.zone).ok();
        self.organisations.all_at(at).find_map(zone).unwrap_or(Zone::UTC)
    }

    /// A squad.
    pub(crate) fn squad(&self, squad: &str, at: EventTime) -> Option<&pb::SquadRecorded> {
        self.squads.at_or_last(squad, at)
    }

    /// Squads with the same parent unit, without the squad itself (R75).
    pub(crate) fn adjacent(&self, squad: &str, at: EventTime) -> Vec<&pb::SquadRecorded> {
        let parent = self.squads.at(squad, at).map_or("", |squad| &squad.parent);
        let is_near = |other: &&pb::SquadRecorded| other.squad != squad && other.parent == parent;
        let all = self.squads.all_at(at).map(|(_, other)| other);
        if parent.is_empty() { Vec::new() } else { all.filter(is_near).collect() }
    }

    /// Production systems of a squad, in order of id.
    pub(crate) fn systems_of(&self, squad: &str, at: EventTime) -> Vec<&pb::SystemRecorded> {
        let of_squad = |system: &&pb::SystemRecorded| system.squad == squad && system.production;
        self.systems.all_at(at).map(|(_, system)| system).filter(of_squad).collect()
    }

    /// Persons trained to respond for a system.
    pub(crate) fn trained(&self, system: &str, at: EventTime) -> BTreeSet<&str> {
        let entries = self.coverage.all_at(at).map(|(_, entry)| entry);
        entries.filter(|entry| entry.system == system).map(|entry| entry.person.as_str()).collect()
    }

    /// A key result.
    pub(crate) fn key_result(&self, key_result: &str, at: EventTime) -> Option<&pb::KeyResultRecorded> {
        self.key_results.at_or_last(key_result, at)
    }

    /// A promise to a customer.
    pub(crate) fn commitment(&self, id: &str, at: EventTime) -> Option<&pb::CustomerCommitmentRecorded> {
        self.commitments.at_or_last(id, at)
    }

    /// A parameter of the cost model; `None` when nobody recorded it.
    pub(crate) fn cost_parameter(&self, name: &str, at: EventTime) -> Option<&str> {
        self.cost_models.all_at(at).find_map(|(_, model)| model.parameters.get(name)).map(String::as_str)
    }

    /// Load of a squad; `None` when none was ever seen.
    pub(crate) fn load(&self, squad: &str) -> Option<&pb::LoadAssessed> {
        self.situation.load(squad)
    }

    /// How a key result stood when it was last assessed; `None` when it never was.
    pub(crate) fn standing_of(&self, key_result: &str) -> Option<&pb::KeyResultAssessed> {
        self.situation.key_result(key_result)
    }

    /// Open slots of a squad's rotations; `None` when no shift was ever seen.
    pub(crate) fn unfilled(&self, squad: &str, at: EventTime) -> Option<Vec<&Slot>> {
        let mut slots = self.situation.unfilled(at)?;
        slots.retain(|slot| slot.squad == squad || self.is_schedule_of(&slot.schedule, squad, at));
        Some(slots)
    }

    fn is_schedule_of(&self, schedule: &str, squad: &str, at: EventTime) -> bool {
        let rotations = self.rotations.all_at(at).map(|(_, rotation)| rotation);
        rotations.into_iter().any(|rotation| rotation.schedule == schedule && rotation.squad == squad)
    }

    pub(crate) fn scrubber(&self) -> &Scrubber {
        &self.scrubber
    }
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Directory({} persons)", self.pseudonyms.len())
    }
}

/// An id of its own, else two ids joined.
fn pair(own: &str, first: &str, second: &str) -> String {
    if own.is_empty() { format!("{first}/{second}") } else { own.to_owned() }
}

#[cfg(test)]
mod tests;

//! Who a level goes to: persons by role, at the instant when the step runs (R75).
//!
//! A person who holds two of the roles is one recipient. The engineer whom a page rule is about gets nothing about
//! themselves below L3, whatever their role. Somebody who has left holds no role.

use std::collections::BTreeMap;

use bellwether_model::{Audience, EventTime, KeyResultId, Level, PersonId, RuleId};
use bellwether_wire::pb;
use serde::{Deserialize, Serialize};

use crate::instance::Instance;
use crate::pseudonyms::Pseudonyms;
use crate::quiet::Hours;
use crate::reference::Reference;

/// Somebody a step goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recipient {
    /// Person id; stays inside.
    pub(crate) person: PersonId,
    /// What leaves.
    pub(crate) pseudonym: String,
}

/// An owner whom somebody assigned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Assigned {
    /// Who.
    pub(crate) owner: String,
    /// When.
    pub(crate) at: EventTime,
    /// True for an interim owner.
    pub(crate) interim: bool,
    /// End of an interim, exclusive.
    pub(crate) until: Option<EventTime>,
}

/// Assigned owners by key result.
pub(crate) type Owners = BTreeMap<KeyResultId, Assigned>;

/// What is needed to find people.
#[derive(Debug, Clone, Copy)]
pub(crate) struct People<'a> {
    /// Reference data.
    pub(crate) reference: &'a Reference,
    /// Assigned owners.
    pub(crate) owners: &'a Owners,
    /// Whose pseudonym is whose.
    pub(crate) pseudonyms: &'a Pseudonyms,
}

impl People<'_> {
    /// The recipients of a level now, in the order of its roles, each once.
    pub(crate) fn resolve(
        &self,
        audience: &[Audience],
        instance: &Instance,
        level: Level,
        now: EventTime,
    ) -> Vec<Recipient> {
        let about = if level < Level::L3 && instance.is_page_rule() { instance.engineer() } else { None };
        let mut found: Vec<Recipient> = Vec::new();
        for person in audience.iter().flat_map(|role| self.holders(*role, instance, now)) {
            if person.is_empty()
                || !self.reference.is_reachable(person, now)
                || found.iter().any(|known| known.person == person)
            {
                continue;
            }
            let pseudonym = self.pseudonyms.of(person);
            if about != Some(pseudonym.as_str()) {
                found.push(Recipient { person: PersonId::from(person), pseudonym });
            }
        }
        found
    }

    /// Days and hours of a person now.
    pub(crate) fn hours(&self, person: &str, now: EventTime) -> Hours {
        Hours { zone: self.reference.zone_of(person, now), calendar: self.reference.calendar_of(person, now) }
    }

    /// Days and hours of the person behind a pseudonym; those of the organisation for somebody never recorded.
    pub(crate) fn hours_of(&self, pseudonym: &str, now: EventTime) -> Hours {
        self.hours(self.pseudonyms.person(pseudonym).map_or("", |person| person.as_str()), now)
    }

    fn holders(&self, role: Audience, instance: &Instance, now: EventTime) -> Vec<&str> {
        match role {
            Audience::SquadEm => self.em(instance.squad(), now).into_iter().collect(),
            Audience::BothEms => self.both_ems(instance, now),
            Audience::AdjacentEms => self.adjacent_ems(instance.squad(), now),
            Audience::KeyResultOwner => self.owner(&instance.fired.key_result, now).into_iter().collect(),
            Audience::PlatformLead => self.role(pb::Role::PlatformLead, instance, now),
            Audience::VpEngineering => self.role(pb::Role::VpEngineering, instance, now),
            Audience::Cto => self.role(pb::Role::Cto, instance, now),
            Audience::Chro => self.role(pb::Role::Chro, instance, now),
            Audience::Cfo => self.role(pb::Role::Cfo, instance, now),
        }
    }

    fn role(&self, role: pb::Role, instance: &Instance, now: EventTime) -> Vec<&str> {
        self.reference
            .organisation(now)
            .map_or_else(Vec::new, |organisation| organisation.holders(role, &instance.fired.function))
    }

    fn em(&self, squad: &str, now: EventTime) -> Option<&str> {
        self.reference.squad(squad, now).map(|squad| squad.em.as_str())
    }

    /// EMs of every squad of a dependency; of any other trigger, the EM of its squad.
    fn both_ems(&self, instance: &Instance, now: EventTime) -> Vec<&str> {
        if instance.rule() == Some(RuleId::DependencyBreach) {
            instance.fired.squads.iter().filter_map(|squad| self.em(squad, now)).collect()
        } else {
            self.em(instance.squad(), now).into_iter().collect()
        }
    }

    /// EMs of the squads with the same parent, without the squad itself.
    fn adjacent_ems(&self, squad: &str, now: EventTime) -> Vec<&str> {
        let Some(parent) = self.reference.squad(squad, now).map(|squad| squad.parent.as_str()) else {
            return Vec::new();
        };
        if parent.is_empty() {
            return Vec::new();
        }
        self.reference
            .squads(now)
            .filter(|(id, other)| *id != squad && other.parent == parent)
            .map(|(_, other)| other.em.as_str())
            .collect()
    }

    /// The interim owner while there is one; else whoever was named last, by assignment or by reference data.
    fn owner(&self, key_result: &str, now: EventTime) -> Option<&str> {
        let recorded = self.reference.owner(key_result, now);
        let assigned =
            self.owners.get(key_result).filter(|assigned| assigned.until.is_none_or(|until| now < until));
        match (assigned, recorded) {
            (Some(assigned), Some((recorded_at, owner)))
                if !assigned.interim && recorded_at > assigned.at =>
            {
                Some(owner)
            }
            (Some(assigned), _) => Some(assigned.owner.as_str()),
            (None, recorded) => recorded.map(|(_, owner)| owner),
        }
    }
}

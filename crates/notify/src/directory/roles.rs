//! Who is addressed as what by a step: from a person and a step's audience to the roles they read it in.

use bellwether_model::{Audience, EventTime};
use bellwether_wire::pb;

use super::Directory;

impl Directory {
    /// The roles of a step's audience that a person holds for that step.
    pub(crate) fn roles_of(&self, person: &str, step: &pb::StepFired, at: EventTime) -> Vec<Audience> {
        let named = step.audience.iter().filter_map(|name| Audience::parse(name).ok());
        named.filter(|audience| self.holds(person, *audience, step, at)).collect()
    }

    fn holds(&self, person: &str, audience: Audience, step: &pb::StepFired, at: EventTime) -> bool {
        let squad = home_squad(step);
        match audience {
            Audience::SquadEm => self.manages(person, squad, at),
            Audience::BothEms => step.squads.iter().any(|squad| self.manages(person, squad, at)),
            Audience::AdjacentEms => self.adjacent(squad, at).iter().any(|other| other.em == person),
            Audience::PlatformLead => self.has_role(person, pb::Role::PlatformLead, &step.function, at),
            Audience::VpEngineering => self.has_role(person, pb::Role::VpEngineering, &step.function, at),
            Audience::Cto => self.has_role(person, pb::Role::Cto, &step.function, at),
            Audience::Chro => self.has_role(person, pb::Role::Chro, &step.function, at),
            Audience::Cfo => self.has_role(person, pb::Role::Cfo, &step.function, at),
            Audience::KeyResultOwner => self.owner(&step.key_result, at) == Some(person),
        }
    }

    fn manages(&self, person: &str, squad: &str, at: EventTime) -> bool {
        self.squad(squad, at).is_some_and(|squad| squad.em == person)
    }

    fn has_role(&self, person: &str, role: pb::Role, function: &str, at: EventTime) -> bool {
        self.organisations.all_at(at).any(|(_, organisation)| {
            organisation.roles.iter().any(|holder| {
                holder.role() == role
                    && holder.person == person
                    && (holder.function.is_empty() || holder.function == function)
            })
        })
    }
}

/// The squad a step was judged in: its subject's, else the first concerned.
pub(crate) fn home_squad(step: &pb::StepFired) -> &str {
    let of_subject = step.subject.as_ref().map_or("", |subject| subject.squad.as_str());
    if of_subject.is_empty() { step.squads.first().map_or("", String::as_str) } else { of_subject }
}

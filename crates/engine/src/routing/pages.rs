//! Pages that are kept for squads somebody joins later: packed, because there are many and hardly any is sent again.

use std::collections::BTreeMap;

use bellwether_model::{EventTime, PersonId, SquadId};
use bellwether_wire::Payload;
use bytes::Bytes;
use prost::Message as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::fact::Fact;

/// Facts of pages by responder.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Pages(BTreeMap<PersonId, Vec<Packed>>);

/// A fact in its protobuf form.
#[derive(Debug, Clone, PartialEq)]
struct Packed {
    at: EventTime,
    fact: Box<[u8]>,
}

impl Pages {
    /// Keeps a page, with the squads it went to.
    pub(super) fn keep(&mut self, fact: &Fact) {
        let Payload::PageNotified(message) = &fact.event.payload else { return };
        let Some(person) = fact.person(message.responder.as_ref()) else { return };
        self.0.entry(person).or_default().push(Packed::new(fact));
    }

    /// The pages of somebody that did not go to a squad yet, for it alone; they have from now on.
    pub(super) fn follow(&mut self, person: &PersonId, squad: &SquadId) -> Vec<Fact> {
        let mut sent = Vec::new();
        for page in self.0.get_mut(person).into_iter().flatten() {
            let mut fact = page.fact();
            if !fact.squads.contains(squad) {
                fact.squads.push(squad.clone());
                *page = Packed::new(&fact);
                sent.push(Fact { squads: vec![squad.clone()], ..fact });
            }
        }
        sent
    }

    /// Forgets pages before an instant.
    pub(super) fn forget_before(&mut self, first: EventTime) {
        self.0.retain(|_, theirs| {
            theirs.retain(|page| page.at >= first);
            !theirs.is_empty()
        });
    }

    /// The pages of somebody.
    #[cfg(test)]
    pub(super) fn of(&self, person: &PersonId) -> Vec<Fact> {
        self.0.get(person).into_iter().flatten().map(Packed::fact).collect()
    }
}

impl Packed {
    fn new(fact: &Fact) -> Self {
        Self { at: fact.event.time, fact: fact.to_message().encode_to_vec().into() }
    }

    fn fact(&self) -> Fact {
        Fact::decode(Bytes::copy_from_slice(&self.fact)).expect("it was a fact when it was packed")
    }
}

impl Serialize for Packed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.fact)
    }
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Fact::deserialize(deserializer).map(|fact| Self::new(&fact))
    }
}

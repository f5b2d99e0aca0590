//! Pseudonyms of people, computed once for those the reference data knows.
//!
//! The way back is needed only inside: a repeat is kept under pseudonyms and goes by the hours of the person.

use std::collections::BTreeMap;

use bellwether_model::PersonId;
use bellwether_wire::ids::{self, HashKey};
use bellwether_wire::pb;

/// Key of pseudonyms, and who is known under which.
#[derive(Debug, Clone)]
pub(crate) struct Pseudonyms {
    key: HashKey,
    of: BTreeMap<PersonId, String>,
    people: BTreeMap<String, PersonId>,
}

impl Pseudonyms {
    /// Nobody known yet.
    pub(crate) fn new(key: HashKey) -> Self {
        Self { key, of: BTreeMap::new(), people: BTreeMap::new() }
    }

    /// Notes a person.
    pub(crate) fn know(&mut self, person: &str) {
        if !self.of.contains_key(person) {
            let pseudonym = ids::pseudonym(&self.key, person);
            self.people.insert(pseudonym.clone(), person.into());
            self.of.insert(person.into(), pseudonym);
        }
    }

    /// The pseudonym of a person, known or not.
    pub(crate) fn of(&self, person: &str) -> String {
        self.of.get(person).cloned().unwrap_or_else(|| ids::pseudonym(&self.key, person))
    }

    /// Who acted, as it may leave: a person id is replaced by the pseudonym, an account of an outside source stays.
    pub(crate) fn actor(&self, actor: Option<&pb::Actor>) -> Option<pb::Actor> {
        let mut actor = actor?.clone();
        if let Some(identity) = &mut actor.identity
            && identity.source.is_empty()
            && !identity.external_id.is_empty()
        {
            identity.external_id = self.of(&identity.external_id);
        }
        Some(actor)
    }

    /// The person behind a pseudonym, when known.
    pub(crate) fn person(&self, pseudonym: &str) -> Option<&PersonId> {
        self.people.get(pseudonym)
    }
}

//! Persons of the directory: from pseudonym to name and address.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{EventTime, LocalDay, Zone};
use bellwether_wire::{ids, pb};

use super::Directory;
use super::scrub::Handle;

/// Where a person is reached. It carries a name: it goes to the person's own channels and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// Pseudonym on shared topics.
    pub pseudonym: String,
    /// Name.
    pub name: String,
    /// E-mail address; empty where none is recorded.
    pub email: String,
    /// Linked accounts, by the source that knows them: where a chat channel finds its user.
    pub accounts: BTreeMap<String, String>,
    /// Zone.
    pub zone: Zone,
}

/// Shows the pseudonym alone, so that no log gets the name.
impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address({})", self.pseudonym)
    }
}

impl Directory {
    /// Person id behind a pseudonym.
    pub(crate) fn resolve(&self, pseudonym: &str) -> Option<&str> {
        self.pseudonyms.get(pseudonym).map(String::as_str)
    }

    /// Pseudonym of a person on shared topics.
    pub(crate) fn pseudonym(&self, person: &str) -> String {
        ids::pseudonym(&self.key, person)
    }

    /// A person, also one who left.
    pub(crate) fn person(&self, person: &str, at: EventTime) -> Option<&pb::PersonRecorded> {
        self.persons.at_or_last(person, at)
    }

    /// Where a person is reached now; `None` for an unknown pseudonym and for somebody who left.
    pub(crate) fn address(&self, pseudonym: &str, at: EventTime) -> Option<Address> {
        let id = self.resolve(pseudonym)?;
        let person = self.persons.at(id, at)?;
        let identities = self.identities.all_at(at).map(|(_, it)| it).filter(|it| it.person == id);
        Some(Address {
            accounts: identities.map(|it| (it.source.clone(), it.external_id.clone())).collect(),
            pseudonym: pseudonym.to_owned(),
            name: person.name.clone(),
            email: person.email.clone(),
            zone: Zone::parse(&person.zone).unwrap_or_else(|_| self.zone(at)),
        })
    }

    /// Full years a person has been here; `None` where no start is recorded.
    pub(crate) fn tenure_years(&self, person: &str, at: EventTime) -> Option<i32> {
        let start = LocalDay::parse(&self.person(person, at)?.start_date).ok()?;
        let today = self.zone(at).local_day(at);
        // A year of 365.25 days is exact enough for whole years of service.
        Some((today.since(start).max(0) * 4) / 1461)
    }

    /// Members of a squad at an instant.
    pub(crate) fn members(&self, squad: &str, at: EventTime) -> BTreeSet<&str> {
        let entries = self.memberships.all_at(at).map(|(_, entry)| entry);
        entries.filter(|entry| entry.squad == squad).map(|entry| entry.person.as_str()).collect()
    }

    /// How many persons are known at an instant.
    pub(crate) fn headcount(&self, at: EventTime) -> usize {
        self.persons.all_at(at).count()
    }

    pub(super) fn learn_person(&mut self, it: &pb::PersonRecorded) {
        let pseudonym = self.pseudonym(&it.person);
        self.pseudonyms.insert(pseudonym, it.person.clone());
        self.scrubber.learn(&it.person, Handle::Id(&it.person));
        self.scrubber.learn(&it.person, Handle::Name(&it.name));
        self.scrubber.learn(&it.person, Handle::Email(&it.email));
    }
}

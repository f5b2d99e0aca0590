//! Everybody with pages, found by id or by place.
//!
//! Members of squads get a place before they have a page, so that a squad's population is a walk over places. Those
//! without pages are not written to snapshots.

use std::collections::BTreeMap;

use bellwether_model::PersonId;
use serde::{Deserialize, Serialize};

use super::person::PersonPages;
use crate::ordered::Ordered;

/// Pages of everybody.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(from = "Ordered<PersonId, PersonPages>", into = "BTreeMap<PersonId, PersonPages>")]
pub(crate) struct People(Ordered<PersonId, PersonPages>);

impl People {
    /// The pages of a person, where there are any.
    pub(crate) fn get(&self, person: &PersonId) -> Option<&PersonPages> {
        self.0.get(person)
    }

    /// The place of a person who has one.
    pub(crate) fn find(&self, person: &PersonId) -> Option<usize> {
        self.0.find(person)
    }

    /// The place of a person, who gets one now at the latest.
    pub(crate) fn place(&mut self, person: &PersonId) -> usize {
        self.0.place(person)
    }

    /// The person at a place, to look at.
    pub(crate) fn peek(&self, place: usize) -> Option<(&PersonId, &PersonPages)> {
        self.0.at(place)
    }

    /// The person at a place.
    pub(crate) fn at(&mut self, place: usize) -> Option<(&PersonId, &mut PersonPages)> {
        self.0.at_mut(place)
    }

    /// Places of everybody, in order of id.
    pub(crate) fn places(&self) -> impl Iterator<Item = usize> {
        self.0.in_order()
    }
}

impl From<Ordered<PersonId, PersonPages>> for People {
    fn from(written: Ordered<PersonId, PersonPages>) -> Self {
        Self(written)
    }
}

impl From<People> for BTreeMap<PersonId, PersonPages> {
    fn from(people: People) -> Self {
        people.0.into_list().filter(|(_, pages)| !pages.is_empty()).collect()
    }
}

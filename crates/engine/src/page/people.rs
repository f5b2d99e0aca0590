//! Everybody with pages, found by id or by place.
//!
//! Members of squads get a place before they have a page, so that a squad's population is a walk over places. Those
//! without pages are not written to snapshots and are in no walk over everybody.

use std::collections::BTreeMap;

use bellwether_model::PersonId;
use serde::{Deserialize, Serialize};

use super::person::PersonPages;
use crate::id_map::IdMap;

/// Pages of everybody.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(from = "BTreeMap<PersonId, PersonPages>", into = "BTreeMap<PersonId, PersonPages>")]
pub(crate) struct People {
    list: Vec<(PersonId, PersonPages)>,
    places: IdMap<PersonId, usize>,
    in_order: BTreeMap<PersonId, usize>,
}

impl People {
    /// The pages of a person, where there are any.
    pub(crate) fn get(&self, person: &PersonId) -> Option<&PersonPages> {
        self.find(person).and_then(|place| self.list.get(place)).map(|(_, pages)| pages)
    }

    /// The place of a person who has one.
    pub(crate) fn find(&self, person: &PersonId) -> Option<usize> {
        self.places.get(person).copied()
    }

    /// The place of a person, who gets one now at the latest.
    pub(crate) fn place(&mut self, person: &PersonId) -> usize {
        if let Some(place) = self.places.get(person) {
            return *place;
        }
        let place = self.list.len();
        self.list.push((person.clone(), PersonPages::default()));
        self.places.insert(person.clone(), place);
        self.in_order.insert(person.clone(), place);
        place
    }

    /// The person at a place, to look at.
    pub(crate) fn peek(&self, place: usize) -> Option<(&PersonId, &PersonPages)> {
        self.list.get(place).map(|(person, pages)| (person, pages))
    }

    /// The person at a place.
    pub(crate) fn at(&mut self, place: usize) -> Option<(&PersonId, &mut PersonPages)> {
        self.list.get_mut(place).map(|(person, pages)| (&*person, pages))
    }

    /// Places of everybody, in order of id.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&PersonId, usize)> {
        self.in_order.iter().map(|(person, place)| (person, *place))
    }
}

impl From<BTreeMap<PersonId, PersonPages>> for People {
    fn from(written: BTreeMap<PersonId, PersonPages>) -> Self {
        let mut people = Self::default();
        for (person, pages) in written {
            let place = people.place(&person);
            people.list[place].1 = pages;
        }
        people
    }
}

impl From<People> for BTreeMap<PersonId, PersonPages> {
    fn from(people: People) -> Self {
        people.list.into_iter().filter(|(_, pages)| !pages.is_empty()).collect()
    }
}

//! Maps by id that are found by hash and walked in order of id.
//!
//! For what is asked for with every fact and seldom grows: squads, people, key results. Nothing is ever taken out, so that
//! whoever asks often keeps the place of an id. In snapshots they are maps in order.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::hash::Hash;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id_map::IdMap;

/// A map by id, in order of id.
#[derive(Debug, Clone)]
pub(crate) struct Ordered<K, V> {
    list: Vec<(K, V)>,
    places: IdMap<K, usize>,
    in_order: BTreeMap<K, usize>,
}

impl<K, V> Default for Ordered<K, V> {
    fn default() -> Self {
        Self { list: Vec::new(), places: IdMap::default(), in_order: BTreeMap::new() }
    }
}

impl<K: Clone + Ord + Hash, V> Ordered<K, V> {
    /// What is known of an id.
    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&self, id: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.places.get(id).map(|place| &self.list[*place].1)
    }

    /// The same, to change.
    pub(crate) fn get_mut<Q: Hash + Eq + ?Sized>(&mut self, id: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let place = self.places.get(id)?;
        Some(&mut self.list[*place].1)
    }

    /// The value of an id; a default one when nothing was known.
    pub(crate) fn of(&mut self, id: &K) -> &mut V
    where
        V: Default,
    {
        let place = self.place(id);
        &mut self.list[place].1
    }

    /// The place of an id that is known.
    pub(crate) fn find<Q: Hash + Eq + ?Sized>(&self, id: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
    {
        self.places.get(id).copied()
    }

    /// The place of an id, which gets one with a default value now at the latest.
    pub(crate) fn place(&mut self, id: &K) -> usize
    where
        V: Default,
    {
        self.find(id).unwrap_or_else(|| self.add(id.clone(), V::default()))
    }

    /// What is at a place.
    pub(crate) fn at(&self, place: usize) -> Option<(&K, &V)> {
        self.list.get(place).map(|(id, value)| (id, value))
    }

    /// The same, to change.
    pub(crate) fn at_mut(&mut self, place: usize) -> Option<(&K, &mut V)> {
        self.list.get_mut(place).map(|(id, value)| (&*id, value))
    }

    /// All places, in order of id.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = usize> {
        self.in_order.values().copied()
    }

    /// All of them, in the order they were added.
    pub(crate) fn into_list(self) -> impl Iterator<Item = (K, V)> {
        self.list.into_iter()
    }

    /// All of them, in order of id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.in_order.iter().map(|(id, place)| (id, &self.list[*place].1))
    }

    /// The ids, in order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.in_order.keys()
    }

    /// All values, in the order they were added.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.list.iter_mut().map(|(_, value)| value)
    }

    fn add(&mut self, id: K, value: V) -> usize {
        let place = self.list.len();
        self.places.insert(id.clone(), place);
        self.in_order.insert(id.clone(), place);
        self.list.push((id, value));
        place
    }
}

impl<K: Clone + Ord + Hash, V: PartialEq> PartialEq for Ordered<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<K: Clone + Ord + Hash + Serialize, V: Serialize> Serialize for Ordered<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, K, V> Deserialize<'de> for Ordered<K, V>
where
    K: Clone + Ord + Hash + Deserialize<'de>,
    V: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut all = Self::default();
        for (id, value) in BTreeMap::<K, V>::deserialize(deserializer)? {
            all.add(id, value);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_in_any_order_is_walked_in_order_of_id_and_written_so() {
        let mut all: Ordered<String, u32> = Ordered::default();
        for (id, value) in [("b", 2), ("a", 1), ("c", 3)] {
            *all.of(&id.to_owned()) = value;
        }
        *all.of(&"b".to_owned()) += 20;
        assert_eq!(
            all.iter().map(|(id, value)| (id.as_str(), *value)).collect::<Vec<_>>(),
            [("a", 1), ("b", 22), ("c", 3)]
        );
        let written = rmp_serde::to_vec(&all).expect("it is written");
        assert_eq!(
            written,
            rmp_serde::to_vec(&BTreeMap::from([("a", 1), ("b", 22), ("c", 3)])).expect("too")
        );
        let read: Ordered<String, u32> = rmp_serde::from_slice(&written).expect("it is read");
        assert_eq!((read.get("b"), read == all), (Some(&22), true));
    }
}

//! Indexes by name under which there is mostly one thing: the one lies in place.

use std::collections::hash_map::Entry;
use std::hash::Hash;

use crate::id_map::IdMap;

/// Things by a name they carry.
pub(crate) type Index<Name, Id> = IdMap<Name, Few<Id>>;

/// One thing or several, each once, in the order they were added.
#[derive(Debug, Clone)]
pub(crate) enum Few<Id> {
    One(Id),
    Several(Vec<Id>),
}

impl<Id> Few<Id> {
    /// All of them.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Id> {
        match self {
            Self::One(id) => std::slice::from_ref(id).iter(),
            Self::Several(ids) => ids.iter(),
        }
    }
}

impl<'a, Id> IntoIterator for &'a Few<Id> {
    type Item = &'a Id;
    type IntoIter = std::slice::Iter<'a, Id>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Adds a thing under a name, unless it is there.
pub(crate) fn add_to<Name: Clone + Eq + Hash, Id: Clone + Eq>(
    index: &mut Index<Name, Id>,
    name: &Name,
    id: &Id,
) {
    match index.entry(name.clone()) {
        Entry::Vacant(none) => {
            none.insert(Few::One(id.clone()));
        }
        Entry::Occupied(known) => match known.into_mut() {
            Few::One(one) if one == id => {}
            Few::Several(ids) if ids.contains(id) => {}
            Few::Several(ids) => ids.push(id.clone()),
            few @ Few::One(_) => *few = Few::Several(few.iter().chain([id]).cloned().collect()),
        },
    }
}

/// Takes a thing away from under a name.
pub(crate) fn remove_from<Name: Eq + Hash, Id: Eq>(index: &mut Index<Name, Id>, name: &Name, id: &Id) {
    let is_last = match index.get_mut(name) {
        None => false,
        Some(Few::One(one)) => one == id,
        Some(Few::Several(ids)) => {
            ids.retain(|known| known != id);
            ids.is_empty()
        }
    };
    if is_last {
        index.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_kept_once_in_the_order_they_came_and_a_name_of_none_is_forgotten() {
        let mut index: Index<&str, u8> = Index::default();
        let under = |index: &Index<&str, u8>, name| index.get(name).into_iter().flatten().copied().collect();
        for id in [3, 3, 1, 2, 1] {
            add_to(&mut index, &"a", &id);
        }
        let known: Vec<u8> = under(&index, "a");
        assert_eq!(known, [3, 1, 2]);
        for id in [4, 3, 2] {
            remove_from(&mut index, &"a", &id);
        }
        let left: Vec<u8> = under(&index, "a");
        assert_eq!(left, [1]);
        remove_from(&mut index, &"a", &1);
        add_to(&mut index, &"b", &1);
        remove_from(&mut index, &"b", &2);
        assert_eq!(index.keys().collect::<Vec<_>>(), [&"b"]);
        remove_from(&mut index, &"b", &1);
        assert!(index.is_empty());
    }
}

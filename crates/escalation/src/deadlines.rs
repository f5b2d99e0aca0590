//! When something is due: an ordered index with one instant for each thing that waits.
//!
//! Taking the next and moving one cost a look-up in a balanced tree, so a hundred thousand of them are fine. Order is by
//! instant, then by what waits, and so the same everywhere.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::EventTime;

/// Instants at which things of one kind are due.
#[derive(Debug, Clone)]
pub(crate) struct Deadlines<T> {
    queue: BTreeSet<(EventTime, T)>,
    instants: BTreeMap<T, EventTime>,
}

impl<T> Default for Deadlines<T> {
    fn default() -> Self {
        Self { queue: BTreeSet::new(), instants: BTreeMap::new() }
    }
}

impl<T: Ord + Clone> Deadlines<T> {
    /// Sets or moves the instant of one thing; `None` takes it out.
    pub(crate) fn set(&mut self, thing: &T, at: Option<EventTime>) {
        let before = match at {
            Some(at) => self.instants.insert(thing.clone(), at),
            None => self.instants.remove(thing),
        };
        if before == at {
            return;
        }
        if let Some(before) = before {
            self.queue.remove(&(before, thing.clone()));
        }
        if let Some(at) = at {
            self.queue.insert((at, thing.clone()));
        }
    }

    /// The first instant at which anything is due.
    pub(crate) fn next(&self) -> Option<EventTime> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Takes the first thing due at or before an instant.
    pub(crate) fn take_through(&mut self, through: EventTime) -> Option<(EventTime, T)> {
        if self.next()? > through {
            return None;
        }
        let (at, thing) = self.queue.pop_first()?;
        self.instants.remove(&thing);
        Some((at, thing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_deadline_is_due_once_at_its_new_instant() {
        let at = EventTime::from_ms;
        let mut deadlines = Deadlines::default();
        deadlines.set(&"b", Some(at(5)));
        deadlines.set(&"a", Some(at(9)));
        deadlines.set(&"a", Some(at(5)));
        assert_eq!(deadlines.take_through(at(4)), None);
        assert_eq!(deadlines.take_through(at(5)), Some((at(5), "a")));
        assert_eq!(deadlines.take_through(at(9)), Some((at(5), "b")));
        assert_eq!(deadlines.take_through(at(9)), None);
        assert_eq!(deadlines.next(), None);
    }
}

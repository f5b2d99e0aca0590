//! Shifts: who was scheduled to be on call when. A scheduled shift makes its person eligible (R32).

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::EventTime;
use bellwether_model::{PersonId, ShiftId};
use bellwether_wire::{instant, pb};
use serde::{Deserialize, Serialize};

/// One shift with somebody on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Shift {
    person: PersonId,
    start: EventTime,
    end: EventTime,
}

/// All shifts with somebody on them.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shifts {
    shifts: BTreeMap<ShiftId, Shift>,
    by_person: BTreeMap<PersonId, BTreeSet<ShiftId>>,
    /// How often they changed.
    #[serde(skip)]
    version: u64,
}

impl Shifts {
    /// Takes over a shift; returns whose eligibility may have changed. A shift without bounds is none.
    pub(crate) fn schedule(
        &mut self,
        message: &pb::ShiftScheduled,
        person: Option<PersonId>,
    ) -> BTreeSet<PersonId> {
        let mut changed = self.remove(&message.shift);
        self.version += 1;
        let bounds = instant::optional(message.start.as_ref()).zip(instant::optional(message.end.as_ref()));
        if let (Some(person), Some((start, end))) = (person, bounds) {
            let id = ShiftId::from(message.shift.as_str());
            self.by_person.entry(person.clone()).or_default().insert(id.clone());
            self.shifts.insert(id, Shift { person: person.clone(), start, end });
            changed.insert(person);
        }
        changed
    }

    /// Takes a shift away; returns whose eligibility may have changed.
    pub(crate) fn remove(&mut self, shift: &str) -> BTreeSet<PersonId> {
        let id = ShiftId::from(shift);
        let Some(shift) = self.shifts.remove(&id) else { return BTreeSet::new() };
        self.version += 1;
        if let Some(theirs) = self.by_person.get_mut(&shift.person) {
            theirs.remove(&id);
        }
        BTreeSet::from([shift.person])
    }

    /// Differs whenever shifts were scheduled or removed since.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Forgets shifts that ended before any window reaches.
    pub(crate) fn prune(&mut self, before: EventTime) {
        let Self { shifts, by_person, .. } = self;
        shifts.retain(|_, shift| shift.end >= before);
        by_person.retain(|_, theirs| {
            theirs.retain(|shift| shifts.contains_key(shift));
            !theirs.is_empty()
        });
    }

    /// Everybody with a shift, in order.
    pub(crate) fn people(&self) -> impl Iterator<Item = &PersonId> {
        self.by_person.iter().filter(|(_, theirs)| !theirs.is_empty()).map(|(person, _)| person)
    }

    /// True for somebody with a shift.
    pub(crate) fn has(&self, person: &PersonId) -> bool {
        self.by_person.get(person).is_some_and(|theirs| !theirs.is_empty())
    }

    /// True when somebody had a shift that overlaps [from, to).
    pub(crate) fn overlaps(&self, person: &PersonId, from: EventTime, to: EventTime) -> bool {
        self.by_person
            .get(person)
            .into_iter()
            .flatten()
            .any(|id| self.shifts.get(id).is_some_and(|shift| shift.start < to && from < shift.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shift(start: i64, end: i64) -> pb::ShiftScheduled {
        pb::ShiftScheduled {
            shift: "s".to_owned(),
            start: Some(instant::timestamp(EventTime::from_ms(start))),
            end: Some(instant::timestamp(EventTime::from_ms(end))),
            ..Default::default()
        }
    }

    #[test]
    fn r32_a_removed_shift_makes_nobody_eligible() {
        let ann = PersonId::from("ann");
        let mut shifts = Shifts::default();
        shifts.schedule(&shift(10, 20), Some(ann.clone()));
        assert!(shifts.overlaps(&ann, EventTime::from_ms(19), EventTime::from_ms(30)));
        assert!(!shifts.overlaps(&ann, EventTime::from_ms(20), EventTime::from_ms(30)));
        shifts.remove("s");
        assert!(!shifts.overlaps(&ann, EventTime::from_ms(19), EventTime::from_ms(30)));
    }

    #[test]
    fn a_rescheduled_shift_moves_with_its_person() {
        let (ann, bob) = (PersonId::from("ann"), PersonId::from("bob"));
        let mut shifts = Shifts::default();
        shifts.schedule(&shift(10, 20), Some(ann.clone()));
        let changed = shifts.schedule(&shift(10, 20), Some(bob.clone()));
        assert_eq!(changed, BTreeSet::from([ann.clone(), bob.clone()]));
        assert!(!shifts.overlaps(&ann, EventTime::from_ms(0), EventTime::from_ms(30)));
        assert!(shifts.overlaps(&bob, EventTime::from_ms(0), EventTime::from_ms(30)));
    }
}

//! What notify knows beside the reference topic, where the binary feeds it: squads' load, unfilled on-call slots and how
//! key results stand.
//!
//! All are optional. Where nothing was ever seen, a message says so instead of saying that there is nothing.

use std::collections::BTreeMap;

use bellwether_model::EventTime;
use bellwether_wire::{Event, Payload, instant, pb};

/// Unfilled slots kept. An organisation with more open slots than this has other worries than their list.
const SLOTS_MAX: usize = 4096;

/// An on-call slot that nobody has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Schedule at its source.
    pub(crate) schedule: String,
    /// Squad, where the connector knew it.
    pub(crate) squad: String,
    /// First instant.
    pub(crate) start: EventTime,
    /// End, exclusive.
    pub(crate) end: EventTime,
}

/// Load, slots and key results.
#[derive(Debug, Clone, Default)]
pub(crate) struct Situation {
    loads: BTreeMap<String, pb::LoadAssessed>,
    key_results: BTreeMap<String, pb::KeyResultAssessed>,
    slots: BTreeMap<String, Slot>,
    seen_shifts: bool,
}

impl Situation {
    pub(crate) fn apply(&mut self, event: &Event) {
        match &event.payload {
            Payload::LoadAssessed(load) => {
                self.loads.insert(load.squad.clone(), load.as_ref().clone());
            }
            Payload::KeyResultAssessed(state) => {
                let mut state = state.as_ref().clone();
                state.assessed_at.get_or_insert_with(|| instant::timestamp(event.time));
                self.key_results.insert(state.key_result.clone(), state);
            }
            Payload::ShiftScheduled(shift) => {
                self.seen_shifts = true;
                let (start, end) =
                    (instant::optional(shift.start.as_ref()), instant::optional(shift.end.as_ref()));
                let (None, Some(start), Some(end)) = (&shift.responder, start, end) else {
                    self.slots.remove(&shift.shift);
                    return;
                };
                let (schedule, squad) = (shift.schedule.clone(), shift.squad.clone());
                self.slots.insert(shift.shift.clone(), Slot { schedule, squad, start, end });
                if self.slots.len() > SLOTS_MAX {
                    self.forget_ended(event.time);
                }
            }
            Payload::ShiftRemoved(shift) => {
                self.seen_shifts = true;
                self.slots.remove(&shift.shift);
            }
            // Nothing else of the catalogue says how squads are doing.
            _ => {}
        }
    }

    /// Load of a squad; `None` when none was ever seen.
    pub(crate) fn load(&self, squad: &str) -> Option<&pb::LoadAssessed> {
        self.loads.get(squad)
    }

    /// How a key result stands; `None` when it was never assessed.
    pub(crate) fn key_result(&self, key_result: &str) -> Option<&pb::KeyResultAssessed> {
        self.key_results.get(key_result)
    }

    /// Slots that begin after an instant and that nobody has, earliest first; `None` when no shift was ever seen.
    pub(crate) fn unfilled(&self, at: EventTime) -> Option<Vec<&Slot>> {
        let mut open: Vec<&Slot> = self.slots.values().filter(|slot| slot.end > at).collect();
        open.sort_by_key(|slot| (slot.start, slot.end));
        self.seen_shifts.then_some(open)
    }

    /// Makes room: first what is over, then what is furthest away.
    fn forget_ended(&mut self, now: EventTime) {
        self.slots.retain(|_, slot| slot.end > now);
        while self.slots.len() > SLOTS_MAX {
            let furthest =
                self.slots.iter().max_by_key(|(_, slot)| slot.start).map(|(shift, _)| shift.clone());
            let Some(shift) = furthest else { return };
            self.slots.remove(&shift);
        }
    }
}

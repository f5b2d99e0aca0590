//! Who and what is still firing: what guards look at beyond their own instance (R72).
//!
//! Still firing is fired and not cleared, backfilled and resolved instances included. Page rules count engineers of the
//! function, whichever of the three fires; every other rule counts its squads.

use std::collections::{BTreeMap, BTreeSet};

use crate::instance::Instance;

/// What a guard looks at, within one function.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Watch {
    function: String,
    /// What fires of this rule; of the page rules together when it is empty.
    rule: String,
}

impl Watch {
    /// What the guard of L5 of an instance's escalation looks at.
    pub(crate) fn of(instance: &Instance) -> Self {
        let rule = if instance.is_page_rule() { String::new() } else { instance.fired.rule.clone() };
        Self { function: instance.fired.function.clone(), rule }
    }
}

/// How many instances fire for each engineer or squad.
#[derive(Debug, Clone, Default)]
pub(crate) struct Firing {
    counts: BTreeMap<Watch, BTreeMap<String, u32>>,
}

impl Firing {
    /// Takes in an instance that fires; says what changed that a guard sees.
    pub(crate) fn add(&mut self, instance: &Instance) -> BTreeSet<Watch> {
        let mut changed = BTreeSet::new();
        if let Some(member) = member(instance) {
            let watch = Watch::of(instance);
            let count = self.counts.entry(watch.clone()).or_default().entry(member.to_owned()).or_default();
            *count += 1;
            if *count == 1 {
                changed.insert(watch);
            }
        }
        changed
    }

    /// Takes out an instance that fired; says what changed that a guard sees.
    pub(crate) fn remove(&mut self, instance: &Instance) -> BTreeSet<Watch> {
        let mut changed = BTreeSet::new();
        let watch = Watch::of(instance);
        let (Some(member), Some(members)) = (member(instance), self.counts.get_mut(&watch)) else {
            return changed;
        };
        let Some(count) = members.get_mut(member) else { return changed };
        *count -= 1;
        if *count > 0 {
            return changed;
        }
        members.remove(member);
        if members.is_empty() {
            self.counts.remove(&watch);
        }
        changed.insert(watch);
        changed
    }

    /// Takes an instance as it is after an amendment; says what changed that a guard sees.
    pub(crate) fn amend(&mut self, before: &Instance, after: &Instance) -> BTreeSet<Watch> {
        if Watch::of(before) == Watch::of(after) && member(before) == member(after) {
            return BTreeSet::new();
        }
        let mut changed = self.remove(before);
        changed.append(&mut self.add(after));
        changed
    }

    /// How many engineers or squads are counted.
    pub(crate) fn count(&self, watch: &Watch) -> usize {
        self.counts.get(watch).map_or(0, BTreeMap::len)
    }
}

/// What an instance counts as: its engineer, or its squad; `None` when it has neither.
fn member(instance: &Instance) -> Option<&str> {
    let member = if instance.is_page_rule() { instance.engineer()? } else { instance.squad() };
    (!member.is_empty()).then_some(member)
}

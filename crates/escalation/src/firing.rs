//! Who and what is still firing: the counts that the guard of L5 looks at (R72).
//!
//! Still firing is fired and not cleared, backfilled and resolved instances included. Page rules count engineers of the
//! function, whichever of the three fires; every other rule counts its squads.

use std::collections::BTreeMap;

use crate::instance::Instance;

/// What is counted together, within one function.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Watch {
    function: String,
    /// Rule; empty for the page rules together.
    rule: String,
}

impl Watch {
    /// What the guard of an instance's escalation looks at.
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
    /// Counts an instance that fires; true when that changes what a guard sees.
    pub(crate) fn add(&mut self, instance: &Instance) -> bool {
        let Some(member) = member(instance) else { return false };
        let count = self.counts.entry(Watch::of(instance)).or_default().entry(member.to_owned()).or_default();
        *count += 1;
        *count == 1
    }

    /// Takes an instance out; true when that changes what a guard sees.
    pub(crate) fn remove(&mut self, instance: &Instance) -> bool {
        let watch = Watch::of(instance);
        let (Some(member), Some(members)) = (member(instance), self.counts.get_mut(&watch)) else {
            return false;
        };
        let Some(count) = members.get_mut(member) else { return false };
        *count -= 1;
        if *count > 0 {
            return false;
        }
        members.remove(member);
        if members.is_empty() {
            self.counts.remove(&watch);
        }
        true
    }

    /// Counts an instance as it is after an amendment; true when that changes what a guard sees.
    pub(crate) fn amend(&mut self, before: &Instance, after: &Instance) -> bool {
        if Watch::of(before) == Watch::of(after) && member(before) == member(after) {
            return false;
        }
        self.remove(before) | self.add(after)
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

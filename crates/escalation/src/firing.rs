//! Who and what is still firing, and how loaded: what guards look at beyond their own instance (R72).
//!
//! Still firing is fired and not cleared, backfilled and resolved instances included. Page rules count engineers of the
//! function, whichever of the three fires; every other rule counts its squads.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::RuleId;

use crate::instance::Instance;
use crate::load::Load;

/// What a guard looks at, within one function.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Watch {
    /// What fires of a rule; of the page rules together when it is empty.
    Spread {
        /// Function.
        function: String,
        /// Rule.
        rule: String,
    },
    /// How loaded an engineer is, by their page-load.
    Load {
        /// Function.
        function: String,
        /// Pseudonym.
        engineer: String,
    },
}

impl Watch {
    /// What the guard of L5 of an instance's escalation looks at.
    pub(crate) fn of(instance: &Instance) -> Self {
        let rule = if instance.is_page_rule() { String::new() } else { instance.fired.rule.clone() };
        Self::Spread { function: instance.fired.function.clone(), rule }
    }

    /// The load of the engineer whom an instance is about.
    pub(crate) fn of_load(instance: &Instance) -> Option<Self> {
        let engineer = instance.engineer()?.to_owned();
        Some(Self::Load { function: instance.fired.function.clone(), engineer })
    }
}

/// How many instances fire for each engineer or squad, and what page-load tells of each engineer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Firing {
    counts: BTreeMap<Watch, BTreeMap<String, u32>>,
    /// By trigger, of which there is one at a time.
    loads: BTreeMap<Watch, BTreeMap<String, Load>>,
}

impl Firing {
    /// Takes in an instance that fires; says what changed that a guard sees.
    pub(crate) fn add(&mut self, instance: &Instance) -> BTreeSet<Watch> {
        let mut changed = BTreeSet::new();
        if let Some(watch) = load_told_by(instance) {
            let loads = self.loads.entry(watch.clone()).or_default();
            loads.insert(instance.fired.trigger.clone(), Load::told_by(instance));
            changed.insert(watch);
        }
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
        if let Some(watch) = load_told_by(instance)
            && let Some(loads) = self.loads.get_mut(&watch)
        {
            loads.remove(&instance.fired.trigger);
            if loads.is_empty() {
                self.loads.remove(&watch);
            }
            changed.insert(watch);
        }
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
        let is_same = Watch::of(before) == Watch::of(after)
            && member(before) == member(after)
            && load_told_by(before).map(|watch| (watch, Load::told_by(before)))
                == load_told_by(after).map(|watch| (watch, Load::told_by(after)));
        if is_same {
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

    /// What page-load tells of an engineer; `None` when it does not fire.
    pub(crate) fn load(&self, watch: &Watch) -> Option<Load> {
        self.loads.get(watch)?.values().last().copied()
    }
}

/// Whose load an instance tells; `None` for every rule but page-load.
fn load_told_by(instance: &Instance) -> Option<Watch> {
    (instance.rule() == Some(RuleId::VelocityDropPageLoad)).then(|| Watch::of_load(instance)).flatten()
}

/// What an instance counts as: its engineer, or its squad; `None` when it has neither.
fn member(instance: &Instance) -> Option<&str> {
    let member = if instance.is_page_rule() { instance.engineer()? } else { instance.squad() };
    (!member.is_empty()).then_some(member)
}

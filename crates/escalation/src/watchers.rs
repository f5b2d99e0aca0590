//! Which escalations wait for a guard, by what it looks at: whom to look at again when that changes.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::EscalationId;

use crate::firing::Watch;

/// Waiting escalations, both ways.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watchers {
    watching: BTreeMap<Watch, BTreeSet<EscalationId>>,
    watched: BTreeMap<EscalationId, BTreeSet<Watch>>,
}

impl Watchers {
    /// Notes what an escalation looks at.
    pub(crate) fn set(&mut self, escalation: &EscalationId, watches: BTreeSet<Watch>) {
        let before = self.watched.remove(escalation).unwrap_or_default();
        for gone in before.difference(&watches) {
            if let Some(watching) = self.watching.get_mut(gone) {
                watching.remove(escalation);
                if watching.is_empty() {
                    self.watching.remove(gone);
                }
            }
        }
        for new in watches.difference(&before) {
            self.watching.entry(new.clone()).or_default().insert(escalation.clone());
        }
        if !watches.is_empty() {
            self.watched.insert(escalation.clone(), watches);
        }
    }

    /// Who looks at something, in the order of their ids.
    pub(crate) fn of(&self, watch: &Watch) -> Vec<EscalationId> {
        self.watching.get(watch).into_iter().flatten().cloned().collect()
    }
}

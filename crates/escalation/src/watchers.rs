//! Which escalations wait at L5, by what its guard looks at: whom to look at again when that changes.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::EscalationId;

use crate::firing::Watch;

/// Waiting escalations, both ways.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watchers {
    watching: BTreeMap<Watch, BTreeSet<EscalationId>>,
    watched: BTreeMap<EscalationId, Watch>,
}

impl Watchers {
    /// Notes what an escalation looks at; `None` for nothing.
    pub(crate) fn set(&mut self, escalation: &EscalationId, watch: Option<Watch>) {
        if self.watched.get(escalation) == watch.as_ref() {
            return;
        }
        if let Some(before) = self.watched.remove(escalation)
            && let Some(watching) = self.watching.get_mut(&before)
        {
            watching.remove(escalation);
            if watching.is_empty() {
                self.watching.remove(&before);
            }
        }
        if let Some(watch) = watch {
            self.watching.entry(watch.clone()).or_default().insert(escalation.clone());
            self.watched.insert(escalation.clone(), watch);
        }
    }

    /// Who looks at something, in the order of their ids.
    pub(crate) fn of(&self, watch: &Watch) -> Vec<EscalationId> {
        self.watching.get(watch).into_iter().flatten().cloned().collect()
    }
}

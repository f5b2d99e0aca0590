//! How Linear payloads become events, as data: what differs from workspace to workspace.

use std::collections::BTreeSet;

use crate::rules::InterruptRules;

/// How Linear payloads become events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Which tickets are interrupt work. Linear has no types; priorities go by their labels, such as `Urgent`.
    pub interrupts: InterruptRules,
    /// True when an issue with a parent is a sub-task, which never counts beside its parent. Switch it off where
    /// only the leaves are estimated.
    pub sub_issues_are_sub_tasks: bool,
    /// Ids of teams that estimate in T-shirt sizes: their estimates are sizes too. An import finds them itself.
    pub t_shirt_teams: BTreeSet<String>,
}

impl Default for Mapping {
    fn default() -> Self {
        Self {
            interrupts: InterruptRules::default(),
            sub_issues_are_sub_tasks: true,
            t_shirt_teams: BTreeSet::new(),
        }
    }
}

//! Whether a ticket is in production by an instant (R24).
//!
//! An explicit link counts first, then a change or commit that names the ticket, then the release the tracker names: the
//! first of the three that yields any successful production deployment ended by the instant decides. What was only in
//! deployments that were rolled back by then is not in production; a roll-back that was itself rolled back does not count.

use std::collections::BTreeSet;

use bellwether_model::{DeploymentId, EventTime};

use super::Deliveries;

impl Deliveries {
    /// True when a ticket, known by its id and keys, is in production by an instant, that instant included.
    pub(crate) fn is_shipped<'a>(
        &self,
        names: impl Iterator<Item = &'a str> + Clone,
        release: Option<&str>,
        by: EventTime,
    ) -> bool {
        self.decide(self.linked(names.clone()), by)
            .or_else(|| self.decide(self.referenced(names), by))
            .or_else(|| self.decide(self.released(release), by))
            .unwrap_or(false)
    }

    /// What the deployments found one way say; `None` when none of them ended by the instant.
    fn decide(&self, found: BTreeSet<&DeploymentId>, by: EventTime) -> Option<bool> {
        let ended = self.ended_by(found, by);
        let stands = |deployment: &&DeploymentId| !self.is_taken_back(deployment, by, &mut BTreeSet::new());
        (!ended.is_empty()).then(|| ended.iter().any(stands))
    }

    fn linked<'a>(&self, names: impl Iterator<Item = &'a str>) -> BTreeSet<&DeploymentId> {
        names.filter_map(|name| self.by_ticket.get(name)).flatten().collect()
    }

    fn referenced<'a>(&self, names: impl Iterator<Item = &'a str>) -> BTreeSet<&DeploymentId> {
        let mut found = BTreeSet::new();
        for change in names.filter_map(|name| self.changes_by_ticket.get(name)).flatten() {
            found.extend(self.by_change.get(change.as_str()).into_iter().flatten());
            let commits = self.changes.get(change).into_iter().flat_map(|change| change.commits.iter());
            found.extend(commits.filter_map(|commit| self.by_commit.get(commit)).flatten());
        }
        found
    }

    fn released(&self, release: Option<&str>) -> BTreeSet<&DeploymentId> {
        release.and_then(|release| self.by_release.get(release)).into_iter().flatten().collect()
    }

    fn ended_by<'a>(
        &self,
        found: impl IntoIterator<Item = &'a DeploymentId>,
        by: EventTime,
    ) -> Vec<&'a DeploymentId> {
        let ended = |id: &DeploymentId| self.deployments.get(id).is_some_and(|known| known.ended <= by);
        found.into_iter().filter(|id| ended(id)).collect()
    }

    /// `seen` ends a circle of deployments that claim to roll each other back.
    fn is_taken_back<'a>(
        &'a self,
        deployment: &DeploymentId,
        by: EventTime,
        seen: &mut BTreeSet<&'a DeploymentId>,
    ) -> bool {
        let Some(rollbacks) = self.rollbacks.get(deployment) else { return false };
        self.ended_by(rollbacks.iter(), by)
            .into_iter()
            .any(|rollback| seen.insert(rollback) && !self.is_taken_back(rollback, by, seen))
    }
}

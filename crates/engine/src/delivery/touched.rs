//! What a delivery may have shipped, or taken back: the tickets and releases to look at again.

use std::collections::BTreeSet;
use std::sync::Arc;

use bellwether_model::{DeploymentId, EventTime};

use super::{Deliveries, Deployment};

/// What may be shipped otherwise than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Touched {
    /// From this instant on.
    pub(crate) from: EventTime,
    /// Tickets, each by its id or one of its keys.
    pub(crate) tickets: BTreeSet<Arc<str>>,
    /// Releases.
    pub(crate) releases: BTreeSet<Arc<str>>,
}

impl Touched {
    /// Tickets by their names.
    pub(super) fn by_names<'a>(from: EventTime, names: impl IntoIterator<Item = &'a Arc<str>>) -> Self {
        Self { from, tickets: names.into_iter().cloned().collect(), releases: BTreeSet::new() }
    }
}

impl Deliveries {
    /// What versions of a deployment reach: what they name themselves, what changes with their commits name, and all of that
    /// of a deployment they roll back.
    pub(super) fn touched<'a>(
        &'a self,
        from: EventTime,
        versions: impl Iterator<Item = &'a Deployment>,
    ) -> Touched {
        let mut touched = Touched::by_names(from, []);
        // Deployments may claim to roll each other back in a circle.
        let mut seen: BTreeSet<&DeploymentId> = BTreeSet::new();
        for version in versions {
            let mut next = Some(version);
            while let Some(deployment) = next {
                self.reach(deployment, &mut touched);
                let taken_back = deployment.rolls_back.as_ref().filter(|id| seen.insert(id));
                next = taken_back.and_then(|id| self.deployments.get(id)).map(AsRef::as_ref);
            }
        }
        touched
    }

    fn reach(&self, deployment: &Deployment, touched: &mut Touched) {
        let links = &deployment.links;
        touched.tickets.extend(links.tickets.iter().cloned());
        touched.releases.extend(links.release.iter().cloned());
        let by_commit =
            links.commits.iter().filter_map(|commit| self.changes_by_commit.get(commit)).flatten();
        let by_change = links.changes.iter().filter_map(|change| self.changes.get(&**change));
        let changes = by_commit.filter_map(|change| self.changes.get(change)).chain(by_change);
        touched.tickets.extend(changes.flat_map(|change| change.tickets.iter()).cloned());
    }
}

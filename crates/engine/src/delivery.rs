//! Deliveries: successful production deployments, the changes and commits that tie tickets to them, and roll-backs.
//!
//! Few and cheap, they reach every partition and are kept for as long as a sprint's outcome may change. What a ticket's
//! deployments are is the business of [`shipping`] (R24); operating indicators are not made of them here. Indexes by name
//! are derived and never written.

mod production;
pub(crate) mod shipping;
mod touched;

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{ChangeId, DeploymentId, EventTime, Millis};
use bellwether_wire::{Payload, instant, pb};
use serde::{Deserialize, Serialize};

use crate::fact::Fact;
use crate::few::{Index, add_to, remove_from};
use crate::id_map::IdMap;
use crate::intern::Texts;
use crate::order::Order;
pub(crate) use touched::Touched;

/// How long deliveries are kept: two quarters and the horizon of late facts, as long as the sprints they ship.
pub(crate) const KEEP: Millis = Millis::days(200);

/// How often the old is looked for.
const PRUNE_EVERY: Millis = Millis::days(1);

/// A deployment that ended well in production.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Deployment {
    told: Order,
    ended: EventTime,
    /// What it ships; nothing for a roll-back or a deployment that failed or went elsewhere.
    links: Links,
    /// The deployment it takes back.
    rolls_back: Option<DeploymentId>,
}

/// What a deployment names.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Links {
    tickets: Names,
    changes: Names,
    commits: Names,
    release: Option<Arc<str>>,
}

/// A merged change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Change {
    told: Order,
    tickets: Names,
    commits: Names,
}

/// Names as an event gave them; there are few.
type Names = Box<[Arc<str>]>;

/// Everything delivered.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub(crate) struct Deliveries {
    deployments: IdMap<DeploymentId, Box<Deployment>>,
    changes: IdMap<ChangeId, Box<Change>>,
    by_ticket: Index<Arc<str>, DeploymentId>,
    by_change: Index<Arc<str>, DeploymentId>,
    by_commit: Index<Arc<str>, DeploymentId>,
    by_release: Index<Arc<str>, DeploymentId>,
    changes_by_ticket: Index<Arc<str>, ChangeId>,
    changes_by_commit: Index<Arc<str>, ChangeId>,
    rollbacks: Index<DeploymentId, DeploymentId>,
    pruned: Option<EventTime>,
    /// Sources.
    texts: Texts,
}

impl Deliveries {
    /// Folds a fact of the delivery topic; returns what it may have shipped, or taken back. `None` when it changes nothing
    /// about what is shipped.
    pub(crate) fn on_fact(&mut self, fact: &Fact, now: EventTime) -> Option<Touched> {
        self.prune(now);
        match &fact.event.payload {
            Payload::DeploymentFinished(message) => self.finished(fact, message),
            Payload::ChangeMerged(message) => self.merged(fact, message),
            _ => None,
        }
    }

    fn finished(&mut self, fact: &Fact, message: &pb::DeploymentFinished) -> Option<Touched> {
        let id = DeploymentId::from(message.deployment.as_str());
        let ended = instant::optional(message.ended_at.as_ref()).unwrap_or(fact.event.time);
        let in_production = message.outcome() == pb::Outcome::Succeeded && production::is_production(message);
        let rolls_back = (in_production && !message.rollback_of.is_empty())
            .then(|| DeploymentId::from(message.rollback_of.as_str()));
        let links = if in_production && rolls_back.is_none() {
            Links {
                tickets: shared(&message.tickets),
                changes: shared(&message.changes),
                commits: shared(&message.commits),
                release: (!message.release.is_empty()).then(|| message.release.as_str().into()),
            }
        } else {
            Links::default()
        };
        let told = Order::shared(fact, fact.event.time, &mut self.texts);
        let new = Deployment { told, ended, links, rolls_back };
        let old = self.forget(&id, |old| old.told < new.told)?;
        let versions = [old.as_deref(), Some(&new)].into_iter().flatten().filter(|known| known.matters());
        let from = versions.clone().map(|known| known.ended).min();
        let touched = from.map(|from| self.touched(from, versions));
        self.insert(id, new);
        touched
    }

    fn merged(&mut self, fact: &Fact, message: &pb::ChangeMerged) -> Option<Touched> {
        let id = ChangeId::from(message.change.as_str());
        let told = Order::shared(fact, fact.event.time, &mut self.texts);
        if self.changes.get(&id).is_some_and(|known| known.told >= told) {
            return None;
        }
        let new = Change { told, tickets: shared(&message.tickets), commits: shared(&message.commits) };
        let old = self.forget_change(&id);
        let versions = || old.as_deref().into_iter().chain([&new]);
        let found = versions()
            .flat_map(|change| change.commits.iter())
            .filter_map(|commit| self.by_commit.get(commit))
            .chain(self.by_change.get(id.as_str()))
            .flatten()
            .filter_map(|deployment| self.deployments.get(deployment).map(|known| known.ended))
            .min();
        let touched =
            found.map(|from| Touched::by_names(from, versions().flat_map(|change| change.tickets.iter())));
        self.insert_change(id, new);
        touched
    }

    fn insert(&mut self, id: DeploymentId, deployment: Deployment) {
        let Links { tickets, changes, commits, release } = &deployment.links;
        for (index, names) in [
            (&mut self.by_ticket, &**tickets),
            (&mut self.by_change, &**changes),
            (&mut self.by_commit, &**commits),
            (&mut self.by_release, release.as_slice()),
        ] {
            for name in names.iter() {
                add_to(index, name, &id);
            }
        }
        if let Some(taken_back) = &deployment.rolls_back {
            add_to(&mut self.rollbacks, taken_back, &id);
        }
        self.deployments.insert(id, Box::new(deployment));
    }

    fn insert_change(&mut self, id: ChangeId, change: Change) {
        for (index, names) in
            [(&mut self.changes_by_ticket, &change.tickets), (&mut self.changes_by_commit, &change.commits)]
        {
            for name in names.iter() {
                add_to(index, name, &id);
            }
        }
        self.changes.insert(id, Box::new(change));
    }

    /// Takes out the version known of a deployment, if any; `None` when the one known may not go.
    fn forget(
        &mut self,
        id: &DeploymentId,
        may_go: impl FnOnce(&Deployment) -> bool,
    ) -> Option<Option<Box<Deployment>>> {
        match self.deployments.get(id) {
            None => return Some(None),
            Some(known) if !may_go(known) => return None,
            Some(_) => {}
        }
        let old = self.deployments.remove(id)?;
        let Links { tickets, changes, commits, release } = &old.links;
        for (index, names) in [
            (&mut self.by_ticket, &**tickets),
            (&mut self.by_change, &**changes),
            (&mut self.by_commit, &**commits),
            (&mut self.by_release, release.as_slice()),
        ] {
            for name in names {
                remove_from(index, name, id);
            }
        }
        if let Some(taken_back) = &old.rolls_back {
            remove_from(&mut self.rollbacks, taken_back, id);
        }
        Some(Some(old))
    }

    fn forget_change(&mut self, id: &ChangeId) -> Option<Box<Change>> {
        let old = self.changes.remove(id)?;
        for ticket in old.tickets.iter() {
            remove_from(&mut self.changes_by_ticket, ticket, id);
        }
        for commit in old.commits.iter() {
            remove_from(&mut self.changes_by_commit, commit, id);
        }
        Some(old)
    }

    fn prune(&mut self, now: EventTime) {
        if self.pruned.is_some_and(|last| now.since(last) < PRUNE_EVERY) {
            return;
        }
        self.pruned = Some(now);
        let keep_from = now.minus(KEEP);
        let old = self.deployments.iter().filter(|(_, known)| known.ended < keep_from);
        for id in old.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.forget(&id, |_| true);
        }
        let old = self.changes.iter().filter(|(_, known)| known.told.at < keep_from);
        for id in old.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.forget_change(&id);
        }
    }
}

/// In snapshots: in order, without the indexes.
#[derive(Serialize, Deserialize)]
struct Written {
    deployments: BTreeMap<DeploymentId, Deployment>,
    changes: BTreeMap<ChangeId, Change>,
    pruned: Option<EventTime>,
}

impl From<Deliveries> for Written {
    fn from(all: Deliveries) -> Self {
        Self {
            deployments: all.deployments.into_iter().map(|(id, known)| (id, *known)).collect(),
            changes: all.changes.into_iter().map(|(id, known)| (id, *known)).collect(),
            pruned: all.pruned,
        }
    }
}

impl From<Written> for Deliveries {
    fn from(written: Written) -> Self {
        let mut all = Self { pruned: written.pruned, ..Self::default() };
        for (id, deployment) in written.deployments {
            all.insert(id, deployment);
        }
        for (id, change) in written.changes {
            all.insert_change(id, change);
        }
        all
    }
}

impl Deployment {
    /// True when it ships or takes back anything.
    fn matters(&self) -> bool {
        self.rolls_back.is_some() || self.links != Links::default()
    }
}

fn shared(names: &[String]) -> Names {
    names.iter().filter(|name| !name.is_empty()).map(|name| name.as_str().into()).collect()
}

#[cfg(test)]
mod tests;

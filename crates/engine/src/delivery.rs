//! Deliveries: successful production deployments, the changes and commits that tie tickets to them, and roll-backs.
//!
//! Few and cheap, they reach every partition and are kept for as long as a sprint's outcome may change. What a ticket's
//! deployments are is the business of [`shipping`] (R24); operating indicators are not made of them here.

mod production;
pub(crate) mod shipping;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::{ChangeId, DeploymentId, EventTime, Millis};
use bellwether_wire::{Payload, instant, pb};
use serde::{Deserialize, Serialize};

use crate::fact::Fact;
use crate::order::Order;

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
    tickets: Vec<Arc<str>>,
    changes: Vec<Arc<str>>,
    commits: Vec<Arc<str>>,
    release: Option<Arc<str>>,
}

/// A merged change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Change {
    told: Order,
    tickets: Vec<Arc<str>>,
    commits: Vec<Arc<str>>,
}

/// Deployments or changes by a name they carry.
type Index<Id> = BTreeMap<Arc<str>, BTreeSet<Id>>;

/// Everything delivered.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Deliveries {
    deployments: BTreeMap<DeploymentId, Deployment>,
    changes: BTreeMap<ChangeId, Change>,
    by_ticket: Index<DeploymentId>,
    by_change: Index<DeploymentId>,
    by_commit: Index<DeploymentId>,
    by_release: Index<DeploymentId>,
    changes_by_ticket: Index<ChangeId>,
    rollbacks: BTreeMap<DeploymentId, BTreeSet<DeploymentId>>,
    pruned: Option<EventTime>,
}

impl Deliveries {
    /// Folds a fact of the delivery topic; returns the earliest instant by which it may have shipped something, or taken
    /// it back. `None` when it changes nothing about what is shipped.
    pub(crate) fn on_fact(&mut self, fact: &Fact, now: EventTime) -> Option<EventTime> {
        self.prune(now);
        match &fact.event.payload {
            Payload::DeploymentFinished(message) => self.finished(fact, message),
            Payload::ChangeMerged(message) => self.merged(fact, message),
            _ => None,
        }
    }

    fn finished(&mut self, fact: &Fact, message: &pb::DeploymentFinished) -> Option<EventTime> {
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
        let new = Deployment { told: Order::of(fact, fact.event.time), ended, links, rolls_back };
        let old = self.deployments.get(&id);
        if old.is_some_and(|old| old.told >= new.told) {
            return None;
        }
        let was = old.filter(|old| old.matters()).map(|old| old.ended);
        let is = new.matters().then_some(ended);
        self.forget(&id);
        self.index(&id, &new);
        self.deployments.insert(id, new);
        [was, is].into_iter().flatten().min()
    }

    fn merged(&mut self, fact: &Fact, message: &pb::ChangeMerged) -> Option<EventTime> {
        let id = ChangeId::from(message.change.as_str());
        let told = Order::of(fact, fact.event.time);
        if self.changes.get(&id).is_some_and(|known| known.told >= told) {
            return None;
        }
        let new = Change { told, tickets: shared(&message.tickets), commits: shared(&message.commits) };
        let old = self.forget_change(&id);
        for ticket in &new.tickets {
            self.changes_by_ticket.entry(ticket.clone()).or_default().insert(id.clone());
        }
        let commits = new.commits.iter().chain(old.iter().flat_map(|old| &old.commits));
        let found = commits
            .filter_map(|commit| self.by_commit.get(commit))
            .chain(self.by_change.get(id.as_str()))
            .flatten()
            .filter_map(|deployment| self.deployments.get(deployment).map(|known| known.ended))
            .min();
        self.changes.insert(id, new);
        found
    }

    fn index(&mut self, id: &DeploymentId, deployment: &Deployment) {
        let Links { tickets, changes, commits, release } = &deployment.links;
        for (index, names) in [
            (&mut self.by_ticket, tickets.as_slice()),
            (&mut self.by_change, changes.as_slice()),
            (&mut self.by_commit, commits.as_slice()),
            (&mut self.by_release, release.as_slice()),
        ] {
            for name in names {
                index.entry(name.clone()).or_default().insert(id.clone());
            }
        }
        if let Some(taken_back) = &deployment.rolls_back {
            self.rollbacks.entry(taken_back.clone()).or_default().insert(id.clone());
        }
    }

    fn forget(&mut self, id: &DeploymentId) {
        let Some(old) = self.deployments.remove(id) else { return };
        let Links { tickets, changes, commits, release } = &old.links;
        for (index, names) in [
            (&mut self.by_ticket, tickets.as_slice()),
            (&mut self.by_change, changes.as_slice()),
            (&mut self.by_commit, commits.as_slice()),
            (&mut self.by_release, release.as_slice()),
        ] {
            for name in names {
                remove_from(index, name, id);
            }
        }
        if let Some(taken_back) = &old.rolls_back {
            remove_from(&mut self.rollbacks, taken_back, id);
        }
    }

    fn forget_change(&mut self, id: &ChangeId) -> Option<Change> {
        let old = self.changes.remove(id)?;
        for ticket in &old.tickets {
            remove_from(&mut self.changes_by_ticket, ticket, id);
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
            self.forget(&id);
        }
        let old = self.changes.iter().filter(|(_, known)| known.told.at < keep_from);
        for id in old.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.forget_change(&id);
        }
    }
}

impl Deployment {
    /// True when it ships or takes back anything.
    fn matters(&self) -> bool {
        self.rolls_back.is_some() || self.links != Links::default()
    }
}

fn shared(names: &[String]) -> Vec<Arc<str>> {
    names.iter().filter(|name| !name.is_empty()).map(|name| name.as_str().into()).collect()
}

fn remove_from<Name: Ord, Id: Ord>(index: &mut BTreeMap<Name, BTreeSet<Id>>, name: &Name, id: &Id) {
    if let Some(ids) = index.get_mut(name) {
        ids.remove(id);
        if ids.is_empty() {
            index.remove(name);
        }
    }
}

#[cfg(test)]
mod tests;

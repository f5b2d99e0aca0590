//! Every ticket of a partition, and where to find it: by the sprints it was in, by the squads it interrupted, by the names
//! and releases that deployments call it by.
//!
//! Indexes are derived, never written, and may name a ticket whose state has been forgotten since: whoever follows them
//! looks at the ticket itself.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::Arc;

use bellwether_model::{EventTime, SprintId, SquadId, TicketId};
use serde::{Deserialize, Serialize};

use super::ticket::{Place, State, Ticket};
use crate::id_map::{IdMap, IdSet};

/// Tickets by something they carry, in no order.
type Index<Name> = IdMap<Name, IdSet<TicketId>>;

/// Tickets by id.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(from = "BTreeMap<TicketId, Ticket>", into = "BTreeMap<TicketId, Ticket>")]
pub(super) struct Tickets {
    known: IdMap<TicketId, Ticket>,
    by_sprint: Index<SprintId>,
    /// Tickets that were ever an interrupt, by the squads they were ever of.
    interrupts: Index<SquadId>,
    by_key: Index<Arc<str>>,
    by_release: Index<Arc<str>>,
}

/// What a state changed about its ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    /// True when the ticket has a state it did not have.
    pub(super) is_new: bool,
    /// True when it got a name beside those by which it was known: deployments may have called it so before. The first
    /// name of a new ticket changes nothing of what was before it.
    pub(super) renamed: bool,
}

impl Tickets {
    /// A ticket.
    pub(super) fn get(&self, id: &TicketId) -> Option<&Ticket> {
        self.known.get(id)
    }

    /// Adds a state to a ticket. A repeat of a state it has changes nothing.
    pub(super) fn keep(&mut self, id: &TicketId, place: Place, state: State, key: &str) -> Kept {
        let ticket = match self.known.get_mut(id) {
            Some(known) => known,
            None => self.known.entry(id.clone()).or_default(),
        };
        let (sprint, squad, release) = (state.sprint.clone(), state.squad.clone(), state.release.clone());
        let first_interrupt = state.interrupt && !ticket.was_interrupt();
        let was_known = ticket.states().next().is_some();
        let (is_new, has_new_name) = (ticket.insert(place, state), ticket.name(key));
        if has_new_name {
            note(&mut self.by_key, key.into(), id);
        }
        let kept = Kept { is_new, renamed: has_new_name && was_known };
        if !kept.is_new {
            return kept;
        }
        let squads: Vec<SquadId> = if first_interrupt {
            ticket.squads().cloned().collect()
        } else {
            squad.filter(|_| ticket.was_interrupt()).into_iter().collect()
        };
        if let Some(sprint) = sprint {
            note(&mut self.by_sprint, sprint, id);
        }
        if let Some(release) = release {
            note(&mut self.by_release, release, id);
        }
        for squad in squads {
            note(&mut self.interrupts, squad, id);
        }
        kept
    }

    /// Tickets that were ever in a sprint.
    pub(super) fn of_sprint(&self, sprint: &SprintId) -> impl Iterator<Item = &TicketId> {
        self.by_sprint.get(sprint).into_iter().flatten()
    }

    /// Tickets that ever interrupted a squad.
    pub(super) fn interrupts_of(&self, squad: &SquadId) -> impl Iterator<Item = &TicketId> {
        self.interrupts.get(squad).into_iter().flatten()
    }

    /// Tickets that go by a name: the id or a key.
    pub(super) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a TicketId> {
        let by_id = self.known.get_key_value(name).map(|(id, _)| id);
        by_id.into_iter().chain(self.by_key.get(name).into_iter().flatten())
    }

    /// Tickets of which a tracker ever named a release.
    pub(super) fn of_release(&self, release: &str) -> impl Iterator<Item = &TicketId> {
        self.by_release.get(release).into_iter().flatten()
    }

    /// The names a ticket is known by: its id and every key it had.
    pub(super) fn names<'a>(&'a self, id: &'a TicketId) -> impl Iterator<Item = &'a str> + Clone {
        let keys = self.known.get(id).map(Ticket::keys).unwrap_or_default();
        std::iter::once(id.as_str()).chain(keys.iter().map(AsRef::as_ref))
    }

    /// Forgets the states before an instant that no sprint left needs, and tickets of which nothing is left.
    pub(super) fn prune(&mut self, keep_from: EventTime, is_kept: impl Fn(&SprintId) -> bool) {
        let Self { known, by_sprint, interrupts, by_key, by_release } = self;
        known.retain(|id, ticket| {
            let mut gone = ticket.prune(keep_from);
            let was_interrupt = ticket.was_interrupt() || gone.iter().any(|state| state.interrupt);
            let stays = !ticket.is_spent(keep_from, &is_kept);
            if !stays {
                gone.extend(ticket.states().cloned());
                for key in ticket.keys() {
                    drop_from(by_key, key, id);
                }
            }
            let left = || ticket.states().filter(|_| stays);
            for state in &gone {
                let (sprint, release, squad) = (&state.sprint, &state.release, &state.squad);
                if let Some(sprint) = sprint.as_ref().filter(|_| left().all(|left| left.sprint != *sprint)) {
                    drop_from(by_sprint, sprint, id);
                }
                if let Some(release) =
                    release.as_ref().filter(|_| left().all(|left| left.release != *release))
                {
                    drop_from(by_release, release, id);
                }
                let is_gone =
                    was_interrupt && (!ticket.was_interrupt() || left().all(|left| left.squad != *squad));
                if let Some(squad) = squad.as_ref().filter(|_| is_gone) {
                    drop_from(interrupts, squad, id);
                }
            }
            stays
        });
    }
}

impl From<BTreeMap<TicketId, Ticket>> for Tickets {
    fn from(written: BTreeMap<TicketId, Ticket>) -> Self {
        let mut all = Self::default();
        for (id, ticket) in written {
            for state in ticket.states() {
                if let Some(sprint) = &state.sprint {
                    note(&mut all.by_sprint, sprint.clone(), &id);
                }
                if let Some(release) = &state.release {
                    note(&mut all.by_release, release.clone(), &id);
                }
            }
            if ticket.was_interrupt() {
                for squad in ticket.squads() {
                    note(&mut all.interrupts, squad.clone(), &id);
                }
            }
            for key in ticket.keys() {
                note(&mut all.by_key, key.clone(), &id);
            }
            all.known.insert(id, ticket);
        }
        all
    }
}

impl From<Tickets> for BTreeMap<TicketId, Ticket> {
    fn from(all: Tickets) -> Self {
        all.known.into_iter().collect()
    }
}

fn note<Name: Eq + Hash>(index: &mut Index<Name>, name: Name, id: &TicketId) {
    let ids = index.entry(name).or_default();
    if !ids.contains(id) {
        ids.insert(id.clone());
    }
}

fn drop_from<Name: Eq + Hash>(index: &mut Index<Name>, name: &Name, id: &TicketId) {
    if let Some(ids) = index.get_mut(name) {
        ids.remove(id);
        if ids.is_empty() {
            index.remove(name);
        }
    }
}

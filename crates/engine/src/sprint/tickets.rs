//! Every ticket of a partition, and where to find it: by the sprints it was in, by the squads it interrupted, by the names
//! and releases that deployments call it by.
//!
//! Inside, a ticket goes by its number: its place in a list, given when it is first heard of and free again when it is
//! forgotten. So do the sprints, squads, releases and sources it names. Numbers order nothing and are never written.
//! Indexes are derived, never written either, and may name a ticket whose state has been forgotten since: whoever follows
//! them looks at the ticket itself.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::Arc;

use bellwether_model::{EventTime, SprintId, SquadId, TicketId};
use serde::{Deserialize, Serialize};

use super::ticket::{Place, State, Ticket};
use super::written::WrittenTicket;
use crate::few;
use crate::id_map::{IdMap, IdSet};
use crate::intern::{Numbered, TextNo};

/// The number of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct TicketNo(u32);

/// Tickets by something they carry, in no order.
type Index<Name> = IdMap<Name, IdSet<TicketNo>>;

/// A ticket and its id.
#[derive(Debug, Clone)]
struct Known {
    id: TicketId,
    ticket: Ticket,
}

/// Tickets by id.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(from = "BTreeMap<TicketId, WrittenTicket>", into = "BTreeMap<TicketId, WrittenTicket>")]
pub(super) struct Tickets {
    /// Sprints, squads, releases and sources.
    texts: Numbered,
    numbers: IdMap<TicketId, TicketNo>,
    /// By number; `None` where a ticket was forgotten.
    known: Vec<Option<Known>>,
    free: Vec<TicketNo>,
    by_sprint: Index<TextNo>,
    /// Tickets that were ever an interrupt, by the squads they were ever of.
    interrupts: Index<TextNo>,
    by_key: few::Index<Arc<str>, TicketNo>,
    by_release: Index<TextNo>,
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
    /// Sprints, squads, releases and sources of tickets.
    pub(super) fn texts(&self) -> &Numbered {
        &self.texts
    }

    /// The same, for a ticket that is to be kept.
    pub(super) fn texts_mut(&mut self) -> &mut Numbered {
        &mut self.texts
    }

    /// The number of a ticket that is known.
    pub(super) fn find(&self, id: &str) -> Option<TicketNo> {
        self.numbers.get(id).copied()
    }

    /// The number of a ticket, which gets one now at the latest. Whoever asks for a new one keeps a state with it.
    pub(super) fn number(&mut self, id: &str) -> TicketNo {
        if let Some(number) = self.find(id) {
            return number;
        }
        let id = TicketId::from(id);
        let known = Some(Known { id: id.clone(), ticket: Ticket::default() });
        let number = match self.free.pop() {
            Some(number) => {
                self.known[number.index()] = known;
                number
            }
            None => {
                self.known.push(known);
                TicketNo(u32::try_from(self.known.len() - 1).expect("fewer than four billion tickets"))
            }
        };
        self.numbers.insert(id, number);
        number
    }

    /// A ticket.
    pub(super) fn get(&self, number: TicketNo) -> Option<&Ticket> {
        self.known(number).map(|known| &known.ticket)
    }

    /// Its id; empty for one that was forgotten.
    pub(super) fn id(&self, number: TicketNo) -> &str {
        self.known(number).map_or("", |known| known.id.as_str())
    }

    /// Adds a state to a ticket. A repeat of a state it has changes nothing.
    pub(super) fn keep(&mut self, number: TicketNo, place: Place, state: State, key: &str) -> Kept {
        let Self { texts, known, by_sprint, interrupts, by_key, by_release, .. } = self;
        let Some(Known { ticket, .. }) = known.get_mut(number.index()).and_then(Option::as_mut) else {
            return Kept { is_new: false, renamed: false };
        };
        let was_known = ticket.states().next().is_some();
        let was_interrupt = ticket.was_interrupt();
        // What the ticket had before is indexed already.
        let sprint = state.sprint.filter(|_| ticket.states().all(|known| known.sprint != state.sprint));
        let release = state.release.filter(|_| ticket.states().all(|known| known.release != state.release));
        let is_interrupt = was_interrupt || state.interrupt;
        let squad = state.squad.filter(|_| was_interrupt);
        let (is_new, has_new_name) = (ticket.insert(place, state, texts), ticket.name(key));
        if has_new_name {
            few::add_to(by_key, &key.into(), &number);
        }
        let kept = Kept { is_new, renamed: has_new_name && was_known };
        if !is_new {
            return kept;
        }
        if let Some(sprint) = sprint {
            note(by_sprint, sprint, number);
        }
        if let Some(release) = release {
            note(by_release, release, number);
        }
        if is_interrupt && !was_interrupt {
            for squad in ticket.squads() {
                note(interrupts, squad, number);
            }
        }
        if let Some(squad) = squad {
            note(interrupts, squad, number);
        }
        kept
    }

    /// Tickets that were ever in a sprint.
    pub(super) fn of_sprint(&self, sprint: &SprintId) -> impl Iterator<Item = TicketNo> {
        let sprint = self.texts.find(sprint);
        sprint.and_then(|sprint| self.by_sprint.get(&sprint)).into_iter().flatten().copied()
    }

    /// Tickets that ever interrupted a squad.
    pub(super) fn interrupts_of(&self, squad: &SquadId) -> impl Iterator<Item = TicketNo> {
        let squad = self.texts.find(squad);
        squad.and_then(|squad| self.interrupts.get(&squad)).into_iter().flatten().copied()
    }

    /// Tickets that go by a name: the id or a key.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = TicketNo> {
        self.find(name).into_iter().chain(self.by_key.get(name).into_iter().flatten().copied())
    }

    /// Tickets of which a tracker ever named a release.
    pub(super) fn of_release(&self, release: &str) -> impl Iterator<Item = TicketNo> {
        let release = self.texts.find(release);
        release.and_then(|release| self.by_release.get(&release)).into_iter().flatten().copied()
    }

    /// The names a ticket is known by: its id and every key it had.
    pub(super) fn names(&self, number: TicketNo) -> impl Iterator<Item = &str> + Clone {
        let known = self.known(number);
        let keys = known.map(|known| known.ticket.keys()).unwrap_or_default();
        known.map(|known| known.id.as_str()).into_iter().chain(keys.iter().map(AsRef::as_ref))
    }

    /// Forgets the states before an instant that no sprint left needs, and tickets and texts of which nothing is left; true
    /// when there was such a ticket or text: its number may become another's.
    pub(super) fn prune(&mut self, keep_from: EventTime, is_kept: impl Fn(&str) -> bool) -> bool {
        let (mut any_gone, mut any_state_gone) = (false, false);
        let Self { texts, numbers, known, free, by_sprint, interrupts, by_key, by_release } = self;
        for (number, slot) in (0..).map(TicketNo).zip(known.iter_mut()) {
            let Some(Known { id, ticket }) = slot else { continue };
            let mut gone = ticket.prune(keep_from);
            let was_interrupt = ticket.was_interrupt() || gone.iter().any(|state| state.interrupt);
            let stays = !ticket.is_spent(keep_from, |sprint| is_kept(texts.text(sprint)));
            if !stays {
                gone.extend(ticket.states());
                for key in ticket.keys() {
                    few::remove_from(by_key, key, &number);
                }
            }
            any_state_gone |= !gone.is_empty();
            let left = || ticket.states().filter(|_| stays);
            for state in &gone {
                if let Some(sprint) = state.sprint.filter(|_| left().all(|left| left.sprint != state.sprint))
                {
                    drop_from(by_sprint, sprint, number);
                }
                if let Some(release) =
                    state.release.filter(|_| left().all(|left| left.release != state.release))
                {
                    drop_from(by_release, release, number);
                }
                let is_gone = was_interrupt
                    && (!ticket.was_interrupt() || left().all(|left| left.squad != state.squad));
                if let Some(squad) = state.squad.filter(|_| is_gone) {
                    drop_from(interrupts, squad, number);
                }
            }
            if !stays {
                numbers.remove(id.as_str());
                free.push(number);
                *slot = None;
                any_gone = true;
            }
        }
        let left = known.iter().flatten().flat_map(|known| known.ticket.texts());
        (any_state_gone && texts.keep_only(left)) || any_gone
    }

    fn known(&self, number: TicketNo) -> Option<&Known> {
        self.known.get(number.index())?.as_ref()
    }
}

impl TicketNo {
    fn index(self) -> usize {
        self.0 as usize
    }
}

impl From<BTreeMap<TicketId, WrittenTicket>> for Tickets {
    fn from(written: BTreeMap<TicketId, WrittenTicket>) -> Self {
        let mut all = Self::default();
        for (id, ticket) in written {
            let number = all.number(&id);
            let ticket = ticket.read(&mut all.texts);
            for state in ticket.states() {
                if let Some(sprint) = state.sprint {
                    note(&mut all.by_sprint, sprint, number);
                }
                if let Some(release) = state.release {
                    note(&mut all.by_release, release, number);
                }
            }
            if ticket.was_interrupt() {
                for squad in ticket.squads() {
                    note(&mut all.interrupts, squad, number);
                }
            }
            for key in ticket.keys() {
                few::add_to(&mut all.by_key, key, &number);
            }
            all.known[number.index()] = Some(Known { id, ticket });
        }
        all
    }
}

impl From<Tickets> for BTreeMap<TicketId, WrittenTicket> {
    fn from(all: Tickets) -> Self {
        let Tickets { texts, known, .. } = all;
        let written = |Known { id, ticket }| (id, WrittenTicket::of(ticket, &texts));
        known.into_iter().flatten().map(written).collect()
    }
}

fn note<Name: Eq + Hash>(index: &mut Index<Name>, name: Name, number: TicketNo) {
    index.entry(name).or_default().insert(number);
}

fn drop_from<Name: Eq + Hash>(index: &mut Index<Name>, name: Name, number: TicketNo) {
    if let Some(numbers) = index.get_mut(&name) {
        numbers.remove(&number);
        if numbers.is_empty() {
            index.remove(&name);
        }
    }
}

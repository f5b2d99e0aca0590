//! The ledger of one revision: what each ticket adds to it, and the sums.
//!
//! A ticket's share depends on its own history, its deliveries and the [`Terms`] of the revision, so a change of one ticket
//! changes one share. The open revision keeps its shares and counts anew those named [`Ledger::stale`]; a closed one is
//! counted once from all of them. Derived, never written: a restore counts anew.

use std::ops::{AddAssign, SubAssign};

use bellwether_model::{EventTime, Millis, Points, Ratio, SprintId, SquadId, TicketId};

use super::exception::Cover;
use super::interrupt;
use super::scope::{Change, ChangeKind, Scope, Span};
use super::ticket::{Category, Ticket};
use super::tickets::Tickets;
use crate::delivery::Deliveries;
use crate::id_map::{IdMap, IdSet};

/// What every share of a revision depends on besides its ticket.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Terms {
    pub(super) squad: SquadId,
    pub(super) activated: EventTime,
    /// Close; `None` while open.
    pub(super) close: Option<EventTime>,
    /// Every close of the sprint, of later revisions too.
    pub(super) closes: Vec<EventTime>,
    pub(super) carry_over: Millis,
    pub(super) grace: Millis,
    /// Above so many points a ticket needs a size to earn credit (R23).
    pub(super) credit_size_above: Ratio,
    /// Signed exceptions, in order of id.
    pub(super) covers: Vec<Cover>,
}

/// What the shares of a revision come to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) committed: Points,
    pub(super) committed_tickets: u32,
    pub(super) unestimated: u32,
    pub(super) added: Points,
    pub(super) removed: Points,
    pub(super) re_estimated: Points,
    pub(super) re_estimated_absolute: Points,
    pub(super) final_points: Points,
    pub(super) done: Points,
    pub(super) done_committed: Points,
    pub(super) shipped: Points,
    pub(super) slipped: Points,
    pub(super) credit_refused: Points,
    pub(super) interrupt: Points,
    pub(super) interrupt_approved: Points,
}

/// What one ticket adds.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Share {
    sums: Sums,
    changes: Vec<Change>,
}

/// The shares of a revision, as last counted.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    terms: Terms,
    shares: IdMap<TicketId, Share>,
    sums: Sums,
    stale: IdSet<TicketId>,
}

impl Terms {
    fn span<'a>(&'a self, sprint: &'a SprintId) -> Span<'a> {
        Span {
            sprint,
            activated: self.activated,
            end: self.close,
            closes: &self.closes,
            carry_over: self.carry_over,
        }
    }
}

impl Ledger {
    /// Counts a revision.
    pub(super) fn of(terms: Terms, sprint: &SprintId, tickets: &Tickets, deliveries: &Deliveries) -> Self {
        let mut ledger =
            Self { terms, shares: IdMap::default(), sums: Sums::default(), stale: IdSet::default() };
        let squad = ledger.terms.squad.clone();
        for id in tickets.of_sprint(sprint).chain(tickets.interrupts_of(&squad)) {
            if !ledger.shares.contains_key(id) {
                ledger.count(sprint, id, tickets, deliveries);
            }
        }
        ledger
    }

    /// The same revision now: what is stale is counted anew, and everything when its terms changed.
    pub(super) fn refreshed(
        mut self: Box<Self>,
        terms: Terms,
        sprint: &SprintId,
        tickets: &Tickets,
        deliveries: &Deliveries,
    ) -> Box<Self> {
        if self.terms != terms {
            return Box::new(Self::of(terms, sprint, tickets, deliveries));
        }
        for id in std::mem::take(&mut self.stale) {
            self.count(sprint, &id, tickets, deliveries);
        }
        self
    }

    /// A ticket, or what it was delivered by, changed.
    pub(super) fn stale(&mut self, ticket: &TicketId) {
        if !self.stale.contains(ticket) {
            self.stale.insert(ticket.clone());
        }
    }

    /// The sums.
    pub(super) fn sums(&self) -> Sums {
        self.sums
    }

    /// Its scope changes, in no order.
    pub(super) fn changes(&self) -> impl Iterator<Item = &Change> {
        self.shares.values().flat_map(|share| &share.changes)
    }

    fn count(&mut self, sprint: &SprintId, id: &TicketId, tickets: &Tickets, deliveries: &Deliveries) {
        let new = tickets.get(id).map(|ticket| share(&self.terms, sprint, id, ticket, tickets, deliveries));
        if let Some(old) = self.shares.remove(id) {
            self.sums -= old.sums;
        }
        if let Some(new) = new.filter(|new| *new != Share::default()) {
            self.sums += new.sums;
            self.shares.insert(id.clone(), new);
        }
    }
}

fn share(
    terms: &Terms,
    sprint: &SprintId,
    id: &TicketId,
    ticket: &Ticket,
    tickets: &Tickets,
    deliveries: &Deliveries,
) -> Share {
    let span = terms.span(sprint);
    let mut scope = Scope::default();
    scope.take(&span, id, ticket);
    let mut sums = Sums {
        committed: scope.committed_points(),
        added: scope.sum(ChangeKind::Added),
        removed: scope.sum(ChangeKind::Removed),
        re_estimated: scope.sum(ChangeKind::ReEstimated),
        re_estimated_absolute: scope.re_estimated_absolute(),
        final_points: scope.final_points,
        done: scope.done,
        ..Sums::default()
    };
    // R23, R24: a committed point is shipped, or slipped, or without credit.
    let deadline = terms.close.map(|close| close.plus(terms.grace));
    for committed in &scope.committed {
        sums.committed_tickets += 1;
        sums.unestimated += u32::from(!committed.estimated);
        let release = ticket.before(deadline).and_then(|state| state.release.as_deref());
        let by = deadline.unwrap_or(EventTime::MAX);
        let in_production = deliveries.is_shipped(tickets.names(id), release, by);
        if ticket.before(terms.close).is_some_and(|state| state.category == Category::Done) {
            sums.done_committed += committed.points;
        }
        let has_credit = committed.sized || Ratio::from(committed.points) <= terms.credit_size_above;
        if !has_credit {
            sums.credit_refused += committed.points;
        }
        if !in_production {
            sums.slipped += committed.points;
        } else if has_credit {
            sums.shipped += committed.points;
        }
    }
    if let Some(points) = interrupt::points(ticket, &span, &terms.squad) {
        sums.interrupt = points;
        if terms.covers.iter().any(|cover| cover.names(tickets.names(id))) {
            sums.interrupt_approved = points;
        }
    }
    Share { sums, changes: scope.changes }
}

/// Adds or takes away every sum of another.
macro_rules! each_sum {
    ($sums:ident $op:tt $other:ident) => {{
        $sums.committed $op $other.committed;
        $sums.committed_tickets $op $other.committed_tickets;
        $sums.unestimated $op $other.unestimated;
        $sums.added $op $other.added;
        $sums.removed $op $other.removed;
        $sums.re_estimated $op $other.re_estimated;
        $sums.re_estimated_absolute $op $other.re_estimated_absolute;
        $sums.final_points $op $other.final_points;
        $sums.done $op $other.done;
        $sums.done_committed $op $other.done_committed;
        $sums.shipped $op $other.shipped;
        $sums.slipped $op $other.slipped;
        $sums.credit_refused $op $other.credit_refused;
        $sums.interrupt $op $other.interrupt;
        $sums.interrupt_approved $op $other.interrupt_approved;
    }};
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        each_sum!(self += other);
    }
}

impl SubAssign for Sums {
    fn sub_assign(&mut self, other: Self) {
        each_sum!(self -= other);
    }
}

//! The ledger of one revision: what each ticket adds to it, and the sums.
//!
//! A ticket's share depends on its own history, its deliveries and the [`Terms`] of the revision, so a change of one ticket
//! changes one share. The open revision keeps its shares and counts anew those named [`Ledger::stale`]; a closed one is
//! counted once from all of them. Derived, never written: a restore counts anew.

use std::ops::{AddAssign, SubAssign};

use bellwether_model::{EventTime, Millis, Points, Ratio, SprintId, SquadId};

use super::exception::Cover;
use super::interrupt;
use super::scope::{Change, ChangeKind, Scope, Span};
use super::ticket::{Category, Ticket};
use super::tickets::{TicketNo, Tickets};
use crate::delivery::Deliveries;
use crate::id_map::IdMap;
use crate::intern::TextNo;

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
    /// Whether what is committed is in production, and by which release of the tracker it was asked; `None` when nothing is
    /// committed.
    shipping: Option<Shipping>,
}

/// Whether a ticket is in production by the end of a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shipping {
    release: Option<TextNo>,
    in_production: bool,
}

/// A ticket to be counted anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Stale {
    ticket: TicketNo,
    /// True when its names or what delivers it may be others: then it is asked again whether it is in production.
    delivered: bool,
}

/// The sprint and the squad of a revision as tickets carry them; `None` where no ticket does.
#[derive(Debug, Clone, Copy)]
struct Carried {
    sprint: Option<TextNo>,
    squad: Option<TextNo>,
}

/// The shares of a revision, as last counted.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    terms: Terms,
    carried: Carried,
    shares: IdMap<TicketNo, Share>,
    sums: Sums,
    /// In the order they changed, some several times.
    stale: Vec<Stale>,
}

impl Terms {
    fn span(&self, sprint: Option<TextNo>) -> Span<'_> {
        Span {
            sprint,
            activated: self.activated,
            end: self.close,
            closes: &self.closes,
            carry_over: self.carry_over,
        }
    }
}

impl Carried {
    fn of(sprint: &SprintId, squad: &SquadId, tickets: &Tickets) -> Self {
        Self { sprint: tickets.texts().find(sprint), squad: tickets.texts().find(squad) }
    }
}

impl Ledger {
    /// Counts a revision.
    pub(super) fn of(terms: Terms, sprint: &SprintId, tickets: &Tickets, deliveries: &Deliveries) -> Self {
        let carried = Carried::of(sprint, &terms.squad, tickets);
        let mut ledger =
            Self { terms, carried, shares: IdMap::default(), sums: Sums::default(), stale: Vec::new() };
        let squad = ledger.terms.squad.clone();
        for ticket in tickets.of_sprint(sprint).chain(tickets.interrupts_of(&squad)) {
            if !ledger.shares.contains_key(&ticket) {
                ledger.count(Stale { ticket, delivered: true }, tickets, deliveries);
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
        self.carried = Carried::of(sprint, &self.terms.squad, tickets);
        let mut all = std::mem::take(&mut self.stale);
        all.sort_unstable();
        // Of one ticket the last: if anything was delivered, that says so.
        for (index, stale) in all.iter().enumerate() {
            if all.get(index + 1).is_none_or(|next| next.ticket != stale.ticket) {
                self.count(*stale, tickets, deliveries);
            }
        }
        all.clear();
        self.stale = all;
        self
    }

    /// A ticket changed, or, with `delivered`, its names or what it was delivered by.
    pub(super) fn stale(&mut self, ticket: TicketNo, delivered: bool) {
        self.stale.push(Stale { ticket, delivered });
    }

    /// What its shares depend on besides their tickets.
    pub(super) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The sums.
    pub(super) fn sums(&self) -> Sums {
        self.sums
    }

    /// Its scope changes, in no order.
    pub(super) fn changes(&self) -> impl Iterator<Item = &Change> {
        self.shares.values().flat_map(|share| &share.changes)
    }

    fn count(&mut self, stale: Stale, tickets: &Tickets, deliveries: &Deliveries) {
        let known = self.shares.get_mut(&stale.ticket);
        let shipping = known.as_ref().and_then(|share| share.shipping).filter(|_| !stale.delivered);
        let ask =
            Ask { terms: &self.terms, carried: self.carried, number: stale.ticket, tickets, deliveries };
        let new = tickets.get(stale.ticket).map(|ticket| ask.share(ticket, shipping)).unwrap_or_default();
        self.sums += new.sums;
        match known {
            Some(known) => {
                self.sums -= known.sums;
                *known = new;
            }
            None if new == Share::default() => {}
            None => {
                self.shares.insert(stale.ticket, new);
            }
        }
    }
}

/// What a share is counted from besides its ticket.
#[derive(Clone, Copy)]
struct Ask<'a> {
    terms: &'a Terms,
    carried: Carried,
    number: TicketNo,
    tickets: &'a Tickets,
    deliveries: &'a Deliveries,
}

impl Ask<'_> {
    /// The share of a ticket; of whom it is known whether it is in production, by the same release, that stands.
    fn share(self, ticket: &Ticket, known: Option<Shipping>) -> Share {
        let Self { terms, carried, number, tickets, .. } = self;
        let span = terms.span(carried.sprint);
        let scope = Scope::of(&span, number, ticket);
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
        let mut shipping = None;
        // R23, R24: a committed point is shipped, or slipped, or without credit.
        if let Some(committed) = scope.committed {
            sums.committed_tickets = 1;
            sums.unestimated = u32::from(!committed.estimated);
            if ticket.before(terms.close).is_some_and(|state| state.category == Category::Done) {
                sums.done_committed = committed.points;
            }
            let Shipping { in_production, .. } = shipping.insert(self.shipping(ticket, known));
            let has_credit = committed.sized || Ratio::from(committed.points) <= terms.credit_size_above;
            if !has_credit {
                sums.credit_refused = committed.points;
            }
            if !*in_production {
                sums.slipped = committed.points;
            } else if has_credit {
                sums.shipped = committed.points;
            }
        }
        if let Some(points) = interrupt::points(ticket, &span, carried.squad) {
            sums.interrupt = points;
            if terms.covers.iter().any(|cover| cover.names(tickets.names(number))) {
                sums.interrupt_approved = points;
            }
        }
        Share { sums, changes: scope.changes, shipping }
    }

    fn shipping(self, ticket: &Ticket, known: Option<Shipping>) -> Shipping {
        let deadline = self.terms.close.map(|close| close.plus(self.terms.grace));
        let release = ticket.before(deadline).and_then(|state| state.release);
        if let Some(known) = known.filter(|known| known.release == release) {
            return known;
        }
        let by = deadline.unwrap_or(EventTime::MAX);
        let names = self.tickets.names(self.number);
        let named = release.map(|release| self.tickets.texts().text(release).as_ref());
        let in_production = self.deliveries.is_shipped(names, named, by);
        Shipping { release, in_production }
    }
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

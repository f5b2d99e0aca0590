//! Unplanned interrupt work of a sprint, and what it is measured against (R27).

use std::collections::BTreeMap;

use bellwether_model::{EventTime, Points, Ratio};
use bellwether_wire::pb;
use serde::{Deserialize, Serialize};

use super::scope::Span;
use super::ticket::{Category, State, Ticket};
use crate::intern::TextNo;
use crate::order::Order;

/// What an unestimated interrupt counts.
const UNESTIMATED: Points = Points::whole(1);

/// A declared capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Capacity {
    /// In points.
    Points(Points),
    /// In person-days, converted with the configured points per day.
    PersonDays(Points),
}

/// Every declaration for a sprint, in order.
pub(crate) type Declared = BTreeMap<Order, Capacity>;

impl Capacity {
    /// Reads a declaration; `None` when it says no readable amount.
    pub(crate) fn read(message: &pb::CapacityDeclared) -> Option<Self> {
        let amount = |value: f64| Points::from_f64(value).filter(|points| *points >= Points::ZERO);
        match message.amount.as_ref()? {
            pb::capacity_declared::Amount::Points(points) => amount(*points).map(Self::Points),
            pb::capacity_declared::Amount::PersonDays(days) => amount(*days).map(Self::PersonDays),
        }
    }

    /// In points.
    pub(crate) fn points(self, points_per_day: Ratio) -> Option<Ratio> {
        match self {
            Self::Points(points) => Some(points.into()),
            Self::PersonDays(days) => Ratio::from(days).checked_mul(points_per_day),
        }
    }
}

/// The last declaration before the close; what is declared later is hindsight.
pub(crate) fn declared(declared: &Declared, close: Option<EventTime>) -> Option<Capacity> {
    let before_end = |order: &Order| close.is_none_or(|close| order.at < close);
    declared.iter().rev().find(|(order, _)| before_end(order)).map(|(_, capacity)| *capacity)
}

/// The points a ticket counts as an interrupt of the span; `None` when it is none.
///
/// Flag and points are those of the close; it must be of the squad then, or have been in the sprint, and somebody must
/// have worked on it or finished it in the span.
pub(crate) fn points(ticket: &Ticket, span: &Span<'_>, squad: Option<TextNo>) -> Option<Points> {
    let at_close = ticket.before(span.end)?;
    if !at_close.interrupt || at_close.sub_task {
        return None;
    }
    let in_sprint = |state: &State| state.is_in(span.sprint);
    let at_activation = ticket.through(span.activated);
    let mut of_sprint = at_close.is_of(squad) || at_activation.is_some_and(in_sprint);
    let mut worked_on = at_activation.is_some_and(|state| state.category == Category::InProgress)
        || ticket.finished_at(span.activated);
    for (_, before, state) in ticket.changes(span.activated, span.end) {
        of_sprint |= in_sprint(state);
        worked_on |= state.category == Category::InProgress || is_finish(before, state);
    }
    (of_sprint && worked_on).then(|| at_close.points.unwrap_or(UNESTIMATED))
}

/// True when a change enters done.
pub(super) fn is_finish(before: Option<&State>, after: &State) -> bool {
    after.category == Category::Done && before.is_none_or(|before| before.category != Category::Done)
}

//! The scope of a sprint: what was committed at the activation, and what changed after it (R20-R22).
//!
//! One ticket stands somewhere towards a sprint, and each of its states moves it:
//!
//! ```text
//!            open: added                     leaves, sub-task: removed
//!   outside ------------> counted(points) ---------------------------> outside
//!      | done                |  | ^   cancelled: removed     open, done: added
//!      v        open: added  |  | +--- cancelled <-----------------------+
//!   done outside ----------->+  | leaves unfinished near a close
//!                               v
//!                           carried over(points): still counted; coming back is no addition
//! ```
//! Invariant: final = committed + added + re-estimated - removed, where final is summed over the tickets that are still
//! counted. Points are summed as last counted, so a removal takes away what was there.

use bellwether_model::{EventTime, Millis, Points};

use super::ticket::{Category, State, Ticket};
use super::tickets::TicketNo;
use crate::intern::TextNo;

/// The span of one revision.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span<'a> {
    /// Sprint; `None` for one that no ticket was ever in.
    pub(crate) sprint: Option<TextNo>,
    /// Activation.
    pub(crate) activated: EventTime,
    /// Close, exclusive; `None` while open.
    pub(crate) end: Option<EventTime>,
    /// Every close of the sprint, of later revisions too.
    pub(crate) closes: &'a [EventTime],
    /// How near to a close a move is the tracker's carry-over.
    pub(crate) carry_over: Millis,
}

/// A committed ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Committed {
    /// Points at the activation.
    pub(crate) points: Points,
    /// False when it had no estimate.
    pub(crate) estimated: bool,
    /// True when it had a size.
    pub(crate) sized: bool,
}

/// How the scope changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    /// A ticket came in.
    Added,
    /// A ticket went out.
    Removed,
    /// A counted ticket got another estimate.
    ReEstimated,
}

/// One scope change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    /// Ticket.
    pub(super) ticket: TicketNo,
    /// When.
    pub(crate) at: EventTime,
    /// How.
    pub(crate) kind: ChangeKind,
    /// Points; signed for a re-estimate, what came or went otherwise.
    pub(crate) points: Points,
}

/// What one ticket is to the scope of a revision.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Scope {
    /// What was committed of it.
    pub(crate) committed: Option<Committed>,
    /// Scope changes, in order.
    pub(crate) changes: Vec<Change>,
    /// Points still counted at the end.
    pub(crate) final_points: Points,
    /// Points done among them.
    pub(crate) done: Points,
}

/// Where a ticket stands towards the sprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Outside,
    /// In the sprint, but done before it counted: outside until it is re-opened.
    DoneOutside,
    /// In the sprint and cancelled.
    Cancelled,
    Counted(Points),
    /// Moved out by the tracker at a close: still counted.
    CarriedOver(Points),
}

/// Where a state of a ticket is, seen from the sprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Away,
    SubTask,
    Cancelled,
    Done,
    Open,
}

impl Scope {
    /// The scope of a ticket.
    pub(crate) fn of(span: &Span<'_>, number: TicketNo, ticket: &Ticket) -> Self {
        let mut scope = Self::default();
        let at_activation = ticket.through(span.activated);
        let mut standing = match at_activation.map_or(Presence::Away, |state| presence(span, state)) {
            Presence::Away | Presence::SubTask => Standing::Outside,
            Presence::Cancelled => Standing::Cancelled,
            Presence::Done => Standing::DoneOutside,
            Presence::Open => Standing::Counted(at_activation.map_or(Points::ZERO, State::estimate)),
        };
        if let (Standing::Counted(points), Some(state)) = (standing, at_activation) {
            scope.committed =
                Some(Committed { points, estimated: state.points.is_some(), sized: state.sized });
        }
        for (at, before, state) in ticket.changes(span.activated, span.end) {
            let carried =
                span.is_near_a_close(at) && before.is_some_and(is_unfinished) && is_unfinished(state);
            let (next, change) = standing.step(presence(span, state), state.estimate(), carried);
            standing = next;
            if let Some((kind, points)) = change {
                scope.changes.push(Change { ticket: number, at, kind, points });
            }
        }
        match standing {
            Standing::Counted(points) => {
                scope.final_points += points;
                if ticket.before(span.end).is_some_and(|state| state.category == Category::Done) {
                    scope.done += points;
                }
            }
            Standing::CarriedOver(points) => scope.final_points += points,
            Standing::Outside | Standing::DoneOutside | Standing::Cancelled => {}
        }
        debug_assert_eq!(
            scope.final_points,
            scope.committed_points() + scope.sum(ChangeKind::Added) + scope.sum(ChangeKind::ReEstimated)
                - scope.sum(ChangeKind::Removed),
            "final = committed + added + re-estimated - removed"
        );
        scope
    }

    /// Points committed.
    pub(crate) fn committed_points(&self) -> Points {
        self.committed.map_or(Points::ZERO, |committed| committed.points)
    }

    /// Sum of one kind of change.
    pub(crate) fn sum(&self, kind: ChangeKind) -> Points {
        self.changes.iter().filter(|change| change.kind == kind).map(|change| change.points).sum()
    }

    /// Sum of the re-estimates without their signs, change by change.
    pub(crate) fn re_estimated_absolute(&self) -> Points {
        let re_estimates = self.changes.iter().filter(|change| change.kind == ChangeKind::ReEstimated);
        re_estimates.map(|change| change.points.abs()).sum()
    }
}

impl Span<'_> {
    fn is_near_a_close(&self, at: EventTime) -> bool {
        self.closes
            .iter()
            .any(|close| close.minus(self.carry_over) <= at && at <= close.plus(self.carry_over))
    }
}

impl Standing {
    /// What a state makes of it, and the scope change that is.
    fn step(
        self,
        presence: Presence,
        estimate: Points,
        carried: bool,
    ) -> (Self, Option<(ChangeKind, Points)>) {
        let added = (Self::Counted(estimate), Some((ChangeKind::Added, estimate)));
        match (self, presence) {
            (Self::Outside, Presence::Away | Presence::SubTask) => (Self::Outside, None),
            (Self::Outside, Presence::Done) => (Self::DoneOutside, None),
            (Self::Outside, Presence::Cancelled) => (Self::Cancelled, None),
            (Self::Outside, Presence::Open) => added,

            (Self::DoneOutside, Presence::Away | Presence::SubTask) => (Self::Outside, None),
            (Self::DoneOutside, Presence::Done | Presence::Cancelled) => (Self::DoneOutside, None),
            (Self::DoneOutside, Presence::Open) => added,

            (Self::Cancelled, Presence::Away | Presence::SubTask) => (Self::Outside, None),
            (Self::Cancelled, Presence::Cancelled) => (Self::Cancelled, None),
            (Self::Cancelled, Presence::Done | Presence::Open) => added,

            (Self::CarriedOver(points), Presence::Away) => (Self::CarriedOver(points), None),
            (Self::Counted(points), Presence::Away) if carried => (Self::CarriedOver(points), None),
            (Self::Counted(points) | Self::CarriedOver(points), Presence::Away | Presence::SubTask) => {
                (Self::Outside, Some((ChangeKind::Removed, points)))
            }
            (Self::Counted(points) | Self::CarriedOver(points), Presence::Cancelled) => {
                (Self::Cancelled, Some((ChangeKind::Removed, points)))
            }
            (Self::Counted(points) | Self::CarriedOver(points), Presence::Done | Presence::Open) => {
                let change = (points != estimate).then_some((ChangeKind::ReEstimated, estimate - points));
                (Self::Counted(estimate), change)
            }
        }
    }
}

fn presence(span: &Span<'_>, state: &State) -> Presence {
    if !state.is_in(span.sprint) {
        return Presence::Away;
    }
    if state.sub_task {
        return Presence::SubTask;
    }
    match state.category {
        Category::Cancelled => Presence::Cancelled,
        Category::Done => Presence::Done,
        Category::Todo | Category::InProgress => Presence::Open,
    }
}

fn is_unfinished(state: &State) -> bool {
    match state.category {
        Category::Todo | Category::InProgress => true,
        Category::Done | Category::Cancelled => false,
    }
}

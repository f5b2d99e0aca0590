//! Assesses a sprint once an instant is complete: computes its revisions, publishes what changed.

use bellwether_model::{EventTime, Millis, Points, Ratio, SprintId, SquadId, TicketId};
use prost::Message as _;
use xxhash_rust::xxh3::xxh3_64;

use super::exception::{self, Cover};
use super::interrupt;
use super::outcome::Outcome;
use super::scope::{ChangeKind, Scope, Span};
use super::{Published, Sprint, Sprints};
use crate::context::Context;
use crate::deadlines::Deadline;
use crate::delivery::Deliveries;
use crate::order::Why;

/// What an assessment changed about a squad's series of closed sprints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeriesChanged {
    /// Squad.
    pub(crate) squad: SquadId,
    /// What caused it.
    pub(crate) why: Why,
}

impl Sprints {
    /// Looks at a sprint, if there is a reason to; the series of its squad may have changed by it.
    pub(crate) fn on_deadline(
        &mut self,
        context: &mut Context<'_>,
        deliveries: &Deliveries,
        id: &SprintId,
    ) -> Option<SeriesChanged> {
        let why = self.looks.remove(id)?;
        self.assess(context, deliveries, id, why)
    }

    /// The grace period of a closed revision has ended: its outcome is no longer provisional.
    pub(crate) fn on_grace(
        &mut self,
        context: &mut Context<'_>,
        deliveries: &Deliveries,
        id: &SprintId,
    ) -> Option<SeriesChanged> {
        let why = Why::of(context.cause);
        let why = self.looks.remove(id).map_or(why, |known| known.and(why));
        self.assess(context, deliveries, id, why)
    }

    fn assess(
        &mut self,
        context: &mut Context<'_>,
        deliveries: &Deliveries,
        id: &SprintId,
        why: Why,
    ) -> Option<SeriesChanged> {
        let sprint = self.sprints.get(id)?;
        let squad = sprint.squad.clone().filter(|squad| context.owns(squad))?;
        let closed: Vec<Outcome> = sprint
            .life
            .closes
            .iter()
            .map(|close| self.outcome(context, deliveries, id, sprint, &squad, Some(close.at)))
            .collect::<Option<_>>()?;
        let open =
            sprint.life.open.then(|| self.outcome(context, deliveries, id, sprint, &squad, None)).flatten();
        for outcome in closed.iter().filter(|outcome| outcome.provisional) {
            let end = outcome.closed_at.unwrap_or(context.now).plus(context.thresholds().sprint_grace);
            context.deadlines.set(end, Deadline::Grace(id.clone()));
        }
        let sprint = self.sprints.get_mut(id)?;
        let revisions = closed.iter().chain(open.as_ref());
        for (revision, outcome) in (1..).zip(revisions) {
            publish(context, id, sprint, &squad, revision, outcome);
        }
        let in_series = !sprint.life.open;
        let changed = sprint.outcomes != closed || sprint.in_series != in_series;
        sprint.outcomes = closed;
        sprint.in_series = in_series;
        changed.then_some(SeriesChanged { squad, why })
    }

    /// What the revision that ends with a close, or is open, comes to; `None` for a sprint that never began.
    fn outcome(
        &self,
        context: &Context<'_>,
        deliveries: &Deliveries,
        id: &SprintId,
        sprint: &Sprint,
        squad: &SquadId,
        close: Option<EventTime>,
    ) -> Option<Outcome> {
        let thresholds = context.thresholds();
        let closes: Vec<EventTime> = sprint.life.closes.iter().map(|close| close.at).collect();
        let span = Span {
            sprint: id,
            activated: sprint.life.activated?,
            end: close,
            closes: &closes,
            carry_over: thresholds.carry_over,
        };
        let mut scope = Scope::default();
        for ticket in self.contents.get(id).into_iter().flatten() {
            if let Some(history) = self.tickets.get(ticket) {
                scope.take(&span, ticket, history);
            }
        }
        let covers = self.covers(context, id, squad);
        let (interrupt, interrupt_approved) = self.interrupt(&span, squad, &covers);
        let committed = scope.committed_points();
        let declared = interrupt::declared(&sprint.capacity, &span)
            .and_then(|capacity| capacity.points(thresholds.interrupt_points_per_day));
        let (shipped, slipped, credit_refused) = self.shipping(context, deliveries, &scope, close);
        Some(Outcome {
            closed_at: close,
            provisional: close.is_some_and(|close| context.now < close.plus(thresholds.sprint_grace)),
            committed,
            committed_tickets: count(scope.committed.len()),
            unestimated: count(scope.committed.iter().filter(|ticket| !ticket.estimated).count()),
            added: scope.sum(ChangeKind::Added),
            removed: scope.sum(ChangeKind::Removed),
            re_estimated: scope.sum(ChangeKind::ReEstimated),
            re_estimated_absolute: scope.re_estimated_absolute(),
            final_points: scope.final_points,
            done: scope.done,
            shipped,
            slipped,
            credit_refused,
            interrupt,
            interrupt_approved,
            capacity: declared.unwrap_or_else(|| committed.into()),
            capacity_declared: declared.is_some(),
            approved: exception::approved(&covers, &scope.changes, |ticket| self.names(ticket).collect()),
        })
    }

    /// Committed points shipped with credit, slipped, and without credit (R23, R24).
    fn shipping(
        &self,
        context: &Context<'_>,
        deliveries: &Deliveries,
        scope: &Scope,
        close: Option<EventTime>,
    ) -> (Points, Points, Points) {
        let thresholds = context.thresholds();
        let deadline = close.map(|close| close.plus(thresholds.sprint_grace));
        let (mut shipped, mut slipped, mut refused) = (Points::ZERO, Points::ZERO, Points::ZERO);
        for ticket in &scope.committed {
            let history = self.tickets.get(&ticket.ticket);
            let release = history.and_then(|history| history.before(deadline)?.release.as_deref());
            let by = deadline.unwrap_or(EventTime::MAX);
            let in_production = deliveries.is_shipped(self.names(&ticket.ticket), release, by);
            let needs_size = Ratio::from(ticket.points) > thresholds.credit_size_above;
            let has_credit = ticket.sized || !needs_size;
            if !has_credit {
                refused += ticket.points;
            }
            if !in_production {
                slipped += ticket.points;
            } else if has_credit {
                shipped += ticket.points;
            }
        }
        (shipped, slipped, refused)
    }

    /// Interrupt points, and those of tickets that an exception names.
    fn interrupt(&self, span: &Span<'_>, squad: &SquadId, covers: &[&Cover]) -> (Points, Points) {
        let (mut all, mut approved) = (Points::ZERO, Points::ZERO);
        for id in &self.interrupts {
            let Some(points) = self.tickets.get(id).and_then(|ticket| interrupt::points(ticket, span, squad))
            else {
                continue;
            };
            all += points;
            if covers.iter().any(|cover| cover.names(self.names(id))) {
                approved += points;
            }
        }
        (all, approved)
    }

    /// Signed exceptions of a sprint, in order of id.
    fn covers(&self, context: &Context<'_>, id: &SprintId, squad: &SquadId) -> Vec<&Cover> {
        let may_sign = |signer: Option<&_>, at| context.reference.may_sign_exceptions(squad, signer, at);
        let approved = self.exceptions.values().filter_map(|exception| exception.approves(may_sign));
        approved.filter(|cover| cover.sprint == *id).collect()
    }

    /// The names a ticket is known by: its id and every key it had.
    fn names<'a>(&'a self, id: &'a TicketId) -> impl Iterator<Item = &'a str> + Clone {
        let keys: Vec<&str> = self.tickets.get(id).into_iter().flat_map(|ticket| ticket.keys()).collect();
        std::iter::once(id.as_str()).chain(keys)
    }
}

/// Publishes a revision if it changed. What changes twice within one millisecond is said in the next.
fn publish(
    context: &mut Context<'_>,
    id: &SprintId,
    sprint: &mut Sprint,
    squad: &SquadId,
    revision: u32,
    outcome: &Outcome,
) {
    let now = context.now;
    let message = outcome.message(id, squad, &sprint.life, revision);
    let fingerprint = xxh3_64(&message.encode_to_vec());
    match sprint.published.get(&revision) {
        Some(last) if last.fingerprint == fingerprint => return,
        Some(last) if last.at == now => {
            context.deadlines.set(now.plus(Millis::from_ms(1)), Deadline::Grace(id.clone()));
            return;
        }
        Some(_) | None => {}
    }
    sprint.published.insert(revision, Published { at: now, fingerprint });
    let subject = format!("sprint/{id}/{revision}");
    context.emit(format!("{subject}/{now}"), subject, message);
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

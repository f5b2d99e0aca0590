//! Assesses a sprint once an instant is complete: computes its revisions, publishes what changed.

use bellwether_model::{EventTime, Millis, SprintId, SquadId};
use prost::Message as _;
use xxhash_rust::xxh3::xxh3_64;

use super::exception::{self, Cover};
use super::interrupt;
use super::ledger::{Ledger, Terms};
use super::life::Life;
use super::outcome::Outcome;
use super::tickets::Tickets;
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
        let (why, _) = self.sprints.get_mut(id)?.look.take()?;
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
        let known = self.sprints.get_mut(id).and_then(|sprint| sprint.look.take());
        let why = known.map_or(why, |(known, _)| known.and(why));
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
        let activated = sprint.life.activated?;
        let closes: Vec<EventTime> = sprint.life.closes.iter().map(|close| close.at).collect();
        let thresholds = context.thresholds();
        let covers = self.covers(context, id, &squad);
        let terms = |close: Option<EventTime>| Terms {
            squad: squad.clone(),
            activated,
            close,
            closes: closes.clone(),
            carry_over: thresholds.carry_over,
            grace: thresholds.sprint_grace,
            credit_size_above: thresholds.credit_size_above,
            covers: covers.clone(),
        };
        let Self { sprints, tickets, .. } = self;
        let sprint = sprints.get_mut(id)?;
        let outcome = |ledger: &Ledger, sprint: &Sprint| outcome(context, tickets, sprint, ledger);
        let closed: Vec<Outcome> = closes
            .iter()
            .map(|close| {
                let ledger = Ledger::of(terms(Some(*close)), id, tickets, deliveries);
                outcome(&ledger, sprint)
            })
            .collect();
        let known = sprint.ledger.take();
        let ledger = sprint.life.open.then(|| match known {
            Some(known) => known.refreshed(terms(None), id, tickets, deliveries),
            None => Box::new(Ledger::of(terms(None), id, tickets, deliveries)),
        });
        let open = ledger.as_ref().map(|ledger| outcome(ledger, sprint));
        sprint.ledger = ledger;
        for outcome in closed.iter().filter(|outcome| outcome.provisional) {
            let end = outcome.closed_at.unwrap_or(context.now).plus(context.thresholds().sprint_grace);
            context.deadlines.set(end, Deadline::Grace(id.clone()));
        }
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

    /// Signed exceptions of a sprint, in order of id.
    fn covers(&self, context: &Context<'_>, id: &SprintId, squad: &SquadId) -> Vec<Cover> {
        let may_sign = |signer: Option<&_>, at| context.reference.may_sign_exceptions(squad, signer, at);
        let approved = self.exceptions.values().filter_map(|exception| exception.approves(may_sign));
        approved.filter(|cover| cover.sprint == *id).cloned().collect()
    }
}

/// All that the message last published of a sprint was made of: of the same the same would be said.
#[derive(Debug, Clone)]
pub(super) struct Said {
    squad: SquadId,
    name: String,
    activated: Option<EventTime>,
    revision: u32,
    outcome: Outcome,
}

impl Said {
    fn of(sprint: &Sprint, squad: &SquadId, revision: u32, outcome: &Outcome) -> Self {
        let Life { name, activated, .. } = &sprint.life;
        let (squad, name, outcome) = (squad.clone(), name.clone(), outcome.clone());
        Self { squad, name, activated: *activated, revision, outcome }
    }

    fn is(&self, sprint: &Sprint, squad: &SquadId, revision: u32, outcome: &Outcome) -> bool {
        let Self { squad: of, name, activated, revision: number, outcome: known } = self;
        let same_life = *name == sprint.life.name && *activated == sprint.life.activated;
        same_life && of == squad && *number == revision && known == outcome
    }
}

/// What a revision comes to.
fn outcome(context: &Context<'_>, tickets: &Tickets, sprint: &Sprint, ledger: &Ledger) -> Outcome {
    let terms = ledger.terms();
    let thresholds = context.thresholds();
    let declared = interrupt::declared(&sprint.capacity, terms.close)
        .and_then(|capacity| capacity.points(thresholds.interrupt_points_per_day));
    let sums = ledger.sums();
    Outcome {
        closed_at: terms.close,
        provisional: terms.close.is_some_and(|close| context.now < close.plus(thresholds.sprint_grace)),
        committed: sums.committed,
        committed_tickets: sums.committed_tickets,
        unestimated: sums.unestimated,
        added: sums.added,
        removed: sums.removed,
        re_estimated: sums.re_estimated,
        re_estimated_absolute: sums.re_estimated_absolute,
        final_points: sums.final_points,
        done: sums.done,
        done_committed: sums.done_committed,
        shipped: sums.shipped,
        slipped: sums.slipped,
        credit_refused: sums.credit_refused,
        interrupt: sums.interrupt,
        interrupt_approved: sums.interrupt_approved,
        capacity: declared.unwrap_or_else(|| sums.committed.into()),
        capacity_declared: declared.is_some(),
        approved: exception::approved(&terms.covers, ledger.changes(), tickets),
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
    if sprint.said.as_ref().is_some_and(|said| said.is(sprint, squad, revision, outcome)) {
        return;
    }
    let now = context.now;
    let message = outcome.message(id, squad, &sprint.life, revision);
    let fingerprint = xxh3_64(&message.encode_to_vec());
    match sprint.published.get(&revision) {
        Some(last) if last.fingerprint == fingerprint => {
            sprint.said = Some(Box::new(Said::of(sprint, squad, revision, outcome)));
            return;
        }
        Some(last) if last.at == now => {
            context.deadlines.set(now.plus(Millis::from_ms(1)), Deadline::Grace(id.clone()));
            return;
        }
        Some(_) | None => {}
    }
    sprint.published.insert(revision, Published { at: now, fingerprint });
    sprint.said = Some(Box::new(Said::of(sprint, squad, revision, outcome)));
    let subject = format!("sprint/{id}/{revision}");
    context.emit(format!("{subject}/{now}"), subject, message);
}

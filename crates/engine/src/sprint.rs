//! Sprints: the ledger of every sprint, recomputed from the histories of its tickets.
//!
//! Facts land in histories ([`ticket`], [`life`]) and only mark the sprints they concern. A sprint is assessed when an
//! instant is complete: at its activation, its closes, the end of a grace period, when a late fact concerns a closed
//! revision, and at most once an hour while it is open. Because it is always computed from the sorted histories, late
//! and out-of-order facts give what a sorted replay gives (R1). What it is not: a rule, or a key result.
//!
//! Invariants: final = committed + added + re-estimated - removed ([`scope`]); a closed revision is published again only
//! when it changed, with the same number.

mod assess;
mod exception;
mod interrupt;
mod life;
mod outcome;
mod scope;
mod series;
mod ticket;
mod version;

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{EventTime, ExceptionId, Millis, Points, SprintId, SquadId, TicketId};
use bellwether_wire::{Payload, pb};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::deadlines::Deadline;
use crate::delivery::KEEP;
use crate::fact::Fact;
use crate::order::{Order, Why, next_hour};
pub(crate) use assess::SeriesChanged;
use exception::{Exception, Step};
use interrupt::{Capacity, Declared};
use life::{Life, Transition};
use outcome::Outcome;
pub(crate) use series::Closed;
use ticket::{Place, State, Ticket};

/// One sprint.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Sprint {
    transitions: BTreeMap<Order, Transition>,
    life: Life,
    /// The squad it is judged in; `None` for a board without squad (R26).
    squad: Option<SquadId>,
    capacity: Declared,
    /// Outcomes of the closed revisions, in order, as last assessed.
    outcomes: Vec<Outcome>,
    /// True while it is closed: a re-opened sprint is out of every series.
    in_series: bool,
    /// What was published of each revision, so that only changes are.
    published: BTreeMap<u32, Published>,
}

/// What was published last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Published {
    at: EventTime,
    fingerprint: u64,
}

/// Every sprint known in one partition, and the tickets they are made of.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sprints {
    sprints: BTreeMap<SprintId, Sprint>,
    tickets: BTreeMap<TicketId, Ticket>,
    /// Tickets that were ever in a sprint.
    contents: BTreeMap<SprintId, BTreeSet<TicketId>>,
    /// Tickets that were ever flagged as interrupts.
    interrupts: BTreeSet<TicketId>,
    exceptions: BTreeMap<ExceptionId, Exception>,
    /// Sprints to assess, and why.
    looks: BTreeMap<SprintId, Why>,
}

impl Sprints {
    /// Folds a fact of the sprint, ticket or OKR topic.
    pub(crate) fn on_fact(&mut self, context: &mut Context<'_>, fact: &Fact) {
        match &fact.event.payload {
            Payload::CapacityDeclared(message) => self.declare(context, fact, message),
            Payload::TicketChanged(message) => self.ticket_changed(context, fact, message),
            Payload::TicketRemoved(message) => {
                let id = TicketId::from(message.ticket.as_str());
                if self.tickets.contains_key(&id) {
                    self.keep(context, id, Place::of(fact, "", true), State::gone(), "");
                }
            }
            _ => {
                if let Some((id, order, transition)) = Transition::read(fact) {
                    self.transition(context, id, order, transition);
                } else if let Some((id, step)) = Step::read(fact) {
                    self.exception(context, fact, id, step);
                }
            }
        }
    }

    /// Deliveries changed from an instant on: whoever could ship by a deployment that ended then is looked at.
    pub(crate) fn on_delivery(&mut self, context: &mut Context<'_>, from: EventTime) {
        let margin = margin(context);
        let may_ship = |sprint: &Sprint| sprint.life.open || sprint.life.closes_within(margin, from);
        for id in self.ids_where(may_ship) {
            self.mark(context, &id, from, false);
        }
    }

    /// Reference data changed: a board may have got its squad.
    pub(crate) fn on_reference(&mut self, context: &mut Context<'_>) {
        for id in self.ids_where(|sprint| sprint.life.squad.is_none()) {
            let Some(sprint) = self.sprints.get_mut(&id) else { continue };
            let squad = squad_of(context, &sprint.life);
            if sprint.squad != squad {
                sprint.squad = squad;
                self.look_now(context, &id);
            }
        }
    }

    fn transition(&mut self, context: &mut Context<'_>, id: SprintId, order: Order, transition: Transition) {
        let sprint = self.sprints.entry(id.clone()).or_default();
        sprint.transitions.insert(order.clone(), transition);
        let (life, ignored) = Life::of(&sprint.transitions);
        if let Some(reason) = ignored.get(&order) {
            context.skip(format!("sprint {id}: {reason}"));
        }
        sprint.squad = squad_of(context, &life);
        let closed = life.closes.len() > sprint.life.closes.len();
        let began = life.activated.is_some() || sprint.life.activated.is_some();
        sprint.life = life;
        if began {
            self.look_now(context, &id);
        }
        if closed {
            self.prune(context.now);
        }
    }

    fn declare(&mut self, context: &mut Context<'_>, fact: &Fact, message: &pb::CapacityDeclared) {
        let Some(capacity) = Capacity::read(message).filter(|_| !message.sprint.is_empty()) else {
            context.skip("a capacity needs a sprint and an amount of points or person-days");
            return;
        };
        let id = SprintId::from(message.sprint.as_str());
        let sprint = self.sprints.entry(id.clone()).or_default();
        sprint.capacity.insert(Order::of(fact, fact.event.time), capacity);
        self.mark(context, &id, fact.event.time, false);
    }

    fn ticket_changed(&mut self, context: &mut Context<'_>, fact: &Fact, message: &pb::TicketChanged) {
        let id = TicketId::from(message.ticket.as_str());
        let concerns = fact.squads.is_empty() || fact.squads.iter().any(|squad| context.owns(squad));
        if !concerns && !self.tickets.contains_key(&id) {
            return;
        }
        let points = message.points.map(|points| Points::from_f64(points).filter(|p| *p >= Points::ZERO));
        if points == Some(None) {
            context.skip(format!("ticket {id}: unreadable estimate; it counts as unestimated"));
        }
        let at = fact.event.time;
        let squad = if message.squad.is_empty() {
            context.reference.squad_of_board(&message.board, at).cloned()
        } else {
            Some(SquadId::from(message.squad.as_str()))
        };
        let state = State {
            sprint: (!message.sprint.is_empty()).then(|| SprintId::from(message.sprint.as_str())),
            squad,
            points: points.flatten(),
            sized: !message.size.is_empty(),
            category: message.category().into(),
            sub_task: message.sub_task || message.kind() == pb::TicketKind::SubTask,
            interrupt: message.interrupt,
            release: (!message.release.is_empty()).then(|| message.release.as_str().into()),
        };
        self.keep(context, id, Place::of(fact, &message.version, false), state, &message.key);
    }

    /// Adds a state to a ticket's history and marks the sprints that it may change.
    fn keep(&mut self, context: &mut Context<'_>, id: TicketId, place: Place, state: State, key: &str) {
        let at = place.at;
        if let Some(sprint) = &state.sprint {
            self.contents.entry(sprint.clone()).or_default().insert(id.clone());
        }
        if state.interrupt {
            self.interrupts.insert(id.clone());
        }
        let ticket = self.tickets.entry(id.clone()).or_default();
        let renamed = ticket.name(key);
        if !ticket.insert(place, state) && !renamed {
            return;
        }
        let sprints: BTreeSet<&SprintId> = ticket.states().filter_map(|s| s.sprint.as_ref()).collect();
        let mut concerned: BTreeSet<SprintId> = sprints.into_iter().cloned().collect();
        if self.interrupts.contains(&id) {
            let squads: BTreeSet<&SquadId> = ticket.states().filter_map(|s| s.squad.as_ref()).collect();
            let theirs =
                self.sprints.iter().filter(|(_, s)| s.squad.as_ref().is_some_and(|q| squads.contains(q)));
            concerned.extend(theirs.map(|(id, _)| id.clone()));
        }
        for sprint in concerned {
            self.mark(context, &sprint, at, renamed);
        }
    }

    fn exception(&mut self, context: &mut Context<'_>, fact: &Fact, id: String, step: Step) {
        let exception = self.exceptions.entry(ExceptionId::from(id)).or_default();
        let before = exception.sprint().cloned();
        exception.insert(Order::of(fact, fact.event.time), step);
        let after = exception.sprint().cloned();
        for sprint in BTreeSet::from([before, after]).into_iter().flatten() {
            // A signature may come after the close and still covers what it names.
            self.mark(context, &sprint, fact.event.time, true);
        }
    }

    /// Marks a sprint that something at an instant may change: an open revision for the end of the hour, a closed one for
    /// the end of this instant, unless what happened lies `behind` every close and its margins.
    fn mark(&mut self, context: &mut Context<'_>, id: &SprintId, at: EventTime, even_behind: bool) {
        let Some(sprint) = self.sprints.get(id).filter(|sprint| sprint.life.activated.is_some()) else {
            return;
        };
        if !sprint.squad.as_ref().is_some_and(|squad| context.owns(squad)) {
            return;
        }
        let was_closed = !sprint.life.closes.is_empty();
        if was_closed && (even_behind || sprint.life.closes_within(margin(context), at)) {
            self.look_now(context, id);
        } else if sprint.life.open {
            self.look(context, id, next_hour(context.now));
        }
    }

    fn look_now(&mut self, context: &mut Context<'_>, id: &SprintId) {
        self.look(context, id, context.now);
    }

    fn look(&mut self, context: &mut Context<'_>, id: &SprintId, at: EventTime) {
        let why = Why::of(context.cause);
        self.looks.entry(id.clone()).and_modify(|known| *known = known.and(why)).or_insert(why);
        context.deadlines.set(at, Deadline::Sprint(id.clone()));
    }

    fn ids_where(&self, pred: impl Fn(&Sprint) -> bool) -> Vec<SprintId> {
        self.sprints.iter().filter(|(_, sprint)| pred(sprint)).map(|(id, _)| id.clone()).collect()
    }

    /// Forgets sprints that ended long ago and the states that no sprint left needs.
    fn prune(&mut self, now: EventTime) {
        let horizon = now.minus(KEEP);
        self.sprints.retain(|_, sprint| {
            let told =
                sprint.transitions.keys().next_back().into_iter().chain(sprint.capacity.keys().next_back());
            sprint.life.open || told.map(|order| order.at).max().is_some_and(|last| last >= horizon)
        });
        let first = self.sprints.values().filter_map(|sprint| sprint.life.activated).min();
        let keep_from = first.map_or(horizon, |first| first.min(horizon)).minus(Millis::from_ms(1));
        let Self { sprints, tickets, contents, interrupts, exceptions, .. } = self;
        tickets.retain(|_, ticket| !ticket.prune(keep_from, |sprint| sprints.contains_key(sprint)));
        for of_sprint in contents.values_mut() {
            of_sprint.retain(|ticket| tickets.contains_key(ticket));
        }
        contents.retain(|_, of_sprint| !of_sprint.is_empty());
        interrupts.retain(|ticket| tickets.contains_key(ticket));
        exceptions.retain(|_, exception| exception.last_step().is_some_and(|last| last >= horizon));
    }
}

/// How long after its close a sprint's outcome may still change.
fn margin(context: &Context<'_>) -> Millis {
    let thresholds = context.thresholds();
    thresholds.carry_over.max(thresholds.sprint_grace)
}

/// The squad a sprint is judged in: the one its events name, else the one of its board when it began.
fn squad_of(context: &Context<'_>, life: &Life) -> Option<SquadId> {
    let at = life.activated.unwrap_or(context.now);
    life.squad.clone().or_else(|| context.reference.squad_of_board(&life.board, at).cloned())
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod twin;

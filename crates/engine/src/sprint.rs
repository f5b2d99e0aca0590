//! Sprints: the ledger of every sprint, recomputed from the histories of its tickets.
//!
//! Facts land in histories ([`ticket`], [`life`]) and only mark the sprints they concern. A sprint is assessed when an
//! instant is complete: at its activation, its closes, the end of a grace period, when a late fact concerns a closed
//! revision, and at most once an hour while it is open. Because it is always computed from the sorted histories, late
//! and out-of-order facts give what a sorted replay gives (R1). What it is not: a rule, or a key result.
//!
//! What each ticket adds to a revision is kept in its [`ledger`], so that one change counts one ticket anew.
//!
//! Invariants: final = committed + added + re-estimated - removed ([`scope`]); a closed revision is published again only
//! when it changed, with the same number; what is derived - ledgers, indexes - says what a count from the histories says.

mod assess;
mod exception;
mod interrupt;
mod ledger;
mod life;
mod outcome;
mod scope;
mod series;
mod short_text;
mod ticket;
mod tickets;
mod version;
mod written;

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{EventTime, ExceptionId, Millis, Points, SprintId, SquadId};
use bellwether_wire::{Payload, pb};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::deadlines::Deadline;
use crate::delivery::{KEEP, Touched};
use crate::fact::Fact;
use crate::id_map::IdMap;
use crate::intern::TextNo;
use crate::order::{Order, Why, next_hour};
use assess::Said;
pub(crate) use assess::SeriesChanged;
use exception::{Exception, Step};
use interrupt::{Capacity, Declared};
use ledger::Ledger;
use life::{Life, Transition};
use outcome::Outcome;
pub(crate) use series::Closed;
use ticket::{Place, State};
use tickets::{TicketNo, Tickets};
use written::Written;

/// How often the old is looked for: what it costs grows with all tickets kept.
const PRUNE_EVERY: Millis = Millis::days(7);

/// One sprint.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
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
    /// Of the open revision, as last assessed.
    #[serde(skip)]
    ledger: Option<Box<Ledger>>,
    /// What was published last, so that what stays the same is not put into words again.
    #[serde(skip)]
    said: Option<Box<Said>>,
    /// Why it is to be assessed, and the first instant set for it.
    #[serde(skip)]
    look: Option<(Why, EventTime)>,
}

/// What was published last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Published {
    at: EventTime,
    fingerprint: u64,
}

/// What may change a sprint.
#[derive(Debug, Clone, Copy)]
struct Changed {
    /// The instant it is of.
    at: EventTime,
    /// True for what may change a closed revision though it lies behind every close.
    even_behind: bool,
    /// The ticket it is about, and whether its names or deliveries may be others; `None` for all of the sprint.
    ticket: Option<(TicketNo, bool)>,
}

/// Every sprint known in one partition, and the tickets they are made of.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub(crate) struct Sprints {
    sprints: IdMap<SprintId, Sprint>,
    /// Sprints by the squad they are judged in.
    of_squad: IdMap<SquadId, BTreeSet<SprintId>>,
    tickets: Tickets,
    exceptions: BTreeMap<ExceptionId, Exception>,
    pruned: Option<EventTime>,
}

impl Sprints {
    /// Folds a fact of the sprint, ticket or OKR topic.
    pub(crate) fn on_fact(&mut self, context: &mut Context<'_>, fact: &Fact) {
        match &fact.event.payload {
            Payload::CapacityDeclared(message) => self.declare(context, fact, message),
            Payload::TicketChanged(message) => self.ticket_changed(context, fact, message),
            Payload::TicketRemoved(message) => {
                if let Some(number) = self.tickets.find(&message.ticket) {
                    let place = Place::of(fact, "", true, self.tickets.texts_mut());
                    self.keep(context, number, place, State::gone(), "");
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

    /// Deliveries changed: the sprints that the tickets concerned were ever in are looked at.
    pub(crate) fn on_delivery(&mut self, context: &mut Context<'_>, touched: &Touched) {
        let tickets = &self.tickets;
        let named = touched.tickets.iter().flat_map(|name| tickets.named(name));
        let released = touched.releases.iter().flat_map(|release| tickets.of_release(release));
        let concerned: BTreeSet<TicketNo> = named.chain(released).collect();
        for ticket in concerned {
            let changed = Changed { at: touched.from, even_behind: false, ticket: Some((ticket, true)) };
            for sprint in self.sprints_of(ticket) {
                self.mark(context, &sprint, changed);
            }
        }
    }

    /// Reference data changed: a board may have got its squad, and what every open revision is counted by may be another.
    pub(crate) fn on_reference(&mut self, context: &mut Context<'_>, terms_may_differ: bool) {
        if terms_may_differ {
            for id in self.ids_where(|sprint| sprint.life.open) {
                self.mark(context, &id, Changed::all(context.now));
            }
        }
        for id in self.ids_where(|sprint| sprint.life.squad.is_none()) {
            let Some(sprint) = self.sprints.get(&id) else { continue };
            let squad = squad_of(context, &sprint.life);
            if sprint.squad != squad {
                self.judge_in(&id, squad);
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
        let squad = squad_of(context, &life);
        let closed = life.closes.len() > sprint.life.closes.len();
        let began = life.activated.is_some() || sprint.life.activated.is_some();
        sprint.life = life;
        self.judge_in(&id, squad);
        if began {
            self.look_now(context, &id);
        }
        if closed {
            self.prune(context.now);
        }
    }

    /// The squad of a sprint is known, or another.
    fn judge_in(&mut self, id: &SprintId, squad: Option<SquadId>) {
        let Some(sprint) = self.sprints.get_mut(id) else { return };
        if let Some(old) = &sprint.squad
            && let Some(theirs) = self.of_squad.get_mut(old)
        {
            theirs.remove(id);
        }
        if let Some(new) = &squad {
            self.of_squad.entry(new.clone()).or_default().insert(id.clone());
        }
        sprint.squad = squad;
    }

    fn declare(&mut self, context: &mut Context<'_>, fact: &Fact, message: &pb::CapacityDeclared) {
        let Some(capacity) = Capacity::read(message).filter(|_| !message.sprint.is_empty()) else {
            context.skip("a capacity needs a sprint and an amount of points or person-days");
            return;
        };
        let id = SprintId::from(message.sprint.as_str());
        let sprint = self.sprints.entry(id.clone()).or_default();
        sprint.capacity.insert(Order::of(fact, fact.event.time), capacity);
        self.mark(context, &id, Changed::all(fact.event.time));
    }

    fn ticket_changed(&mut self, context: &mut Context<'_>, fact: &Fact, message: &pb::TicketChanged) {
        let id = message.ticket.as_str();
        let concerns = fact.squads.is_empty() || fact.squads.iter().any(|squad| context.owns(squad));
        if !concerns && self.tickets.find(id).is_none() {
            return;
        }
        let points = message.points.map(|points| Points::from_f64(points).filter(|p| *p >= Points::ZERO));
        if points == Some(None) {
            context.skip(format!("ticket {id}: unreadable estimate; it counts as unestimated"));
        }
        let at = fact.event.time;
        let texts = self.tickets.texts_mut();
        let squad = if message.squad.is_empty() {
            let of_board = context.reference.squad_of_board(&message.board, at);
            of_board.map(|squad| texts.number(squad))
        } else {
            Some(texts.number(&message.squad))
        };
        let state = State {
            sprint: texts.number_unless_empty(&message.sprint),
            squad,
            points: points.flatten(),
            sized: !message.size.is_empty(),
            category: message.category().into(),
            sub_task: message.sub_task || message.kind() == pb::TicketKind::SubTask,
            interrupt: message.interrupt,
            release: texts.number_unless_empty(&message.release),
        };
        let place = Place::of(fact, &message.version, false, texts);
        let number = self.tickets.number(id);
        self.keep(context, number, place, state, &message.key);
    }

    /// Adds a state to a ticket's history and marks the sprints that it may change.
    fn keep(&mut self, context: &mut Context<'_>, number: TicketNo, place: Place, state: State, key: &str) {
        let at = place.at;
        let kept = self.tickets.keep(number, place, state, key);
        if !kept.is_new && !kept.renamed {
            return;
        }
        let mut concerned = self.sprints_of(number);
        if let Some(ticket) = self.tickets.get(number).filter(|ticket| ticket.was_interrupt()) {
            let squads = ticket.squads().map(|squad| self.tickets.texts().text(squad));
            let theirs = squads.filter_map(|squad| self.of_squad.get(&**squad)).flatten();
            concerned.extend(theirs.cloned());
            concerned.sort_unstable();
            concerned.dedup();
        }
        let changed = Changed { at, even_behind: kept.renamed, ticket: Some((number, kept.renamed)) };
        for sprint in concerned {
            self.mark(context, &sprint, changed);
        }
    }

    /// Sprints that a ticket was ever in, each once.
    fn sprints_of(&self, ticket: TicketNo) -> Vec<SprintId> {
        let mut sprints: Vec<TextNo> = Vec::new();
        let states = self.tickets.get(ticket).into_iter().flat_map(|ticket| ticket.states());
        for sprint in states.filter_map(|state| state.sprint) {
            // A ticket is in few sprints, and stays in each for several states.
            if !sprints.iter().rev().any(|known| *known == sprint) {
                sprints.push(sprint);
            }
        }
        let texts = self.tickets.texts();
        sprints.into_iter().map(|sprint| SprintId::from(texts.text(sprint).clone())).collect()
    }

    fn exception(&mut self, context: &mut Context<'_>, fact: &Fact, id: String, step: Step) {
        let exception = self.exceptions.entry(ExceptionId::from(id)).or_default();
        let before = exception.sprint().cloned();
        exception.insert(Order::of(fact, fact.event.time), step);
        let after = exception.sprint().cloned();
        for sprint in BTreeSet::from([before, after]).into_iter().flatten() {
            // A signature may come after the close and still covers what it names.
            self.mark(context, &sprint, Changed { even_behind: true, ..Changed::all(fact.event.time) });
        }
    }

    /// Marks a sprint that something may change: an open revision for the end of the hour, a closed one for the end of this
    /// instant, unless what happened lies behind every close and its margins.
    fn mark(&mut self, context: &mut Context<'_>, id: &SprintId, changed: Changed) {
        let Some(sprint) = self.sprints.get_mut(id).filter(|sprint| sprint.life.activated.is_some()) else {
            return;
        };
        if let Some((ledger, (ticket, delivered))) = sprint.ledger.as_mut().zip(changed.ticket) {
            ledger.stale(ticket, delivered);
        }
        if !sprint.squad.as_ref().is_some_and(|squad| context.owns(squad)) {
            return;
        }
        let was_closed = !sprint.life.closes.is_empty();
        if was_closed && (changed.even_behind || sprint.life.closes_within(margin(context), changed.at)) {
            self.look_now(context, id);
        } else if sprint.life.open {
            self.look(context, id, next_hour(context.now));
        }
    }

    fn look_now(&mut self, context: &mut Context<'_>, id: &SprintId) {
        self.look(context, id, context.now);
    }

    fn look(&mut self, context: &mut Context<'_>, id: &SprintId, at: EventTime) {
        let Some(sprint) = self.sprints.get_mut(id) else { return };
        let why = Why::of(context.cause);
        let (why, first) = sprint.look.map_or((why, None), |(known, at)| (known.and(why), Some(at)));
        sprint.look = Some((why, first.map_or(at, |first| first.min(at))));
        if first.is_none_or(|first| at < first) {
            context.deadlines.set(at, Deadline::Sprint(id.clone()));
        }
    }

    fn ids_where(&self, pred: impl Fn(&Sprint) -> bool) -> Vec<SprintId> {
        self.sprints.iter().filter(|(_, sprint)| pred(sprint)).map(|(id, _)| id.clone()).collect()
    }

    /// Forgets sprints that ended long ago and the states that no sprint left needs.
    fn prune(&mut self, now: EventTime) {
        if self.pruned.is_some_and(|last| now.since(last) < PRUNE_EVERY) {
            return;
        }
        self.pruned = Some(now);
        let horizon = now.minus(KEEP);
        let Self { sprints, of_squad, tickets, exceptions, .. } = self;
        sprints.retain(|id, sprint| {
            let told =
                sprint.transitions.keys().next_back().into_iter().chain(sprint.capacity.keys().next_back());
            let stays =
                sprint.life.open || told.map(|order| order.at).max().is_some_and(|last| last >= horizon);
            if !stays && let Some(theirs) = sprint.squad.as_ref().and_then(|squad| of_squad.get_mut(squad)) {
                theirs.remove(id);
            }
            stays
        });
        of_squad.retain(|_, theirs| !theirs.is_empty());
        let first = sprints.values().filter_map(|sprint| sprint.life.activated).min();
        let keep_from = first.map_or(horizon, |first| first.min(horizon)).minus(Millis::from_ms(1));
        if tickets.prune(keep_from, |sprint| sprints.contains_key(sprint)) {
            // Ledgers know tickets and releases by their numbers.
            sprints.values_mut().for_each(|sprint| sprint.ledger = None);
        }
        exceptions.retain(|_, exception| exception.last_step().is_some_and(|last| last >= horizon));
    }
}

impl Changed {
    fn all(at: EventTime) -> Self {
        Self { at, even_behind: false, ticket: None }
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
mod forgetful;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod twin;

//! Dependencies between squads, what holds them up, and what they hold up.
//!
//! Dependencies, blockers, sprints and linked tickets reach every partition, so that each sees the whole graph; a
//! dependency is judged where its consumer is. [`due`] says when one is due, [`blast`] what a breach reaches; whether it
//! fires is [`crate::rule::dependency_breach`]'s business.

pub(crate) mod blast;
pub(crate) mod due;

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{BlockerId, DependencyId, EventTime, KeyResultId, SprintId, SquadId};
use bellwether_wire::{Payload, instant, pb};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::deadlines::Deadline;
use crate::explain::Told;
use crate::fact::Fact;
use crate::rule::dependency_breach;
use due::{Due, SprintEnds};

/// Where a dependency stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    /// Owed.
    Open,
    /// Delivered, and when.
    Delivered(EventTime),
    /// No longer needed.
    Cancelled,
}

/// What one squad owes another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Dependency {
    /// Squad that delivers.
    pub provider: SquadId,
    /// Squad that needs it.
    pub consumer: SquadId,
    /// When it is due.
    pub due: Due,
    /// Event time of the agreement that set the due instant.
    pub due_since: EventTime,
    /// Key results it blocks.
    pub key_results: BTreeSet<KeyResultId>,
    /// Tickets it blocks.
    pub tickets: BTreeSet<String>,
    /// Customer commitments it blocks.
    pub commitments: BTreeSet<String>,
    /// Where it stands.
    pub state: State,
    /// The agreement, and the last re-agreement of its due instant.
    #[serde(default)]
    pub due_told: Vec<Told>,
    /// The delivery or the cancellation.
    #[serde(default)]
    pub end_told: Option<Told>,
}

/// Something in the way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Blocker {
    /// Kind of what is blocked.
    pub kind: i32,
    /// What is blocked.
    pub blocked: String,
    /// By what.
    pub by: String,
    /// Since when.
    pub since: EventTime,
    /// When it became known.
    pub raised: EventTime,
    /// When it was cleared.
    pub cleared: Option<EventTime>,
    /// The event that raised it.
    #[serde(default)]
    pub raised_told: Option<Told>,
    /// The event that cleared it.
    #[serde(default)]
    pub cleared_told: Option<Told>,
}

/// A ticket that others hold up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LinkedTicket {
    /// False when done or cancelled.
    pub open: bool,
    /// What holds it up.
    pub blocked_by: BTreeSet<String>,
}

/// The graph.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Dependencies {
    dependencies: BTreeMap<DependencyId, Dependency>,
    blockers: BTreeMap<BlockerId, Blocker>,
    tickets: BTreeMap<String, LinkedTicket>,
    sprints: SprintEnds,
}

impl Dependencies {
    /// True for the events this component folds.
    pub(crate) fn concerns(&self, payload: &Payload) -> bool {
        match payload {
            // Tickets without links, which are the many, change nothing here.
            Payload::TicketChanged(m) => !m.blocked_by.is_empty() || self.tickets.contains_key(&m.ticket),
            Payload::DependencyAgreed(_)
            | Payload::DependencyRescheduled(_)
            | Payload::DependencyDelivered(_)
            | Payload::DependencyCancelled(_)
            | Payload::BlockerRaised(_)
            | Payload::BlockerCleared(_)
            | Payload::SprintPlanned(_)
            | Payload::SprintActivated(_)
            | Payload::SprintClosed(_)
            | Payload::TicketRemoved(_) => true,
            _ => false,
        }
    }

    /// Folds a fact about dependencies, blockers, sprints or tickets.
    pub(crate) fn on_fact(&mut self, context: &mut Context<'_>, fact: &Fact) {
        let at = fact.event.time;
        match &fact.event.payload {
            Payload::DependencyAgreed(m) => self.agreed(context, m, fact),
            Payload::DependencyRescheduled(m) => {
                let id = DependencyId::from(m.dependency.as_str());
                if let (Some(known), Some(due)) = (self.dependencies.get_mut(&id), due::rescheduled(m)) {
                    known.due = due;
                    known.due_since = at;
                    known.due_told.truncate(1);
                    known.due_told.push(Told::by(fact));
                }
                self.changed(context, &id);
            }
            Payload::DependencyDelivered(m) => {
                let when = instant::optional(m.delivered_at.as_ref()).unwrap_or(at);
                self.ended(context, &m.dependency, State::Delivered(when), fact);
            }
            Payload::DependencyCancelled(m) => self.ended(context, &m.dependency, State::Cancelled, fact),
            Payload::BlockerRaised(m) => self.raised(context, m, fact),
            Payload::BlockerCleared(m) => {
                let id = BlockerId::from(m.blocker.as_str());
                if let Some(blocker) = self.blockers.get_mut(&id) {
                    blocker.cleared = Some(at);
                    blocker.cleared_told = Some(Told::by(fact));
                    let blocked = DependencyId::from(blocker.blocked.as_str());
                    dependency_breach::look(self, context, &blocked);
                }
            }
            Payload::SprintPlanned(m) => self.sprint(context, &m.sprint, m.planned_end.as_ref(), None),
            Payload::SprintActivated(m) => self.sprint(context, &m.sprint, m.planned_end.as_ref(), None),
            Payload::SprintClosed(m) => {
                let closed = instant::optional(m.at.as_ref()).unwrap_or(at);
                self.sprint(context, &m.sprint, m.planned_end.as_ref(), Some(closed));
            }
            Payload::TicketChanged(m) => self.ticket(m),
            Payload::TicketRemoved(m) => {
                self.tickets.remove(&m.ticket);
            }
            _ => {}
        }
    }

    /// A due instant, or a blocker's allowed time, has come.
    pub(crate) fn on_due(&mut self, context: &mut Context<'_>, dependency: &DependencyId) {
        dependency_breach::look(self, context, dependency);
    }

    /// A blocker has been open for its allowed time.
    pub(crate) fn on_blocker(&mut self, context: &mut Context<'_>, blocker: &BlockerId) {
        if let Some(blocker) = self.blockers.get(blocker) {
            let blocked = DependencyId::from(blocker.blocked.as_str());
            dependency_breach::look(self, context, &blocked);
        }
    }

    /// A source has progressed, or a key result ended: everything that is due is looked at again.
    pub(crate) fn look_at_all(&mut self, context: &mut Context<'_>) {
        let ids: Vec<DependencyId> = self.dependencies.keys().cloned().collect();
        for id in ids {
            dependency_breach::look(self, context, &id);
        }
    }

    /// Key results came or went: a breach of what blocks them may go on with another (R11).
    pub(crate) fn look_at_blocked(&mut self, context: &mut Context<'_>, key_results: &[KeyResultId]) {
        let blocks =
            |dependency: &Dependency| key_results.iter().any(|id| dependency.key_results.contains(id));
        let concerned = self.dependencies.iter().filter(|(_, dependency)| blocks(dependency));
        let ids: Vec<DependencyId> = concerned.map(|(id, _)| id.clone()).collect();
        for id in ids {
            dependency_breach::look(self, context, &id);
        }
    }

    /// A dependency.
    pub(crate) fn get(&self, dependency: &DependencyId) -> Option<&Dependency> {
        self.dependencies.get(dependency)
    }

    /// When a dependency is due, as far as is known.
    pub(crate) fn due_at(&self, dependency: &Dependency) -> Option<EventTime> {
        self.sprints.due_at(&dependency.due)
    }

    /// Blockers on a dependency.
    pub(crate) fn blockers_of<'a>(
        &'a self,
        dependency: &'a DependencyId,
    ) -> impl Iterator<Item = (&'a BlockerId, &'a Blocker)> {
        let on_dependency = pb::BlockedKind::Dependency as i32;
        self.blockers.iter().filter(move |(_, b)| b.kind == on_dependency && b.blocked == dependency.as_str())
    }

    /// Overdue, undelivered dependencies that block a key result at an instant, with their due instants.
    pub(crate) fn overdue<'a>(
        &'a self,
        key_result: &'a KeyResultId,
        at: EventTime,
    ) -> impl Iterator<Item = EventTime> + 'a {
        self.dependencies
            .values()
            .filter(move |dependency| {
                dependency.state == State::Open && dependency.key_results.contains(key_result)
            })
            .filter_map(|dependency| self.due_at(dependency))
            .filter(move |due| *due <= at)
    }

    fn agreed(&mut self, context: &mut Context<'_>, message: &pb::DependencyAgreed, fact: &Fact) {
        let id = DependencyId::from(message.dependency.as_str());
        let Some(due) = due::agreed(message) else {
            context.skip(format!("dependency {id} has no due"));
            return;
        };
        let known = self.dependencies.get(&id);
        let state = known.map_or(State::Open, |known| known.state);
        let dependency = Dependency {
            provider: SquadId::from(message.provider.as_str()),
            consumer: SquadId::from(message.consumer.as_str()),
            due,
            due_since: fact.event.time,
            key_results: message.blocks_key_results.iter().map(|id| KeyResultId::from(id.as_str())).collect(),
            tickets: message.blocks_tickets.iter().cloned().collect(),
            commitments: message.blocks_customer_commitments.iter().cloned().collect(),
            state,
            due_told: vec![Told::by(fact)],
            end_told: known.and_then(|known| known.end_told.clone()),
        };
        self.dependencies.insert(id.clone(), dependency);
        self.changed(context, &id);
    }

    fn ended(&mut self, context: &mut Context<'_>, dependency: &str, state: State, fact: &Fact) {
        let id = DependencyId::from(dependency);
        if let Some(known) = self.dependencies.get_mut(&id)
            && known.state == State::Open
        {
            known.state = state;
            known.end_told = Some(Told::by(fact));
        }
        dependency_breach::look(self, context, &id);
    }

    fn raised(&mut self, context: &mut Context<'_>, message: &pb::BlockerRaised, fact: &Fact) {
        let at = fact.event.time;
        let id = BlockerId::from(message.blocker.as_str());
        let since = instant::optional(message.since.as_ref()).unwrap_or(at);
        let blocker = Blocker {
            kind: message.blocked_kind,
            blocked: message.blocked.clone(),
            by: message.by.clone(),
            since,
            raised: at,
            cleared: None,
            raised_told: Some(Told::by(fact)),
            cleared_told: None,
        };
        let blocked = DependencyId::from(blocker.blocked.as_str());
        self.blockers.insert(id.clone(), blocker);
        let due = since.plus(context.thresholds().dependency_blocker).max(context.now);
        context.deadlines.set(due, Deadline::Blocker(id));
        dependency_breach::look(self, context, &blocked);
    }

    fn sprint(
        &mut self,
        context: &mut Context<'_>,
        sprint: &str,
        planned_end: Option<&instant::Timestamp>,
        closed: Option<EventTime>,
    ) {
        let id = SprintId::from(sprint);
        if !self.sprints.learn(&id, instant::optional(planned_end), closed) {
            return;
        }
        let due = Due::CloseOf(id);
        let concerned: Vec<DependencyId> =
            self.dependencies.iter().filter(|(_, d)| d.due == due).map(|(id, _)| id.clone()).collect();
        for dependency in concerned {
            self.changed(context, &dependency);
        }
    }

    fn ticket(&mut self, message: &pb::TicketChanged) {
        let open = !matches!(message.category(), pb::StatusCategory::Done | pb::StatusCategory::Cancelled);
        let blocked_by: BTreeSet<String> =
            message.blocked_by.iter().map(|link| link.ticket.clone()).collect();
        if blocked_by.is_empty() {
            self.tickets.remove(&message.ticket);
        } else {
            self.tickets.insert(message.ticket.clone(), LinkedTicket { open, blocked_by });
        }
    }

    /// The due instant may have changed: sets its deadline and looks.
    fn changed(&mut self, context: &mut Context<'_>, id: &DependencyId) {
        let due = self.dependencies.get(id).and_then(|dependency| self.due_at(dependency));
        if let Some(due) = due {
            // A deed at exactly the due instant is in time (R2): judged when the instant is over.
            context.deadlines.set(due.max(context.now), Deadline::Dependency(id.clone()));
        }
        dependency_breach::look_after_change(self, context, id);
    }
}

//! The life of a sprint, derived from its transitions in the one order.
//!
//! ```text
//!   planned --activated--> open --closed--> closed --reopened--> open (next revision) --closed--> ...
//! ```
//! What does not fit is ignored and named, so that the fold can warn of it: an activation of an open sprint, a close of
//! one that is not open, anything after the removal (R26). A removed sprint keeps its closed outcome.

use std::collections::BTreeMap;

use bellwether_model::{EventTime, Millis, SprintId, SquadId};
use bellwether_wire::{Payload, instant};
use serde::{Deserialize, Serialize};

use crate::fact::Fact;
use crate::order::Order;

/// What happened to a sprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// Created, or its plan changed.
    Planned,
    /// Began.
    Activated,
    /// Ended.
    Closed,
    /// Went on after its end.
    Reopened,
    /// Was deleted.
    Removed,
}

/// One transition, with what its event says of the sprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Transition {
    kind: Kind,
    squad: Option<SquadId>,
    board: String,
    name: String,
    planned_end: Option<EventTime>,
}

/// One close.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Close {
    /// When.
    pub(crate) at: EventTime,
    /// The event that told.
    pub(crate) event: Order,
}

/// What the transitions add up to.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Life {
    /// Squad, where an event or the router named it.
    pub(crate) squad: Option<SquadId>,
    /// Board or team.
    pub(crate) board: String,
    /// Name.
    pub(crate) name: String,
    /// Planned end.
    pub(crate) planned_end: Option<EventTime>,
    /// Activation.
    pub(crate) activated: Option<EventTime>,
    /// Closes, one for each closed revision.
    pub(crate) closes: Vec<Close>,
    /// True while it is active or re-opened.
    pub(crate) open: bool,
    /// True once it was deleted.
    pub(crate) removed: bool,
}

impl Transition {
    /// Reads a transition from a fact of the sprint topic.
    pub(crate) fn read(fact: &Fact) -> Option<(SprintId, Order, Self)> {
        macro_rules! read {
            ($message:ident, $kind:ident) => {{
                let at = instant::optional($message.at.as_ref()).unwrap_or(fact.event.time);
                let named = (!$message.squad.is_empty()).then(|| SquadId::from($message.squad.as_str()));
                let transition = Self {
                    kind: Kind::$kind,
                    squad: named.or_else(|| fact.squads.first().cloned()),
                    board: $message.board.clone(),
                    name: $message.name.clone(),
                    planned_end: instant::optional($message.planned_end.as_ref()),
                };
                Some((SprintId::from($message.sprint.as_str()), Order::of(fact, at), transition))
            }};
        }
        match &fact.event.payload {
            Payload::SprintPlanned(message) => read!(message, Planned),
            Payload::SprintActivated(message) => read!(message, Activated),
            Payload::SprintClosed(message) => read!(message, Closed),
            Payload::SprintReopened(message) => read!(message, Reopened),
            Payload::SprintRemoved(message) => read!(message, Removed),
            _ => None,
        }
    }
}

impl Life {
    /// Walks the transitions; also returns those that did not fit, and why.
    pub(crate) fn of(transitions: &BTreeMap<Order, Transition>) -> (Self, BTreeMap<Order, &'static str>) {
        let mut life = Self::default();
        let mut ignored = BTreeMap::new();
        for (order, transition) in transitions {
            match life.step(order, transition.kind) {
                Ok(()) => life.describe(transition),
                Err(reason) => {
                    ignored.insert(order.clone(), reason);
                }
            }
        }
        (life, ignored)
    }

    /// True when what happened at an instant lies before the last close and a margin.
    pub(crate) fn closes_within(&self, margin: Millis, at: EventTime) -> bool {
        self.closes.last().is_some_and(|close| at <= close.at.plus(margin))
    }

    fn step(&mut self, order: &Order, kind: Kind) -> Result<(), &'static str> {
        if self.removed {
            return Err("the sprint was removed before");
        }
        match kind {
            Kind::Planned => {}
            Kind::Activated if self.open => return Err("the sprint is active already"),
            Kind::Activated | Kind::Reopened => {
                if kind == Kind::Reopened && self.closes.is_empty() {
                    return Err("the sprint was not closed");
                }
                if kind == Kind::Reopened && self.open {
                    return Err("the sprint is open already");
                }
                self.activated.get_or_insert(order.at);
                self.open = true;
            }
            Kind::Closed if !self.open => return Err("the sprint is not active"),
            Kind::Closed => {
                self.open = false;
                self.closes.push(Close { at: order.at, event: order.clone() });
            }
            Kind::Removed => {
                self.open = false;
                self.removed = true;
            }
        }
        Ok(())
    }

    /// Takes over what an event says of the sprint; what it leaves out stays.
    fn describe(&mut self, transition: &Transition) {
        if transition.squad.is_some() {
            self.squad.clone_from(&transition.squad);
        }
        if !transition.board.is_empty() {
            self.board.clone_from(&transition.board);
        }
        if !transition.name.is_empty() {
            self.name.clone_from(&transition.name);
        }
        self.planned_end = transition.planned_end.or(self.planned_end);
    }
}

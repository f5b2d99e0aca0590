//! Written exceptions to the scope of a sprint: filed by product, signed by the VP of Engineering.
//!
//! Where the organisation names a VP of Engineering for the squad's function, only that person's signature approves; where
//! it names none, any signature does. Who filed is recorded and not judged: reference data does not say who product is.

use std::collections::BTreeMap;

use bellwether_model::{EventTime, PersonId, Points, SprintId};
use bellwether_wire::{Payload, instant};
use serde::{Deserialize, Serialize};

use super::scope::Change;
use super::tickets::Tickets;
use crate::fact::Fact;
use crate::order::Order;

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    Filed,
    Signed,
    Rejected,
}

/// What an exception covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cover {
    /// Sprint.
    pub(crate) sprint: SprintId,
    /// Tickets by id or key; empty for all of the sprint.
    tickets: Vec<String>,
    /// Most points; `None` for all.
    points: Option<Points>,
    valid_from: Option<EventTime>,
    valid_until: Option<EventTime>,
}

/// One step of an exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    kind: Kind,
    cover: Option<Cover>,
    signer: Option<PersonId>,
}

/// An exception and its steps, in order.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exception {
    steps: BTreeMap<Order, Step>,
}

impl Step {
    /// Reads a step from a fact of the OKR topic, with the exception's id.
    pub(crate) fn read(fact: &Fact) -> Option<(String, Self)> {
        macro_rules! read {
            ($message:ident, $kind:ident) => {{
                let cover = (!$message.sprint.is_empty()).then(|| Cover {
                    sprint: SprintId::from($message.sprint.as_str()),
                    tickets: $message.tickets.clone(),
                    points: $message.points.and_then(Points::from_f64),
                    valid_from: instant::optional($message.valid_from.as_ref()),
                    valid_until: instant::optional($message.valid_until.as_ref()),
                });
                let actor = $message.actor.as_ref().and_then(|actor| actor.identity.as_ref());
                let signer = fact.person($message.signed_by.as_ref().or(actor));
                Some(($message.scope_exception.clone(), Self { kind: Kind::$kind, cover, signer }))
            }};
        }
        match &fact.event.payload {
            Payload::ScopeExceptionFiled(message) => read!(message, Filed),
            Payload::ScopeExceptionSigned(message) => read!(message, Signed),
            Payload::ScopeExceptionRejected(message) => read!(message, Rejected),
            _ => None,
        }
    }
}

impl Exception {
    /// Adds a step.
    pub(crate) fn insert(&mut self, order: Order, step: Step) {
        self.steps.insert(order, step);
    }

    /// The sprint it is about, as last said.
    pub(crate) fn sprint(&self) -> Option<&SprintId> {
        self.cover().map(|cover| &cover.sprint)
    }

    /// When anything was last done to it.
    pub(crate) fn last_step(&self) -> Option<EventTime> {
        self.steps.keys().next_back().map(|order| order.at)
    }

    /// What it approves: its cover, when it was filed and the last word on it is a signature that counts.
    pub(crate) fn approves(&self, may_sign: impl Fn(Option<&PersonId>, EventTime) -> bool) -> Option<&Cover> {
        let (order, last) = self.steps.iter().next_back()?;
        let was_filed = self.steps.values().any(|step| step.kind == Kind::Filed);
        let counts = was_filed && last.kind == Kind::Signed && may_sign(last.signer.as_ref(), order.at);
        counts.then(|| self.cover())?
    }

    fn cover(&self) -> Option<&Cover> {
        self.steps.values().rev().find_map(|step| step.cover.as_ref())
    }
}

impl Cover {
    /// True when it names a ticket, or all of them.
    pub(crate) fn names<'a>(&self, mut names: impl Iterator<Item = &'a str>) -> bool {
        self.tickets.is_empty() || names.any(|name| self.tickets.iter().any(|ticket| ticket == name))
    }

    fn covers(&self, at: EventTime) -> bool {
        self.valid_from.is_none_or(|from| from <= at) && self.valid_until.is_none_or(|until| at < until)
    }
}

/// Points of scope changes that are covered, each change once, earliest changes first.
pub(super) fn approved<'a>(
    covers: &[Cover],
    changes: impl Iterator<Item = &'a Change>,
    tickets: &Tickets,
) -> Points {
    if covers.is_empty() {
        return Points::ZERO;
    }
    let mut in_order: Vec<(&'a Change, Points)> =
        changes.map(|change| (change, change.points.abs())).collect();
    // Changes of one ticket come in their own order, which a stable sort keeps.
    in_order.sort_by(|(a, _), (b, _)| (a.at, tickets.id(a.ticket)).cmp(&(b.at, tickets.id(b.ticket))));
    let mut approved = Points::ZERO;
    for cover in covers {
        let mut left = cover.points;
        for (change, open) in &mut in_order {
            if cover.covers(change.at) && cover.names(tickets.names(change.ticket)) {
                let covered = left.map_or(*open, |left| left.min(*open));
                left = left.map(|left| left - covered);
                *open -= covered;
                approved += covered;
            }
        }
    }
    approved
}

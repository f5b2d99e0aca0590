//! Where a fact stands in the one order of a replay: by its instant, then by the identity of its event (R1, R2).
//!
//! Ledgers are kept sorted by it, so that what they say does not depend on how facts arrived.

use std::sync::Arc;

use bellwether_model::{EventTime, Millis};
use bellwether_wire::envelope::EventId;
use serde::{Deserialize, Serialize};

use crate::context::Cause;
use crate::fact::Fact;
use crate::intern::Texts;

/// A place in the one order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The instant the fact is of.
    pub(crate) at: EventTime,
    /// Event time: differs where an event speaks of an earlier instant.
    pub(crate) told: EventTime,
    /// CloudEvents source.
    pub(crate) source: Arc<str>,
    /// CloudEvents id.
    pub(crate) id: Arc<str>,
}

impl Order {
    /// The place of a fact about an instant.
    pub(crate) fn of(fact: &Fact, at: EventTime) -> Self {
        let id = &fact.event.id;
        Self { at, told: fact.event.time, source: id.source.as_str().into(), id: id.id.as_str().into() }
    }

    /// The same, with the one copy of its source.
    pub(crate) fn shared(fact: &Fact, at: EventTime, texts: &mut Texts) -> Self {
        let id = &fact.event.id;
        Self { at, told: fact.event.time, source: texts.share(&id.source), id: id.id.as_str().into() }
    }

    /// The event's identity.
    pub(crate) fn event(&self) -> EventId {
        EventId { source: self.source.to_string(), id: self.id.to_string() }
    }
}

/// Why something is looked at once an instant is complete: what a decision made then needs to know of its causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Why {
    /// Event time of the earliest cause: before the present it is late.
    pub(crate) earliest: EventTime,
    /// Event time of the latest cause: the instant a decision is of.
    pub(crate) latest: EventTime,
    /// True when every cause was loaded from an export (R14).
    pub(crate) imported: bool,
}

impl Why {
    /// One cause.
    pub(crate) fn of(cause: &Cause<'_>) -> Self {
        Self { earliest: cause.time, latest: cause.time, imported: cause.imported }
    }

    /// Several causes of one look.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            earliest: self.earliest.min(other.earliest),
            latest: self.latest.max(other.latest),
            imported: self.imported && other.imported,
        }
    }

    /// The cause as a decision sees it.
    pub(crate) fn cause(self) -> Cause<'static> {
        Cause { event: None, type_name: "", time: self.latest, imported: self.imported }
    }
}

/// The first full hour after an instant: what changes often is published at most once an hour.
pub(crate) fn next_hour(now: EventTime) -> EventTime {
    const HOUR: Millis = Millis::hours(1);
    EventTime::from_ms((now.ms().div_euclid(HOUR.ms()) + 1) * HOUR.ms())
}

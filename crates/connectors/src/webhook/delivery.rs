//! What a source's dispatcher gets and gives back.

use bellwether_model::EventTime;
use bellwether_wire::Event;
use bytes::Bytes;

use crate::{ids, unmapped};

/// A verified delivery.
#[derive(Debug)]
pub struct Delivery<'a> {
    /// Source URI.
    pub source: &'a str,
    /// The source's delivery id, the same on each retry.
    pub id: Option<&'a str>,
    /// The body as it came.
    pub body: &'a Bytes,
    /// When it arrived; only for bodies that name no instant.
    pub received_at: EventTime,
}

impl Delivery<'_> {
    /// An event that keeps the body: of the delivery's id, or of a digest of the body.
    pub(crate) fn keep(&self, time: Option<EventTime>, what: &str) -> Event {
        let id = match self.id {
            Some(id) => format!("delivery/{id}"),
            None => format!("body/{}", ids::digest_bytes(self.body)),
        };
        unmapped::keep(self.source, id, time.unwrap_or(self.received_at), what, self.body)
    }
}

/// What became of a verified delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// It became events.
    Mapped,
    /// Nobody here knows it; its body is kept.
    Unmapped,
    /// It is known and says nothing the catalogue needs: a comment, a changed rank.
    NotNeeded,
    /// A test of the connection.
    Test,
}

impl Disposition {
    /// The word in metrics and reports.
    pub fn word(self) -> &'static str {
        match self {
            Disposition::Mapped => "mapped",
            Disposition::Unmapped => "unmapped",
            Disposition::NotNeeded => "not_needed",
            Disposition::Test => "test",
        }
    }
}

/// Events of a delivery, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What became of it.
    pub disposition: Disposition,
    /// The events, in order.
    pub events: Vec<Event>,
    /// The vendor's own name of what happened.
    pub what: String,
}

impl Outcome {
    /// It became events; none makes it not needed.
    pub(crate) fn mapped(what: impl Into<String>, events: Vec<Event>) -> Self {
        let disposition = if events.is_empty() { Disposition::NotNeeded } else { Disposition::Mapped };
        Self { disposition, events, what: what.into() }
    }

    /// Its body is kept.
    pub(crate) fn kept(what: impl Into<String>, event: Event) -> Self {
        Self { disposition: Disposition::Unmapped, events: vec![event], what: what.into() }
    }

    /// Nothing is needed of it.
    pub(crate) fn without(disposition: Disposition, what: impl Into<String>) -> Self {
        Self { disposition, events: Vec::new(), what: what.into() }
    }
}

//! An event: CloudEvents attributes and a payload.

use bellwether_model::EventTime;

use crate::catalogue::Payload;

/// Identity of an event. Repeats of it are one event.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId {
    /// CloudEvents source: a URI of the system it comes from.
    pub source: String,
    /// CloudEvents id: the source's own id of that change.
    pub id: String,
}

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Identity.
    pub id: EventId,
    /// When it happened at the source, milliseconds.
    pub time: EventTime,
    /// What it is about.
    pub subject: Option<String>,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// The message.
    pub payload: Payload,
}

impl Event {
    /// An event with identity, time and payload.
    pub fn new(
        source: impl Into<String>,
        id: impl Into<String>,
        time: EventTime,
        payload: impl Into<Payload>,
    ) -> Self {
        Self {
            id: EventId { source: source.into(), id: id.into() },
            time,
            subject: None,
            traceparent: None,
            payload: payload.into(),
        }
    }

    /// The same event with a subject.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// CloudEvents type.
    pub fn type_name(&self) -> &str {
        self.payload.type_name()
    }
}

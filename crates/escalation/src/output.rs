//! What the escalator says: events, in logical order.

use bellwether_model::EventTime;
use bellwether_wire::{Event, Payload};

/// CloudEvents source of everything the escalator says.
pub const SOURCE: &str = "bellwether://escalate";

/// What one or more calls said, in logical order. The time of an event is its logical instant.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Output {
    /// The events.
    pub events: Vec<Event>,
}

impl Output {
    /// Says something about an escalation. The id is made of what is said, so that a replay says it again.
    pub(crate) fn say(
        &mut self,
        id: impl Into<String>,
        at: EventTime,
        about: &str,
        payload: impl Into<Payload>,
    ) {
        self.events.push(Event::new(SOURCE, id, at, payload).about(about));
    }
}

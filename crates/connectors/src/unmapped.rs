//! What could not be mapped and is kept all the same: an event around the raw body.
//!
//! Type `bellwether.unmapped.kept.v1` is not in the catalogue: its value is the body as it came, its subject the
//! vendor's own event name. It goes to the topic its source speaks on, so that a later version can map it from
//! the log. A body may name people; whoever may read the topic may read it, so keeping can be switched off.

use bellwether_model::EventTime;
use bellwether_wire::topics::Topic;
use bellwether_wire::{Event, EventId, Payload, catalogue};
use bytes::Bytes;

use crate::source::Source;

/// CloudEvents type of a kept body.
pub const TYPE: &str = "bellwether.unmapped.kept.v1";

/// Longest body that is kept whole: below the usual limit of a record, 1 MiB, with room for its headers.
pub const KEPT_BYTES_MAX: usize = 1_000_000;

/// An event that keeps a body. A body above [`KEPT_BYTES_MAX`] is cut there and its subject says so.
pub fn keep(source: &str, id: String, time: EventTime, what: &str, body: &Bytes) -> Event {
    let cut = body.len() > KEPT_BYTES_MAX;
    let subject = if cut { format!("{what}; cut from {} bytes", body.len()) } else { what.to_owned() };
    Event {
        id: EventId { source: source.to_owned(), id },
        time,
        subject: Some(subject),
        traceparent: None,
        payload: Payload::Unknown {
            type_name: TYPE.to_owned(),
            data: body.slice(..body.len().min(KEPT_BYTES_MAX)),
        },
    }
}

/// The topic a connector's event belongs to: its type's home, for a kept body its source's.
pub fn topic(event: &Event) -> Option<Topic> {
    catalogue::home_topic(event.type_name())
        .or_else(|| Source::of_uri(&event.id.source).map(Source::topic).filter(|_| event.type_name() == TYPE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_body_goes_to_the_topic_of_its_source_and_a_long_one_says_that_it_was_cut() {
        let body = Bytes::from(vec![b'x'; KEPT_BYTES_MAX + 1]);
        let event = keep("pagerduty://acme", "1".to_owned(), EventTime::from_ms(0), "incident.new", &body);
        assert_eq!(topic(&event), Some(Topic::Page));
        assert_eq!(event.subject.as_deref(), Some("incident.new; cut from 1000001 bytes"));
        let Payload::Unknown { data, .. } = &event.payload else { panic!("kept as it came") };
        assert_eq!(data.len(), KEPT_BYTES_MAX);
    }
}

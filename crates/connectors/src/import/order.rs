//! The order of an import: by (time, source, id), each identity once.

use bellwether_wire::Event;

use super::gather::FileIndex;

/// Sorts events and leaves out repeats of an identity; of two contents the earlier by time stays (R6), of two at one
/// time the smaller in its binary form.
pub(crate) fn order(events: &mut Vec<(Event, FileIndex)>) {
    events.sort_by(|(a, a_file), (b, b_file)| {
        (&a.id, a.time)
            .cmp(&(&b.id, b.time))
            .then_with(|| a.type_name().cmp(b.type_name()))
            .then_with(|| {
                if a.payload == b.payload { std::cmp::Ordering::Equal } else { content(a).cmp(&content(b)) }
            })
            .then_with(|| a_file.cmp(b_file))
    });
    events.dedup_by(|(later, _), (earlier, _)| later.id == earlier.id);
    events.sort_by(|(a, _), (b, _)| (a.time, &a.id).cmp(&(b.time, &b.id)));
}

fn content(event: &Event) -> Option<bytes::Bytes> {
    event.payload.encode()
}

#[cfg(test)]
mod tests {
    use bellwether_model::EventTime;
    use bellwether_wire::{Event, pb};

    use super::*;

    fn event(id: &str, ms: i64, actor: &str) -> (Event, FileIndex) {
        let removed = pb::TicketRemoved { ticket: actor.to_owned(), ..pb::TicketRemoved::default() };
        (Event::new("jira://acme", id, EventTime::from_ms(ms), removed), 0)
    }

    #[test]
    fn events_come_by_time_then_source_then_id_and_an_identity_comes_once() {
        let mut events = vec![event("b", 5, "x"), event("a", 5, "x"), event("c", 1, "x"), event("b", 2, "y")];
        order(&mut events);
        let seen: Vec<_> = events.iter().map(|(event, _)| (event.id.id.as_str(), event.time.ms())).collect();
        assert_eq!(seen, [("c", 1), ("b", 2), ("a", 5)]);
    }

    #[test]
    fn which_file_came_first_changes_nothing() {
        let mut forward = vec![event("a", 1, "x"), event("a", 1, "y")];
        let mut backward = vec![event("a", 1, "y"), event("a", 1, "x")];
        order(&mut forward);
        order(&mut backward);
        assert_eq!(forward, backward);
    }
}

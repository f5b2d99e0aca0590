//! The one order of a file replay: by (time, source, id), one ticket's changes of an instant by the source's version.
//!
//! Two events with one identity at one time are ordered by their text form: the smaller counts (R6).

use std::cmp::Ordering;

use bellwether_wire::envelope::Event;
use bellwether_wire::{Payload, json};

/// Sorts events into the order in which a replay folds them (R1, R2).
pub(crate) fn sort(events: &mut [Event]) {
    events.sort_by(|a, b| {
        (a.time, &a.id).cmp(&(b.time, &b.id)).then_with(|| {
            if a.payload == b.payload { Ordering::Equal } else { json::write(a).cmp(&json::write(b)) }
        })
    });
    sort_ticket_versions(events);
}

/// Within one instant and source, the changes of one ticket take the places they have among themselves by version.
fn sort_ticket_versions(events: &mut [Event]) {
    let mut start = 0;
    while start < events.len() {
        let end = start
            + events[start..].partition_point(|event| {
                (event.time, &event.id.source) <= (events[start].time, &events[start].id.source)
            });
        if end - start > 1 {
            sort_instant(&mut events[start..end]);
        }
        start = end;
    }
}

fn sort_instant(events: &mut [Event]) {
    let tickets: std::collections::BTreeSet<String> =
        events.iter().filter_map(ticket).map(str::to_owned).collect();
    for wanted in tickets {
        let places: Vec<usize> =
            (0..events.len()).filter(|place| ticket(&events[*place]) == Some(&wanted)).collect();
        let mut theirs: Vec<Event> = places.iter().map(|place| events[*place].clone()).collect();
        theirs.sort_by(|a, b| compare_versions(version(a), version(b)).then_with(|| a.id.cmp(&b.id)));
        for (place, event) in places.into_iter().zip(theirs) {
            events[place] = event;
        }
    }
}

fn ticket(event: &Event) -> Option<&str> {
    match &event.payload {
        Payload::TicketChanged(message) => Some(&message.ticket),
        _ => None,
    }
}

fn version(event: &Event) -> &str {
    match &event.payload {
        Payload::TicketChanged(message) => &message.version,
        _ => "",
    }
}

/// Numbers by value, everything else as text.
fn compare_versions(a: &str, b: &str) -> Ordering {
    match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => a.cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use bellwether_model::EventTime;
    use bellwether_wire::pb;

    use super::*;

    fn change(ticket: &str, version: &str, id: &str) -> Event {
        let message =
            pb::TicketChanged { ticket: ticket.into(), version: version.into(), ..Default::default() };
        Event::new("jira://a", id, EventTime::from_ms(0), message)
    }

    #[test]
    fn r02_one_tickets_changes_of_an_instant_go_by_the_sources_version() {
        let mut events = vec![change("t", "10", "a"), change("u", "1", "b"), change("t", "9", "c")];
        sort(&mut events);
        let ids: Vec<&str> = events.iter().map(|event| event.id.id.as_str()).collect();
        assert_eq!(ids, ["c", "b", "a"]);
    }

    #[test]
    fn r01_the_order_does_not_depend_on_arrival() {
        let mut one = vec![change("t", "", "2"), change("t", "", "1"), change("u", "", "3")];
        let mut other = one.clone();
        other.reverse();
        sort(&mut one);
        sort(&mut other);
        assert_eq!(one, other);
    }
}

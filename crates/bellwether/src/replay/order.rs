//! The one order of a file replay: by (time, source, id), one ticket's changes of an instant by the source's version.
//!
//! Two events with one identity at one time are ordered by their text form: the smaller counts (R6).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use bellwether_wire::envelope::{Event, EventId};
use bellwether_wire::{Payload, json};

/// Sorts events into the order in which a replay folds them (R1, R2).
pub(crate) fn sort(events: &mut [Event]) {
    events.sort_by(|a, b| {
        (a.time, &a.id).cmp(&(b.time, &b.id)).then_with(|| {
            // Equal events only, subject included: with equal payloads alone this would be no order.
            if a == b { Ordering::Equal } else { json::write(a).cmp(&json::write(b)) }
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
    let changes = events.iter().enumerate().filter_map(|(place, event)| Change::of(place, event)).collect();
    move_changes(changes, events);
}

/// A change of a ticket in its place.
#[derive(Debug)]
pub(super) struct Change {
    place: usize,
    ticket: String,
    version: String,
    id: EventId,
}

impl Change {
    /// The change that an event in a place is, if it is one.
    pub(super) fn of(place: usize, event: &Event) -> Option<Self> {
        let Payload::TicketChanged(message) = &event.payload else { return None };
        let (ticket, version) = (message.ticket.clone(), message.version.clone());
        Some(Self { place, ticket, version, id: event.id.clone() })
    }
}

/// Gives the changes of each ticket the places they have among themselves by version, then id.
pub(super) fn move_changes<T: Clone>(changes: Vec<Change>, items: &mut [T]) {
    let mut tickets: BTreeMap<String, Vec<Change>> = BTreeMap::new();
    for mut change in changes {
        tickets.entry(std::mem::take(&mut change.ticket)).or_default().push(change);
    }
    for mut theirs in tickets.into_values().filter(|theirs| theirs.len() > 1) {
        let places: Vec<usize> = theirs.iter().map(|change| change.place).collect();
        theirs.sort_by(|a, b| compare_versions(&a.version, &b.version).then_with(|| a.id.cmp(&b.id)));
        let moved: Vec<T> = theirs.iter().map(|change| items[change.place].clone()).collect();
        places.into_iter().zip(moved).for_each(|(place, item)| items[place] = item);
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
    fn r06_one_identity_at_one_time_is_in_the_order_of_the_text_subject_included() {
        // By payload alone the first and the last are equal, and the one between them lies between them.
        let about =
            |subject: &str, ticket| Event { subject: Some(subject.to_owned()), ..change(ticket, "", "1") };
        let mut events: Vec<Event> =
            (0..60).map(|n| about(["a", "b", "c"][n * 7 % 3], ["t", "u"][n * 5 % 2])).collect();
        let mut texts: Vec<String> = events.iter().map(json::write).collect();
        texts.sort();
        sort(&mut events);
        // Versions of one ticket are equal here, so that nothing moves after the sort by text.
        assert_eq!(events.iter().map(json::write).collect::<Vec<_>>(), texts);
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

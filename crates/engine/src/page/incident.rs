//! One incident: its notifications per responder, joined into pages (R30).
//!
//! A notification joins the page before it when it is at most 60 s after the chain's last one and nothing in between
//! made it a new interruption. The page is at the first notification. Once the notification log speaks for an
//! incident, its proxies are silent. Notifications may come in any order: pages are cut anew each time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::PersonId;
use bellwether_model::{EventTime, Millis};
use serde::{Deserialize, Serialize};

/// An incident nothing was heard of for so long is over: later notifications would be late beyond the horizon.
const SILENT_FOR: Millis = Millis::days(40);

/// An event's identity, shared.
pub(crate) type EventKey = (Arc<str>, Arc<str>);

/// One notification that interrupts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Notification {
    /// When.
    pub at: EventTime,
    /// True when it is a proxy for a notification log.
    pub proxy: bool,
    /// Service.
    pub service: Arc<str>,
    /// System, where the source tells.
    pub system: Arc<str>,
    /// The event that told of it.
    pub event: EventKey,
}

/// What is known of an incident.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Incident {
    notifications: BTreeMap<PersonId, Vec<Notification>>,
    breaks: BTreeSet<EventTime>,
    has_log: bool,
    last_heard: Option<EventTime>,
}

impl Incident {
    /// Adds a notification; returns whose pages may have changed.
    pub(crate) fn notify(&mut self, person: PersonId, notification: Notification) -> BTreeSet<PersonId> {
        self.heard(notification.at);
        let log_begins = !notification.proxy && !self.has_log;
        self.has_log |= !notification.proxy;
        let list = self.notifications.entry(person.clone()).or_default();
        let place =
            list.partition_point(|known| (known.at, &known.event) <= (notification.at, &notification.event));
        list.insert(place, notification);
        if log_begins { self.notifications.keys().cloned().collect() } else { BTreeSet::from([person]) }
    }

    /// Notes what makes the next notification a new page; returns whose pages may have changed.
    pub(crate) fn break_chain(&mut self, at: EventTime) -> BTreeSet<PersonId> {
        self.heard(at);
        self.breaks.insert(at);
        self.notifications
            .iter()
            .filter(|(_, list)| list.last().is_some_and(|last| last.at >= at))
            .map(|(person, _)| person.clone())
            .collect()
    }

    /// The first notification of each page of a person, in order; `chain` apart at most is one page.
    pub(crate) fn pages_of(&self, person: &PersonId, chain: Millis) -> Vec<&Notification> {
        let mut pages: Vec<&Notification> = Vec::new();
        let mut last: Option<EventTime> = None;
        for notification in self.notifications.get(person).into_iter().flatten() {
            if notification.proxy && self.has_log {
                continue;
            }
            let joins = last.is_some_and(|last| {
                notification.at.since(last) <= chain && !self.broken_between(last, notification.at)
            });
            if !joins {
                pages.push(notification);
            }
            last = Some(notification.at);
        }
        pages
    }

    /// True when nothing more is to be expected of it.
    pub(crate) fn is_over(&self, now: EventTime) -> bool {
        self.last_heard.is_none_or(|last| now.since(last) > SILENT_FOR)
    }

    /// After `last`, up to and including `at`: an escalation and the notification it causes share an instant.
    fn broken_between(&self, last: EventTime, at: EventTime) -> bool {
        last < at && self.breaks.range(last.plus(Millis::from_ms(1))..=at).next().is_some()
    }

    fn heard(&mut self, at: EventTime) {
        self.last_heard = Some(self.last_heard.map_or(at, |last| last.max(at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> EventTime {
        EventTime::from_ms(seconds * 1000)
    }

    fn note(seconds: i64, proxy: bool) -> Notification {
        let event = (Arc::from("pagerduty://acme"), Arc::from(format!("e{seconds}{proxy}").as_str()));
        Notification { at: at(seconds), proxy, service: "s".into(), system: "".into(), event }
    }

    /// Seconds at which ann is paged, given notifications and breaks in any order.
    fn check(notifications: &[(i64, bool)], breaks: &[i64], expected: &[i64]) {
        let ann = PersonId::from("ann");
        for order in [0, 1] {
            let mut incident = Incident::default();
            let mut list = notifications.to_vec();
            if order == 1 {
                list.reverse();
            }
            for (seconds, proxy) in list {
                incident.notify(ann.clone(), note(seconds, proxy));
            }
            for seconds in breaks {
                incident.break_chain(at(*seconds));
            }
            let pages: Vec<i64> =
                incident.pages_of(&ann, Millis::seconds(60)).iter().map(|page| page.at.ms() / 1000).collect();
            assert_eq!(pages, expected, "order {order}");
        }
    }

    #[test]
    fn r30_sixty_seconds_after_the_last_one_still_joins() {
        check(&[(0, false), (60, false)], &[], &[0]);
        check(&[(0, false), (61, false)], &[], &[0, 61]);
    }

    #[test]
    fn r30_the_chain_is_measured_from_its_last_notification() {
        check(&[(0, false), (50, false), (100, false)], &[], &[0]);
    }

    #[test]
    fn r30_an_unacknowledged_between_makes_a_second_page() {
        check(&[(0, false), (30, false)], &[20], &[0, 30]);
        check(&[(0, false), (30, false)], &[0], &[0]);
        check(&[(0, false), (30, false)], &[30], &[0, 30]);
    }

    #[test]
    fn r30_the_notification_log_silences_the_proxies_of_the_incident() {
        check(&[(0, true), (300, false)], &[], &[300]);
        check(&[(0, true), (300, true)], &[], &[0, 300]);
    }
}
